"""Reads and changes what is traced by Triton's own clients; each line that is printed is something that held.

Usage: trace_settings_client.py GRPC_HOST:PORT HTTP_HOST:PORT. The models are those of trace-settings.test.ts.
"""

import sys

import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from tritonclient.utils import InferenceServerException


def held(what: str, condition: bool = True) -> None:
    assert condition, what
    print(what)


def refused(what: str, call, words: str) -> None:
    try:
        call()
    except InferenceServerException as error:
        held(f"{what} ({error.message()})", words in error.message())
        return
    held(what, False)


def texts(settings) -> dict[str, str]:
    """Of either client: one text a setting."""
    if isinstance(settings, dict):
        return {name: value[0] if isinstance(value, list) else value for name, value in settings.items()}
    return {name: value.value[0] for name, value in settings.settings.items()}


GRPC = triton_grpc.InferenceServerClient(sys.argv[1])
HTTP = triton_http.InferenceServerClient(sys.argv[2])
FIXED = {"trace_mode": "opentelemetry", "trace_file": "", "log_frequency": "0"}
AT_START = {"trace_level": "TIMESTAMPS", "trace_rate": "4", "trace_count": "-1", **FIXED}

for name, mine, other in (("gRPC", GRPC, HTTP), ("HTTP", HTTP, GRPC)):

    def now(model: str | None = None) -> dict[str, str]:
        told, told_too = texts(mine.get_trace_settings(model)), texts(other.get_trace_settings(model))
        assert told == told_too, (told, told_too)
        return told

    held(f"{name}: what the options say", now() == AT_START and now("one") == AT_START)
    changed = mine.update_trace_settings(settings={"trace_level": ["OFF"], "trace_rate": "10", "trace_count": "5"})
    expected = {**AT_START, "trace_level": "OFF", "trace_rate": "10", "trace_count": "5"}
    held(f"{name}: the answer to a change is what holds", texts(changed) == expected and now() == expected)
    held(f"{name}: models follow", now("one") == expected)
    own = texts(mine.update_trace_settings("one", {"trace_level": "TIMESTAMPS", "trace_rate": "2"}))
    held(f"{name}: a model has settings of its own", own == {**expected, "trace_level": "TIMESTAMPS", "trace_rate": "2"})
    held(f"{name}: and nobody else has them", now("one") == own and now("two") == expected and now() == expected)
    mine.update_trace_settings(settings={"trace_rate": "7", "trace_count": None})
    held(f"{name}: what a model has not set follows", now("one") == {**own, "trace_count": "-1"})
    cleared = texts(mine.update_trace_settings("one", {"trace_level": None}))
    held(f"{name}: what is cleared follows again", cleared == {**own, "trace_level": "OFF", "trace_count": "-1"})
    mine.update_trace_settings("one", {"trace_rate": None})
    mine.update_trace_settings(settings=FIXED)
    everything = {"trace_level": None, "trace_rate": None, "trace_count": None, **dict.fromkeys(FIXED)}
    held(f"{name}: cleared, the options count", texts(mine.update_trace_settings(settings=everything)) == AT_START)

    for setting, value, words in (
        ("trace_level", ["TENSORS"], "expected OFF or TIMESTAMPS"),
        ("trace_level", ["TIMESTAMPS", "TENSORS"], "expected OFF or TIMESTAMPS"),
        ("trace_rate", "-1", "trace_rate: expected 0"),
        ("trace_rate", "0.5", "trace_rate: expected 0"),
        ("trace_rate", "4294967296", "trace_rate: expected 0"),
        ("trace_count", "-2", "trace_count: expected -1"),
        ("trace_count", ["1", "2"], "trace_count: expected -1"),
        ("trace_file", "/tmp/trace.json", "--trace-endpoint"),
        ("log_frequency", "50", "OTEL_BSP_SCHEDULE_DELAY"),
        ("trace_mode", "triton", "cannot be changed"),
        ("trace_cat", "1", "there is no setting trace_cat"),
    ):
        both = {"trace_rate": "3", setting: value}
        refused(f"{name}: {setting} {value} is refused", lambda: mine.update_trace_settings(settings=both), words)
    refused(f"{name}: a model that is not there", lambda: mine.get_trace_settings("cat"), "cat")
    refused(f"{name}: cannot be set", lambda: mine.update_trace_settings("cat", {"trace_rate": "1"}), "cat")
    held(f"{name}: what is refused changes nothing", now() == AT_START)

held("the extension is told", "trace" in GRPC.get_server_metadata().extensions)
