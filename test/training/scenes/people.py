"""Stick people with the 17 joints of COCO, who stand, have fallen, or are on their way between."""

import math

import numpy as np

from .canvas import Canvas, between, colour, extent, generator, grid, joined
from .shapes import apart, size_of

JOINTS = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
STATES = ("Fall", "Stand", "UnCertain")
MOST = 3
# How exactly each joint can be told, as COCO has it for its object key-point similarity.
SIGMAS = [
    0.026,
    0.025,
    0.025,
    0.035,
    0.035,
    0.079,
    0.079,
    0.072,
    0.072,
    0.062,
    0.062,
    0.107,
    0.107,
    0.087,
    0.087,
    0.089,
    0.089,
]

# The 16 points of MPII as sums of COCO's joints: [(joint, weight), ...].
_SHOULDERS = lambda weight: [(5, weight / 2), (6, weight / 2)]
MPII_OF_COCO = (
    [(16, 1)],
    [(14, 1)],
    [(12, 1)],
    [(11, 1)],
    [(13, 1)],
    [(15, 1)],
    [(11, 0.5), (12, 0.5)],
    _SHOULDERS(1),
    [*_SHOULDERS(0.65), (0, 0.35)],
    [*_SHOULDERS(-0.8), (0, 1.8)],
    [(10, 1)],
    [(8, 1)],
    [(6, 1)],
    [(5, 1)],
    [(7, 1)],
    [(9, 1)],
)


def skeleton(rng, state):
    """Joints [17][x y] about the pelvis; the torso is 1 long. People face us: their left is on our right."""
    lean = {
        "Stand": between(rng, -0.25, 0.25),
        "UnCertain": between(rng, 0.6, 0.95) * (1 if rng.random() < 0.5 else -1),
        "Fall": between(rng, 1.25, 1.75) * (1 if rng.random() < 0.5 else -1),
    }[state]
    up = math.sin(lean), -math.cos(lean)
    side = math.cos(lean), math.sin(lean)

    def at(along, across):
        return up[0] * along + side[0] * across, up[1] * along + side[1] * across

    def limb(start, angle, length):
        return start[0] + length * math.sin(angle), start[1] + length * math.cos(angle)

    tilt = between(rng, -0.08, 0.08)
    nose = at(1.5, tilt)
    eyes = at(1.58, tilt + 0.09), at(1.58, tilt - 0.09)
    ears = at(1.55, tilt + 0.21), at(1.55, tilt - 0.21)
    shoulders = at(1.0, 0.33), at(1.0, -0.33)
    hips = at(0.0, 0.2), at(0.0, -0.2)
    elbows, wrists, knees, ankles = [], [], [], []
    # Angles of limbs count from hanging down; those of the fallen lie in line with the body.
    down = {"Stand": 0.0, "UnCertain": -0.3 * lean, "Fall": -lean}[state]
    for sign, shoulder, hip in zip((1, -1), shoulders, hips):
        arm = down + sign * between(rng, 0.05, 1.9)
        elbows.append(limb(shoulder, arm, 0.5))
        wrists.append(limb(elbows[-1], arm + sign * between(rng, -0.3, 1.3), 0.45))
        bend = between(rng, 0.5, 1.1) if state == "UnCertain" else between(rng, 0.02, 0.4)
        leg = down + sign * bend
        knees.append(limb(hip, leg, 0.68))
        shin = down - sign * between(rng, 0.2, 0.8) if state == "UnCertain" else leg - sign * between(rng, 0, 0.35)
        ankles.append(limb(knees[-1], shin, 0.65))
    pairs = [eyes, ears, shoulders, elbows, wrists, hips, knees, ankles]
    return [nose] + [point for pair in pairs for point in pair]


def draw_person(canvas, rng, joints, unit):
    """Draws joints in pixels, `unit` being the length of the torso; returns the box."""
    skin, shirt, trousers = colour(rng, 90), colour(rng), colour(rng)
    # The left side of the body is lighter, so that a limb tells its side.
    shades = ([min(255.0, 0.5 * c + 127) for c in tone] for tone in (skin, shirt, trousers)), (skin, shirt, trousers)
    thick = unit * between(rng, 0.07, 0.11)
    for side, (arm, sleeve, leg) in enumerate(shades):
        canvas.stroke(joints[11 + side], joints[13 + side], thick * 1.2, leg)
        canvas.stroke(joints[13 + side], joints[15 + side], thick, leg)
        canvas.stroke(joints[5 + side], joints[7 + side], thick, sleeve)
        canvas.stroke(joints[7 + side], joints[9 + side], thick * 0.85, arm)
    canvas.polygon([joints[5], joints[6], joints[12], joints[11]], shirt)
    middle = [(joints[5][i] + joints[6][i]) / 2 for i in (0, 1)]
    canvas.stroke(middle, joints[0], thick * 0.8, skin)
    canvas.circle(joints[0], unit * 0.3, skin)
    for i in (3, 4):
        canvas.circle(joints[i], unit * 0.08, skin)
    for i in (1, 2):
        canvas.circle(joints[i], max(unit * 0.05, 0.5), (20, 20, 20))
    canvas.circle(joints[0], max(unit * 0.05, 0.5), (40, 40, 200))
    return joined([extent(joints, thick), extent([joints[0]], unit * 0.3)])


def state_of(rng):
    """Index into STATES: most people stand."""
    chance = rng.random()
    return 0 if chance < 0.2 else 1 if chance < 0.8 else 2


def people_scene(seed, size=None):
    """Up to MOST people: picture, boxes, joints [17][x y] in the order of COCO, states."""
    rng = generator(seed)
    width, height = size or size_of(rng)
    canvas = Canvas(width, height)
    canvas.background(rng)
    boxes, people, states = [], [], []
    for _ in range(int(rng.integers(1, MOST + 1))):
        state = state_of(rng)
        shape = skeleton(rng, STATES[state])
        left, top, right, bottom = extent(shape, 0.3)
        unit = min(width, height) * between(rng, 0.13, 0.27)
        unit = min(unit, (width - 4) / (right - left), (height - 4) / (bottom - top))
        x = between(rng, 1 - left * unit, width - 2 - right * unit)
        y = between(rng, 1 - top * unit, height - 2 - bottom * unit)
        joints = [(grid(px * unit + x), grid(py * unit + y)) for px, py in shape]
        if not apart(extent(joints, 0.3 * unit), boxes, 0.2):
            continue
        boxes.append(draw_person(canvas, rng, joints, unit))
        people.append(joints)
        states.append(state)
    canvas.light(rng)
    return {"picture": canvas.picture(), "boxes": boxes, "joints": people, "states": states}


def mpii(joints, scores=None):
    """The 16 points of MPII from COCO's 17: [16][x y score]."""
    scores = [1.0] * 17 if scores is None else scores
    points = []
    for sums in MPII_OF_COCO:
        weight = sum(abs(w) for _, w in sums)
        points.append(
            [sum(w * joints[j][axis] for j, w in sums) for axis in (0, 1)]
            + [sum(abs(w) * scores[j] for j, w in sums) / weight]
        )
    return points


def pose_sample(rng, noise=0.03):
    """A pose as the fall network meets it, and its state: 16 points [x y score] about the box of the person."""
    state = int(rng.integers(len(STATES)))
    joints = np.array(skeleton(rng, STATES[state]))
    joints[:, 0] *= 0.9 + 0.2 * rng.random()
    low, high = joints.min(0) - 0.3 * rng.random(2), joints.max(0) + 0.3 * rng.random(2)
    joints += noise * (2 * rng.random(joints.shape) - 1) * (high - low).max()
    points = np.array(mpii(joints, 0.3 + 0.7 * rng.random(17)))
    points[:, :2] = (points[:, :2] - low) / (high - low).max() - 0.5
    return points.astype(np.float32), state
