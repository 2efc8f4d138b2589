"""Frames as callers write them, and as the protocol sends them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from google.protobuf.duration_pb2 import Duration

from .geometry import Region
from .protocol import inference

if TYPE_CHECKING:
    from typing_extensions import Buffer

Color = Literal["bgr", "rgb"]
RawFormat = Literal["bgr", "rgb", "gray", "nv12"]

_FORMATS: dict[str, inference.PixelFormat] = {
    "bgr": inference.PIXEL_FORMAT_BGR8,
    "rgb": inference.PIXEL_FORMAT_RGB8,
    "gray": inference.PIXEL_FORMAT_GRAY8,
    "nv12": inference.PIXEL_FORMAT_NV12,
}


@dataclass(frozen=True)
class RawPicture:
    """Pixels that are not in an array, NV12 for instance. The format's layout is told at RawPicture in the protocol."""

    format: RawFormat
    width: int
    """Pixels, 1 to 16384; for NV12 even, as is the height."""
    height: int
    data: bytes
    stride: int = 0
    """Bytes from one row to the next; 0: rows are packed."""


@dataclass(frozen=True)
class Frame:
    """One item of a stream: a picture, or the text of a model that reads."""

    picture: Buffer | RawPicture | str
    """A JPEG, PNG or WebP file as bytes (or anything flat with a buffer); pixels as an array of 8-bit values with the
    shape (height, width, 3) or, grey, (height, width), whatever its strides; a RawPicture; or a text. A str is always
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

    regions: Sequence[Region] = ()
    """None: the whole picture is the one region."""


if TYPE_CHECKING:
    AnyFrame = Frame | Buffer | str


def frame_message(frame: AnyFrame) -> inference.Frame:
    """The frame as it is sent. Raises TypeError or ValueError for no picture, or a text with lone surrogates."""
    if not isinstance(frame, Frame):
        frame = Frame(frame)
    message = inference.Frame(frame_id=frame.id, priority=frame.priority)
    if frame.timeout is not None:
        message.timeout.CopyFrom(_duration(frame.timeout))
    if isinstance(frame.picture, str):
        message.text = frame.picture
        return message
    if isinstance(frame.picture, RawPicture):
        message.raw.CopyFrom(_raw_message(frame.picture))
        return message
    pixels = _view(frame.picture)
    if pixels.ndim == 1:
        message.encoded = pixels.tobytes()
    else:
        message.raw.CopyFrom(_raw_message(_packed(pixels, frame.color)))
    return message


def regions_of(frame: AnyFrame) -> Sequence[Region]:
    return frame.regions if isinstance(frame, RegionsFrame) else ()


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


def _packed(pixels: memoryview, color: Color) -> RawPicture:
    """Packed pixels, copied out of whatever strides the array has."""
    shape = pixels.shape or ()
    if color not in ("bgr", "rgb"):
        raise ValueError(f"color is one of bgr, rgb, not {color!r}")
    if len(shape) == 2:
        return RawPicture("gray", shape[1], shape[0], pixels.tobytes())
    if len(shape) == 3 and shape[2] == 3:
        return RawPicture(color, shape[1], shape[0], pixels.tobytes())
    raise ValueError(f"an array of pixels has the shape (height, width, 3) or (height, width), not {shape}")


def _raw_message(raw: RawPicture) -> inference.RawPicture:
    if raw.format not in _FORMATS:
        raise ValueError(f"format is one of {', '.join(_FORMATS)}, not {raw.format!r}")
    return inference.RawPicture(
        format=_FORMATS[raw.format], width=raw.width, height=raw.height, stride=raw.stride, data=raw.data
    )


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(seconds * 1e9))
    return duration
