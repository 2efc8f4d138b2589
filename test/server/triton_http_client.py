"""Drives a server with Triton's own HTTP client, unmodified. Prints a line for each thing that holds; fails at the first that does not."""

import pathlib
import sys
import urllib.request

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

ADDRESS = sys.argv[1]
MODEL = pathlib.Path(sys.argv[2]).read_bytes()
ROW = np.arange(16, dtype=np.float32).reshape(1, 16)


def held(what: str, fact: bool) -> None:
    if not fact:
        raise SystemExit(f"does not hold: {what}")
    print(what)


def asked(values: np.ndarray, datatype: str = "FP32", binary: bool = True) -> list:
    tensor = triton.InferInput("INPUT0", values.shape, datatype)
    tensor.set_data_from_numpy(values, binary_data=binary)
    return [tensor]


def refused(what: str, call, words: str) -> None:
    try:
        call()
    except InferenceServerException as error:
        held(what, words in error.message())
        return
    held(what, False)


def about(client: triton.InferenceServerClient) -> None:
    held("it lives and is ready", client.is_server_live() and client.is_server_ready())
    held("so is the model", client.is_model_ready("identity") and client.is_model_ready("identity", "1"))
    held("another one is not", not client.is_model_ready("cat"))
    held("the server has a name", client.get_server_metadata()["name"] == "sluice")
    held("the model has tensors", client.get_model_metadata("identity")["inputs"][0]["shape"] == [-1, 16])
    held("and a configuration", client.get_model_config("identity")["max_batch_size"] == 8)
    held("the index has it", {"identity", "texts"} <= {one["name"] for one in client.get_model_repository_index()})
    held("traces are off", client.get_trace_settings()["trace_level"] == ["OFF"])


def inference(client: triton.InferenceServerClient) -> None:
    for binary_in in (True, False):
        for binary_out in (True, False):
            outputs = [triton.InferRequestedOutput("OUTPUT0", binary_data=binary_out)]
            result = client.infer("identity", asked(ROW, binary=binary_in), outputs=outputs, request_id="7")
            held(f"tensors, binary {binary_in} {binary_out}", (result.as_numpy("OUTPUT0") == ROW).all())
            held("the id", result.get_response()["id"] == "7")
    result = client.infer("identity", asked(ROW))
    held("without outputs named", (result.as_numpy("OUTPUT0") == ROW).all())
    for coding in ("gzip", "deflate"):
        rows = np.repeat(ROW, 8, axis=0)
        result = client.infer(
            "identity", asked(rows), request_compression_algorithm=coding, response_compression_algorithm=coding
        )
        held(f"compressed by {coding}", (result.as_numpy("OUTPUT0") == rows).all())
    words = np.array([["one", "caf\u00e9"]], dtype=object)
    for binary in (True, False):
        outputs = [triton.InferRequestedOutput("OUTPUT0", binary_data=binary)]
        result = client.infer("texts", asked(words, "BYTES", binary), outputs=outputs)
        told = [one.decode() if isinstance(one, bytes) else one for one in result.as_numpy("OUTPUT0").flatten()]
        held(f"texts, binary {binary}", told == ["one", "caf\u00e9"])
    best = triton.InferRequestedOutput("OUTPUT0", class_count=2)
    result = client.infer("identity", asked(ROW), outputs=[best])
    held("the best classes", [one.decode() for one in result.as_numpy("OUTPUT0").flatten()] == ["15.000000:15", "14.000000:14"])
    refused("a shape that does not fit", lambda: client.infer("identity", asked(ROW[:, :3])), "INPUT0")
    refused("a model that is not there", lambda: client.infer("cat", asked(ROW)), "cat")
    waiting = [client.async_infer("identity", asked(ROW + number)) for number in range(20)]
    answers = [one.get_result().as_numpy("OUTPUT0") for one in waiting]
    held("calls side by side", all((answer == ROW + number).all() for number, answer in enumerate(answers)))


def bodies(client: triton.InferenceServerClient) -> None:
    """Bodies that programs make with the client and send by themselves."""
    body, length = client.generate_request_body(asked(ROW))
    held("a body of JSON and bytes", (posted(body, {"Inference-Header-Content-Length": str(length)}) == ROW).all())
    kinds = {"Inference-Header-Content-Length": "0"}, {"Content-Type": "application/octet-stream"}
    for headers in kinds:
        held("a body of nothing but bytes", (posted(ROW.tobytes(), headers) == ROW).all())
    body, length = client.generate_request_body(asked(ROW, binary=False))
    held("JSON has no length", length is None)
    held("a body of JSON by the type of bytes", (posted(body, {"Content-Type": "application/octet-stream"}) == ROW).all())


def posted(body: bytes, headers: dict) -> np.ndarray:
    request = urllib.request.Request(f"http://{ADDRESS}/v2/models/identity/infer", body, headers)
    with urllib.request.urlopen(request) as response:
        length = response.headers.get("Inference-Header-Content-Length")
        parsed = triton.InferenceServerClient.parse_response_body(
            response.read(), header_length=None if length is None else int(length)
        )
    return parsed.as_numpy("OUTPUT0")


def control(client: triton.InferenceServerClient) -> None:
    [stats] = client.get_inference_statistics("identity")["model_stats"]
    # Of several processes, one answers for itself.
    held("requests are counted", stats["inference_stats"]["success"]["count"] > 5)
    client.unload_model("identity")
    held("a model is unloaded", not client.is_model_ready("identity"))
    client.load_model("identity", config='{"max_batch_size": 2}')
    held("and loaded with another configuration", client.get_model_config("identity")["max_batch_size"] == 2)
    files = {"file:3/model.onnx": MODEL}
    client.load_model("identity", config='{"backend": "onnxruntime", "max_batch_size": 4}', files=files)
    held("and from files of the client", client.get_model_metadata("identity")["versions"] == ["3"])
    held("which serve", (client.infer("identity", asked(ROW)).as_numpy("OUTPUT0") == ROW).all())
    client.load_model("identity")
    held("until it is loaded again", client.get_model_metadata("identity")["versions"] == ["1"])
    refused("nonsense", lambda: client.load_model("identity", config='{"max_batch_sise": 2}'), "max_batch_sise")
    held("the log is told", client.get_log_settings()["log_info"] is True)
    held("and set", client.update_log_settings({"log_verbose_level": 1})["log_verbose_level"] == 1)
    refused("shared memory", client.get_system_shared_memory_status, "shared memory")


def main() -> None:
    with triton.InferenceServerClient(ADDRESS, concurrency=4) as client:
        about(client)
        inference(client)
        bodies(client)
        control(client)


main()
