"""Client of Sluice, a gRPC inference server for vision: frames go in, detections and embeddings come out in order."""

from .client import SluiceClient
from .frame import EmbedFrame, Frame
from .protocol import Box, DetectResponse, EmbedResponse, FivePoints, Point, RawPicture, Region

__all__ = [
    "Box",
    "DetectResponse",
    "EmbedFrame",
    "EmbedResponse",
    "FivePoints",
    "Frame",
    "Point",
    "RawPicture",
    "Region",
    "SluiceClient",
]
