"""Pictures of shapes: several of them with their outlines, turned bars, and single ones."""

import math

from .canvas import Canvas, between, colour, extent, generator, grid, pick, turned

CLASSES = ("circle", "square", "triangle", "star", "cross", "ring")
TURNED_CLASSES = ("bar", "oval", "arrow", "capsule")
MOST = 8
# Width and height of pictures; the first is the commonest.
SIZES = ((192, 160), (240, 180), (160, 200), (256, 192), (144, 128), (280, 150))


def size_of(rng):
    return SIZES[0] if rng.random() < 0.3 else pick(rng, SIZES)


def regular(corners, inner=None):
    """Corners of a regular polygon of radius 1, of a star where there is an inner radius."""
    count = corners if inner is None else 2 * corners
    radius = [1.0 if inner is None or i % 2 == 0 else inner for i in range(count)]
    return [
        (radius[i] * math.sin(2 * math.pi * i / count), -radius[i] * math.cos(2 * math.pi * i / count))
        for i in range(count)
    ]


CROSS = [
    (-1, -0.35),
    (-0.35, -0.35),
    (-0.35, -1),
    (0.35, -1),
    (0.35, -0.35),
    (1, -0.35),
    (1, 0.35),
    (0.35, 0.35),
    (0.35, 1),
    (-0.35, 1),
    (-0.35, 0.35),
    (-1, 0.35),
]
OUTLINES = {"square": regular(4), "triangle": regular(3), "star": regular(5, 0.42), "cross": CROSS}


def draw(canvas, rng, name, center, radius):
    """Draws a shape, with a pattern on most; returns its edges."""
    tone = colour(rng)
    if name in ("circle", "ring"):
        if name == "circle":
            canvas.circle(center, radius, tone)
        else:
            canvas.ring(center, radius, radius * between(rng, 0.3, 0.45), tone)
        return extent([center], radius)
    points = turned(OUTLINES[name], between(rng, 0, 2 * math.pi), center, radius)
    canvas.polygon(points, tone)
    return extent(points)


def apart(box, others, most=0.3):
    """Whether no two boxes share more than a part of the smaller one."""
    for other in others:
        width = min(box[2], other[2]) - max(box[0], other[0])
        height = min(box[3], other[3]) - max(box[1], other[1])
        smaller = min((b[2] - b[0]) * (b[3] - b[1]) for b in (box, other))
        if width > 0 and height > 0 and width * height > most * smaller:
            return False
    return True


def shape_scene(seed, size=None):
    """Up to MOST shapes: picture, boxes [left top right bottom], classes, and ids: pixel -> 1 + index of its shape."""
    rng = generator(seed)
    width, height = size or size_of(rng)
    canvas = Canvas(width, height)
    canvas.background(rng)
    boxes, classes = [], []
    for _ in range(int(rng.integers(1, MOST + 1))):
        radius = grid(min(width, height) * between(rng, 0.07, 0.24))
        center = grid(between(rng, radius, width - 1 - radius)), grid(between(rng, radius, height - 1 - radius))
        if not apart(extent([center], radius), boxes):
            continue
        kind = int(rng.integers(len(CLASSES)))
        canvas.mark = len(boxes) + 1
        boxes.append(draw(canvas, rng, CLASSES[kind], center, radius))
        classes.append(kind)
    canvas.light(rng)
    return {"picture": canvas.picture(), "boxes": boxes, "classes": classes, "ids": canvas.ids}


def draw_turned(canvas, rng, name, center, width, height, angle):
    tone = colour(rng)
    place = lambda points: turned([(x * width / 2, y * height / 2) for x, y in points], angle, center)
    if name == "bar":
        canvas.polygon(place([(-1, -1), (1, -1), (1, 1), (-1, 1)]), tone)
    elif name == "oval":
        canvas.ellipse(center, (width / 2, height / 2), angle, tone)
    elif name == "arrow":
        canvas.polygon(place([(-1, -0.4), (0.1, -0.4), (0.1, -1), (1, 0), (0.1, 1), (0.1, 0.4), (-1, 0.4)]), tone)
    else:
        end = 1 - height / width
        canvas.stroke(*place([(-end, 0), (end, 0)]), height / 2, tone)
        canvas.stroke(*place([(-end * 0.7, 0), (end * 0.7, 0)]), height / 6, colour(rng))


def turned_scene(seed, size=None):
    """Long things at any angle: boxes [x y width height angle], width the longer side, angle in -pi/4 .. 3pi/4."""
    rng = generator(seed)
    width, height = size or size_of(rng)
    canvas = Canvas(width, height)
    canvas.background(rng)
    boxes, classes, taken = [], [], []
    for _ in range(int(rng.integers(1, MOST + 1))):
        long = grid(min(width, height) * between(rng, 0.2, 0.5))
        short = grid(long * between(rng, 0.25, 0.6))
        center = grid(between(rng, long / 2, width - 1 - long / 2)), grid(between(rng, long / 2, height - 1 - long / 2))
        angle = grid(64 * between(rng, -math.pi / 4, 3 * math.pi / 4)) / 64
        corners = turned(
            [(-long / 2, -short / 2), (long / 2, -short / 2), (long / 2, short / 2), (-long / 2, short / 2)],
            angle,
            center,
        )
        if not apart(extent(corners), taken, 0.2):
            continue
        kind = int(rng.integers(len(TURNED_CLASSES)))
        draw_turned(canvas, rng, TURNED_CLASSES[kind], center, long, short, angle)
        taken.append(extent(corners))
        boxes.append([*center, long, short, angle])
        classes.append(kind)
    canvas.light(rng)
    return {"picture": canvas.picture(), "boxes": boxes, "classes": classes}


def single_scene(seed):
    """One shape that fills most of the picture: picture and class."""
    rng = generator(seed)
    width, height = pick(rng, ((80, 64), (100, 100), (96, 72), (64, 80)))
    canvas = Canvas(width, height)
    canvas.background(rng)
    radius = min(width, height) * between(rng, 0.26, 0.45)
    center = grid(between(rng, radius, width - 1 - radius)), grid(between(rng, radius, height - 1 - radius))
    kind = int(rng.integers(len(CLASSES)))
    draw(canvas, rng, CLASSES[kind], center, radius)
    canvas.light(rng)
    return {"picture": canvas.picture(), "class": kind}
