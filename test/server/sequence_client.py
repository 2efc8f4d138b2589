"""Sequences as Triton's own client asks for them; each line that is printed is something that held.

Usage: sequence_client.py HOST:PORT. The models are those of sequences-clients.test.ts.
"""

import queue
import sys
import threading

import numpy as np
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

ADDRESS = sys.argv[1]


def given(value: float) -> list[triton.InferInput]:
    one = triton.InferInput("INPUT", [1, 1], "FP32")
    one.set_data_from_numpy(np.array([[value]], dtype=np.float32))
    return [one]


def held(what: str, condition: bool = True) -> None:
    assert condition, what
    print(what, flush=True)


def sums(values: list[float]) -> list[float]:
    return [float(one) for one in np.cumsum(values)]


def step(client: triton.InferenceServerClient, model: str, sequence: int | str, values: list[float], index: int) -> float:
    result = client.infer(
        model,
        given(values[index]),
        sequence_id=sequence,
        sequence_start=index == 0,
        sequence_end=index == len(values) - 1,
    )
    return float(result.as_numpy("OUTPUT")[0, 0])


def interleaved(client: triton.InferenceServerClient, model: str) -> None:
    """Two sequences step by step, one of them with a text as its id."""
    first, second = [1.0, 2.0, 3.0], [10.0, 20.0, 30.0]
    found = [(step(client, model, 1001, first, at), step(client, model, "one", second, at)) for at in range(3)]
    held(f"{model}: interleaved", found == list(zip(sums(first), sums(second))))


def streamed(model: str, sequence: int, values: list[float]) -> list[float]:
    answers: queue.Queue = queue.Queue()
    with triton.InferenceServerClient(ADDRESS) as client:
        client.start_stream(lambda result, error: answers.put((result, error)))
        for index, value in enumerate(values):
            client.async_stream_infer(
                model,
                given(value),
                sequence_id=sequence,
                sequence_start=index == 0,
                sequence_end=index == len(values) - 1,
            )
        found = []
        for _ in values:
            result, error = answers.get(timeout=30)
            assert error is None, error
            found.append(float(result.as_numpy("OUTPUT")[0, 0]))
        client.stop_stream()
    return found


def many(model: str) -> None:
    """More clients than slots, each with a stream of its own."""
    found: dict[int, list[float]] = {}
    wanted = {one: [float(one * 100 + at) for at in range(20)] for one in range(1, 11)}

    def run(one: int) -> None:
        found[one] = streamed(model, one, wanted[one])

    threads = [threading.Thread(target=run, args=(one,)) for one in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held(f"{model}: ten clients at once", found == {one: sums(values) for one, values in wanted.items()})


def refused(client: triton.InferenceServerClient, what: str, **sequence) -> None:
    try:
        client.infer("direct", given(1.0), **sequence)
    except InferenceServerException as error:
        held(f"{what} is refused", "sequence" in error.message() and "INVALID_ARGUMENT" in error.status())
        return
    raise AssertionError(f"{what} was answered")


with triton.InferenceServerClient(ADDRESS) as grpc:
    for name in ("direct", "oldest"):
        interleaved(grpc, name)
        many(name)
    refused(grpc, "a request without a sequence")
    refused(grpc, "a first request without a start", sequence_id=77)
    config = grpc.get_model_config("oldest", as_json=True)["config"]["sequence_batching"]
    held("the configuration has the strategy", config["oldest"]["max_candidate_sequences"] == 3)
    held("and the state", config["state"][0]["input_name"] == "STATE_IN")
    inputs = grpc.get_model_metadata("direct", as_json=True)["inputs"]
    held("clients see only what they send", [one["name"] for one in inputs] == ["INPUT"])
