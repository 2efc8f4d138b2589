"""Client of Sluice, a gRPC inference server for vision: frames go in, what is found in them comes out in order."""

from .channel import Tls
from .client import SluiceClient
from .frame import Frame, RegionsFrame
from .protocol import (
    Box,
    ClassifyResponse,
    DetectResponse,
    EmbedResponse,
    FivePoints,
    Point,
    RawPicture,
    Region,
    SegmentResponse,
)

__all__ = [
    "Box",
    "ClassifyResponse",
    "DetectResponse",
    "EmbedResponse",
    "FivePoints",
    "Frame",
    "Point",
    "RawPicture",
    "Region",
    "RegionsFrame",
    "SegmentResponse",
    "SluiceClient",
    "Tls",
]
