"""The client of one Sluice server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Literal

import grpc

from . import protocol
from .exchange import Exchange
from .flight_limit import FlightLimit
from .frame import EmbedFrame, Frame, frame_message

if TYPE_CHECKING:
    from typing_extensions import Buffer

FramePolicy = Literal["ordered", "latest"]

_FRAME_POLICIES = {"ordered": protocol.FRAME_POLICY_ORDERED, "latest": protocol.FRAME_POLICY_LATEST}

_UNLIMITED_MESSAGES = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]

_SERVER_WINDOW = 8
"""Frames in flight in the server where a stream asks for none; see StreamOptions.window."""


class SluiceClient:
    """A client of one Sluice server, for any number of streams at once and from any thread.

    Frames are taken from an iterable, one by one, as the server answers: a video of any length needs the memory of a
    few frames. A frame that failed is answered with `result.frame.error` set (`result.frame.HasField("error")`), and
    the stream goes on; a stream that failed raises grpc.RpcError with `code()` and `details()`.
    """

    def __init__(self, address: str, connect_timeout: float = 5.0) -> None:
        """Connects to "host:port". Raises ConnectionError when no server answers within `connect_timeout` seconds."""
        self._channel = grpc.insecure_channel(address, options=_UNLIMITED_MESSAGES)
        try:
            grpc.channel_ready_future(self._channel).result(timeout=connect_timeout)
        except grpc.FutureTimeoutError:
            self._channel.close()
            raise ConnectionError(f"no Sluice server answers at {address} within {connect_timeout:g} s") from None
        self._stub = protocol.InferenceStub(self._channel)

    def __enter__(self) -> SluiceClient:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; open streams fail."""
        self._channel.close()

    def detect(
        self,
        frames: Iterable[Frame | Buffer],
        *,
        model: str = "",
        version: str = "",
        frame_policy: FramePolicy = "ordered",
        window: int = 0,
        score_threshold: float | None = None,
        nms_threshold: float | None = None,
        class_ids: Sequence[int] = (),
        max_detections: int = 0,
    ) -> Iterator[protocol.DetectResponse]:
        """Finds objects in each frame and yields one answer for each, in order.

        A frame is a Frame, or just its picture. `model` may be left out where the server has only one that detects,
        `version` for the newest. With `frame_policy` "latest" a frame that still waits when a newer one arrives is
        dropped. `window` is how many frames may be in flight in the server, 1 to its limit, 0: its default. The
        thresholds lie in 0 to 1 and, like `max_detections` 0, are the model's where left out; of `class_ids` none
        means all.
        """
        options = protocol.DetectOptions(
            stream=_stream_options(model, version, frame_policy, window),
            score_threshold=score_threshold,
            nms_threshold=nms_threshold,
            class_ids=class_ids,
            max_detections=max_detections,
        )
        opening = protocol.DetectRequest(options=options)
        return Exchange(frames, _detect_request, opening, _flight_limit(frame_policy, window)).run(self._stub.Detect)

    def embed(
        self,
        frames: Iterable[Frame | Buffer],
        *,
        model: str = "",
        version: str = "",
        frame_policy: FramePolicy = "ordered",
        window: int = 0,
    ) -> Iterator[protocol.EmbedResponse]:
        """Turns each frame, or the regions of an EmbedFrame, into feature vectors. The rest is as for `detect`."""
        options = protocol.EmbedOptions(stream=_stream_options(model, version, frame_policy, window))
        opening = protocol.EmbedRequest(options=options)
        return Exchange(frames, _embed_request, opening, _flight_limit(frame_policy, window)).run(self._stub.Embed)


def _as_frame(frame: Frame | Buffer) -> Frame:
    return frame if isinstance(frame, Frame) else Frame(frame)


def _detect_request(frame: Frame | Buffer) -> protocol.DetectRequest:
    return protocol.DetectRequest(frame=frame_message(_as_frame(frame)))


def _embed_request(frame: Frame | Buffer) -> protocol.EmbedRequest:
    whole = _as_frame(frame)
    regions = whole.regions if isinstance(whole, EmbedFrame) else ()
    return protocol.EmbedRequest(frame=frame_message(whole), regions=regions)


def _stream_options(model: str, version: str, frame_policy: FramePolicy, window: int) -> protocol.StreamOptions:
    if frame_policy not in _FRAME_POLICIES:
        raise ValueError(f"frame_policy is one of {', '.join(_FRAME_POLICIES)}, not {frame_policy!r}")
    return protocol.StreamOptions(
        model=model, version=version, frame_policy=_FRAME_POLICIES[frame_policy], window=window
    )


def _flight_limit(frame_policy: FramePolicy, window: int) -> FlightLimit:
    """As many frames on their way as the server works on, so that its window never runs empty. Live video must not
    wait for answers: the server drops what is late."""
    return FlightLimit(None if frame_policy == "latest" else 2 * (window or _SERVER_WINDOW))
