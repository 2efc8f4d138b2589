"""Asks a server everything that Triton's own client can ask; each line that is printed is something that held.

Usage: kserve_client.py HOST:PORT IDENTITY.onnx. The models are those of tensors-clients.test.ts.
"""

import asyncio
import pathlib
import queue
import sys

import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

ADDRESS = sys.argv[1]
MODEL = pathlib.Path(sys.argv[2]).read_bytes()
ROW = np.arange(16, dtype=np.float32).reshape(1, 16)


def given(name: str, values: np.ndarray, datatype: str) -> triton.InferInput:
    one = triton.InferInput(name, list(values.shape), datatype)
    one.set_data_from_numpy(values)
    return one


def held(what: str, condition: bool = True) -> None:
    assert condition, what
    print(what)


def identity(values: np.ndarray = ROW) -> list[triton.InferInput]:
    return [given("INPUT0", values, "FP32")]


def about(client: triton.InferenceServerClient) -> None:
    held("live and ready", client.is_server_live() and client.is_server_ready())
    held("a model is ready", client.is_model_ready("identity") and client.is_model_ready("identity", "1"))
    held("one that is not there is not ready", not client.is_model_ready("nobody"))
    server = client.get_server_metadata(as_json=True)
    held("the server tells its name and extensions", server["name"] == "sluice" and "statistics" in server["extensions"])
    model = client.get_model_metadata("add_sub", as_json=True)
    held("the metadata has the tensors", [one["name"] for one in model["inputs"]] == ["INPUT0", "INPUT1"])
    held("shapes have the batch", model["inputs"][0]["shape"] == ["-1", "16"] and model["inputs"][0]["datatype"] == "INT32")
    config = client.get_model_config("add_sub", as_json=True)["config"]
    held("the configuration has it apart", config["max_batch_size"] == 8 and config["input"][0]["dims"] == ["16"])
    held("the engine is named", config["backend"] == "onnxruntime" and config["platform"] == "onnxruntime_onnx")
    index = client.get_model_repository_index(as_json=True)["models"]
    held("the index has every model", {"add_sub", "identity", "texts"} <= {one["name"] for one in index})
    held("with its state", all(one["state"] == "READY" for one in index))


def unary(client: triton.InferenceServerClient) -> None:
    first = np.arange(32, dtype=np.int32).reshape(2, 16)
    second = np.ones((2, 16), dtype=np.int32)
    inputs = [given("INPUT0", first, "INT32"), given("INPUT1", second, "INT32")]
    result = client.infer("add_sub", inputs, request_id="7")
    held("sum and difference", bool((result.as_numpy("OUTPUT0") == first + second).all()))
    held("of both rows", bool((result.as_numpy("OUTPUT1") == first - second).all()))
    held("the id comes back", result.get_response().id == "7")
    result = client.infer("add_sub", inputs, outputs=[triton.InferRequestedOutput("OUTPUT1")])
    held("only what was asked for", result.as_numpy("OUTPUT0") is None and result.as_numpy("OUTPUT1") is not None)
    texts = np.array([["größer".encode(), b"", b"ab c"]], dtype=np.object_)
    result = client.infer("texts", [given("INPUT0", texts, "BYTES")])
    held("texts", result.as_numpy("OUTPUT0").tolist() == texts.tolist())
    halves = np.array([[0.5, -2]], dtype=np.float16)
    held("half precision", bool((client.infer("halves", [given("INPUT0", halves, "FP16")]).as_numpy("OUTPUT0") == halves).all()))
    short = np.array([[1.5, -2, 3.25]], dtype=triton_to_np_dtype("BF16"))
    held("BF16", bool((client.infer("brains", [given("INPUT0", short, "BF16")]).as_numpy("OUTPUT0") == short).all()))
    best = triton.InferRequestedOutput("OUTPUT0", class_count=2)
    told = client.infer("identity", identity(), outputs=[best]).as_numpy("OUTPUT0")
    held("the best classes", told.tolist() == [[b"15.000000:15", b"14.000000:14"]])
    held("compressed", client.infer("identity", identity(), compression_algorithm="gzip").as_numpy("OUTPUT0") is not None)
    held("with a priority and a time", client.infer("identity", identity(), priority=1, timeout=5_000_000).as_numpy("OUTPUT0") is not None)
    try:
        client.infer("identity", [given("INPUT0", ROW.astype(np.float64), "FP64")])
        held("a wrong type was taken", False)
    except InferenceServerException as error:
        held("a wrong type is refused", error.status() == "StatusCode.INVALID_ARGUMENT" and "INPUT0" in error.message())


def asynchronous(client: triton.InferenceServerClient) -> None:
    ends: queue.Queue = queue.Queue()
    for number in range(40):
        client.async_infer("identity", identity(ROW + number), callback=lambda result, error, n=number: ends.put((n, result, error)))
    answers = sorted((ends.get(timeout=30) for _ in range(40)), key=lambda end: end[0])
    held("answers to calls side by side", all(error is None for _, _, error in answers))
    held("each its own", all((result.as_numpy("OUTPUT0") == ROW + number).all() for number, result, _ in answers))


def streaming(client: triton.InferenceServerClient) -> None:
    ends: queue.Queue = queue.Queue()
    client.start_stream(callback=lambda result, error: ends.put((result, error)))
    for number in range(20):
        values = ROW + number if number != 9 else ROW[:, :3]
        client.async_stream_infer("identity", identity(values), request_id=str(number), enable_empty_final_response=True)
    answers = [ends.get(timeout=30) for _ in range(20)]
    client.stop_stream()
    good = [result for result, error in answers if error is None]
    held("a stream answers in order", [one.get_response().id for one in good] == [str(n) for n in range(20) if n != 9])
    held("and goes on after a request that failed", answers[9][1] is not None and "INPUT0" in answers[9][1].message())
    held("each answer is the last", all(one.get_response().parameters["triton_final_response"].bool_param for one in good))


async def with_asyncio() -> None:
    async with triton_aio.InferenceServerClient(ADDRESS) as client:
        results = await asyncio.gather(*(client.infer("identity", identity(ROW * number)) for number in range(20)))
        held("asyncio", all((result.as_numpy("OUTPUT0") == ROW * n).all() for n, result in enumerate(results)))

        async def requests():
            for number in range(5):
                yield {"model_name": "identity", "inputs": identity(ROW + number), "request_id": str(number)}

        told = [result.get_response().id async for result, error in client.stream_infer(requests()) if error is None]
        held("streams of asyncio", told == ["0", "1", "2", "3", "4"])


def statistics(client: triton.InferenceServerClient) -> None:
    before = client.get_inference_statistics("counted", as_json=True)["model_stats"][0]
    client.infer("counted", identity(np.repeat(ROW, 3, axis=0)))
    client.infer("counted", identity())
    [after] = client.get_inference_statistics("counted", as_json=True)["model_stats"]
    held("nothing has happened yet", "inference_count" not in before)
    held("rows and executions are counted", after["inference_count"] == "4" and after["execution_count"] == "2")
    sums = after["inference_stats"]
    held("so are requests", sums["success"]["count"] == "2" and int(sums["compute_infer"]["ns"]) > 0)
    held("and sizes of batches", [one["batch_size"] for one in after["batch_stats"]] == ["1", "3"])
    held("with the time of the last", int(after["last_inference"]) > 1_600_000_000_000)


def control(client: triton.InferenceServerClient) -> None:
    client.unload_model("identity")
    held("a model is unloaded", not client.is_model_ready("identity"))
    client.load_model("identity", config='{"max_batch_size": 2}')
    held("and loaded with another configuration", client.get_model_config("identity", as_json=True)["config"]["max_batch_size"] == 2)
    client.load_model("identity")
    held("and without it again", client.get_model_config("identity", as_json=True)["config"]["max_batch_size"] == 8)
    client.load_model("identity", config='{"backend": "onnxruntime", "max_batch_size": 4}', files={"file:3/model.onnx": MODEL})
    held("and from files of the client", client.get_model_metadata("identity").versions == ["3"])
    held("which serve", (client.infer("identity", identity()).as_numpy("OUTPUT0") == ROW).all())
    client.load_model("identity")
    held("until it is loaded again", client.get_model_metadata("identity").versions == ["1"])
    try:
        client.load_model("identity", config='{"max_batch_sise": 2}')
        held("nonsense was taken", False)
    except InferenceServerException as error:
        held("nonsense is refused, and what serves stays", "max_batch_sise" in error.message() and client.is_model_ready("identity"))
    settings = client.get_log_settings(as_json=True)["settings"]
    held("the log is told", settings["log_info"]["bool_param"] is True)
    client.update_log_settings({"log_verbose_level": 1})
    held("and set", client.get_log_settings(as_json=True)["settings"]["log_verbose_level"]["uint32_param"] == 1)


def main() -> None:
    with triton.InferenceServerClient(ADDRESS) as client:
        about(client)
        unary(client)
        asynchronous(client)
        streaming(client)
        statistics(client)
        control(client)
    asyncio.run(with_asyncio())


main()
