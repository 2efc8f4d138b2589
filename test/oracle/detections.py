"""What the detectors' decoder should give, from its definition in float64: see detection_heads.py for the outputs."""

import numpy as np

from detection_heads import HEADS
from families import FAMILIES
from nms import suppress
from wire import serve

MAX_CANDIDATES = 4096
EPSILON = 1e-7


def turning(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def spread(box, angle):
    """Centre and covariance of a turned box, and the determinant of that."""
    width, height = box[2] - box[0], box[3] - box[1]
    turn = turning(angle)
    covariance = turn @ np.diag([width**2 / 12, height**2 / 12]) @ turn.T
    return (box[:2] + box[2:]) / 2, covariance, (width * height / 12) ** 2


def rotated_overlap(one, other):
    """The probabilistic intersection over union: 1 less the Hellinger distance of two normal distributions."""
    (centre_a, cov_a, det_a), (centre_b, cov_b, det_b) = one, other
    a, b, c = (cov_a + cov_b)[[0, 1, 0], [0, 1, 1]]
    x, y = centre_a - centre_b
    both = np.linalg.det(cov_a + cov_b)
    apart = ((a * y**2 + b * x**2) / 4 - c * x * y / 2) / (both + EPSILON)
    unlike = np.log(both / (4 * np.sqrt(det_a * det_b) + EPSILON) + EPSILON) / 2
    distance = np.clip(apart + max(unlike, 0), EPSILON, 100)
    return 1 - np.sqrt(1 - np.exp(-distance) + EPSILON)


def suppress_rotated(boxes, angles, labels, rule, threshold):
    kept, judges = [], []
    shapes = [spread(box, angle) for box, angle in zip(boxes, angles)]
    for i, shape in enumerate(shapes):
        suppressed = any(labels[j] == labels[i] and rotated_overlap(shapes[j], shape) > threshold for j in judges)
        if not suppressed:
            kept.append(i)
        if rule == "fast" or not suppressed:
            judges.append(i)
    return kept


def choose(found, request):
    """Indices of the candidates that compete, best first."""
    with np.errstate(invalid="ignore"):
        wanted = (found.scores > request["scoreThreshold"]) & (found.gates > request["scoreThreshold"])
    if request["classIds"] is not None:
        wanted &= np.isin(found.labels, request["classIds"])
    for parts in (found.scores, found.boxes, found.angles, found.points, found.values):
        wanted &= np.isfinite(parts).all(axis=tuple(range(1, parts.ndim)))
    indices = np.flatnonzero(wanted)
    return indices[np.argsort(-found.scores[indices], kind="stable")][:MAX_CANDIDATES]


def survivors(found, spec, request):
    best = choose(found, request)
    labels = np.zeros(len(best), int) if spec["classAgnostic"] else found.labels[best]
    rule, threshold = spec["nmsRule"], request["nmsThreshold"]
    if found.suppression == "none":
        return best
    if found.suppression == "rotated":
        return best[suppress_rotated(found.boxes[best], found.angles[best], labels, rule, threshold)]
    table = np.column_stack([found.boxes[best], found.scores[best], labels])
    return best[suppress(table, rule, threshold)]


def corners_of(box, angle):
    if angle == 0:
        return np.array([[box[x], box[y]] for x in (0, 2) for y in (1, 3)])
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    return np.array([centre + turning(angle) @ (half * [x, y]) for x in (-1, 1) for y in (-1, 1)])


def row_of(found, i, matrix):
    box, angle = found.boxes[i], found.angles[i]
    corners = corners_of(box, angle) @ matrix[:, :2].T + matrix[:, 2]
    row = [*corners.min(axis=0), *corners.max(axis=0), found.scores[i], found.labels[i]]
    if found.suppression == "rotated":
        along, across = (matrix[:, :2] @ turning(angle)).T
        sides = np.abs(box[2:] - box[:2]) * [np.linalg.norm(along), np.linalg.norm(across)]
        centre = matrix[:, :2] @ ((box[:2] + box[2:]) / 2) + matrix[:, 2]
        row += [*centre, *sides, np.arctan2(*along[::-1])]
    for point in found.points[i]:
        row += [*(matrix[:, :2] @ point[:2] + matrix[:, 2]), *point[2:]]
    return [*row, *found.values[i]]


def detections(case):
    spec, request = case["spec"], case["request"]
    with np.errstate(all="ignore"):
        outputs = [
            data.reshape(1, *output["shape"]) for output, data in zip(case["outputs"], case["data"], strict=True)
        ]
        found = (HEADS | FAMILIES)[spec["task"]](spec, outputs)
        matrix = np.array(request["matrix"], np.float64).reshape(2, 3)
        kept = survivors(found, spec, request)[: request["maxDetections"]]
        return np.array([row_of(found, i, matrix) for i in kept], np.float64)


serve(lambda request: [detections(case) for case in request["cases"]])
