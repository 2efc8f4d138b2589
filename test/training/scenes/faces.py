"""Drawn faces with five landmarks, and identities: faces whose looks come from a seed of their own."""

import math

import numpy as np

from .canvas import Canvas, between, colour, extent, generator, grid, joined, pick, turned
from .shapes import apart, size_of

MOST = 6
# Looks are drawn on the picture from stream 1 of their seed, so that they never depend on the scene around.
LOOK_STREAM = 1
SKINS = ((140, 170, 225), (110, 150, 205), (80, 115, 170), (60, 85, 130), (150, 190, 240), (95, 130, 190))


class Look:
    """What makes a face this face and no other. Lengths are in halves of the height of the head."""

    def __init__(self, seed):
        rng = generator(seed, LOOK_STREAM)
        shade = between(rng, 0.8, 1.1)
        self.skin = [min(255.0, shade * c) for c in pick(rng, SKINS)]
        self.hair = colour(rng, 0, 220)
        self.iris = colour(rng, 0, 200)
        self.lips = [between(rng, 30, 120), between(rng, 20, 100), between(rng, 120, 230)]
        self.width = between(rng, 0.62, 0.88)
        self.eye_x, self.eye_y = between(rng, 0.27, 0.4), between(rng, -0.3, -0.08)
        self.eye = between(rng, 0.1, 0.18), between(rng, 0.07, 0.13)
        self.pupil = between(rng, 0.05, 0.09)
        self.brow = between(rng, 0.025, 0.08), between(rng, -0.1, 0.1), between(rng, 0.17, 0.26)
        self.nose = between(rng, 0.12, 0.3), between(rng, 0.06, 0.16)
        self.mouth = between(rng, 0.2, 0.4), between(rng, 0.46, 0.64), between(rng, 0.03, 0.08)
        self.fringe = between(rng, 0.55, 0.85)
        self.crown = between(rng, 1.02, 1.25)
        self.beard = rng.random() < 0.3
        self.glasses = colour(rng, 0, 120) if rng.random() < 0.3 else None
        self.marks = [
            (between(rng, -0.5, 0.5), between(rng, -0.1, 0.75), between(rng, 0.03, 0.07))
            for _ in range(int(rng.integers(0, 4)))
        ]


def draw_face(canvas, rng, look, center, size, angle, squeeze=1.0):
    """
    Draws a face; `size` is half the height of the head, `squeeze` its width to that of a face looking at us.
    Returns its box and its landmarks: eyes, nose, corners of the mouth; those on the left of an upright picture first.
    """

    def at(x, y):
        return turned([(x * squeeze, y)], angle, center, size)[0]

    def oval(x, y, a, b, tone):
        canvas.ellipse(at(x, y), (a * size * squeeze, b * size), angle, tone)

    smile, gaze = between(rng, -0.06, 0.1), between(rng, -0.03, 0.03)
    dark = [0.55 * c for c in look.skin]
    oval(0, -0.08, look.width * 1.08, look.crown, look.hair)
    oval(0, 0, look.width, 1, look.skin)
    if look.beard:
        oval(0, 0.72, look.width * 0.6, 0.28, look.hair)
    # The fringe: an arc of hair over the forehead.
    hairline = [(-look.width * 0.8, -look.fringe + 0.2), (0, -look.fringe), (look.width * 0.8, -look.fringe + 0.2)]
    top = [(look.width * 0.55, -0.98), (0, -1.08), (-look.width * 0.55, -0.98)]
    canvas.polygon([at(*p) for p in hairline + top], look.hair)
    eyes = [(-look.eye_x, look.eye_y), (look.eye_x, look.eye_y)]
    for side, (x, y) in zip((-1, 1), eyes):
        oval(x, y, *look.eye, (240, 240, 240))
        oval(x + gaze, y, look.pupil, look.pupil, look.iris)
        thick, tilt, reach = look.brow
        canvas.stroke(
            at(x - side * reach, y - 0.2 + tilt), at(x + side * reach, y - 0.2 - tilt), thick * size, look.hair
        )
        if look.glasses is not None:
            canvas.ring(at(x, y), 0.25 * size, 0.05 * size, look.glasses)
    nose = (0, look.eye_y + look.nose[0] + 0.2)
    canvas.polygon([at(0, look.eye_y + 0.1), at(look.nose[1], nose[1]), at(-look.nose[1], nose[1])], dark, 0.7)
    half, down, thick = look.mouth
    corners = [(-half, down), (half, down)]
    for a, b in zip(corners, [(0, down + smile)] * 2):
        canvas.stroke(at(*a), at(*b), thick * size, look.lips)
    for x, y, radius in look.marks:
        canvas.circle(at(x, y), max(radius * size, 0.4), dark)
    landmarks = [at(*p) for p in [*eyes, nose, *corners]]
    rim = [at(look.width * math.cos(t), math.sin(t)) for t in np.arange(24) * (math.pi / 12)]
    return extent(rim), landmarks


def face_scene(seed, size=None):
    """Up to MOST faces: picture, boxes [left top right bottom], landmarks [5][x y]."""
    rng = generator(seed)
    width, height = size or size_of(rng)
    canvas = Canvas(width, height)
    canvas.background(rng, 10)
    boxes, landmarks = [], []
    for _ in range(int(rng.integers(1, MOST + 1))):
        half = grid(min(width, height) * between(rng, 0.08, 0.3))
        center = grid(between(rng, half, width - 1 - half)), grid(between(rng, half, height - 1 - half))
        if not apart(extent([center], half * 1.2), boxes, 0.15):
            continue
        look = Look(int(rng.integers(1 << 40)))
        box, points = draw_face(canvas, rng, look, center, half, between(rng, -0.6, 0.6), between(rng, 0.85, 1))
        boxes.append(box)
        landmarks.append(points)
    canvas.light(rng)
    return {"picture": canvas.picture(), "boxes": boxes, "landmarks": landmarks}


def identity_scene(identity, seed):
    """One face of an identity, turned, lit and placed by `seed`: picture, box and landmarks [5][x y]."""
    rng = generator(seed, 2)
    width, height = pick(rng, ((160, 160), (128, 144), (200, 170)))
    canvas = Canvas(width, height)
    canvas.background(rng)
    half = grid(min(width, height) * between(rng, 0.28, 0.42))
    center = grid(width / 2 + between(rng, -8, 8)), grid(height / 2 + between(rng, -8, 8))
    box, landmarks = draw_face(canvas, rng, Look(identity), center, half, between(rng, -0.5, 0.5), between(rng, 0.8, 1))
    canvas.light(rng)
    return {"picture": canvas.picture(), "box": joined([box]), "landmarks": landmarks}
