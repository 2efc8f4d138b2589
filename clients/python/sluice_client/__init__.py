"""Client of Sluice, a gRPC inference server for vision: frames go in, what is found in them comes out in order."""

from .aio_client import AsyncSluiceClient
from .channel import Tls
from .client import SluiceClient
from .frame import Frame, RawPicture, RegionsFrame
from .geometry import Box, FivePoints, Point, Region, RotatedBox
from .options import ClassifyOptions, DetectOptions, EmbedOptions, SegmentOptions
from .repository import ModelVersion
from .results import (
    Classification,
    ClassifyResult,
    ClassScore,
    Detection,
    DetectResult,
    Embedding,
    EmbedResult,
    FrameError,
    FrameInfo,
    KeyPoint,
    Mask,
    SegmentedClass,
    SegmentResult,
    Stage,
    Timings,
    Track,
)

__all__ = [
    "AsyncSluiceClient",
    "Box",
    "ClassScore",
    "Classification",
    "ClassifyOptions",
    "ClassifyResult",
    "DetectOptions",
    "DetectResult",
    "Detection",
    "EmbedOptions",
    "EmbedResult",
    "Embedding",
    "FivePoints",
    "Frame",
    "FrameError",
    "FrameInfo",
    "KeyPoint",
    "Mask",
    "ModelVersion",
    "Point",
    "RawPicture",
    "Region",
    "RegionsFrame",
    "RotatedBox",
    "SegmentOptions",
    "SegmentResult",
    "SegmentedClass",
    "SluiceClient",
    "Stage",
    "Timings",
    "Tls",
    "Track",
]
