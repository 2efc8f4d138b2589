"""Options of the calls, as callers write them. What is left out is the server's or the model's to choose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

FramePolicy = Literal["ordered", "latest"]
MaskFormat = Literal["run_lengths", "png"]


class StreamOptions(TypedDict, total=False):
    """What every stream may choose."""

    model: str
    """May be left out where the server has only one model that answers the call."""
    version: str
    """A version number; left out: the newest."""
    frame_policy: FramePolicy
    """With "latest" a frame that still waits when a newer one arrives is dropped; left out: "ordered", none is."""
    window: int
    """Frames that may be in flight in the server: 1 to its limit."""
    deadline: float
    """Seconds after which the whole stream fails with DEADLINE_EXCEEDED; left out: never."""


class DetectOptions(StreamOptions, total=False):
    score_threshold: float | None
    """Only detections that score more: 0 to 1."""
    nms_threshold: float | None
    """Of two boxes of a class that overlap by more, the better one stays: 0 to 1."""
    class_ids: Sequence[int]
    """Only these classes; left out: all."""
    max_detections: int
    """At most this many a frame, best first."""
    mask_format: MaskFormat
    """How models with masks tell them; left out: "run_lengths"."""
    annotate: bool
    """Also answer with the picture, as a JPEG, with everything that was found drawn into it."""


class EmbedOptions(StreamOptions, total=False):
    pass


class ClassifyOptions(StreamOptions, total=False):
    top_k: int
    """So many classes of each region, best first."""
    score_threshold: float | None
    """Only classes that score more: 0 to 1."""


class SegmentOptions(StreamOptions, total=False):
    probability_map: bool
    """Also answer with how sure the model is of each pixel."""
