"""The generated protocol; its reference is proto/sluice/v1/inference.proto."""

try:
    from .gen.inference_pb2 import (
        FRAME_POLICY_LATEST,
        FRAME_POLICY_ORDERED,
        PIXEL_FORMAT_BGR8,
        PIXEL_FORMAT_GRAY8,
        PIXEL_FORMAT_RGB8,
        Box,
        Detection,
        DetectOptions,
        DetectRequest,
        DetectResponse,
        EmbedOptions,
        EmbedRequest,
        EmbedResponse,
        FivePoints,
        Frame,
        FrameInfo,
        PixelFormat,
        Point,
        RawPicture,
        Region,
        StreamOptions,
    )
    from .gen.inference_pb2_grpc import InferenceStub
except ModuleNotFoundError as error:
    if error.name is None or not error.name.startswith(__package__):
        raise
    raise ImportError("the protocol's code is not generated yet: run `make clients`, or see the README") from error

__all__ = [
    "FRAME_POLICY_LATEST",
    "FRAME_POLICY_ORDERED",
    "PIXEL_FORMAT_BGR8",
    "PIXEL_FORMAT_GRAY8",
    "PIXEL_FORMAT_RGB8",
    "Box",
    "DetectOptions",
    "DetectRequest",
    "DetectResponse",
    "Detection",
    "EmbedOptions",
    "EmbedRequest",
    "EmbedResponse",
    "FivePoints",
    "Frame",
    "FrameInfo",
    "InferenceStub",
    "PixelFormat",
    "Point",
    "RawPicture",
    "Region",
    "StreamOptions",
]
