"""The client of one Sluice server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Literal

import grpc

from . import protocol
from .channel import Tls, WithToken, open_channel
from .exchange import Exchange
from .flight_limit import FlightLimit
from .frame import Frame, RegionsFrame, frame_message

if TYPE_CHECKING:
    from typing_extensions import Buffer

FramePolicy = Literal["ordered", "latest"]
MaskFormat = Literal["run_lengths", "png"]

_FRAME_POLICIES = {"ordered": protocol.FRAME_POLICY_ORDERED, "latest": protocol.FRAME_POLICY_LATEST}
_MASK_FORMATS = {"run_lengths": protocol.MASK_FORMAT_RUN_LENGTHS, "png": protocol.MASK_FORMAT_PNG}

_SERVER_WINDOW = 8
"""Frames in flight in the server where a stream asks for none; see StreamOptions.window."""


class SluiceClient:
    """A client of one Sluice server, for any number of streams at once and from any thread.

    Frames are taken from an iterable, one by one, as the server answers: a video of any length needs the memory of a
    few frames. A frame that failed is answered with `result.frame.error` set (`result.frame.HasField("error")`), and
    the stream goes on; a stream that failed raises grpc.RpcError with `code()` and `details()`.
    """

    def __init__(
        self,
        address: str,
        connect_timeout: float = 5.0,
        *,
        tls: Tls | None = None,
        token: str = "",
    ) -> None:
        """Connects to "host:port": by TLS if `tls` is given, and with `token` where the server asks for one.

        Raises ConnectionError when no server answers within `connect_timeout` seconds.
        """
        self._channel = open_channel(address, tls)
        try:
            grpc.channel_ready_future(self._channel).result(timeout=connect_timeout)
        except grpc.FutureTimeoutError:
            self._channel.close()
            how = "" if tls is None else " over TLS, or none with a certificate that is trusted"
            raise ConnectionError(f"no Sluice server answers at {address} within {connect_timeout:g} s{how}") from None
        calls = self._channel if token == "" else grpc.intercept_channel(self._channel, WithToken(token))
        self._stub = protocol.InferenceStub(calls)

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
        mask_format: MaskFormat = "run_lengths",
        annotate: bool = False,
    ) -> Iterator[protocol.DetectResponse]:
        """Finds objects in each frame and yields one answer for each, in order.

        A frame is a Frame, or just its picture; for models that look at one object at a time (poses), a RegionsFrame
        with the boxes of the objects, each yielding one detection. `model` may be left out where the server has only
        one that detects, `version` for the newest. With `frame_policy` "latest" a frame that still waits when a newer
        one arrives is dropped. `window` is how many frames may be in flight in the server, 1 to its limit, 0: its
        default. The thresholds lie in 0 to 1 and, like `max_detections` 0, are the model's where left out; of
        `class_ids` none means all. `mask_format` is how models with masks tell them. With `annotate` the answer also
        has the picture, as a JPEG, with everything that was found drawn into it (`result.annotated`).
        """
        if mask_format not in _MASK_FORMATS:
            raise ValueError(f"mask_format is one of {', '.join(_MASK_FORMATS)}, not {mask_format!r}")
        options = protocol.DetectOptions(
            stream=_stream_options(model, version, frame_policy, window),
            score_threshold=score_threshold,
            nms_threshold=nms_threshold,
            class_ids=class_ids,
            max_detections=max_detections,
            mask_format=_MASK_FORMATS[mask_format],
            annotate=annotate,
        )
        opening = protocol.DetectRequest(options=options)
        return Exchange(frames, _detect_request, opening, _flight_limit(frame_policy, window)).run(self._stub.Detect)

    def embed(
        self,
        frames: Iterable[Frame | Buffer | str],
        *,
        model: str = "",
        version: str = "",
        frame_policy: FramePolicy = "ordered",
        window: int = 0,
    ) -> Iterator[protocol.EmbedResponse]:
        """Turns each frame, or the regions of a RegionsFrame, into feature vectors. The rest is as for `detect`.

        By a model that reads, a frame is a text: a str, or a Frame around one.
        """
        options = protocol.EmbedOptions(stream=_stream_options(model, version, frame_policy, window))
        opening = protocol.EmbedRequest(options=options)
        return Exchange(frames, _embed_request, opening, _flight_limit(frame_policy, window)).run(self._stub.Embed)

    def classify(
        self,
        frames: Iterable[Frame | Buffer | str],
        *,
        model: str = "",
        version: str = "",
        frame_policy: FramePolicy = "ordered",
        window: int = 0,
        top_k: int = 0,
        score_threshold: float | None = None,
    ) -> Iterator[protocol.ClassifyResponse]:
        """Tells what each frame, or each region of a RegionsFrame, shows. The rest is as for `embed`.

        Each classification has its `top_k` best classes, best first, that score more than `score_threshold`; left out,
        both are the model's.
        """
        options = protocol.ClassifyOptions(
            stream=_stream_options(model, version, frame_policy, window),
            top_k=top_k,
            score_threshold=score_threshold,
        )
        opening = protocol.ClassifyRequest(options=options)
        exchange = Exchange(frames, _classify_request, opening, _flight_limit(frame_policy, window))
        return exchange.run(self._stub.Classify)

    def segment(
        self,
        frames: Iterable[Frame | Buffer],
        *,
        model: str = "",
        version: str = "",
        frame_policy: FramePolicy = "ordered",
        window: int = 0,
        probability_map: bool = False,
    ) -> Iterator[protocol.SegmentResponse]:
        """Tells the class of every pixel of each frame. The rest is as for `detect`.

        The answer's `class_map` is a grey PNG as large as the picture; with `probability_map` it also has one of how
        sure the model is of each pixel. A frame with regions raises ValueError.
        """
        options = protocol.SegmentOptions(
            stream=_stream_options(model, version, frame_policy, window), probability_map=probability_map
        )
        opening = protocol.SegmentRequest(options=options)
        exchange = Exchange(frames, _segment_request, opening, _flight_limit(frame_policy, window))
        return exchange.run(self._stub.Segment)


def _as_frame(frame: Frame | Buffer | str) -> Frame:
    return frame if isinstance(frame, Frame) else Frame(frame)


def _regions(frame: Frame | Buffer | str) -> Sequence[protocol.Region]:
    return frame.regions if isinstance(frame, RegionsFrame) else ()


def _detect_request(frame: Frame | Buffer) -> protocol.DetectRequest:
    return protocol.DetectRequest(frame=frame_message(_as_frame(frame)), regions=_regions(frame))


def _embed_request(frame: Frame | Buffer | str) -> protocol.EmbedRequest:
    return protocol.EmbedRequest(frame=frame_message(_as_frame(frame)), regions=_regions(frame))


def _classify_request(frame: Frame | Buffer | str) -> protocol.ClassifyRequest:
    return protocol.ClassifyRequest(frame=frame_message(_as_frame(frame)), regions=_regions(frame))


def _segment_request(frame: Frame | Buffer) -> protocol.SegmentRequest:
    if _regions(frame):
        raise ValueError("segment looks at the whole picture; send the frame without regions")
    return protocol.SegmentRequest(frame=frame_message(_as_frame(frame)))


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
