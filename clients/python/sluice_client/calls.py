"""The four calls: what each sends and how it is answered, for clients that wait in either way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from .answers import classify_result, detect_result, embed_result, segment_result
from .frame import frame_message, regions_of
from .geometry import region_message
from .options import ClassifyOptions, DetectOptions, EmbedOptions, SegmentOptions, StreamOptions
from .protocol import inference
from .results import ClassifyResult, DetectResult, EmbedResult, SegmentResult

if TYPE_CHECKING:
    from .frame import AnyFrame

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
ResultT = TypeVar("ResultT")

_FRAME_POLICIES = {"ordered": inference.FRAME_POLICY_ORDERED, "latest": inference.FRAME_POLICY_LATEST}
_MASK_FORMATS = {"run_lengths": inference.MASK_FORMAT_RUN_LENGTHS, "png": inference.MASK_FORMAT_PNG}

_SERVER_WINDOW = 8
"""Frames in flight in the server where a stream asks for none; see StreamOptions.window in the protocol."""


@dataclass(frozen=True)
class Stream:
    """What every stream chooses."""

    options: inference.StreamOptions
    most_in_flight: int | None
    """Frames that may be sent and not yet answered; None: only HTTP/2 flow control holds the sender back."""
    deadline: float | None


@dataclass(frozen=True)
class Call(Generic[RequestT, ResponseT, ResultT]):
    """One stream to be."""

    path: str
    stream: Stream
    opening: RequestT
    """The first message: it carries the options alone, so that mistakes in them are told even where no frame is."""
    request: Callable[[AnyFrame], RequestT]
    """Raises TypeError or ValueError for what cannot be sent."""
    serialize: Callable[[RequestT], bytes]
    deserialize: Callable[[bytes], ResponseT]
    result: Callable[[ResponseT], ResultT]


DetectCall = Call[inference.DetectRequest, inference.DetectResponse, DetectResult]
EmbedCall = Call[inference.EmbedRequest, inference.EmbedResponse, EmbedResult]
ClassifyCall = Call[inference.ClassifyRequest, inference.ClassifyResponse, ClassifyResult]
SegmentCall = Call[inference.SegmentRequest, inference.SegmentResponse, SegmentResult]


def detect_call(options: DetectOptions) -> DetectCall:
    stream = _stream(options, DetectOptions)
    mask_format = options.get("mask_format", "run_lengths")
    if mask_format not in _MASK_FORMATS:
        raise ValueError(f"mask_format is one of {', '.join(_MASK_FORMATS)}, not {mask_format!r}")
    message = inference.DetectOptions(
        stream=stream.options,
        score_threshold=options.get("score_threshold"),
        nms_threshold=options.get("nms_threshold"),
        class_ids=options.get("class_ids", ()),
        max_detections=options.get("max_detections", 0),
        mask_format=_MASK_FORMATS[mask_format],
        annotate=options.get("annotate", False),
    )
    return Call(
        path="/sluice.v1.Inference/Detect",
        stream=stream,
        opening=inference.DetectRequest(options=message),
        request=lambda frame: inference.DetectRequest(frame=frame_message(frame), regions=_regions(frame)),
        serialize=inference.DetectRequest.SerializeToString,
        deserialize=inference.DetectResponse.FromString,
        result=detect_result,
    )


def embed_call(options: EmbedOptions) -> EmbedCall:
    stream = _stream(options, EmbedOptions)
    return Call(
        path="/sluice.v1.Inference/Embed",
        stream=stream,
        opening=inference.EmbedRequest(options=inference.EmbedOptions(stream=stream.options)),
        request=lambda frame: inference.EmbedRequest(frame=frame_message(frame), regions=_regions(frame)),
        serialize=inference.EmbedRequest.SerializeToString,
        deserialize=inference.EmbedResponse.FromString,
        result=embed_result,
    )


def classify_call(options: ClassifyOptions) -> ClassifyCall:
    stream = _stream(options, ClassifyOptions)
    message = inference.ClassifyOptions(
        stream=stream.options,
        top_k=options.get("top_k", 0),
        score_threshold=options.get("score_threshold"),
    )
    return Call(
        path="/sluice.v1.Inference/Classify",
        stream=stream,
        opening=inference.ClassifyRequest(options=message),
        request=lambda frame: inference.ClassifyRequest(frame=frame_message(frame), regions=_regions(frame)),
        serialize=inference.ClassifyRequest.SerializeToString,
        deserialize=inference.ClassifyResponse.FromString,
        result=classify_result,
    )


def segment_call(options: SegmentOptions) -> SegmentCall:
    stream = _stream(options, SegmentOptions)
    message = inference.SegmentOptions(stream=stream.options, probability_map=options.get("probability_map", False))
    return Call(
        path="/sluice.v1.Inference/Segment",
        stream=stream,
        opening=inference.SegmentRequest(options=message),
        request=_segment_request,
        serialize=inference.SegmentRequest.SerializeToString,
        deserialize=inference.SegmentResponse.FromString,
        result=segment_result,
    )


def _stream(options: StreamOptions, kind: type[StreamOptions]) -> Stream:
    """As many frames on their way as the server works on, so that its window never runs empty. Live video must not wait
    for answers: the server drops what is late. Raises TypeError for an option that `kind` has not."""
    unknown = options.keys() - kind.__annotations__.keys()
    if unknown:
        raise TypeError(f"there is no option {', '.join(sorted(unknown))}; there are {', '.join(kind.__annotations__)}")
    frame_policy = options.get("frame_policy", "ordered")
    if frame_policy not in _FRAME_POLICIES:
        raise ValueError(f"frame_policy is one of {', '.join(_FRAME_POLICIES)}, not {frame_policy!r}")
    window = options.get("window", 0)
    message = inference.StreamOptions(
        model=options.get("model", ""),
        version=options.get("version", ""),
        frame_policy=_FRAME_POLICIES[frame_policy],
        window=window,
    )
    most_in_flight = None if frame_policy == "latest" else 2 * (window or _SERVER_WINDOW)
    return Stream(message, most_in_flight, options.get("deadline"))


def _regions(frame: AnyFrame) -> list[inference.Region]:
    return [region_message(region) for region in regions_of(frame)]


def _segment_request(frame: AnyFrame) -> inference.SegmentRequest:
    if regions_of(frame):
        raise ValueError("segment looks at the whole picture; send the frame without regions")
    return inference.SegmentRequest(frame=frame_message(frame))
