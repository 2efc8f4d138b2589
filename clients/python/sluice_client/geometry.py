"""Places in pictures, both told by answers and taken as regions of frames. Coordinates are pixels of the picture."""

from __future__ import annotations

from dataclasses import dataclass

from .protocol import inference


@dataclass(frozen=True)
class Point:
    x: float
    y: float


@dataclass(frozen=True)
class Box:
    """Edges, left < right and top < bottom."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class FivePoints:
    """A face's landmarks; left and right as seen in the picture."""

    left_eye: Point
    right_eye: Point
    nose: Point
    left_mouth_corner: Point
    right_mouth_corner: Point


@dataclass(frozen=True)
class RotatedBox:
    """A box of `width` by `height` about `center`, turned by `angle` radians from the x axis towards the y axis."""

    center: Point
    width: float
    height: float
    angle: float


Region = Box | FivePoints
"""Part of a picture: a box, clipped to the picture, which it must overlap; or five points, by which the picture is
aligned to the model's template."""


def point_of(message: inference.Point) -> Point:
    return Point(message.x, message.y)


def box_of(message: inference.Box) -> Box:
    return Box(message.left, message.top, message.right, message.bottom)


def rotated_box_of(message: inference.RotatedBox) -> RotatedBox:
    return RotatedBox(point_of(message.center), message.width, message.height, message.angle)


def region_message(region: Region) -> inference.Region:
    if isinstance(region, Box):
        box = inference.Box(left=region.left, top=region.top, right=region.right, bottom=region.bottom)
        return inference.Region(box=box)
    return inference.Region(
        landmarks=inference.FivePoints(
            left_eye=_point_message(region.left_eye),
            right_eye=_point_message(region.right_eye),
            nose=_point_message(region.nose),
            left_mouth_corner=_point_message(region.left_mouth_corner),
            right_mouth_corner=_point_message(region.right_mouth_corner),
        )
    )


def _point_message(point: Point) -> inference.Point:
    return inference.Point(x=point.x, y=point.y)
