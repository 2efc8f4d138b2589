"""Frames as callers write them, and as the protocol sends them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from google.protobuf.duration_pb2 import Duration

from . import protocol

if TYPE_CHECKING:
    from typing_extensions import Buffer

Color = Literal["bgr", "rgb"]

_COLOR_FORMATS = {"bgr": protocol.PIXEL_FORMAT_BGR8, "rgb": protocol.PIXEL_FORMAT_RGB8}


@dataclass(frozen=True)
class Frame:
    """One item of a stream: a picture, or the text of a model that reads."""

    picture: Buffer | protocol.RawPicture | str
    """A JPEG, PNG or WebP file as bytes (or anything flat with a buffer); pixels as an array of 8-bit values with the
    shape (height, width, 3) or, grey, (height, width); a RawPicture, for NV12 for instance; or a text. A str is always
    the text itself, never a path."""

    id: str = ""
    """Repeated by the answer; at most 256 bytes."""

    timeout: float | None = None
    """Seconds after which the answer is worth nothing; more than 0. None: the model's default."""

    priority: int = 0
    """From 1, the first; 0: the model's default."""

    color: Color = "bgr"
    """Order of the channels of an array; OpenCV's by default."""


@dataclass(frozen=True)
class RegionsFrame(Frame):
    """A picture with the parts of it that count, for `detect`, `embed` and `classify`."""

    regions: Sequence[protocol.Region] = ()
    """None: the whole picture is the one region."""


def frame_message(frame: Frame) -> protocol.Frame:
    """The frame as it is sent. Raises TypeError or ValueError for no picture, or a text with lone surrogates."""
    message = protocol.Frame(frame_id=frame.id, priority=frame.priority)
    if frame.timeout is not None:
        message.timeout.CopyFrom(_duration(frame.timeout))
    if isinstance(frame.picture, str):
        message.text = frame.picture
        return message
    if isinstance(frame.picture, protocol.RawPicture):
        message.raw.CopyFrom(frame.picture)
        return message
    pixels = _view(frame.picture)
    if pixels.ndim == 1:
        message.encoded = pixels.tobytes()
    else:
        message.raw.CopyFrom(_raw_picture(pixels, frame.color))
    return message


def _view(picture: Buffer) -> memoryview:
    try:
        view = memoryview(picture)
    except TypeError:
        name = type(picture).__name__
        raise TypeError(
            f"a frame is the bytes of a file, an array of pixels, a RawPicture or a text, not {name}"
        ) from None
    if view.format != "B":
        raise ValueError(f"pixels are 8-bit values, not of the format {view.format!r}; convert the array to uint8")
    return view


def _raw_picture(pixels: memoryview, color: Color) -> protocol.RawPicture:
    """Packed pixels, copied out of whatever strides the array has."""
    shape = pixels.shape or ()
    if len(shape) == 2:
        pixel_format: protocol.PixelFormat = protocol.PIXEL_FORMAT_GRAY8
    elif len(shape) == 3 and shape[2] == 3:
        pixel_format = _color_format(color)
    else:
        raise ValueError(f"an array of pixels has the shape (height, width, 3) or (height, width), not {shape}")
    return protocol.RawPicture(format=pixel_format, width=shape[1], height=shape[0], data=pixels.tobytes())


def _color_format(color: Color) -> protocol.PixelFormat:
    if color not in _COLOR_FORMATS:
        raise ValueError(f"color is one of {', '.join(_COLOR_FORMATS)}, not {color!r}")
    return _COLOR_FORMATS[color]


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(seconds * 1e9))
    return duration
