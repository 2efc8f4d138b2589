"""What each detector's outputs mean: its candidates, from the definitions, in float64 where nothing rounds to float32."""

from dataclasses import dataclass

import numpy as np

ANCHORS = {
    3: [[10, 13, 16, 30, 33, 23], [30, 61, 62, 45, 59, 119], [116, 90, 156, 198, 373, 326]],
    4: [
        [19, 27, 44, 40, 38, 94],
        [96, 68, 86, 152, 180, 137],
        [140, 301, 303, 264, 238, 542],
        [436, 615, 739, 380, 925, 792],
    ],
}


@dataclass
class Candidates:
    """All things that may be an object, in the order of the model."""

    scores: np.ndarray
    labels: np.ndarray
    # What has to be above the threshold beside the score.
    gates: np.ndarray
    # left top right bottom, as float32 holds them.
    boxes: np.ndarray
    angles: np.ndarray
    # [n, points, 2 or 3]
    points: np.ndarray
    values: np.ndarray
    # none, boxes or rotated
    suppression: str = "boxes"


def candidates(scores, labels, boxes, **others):
    count = len(scores)
    empty = {
        "gates": scores,
        "angles": np.zeros(count),
        "points": np.zeros((count, 0, 2)),
        "values": np.zeros((count, 0)),
    }
    rounded = boxes.astype(np.float32).astype(np.float64)
    return Candidates(np.asarray(scores, np.float64), labels, boxes=rounded, **(empty | others))


def sigmoid(values):
    return (1 / (1 + np.exp(-values.astype(np.float64)))).astype(np.float32)


def around(x, y, width, height):
    return np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=-1)


def best_class(scores):
    """The best of each row and its place, the first of equal ones; what is not a number never wins."""
    usable = np.where(np.isnan(scores), -np.inf, scores)
    labels = usable.argmax(axis=1)
    return usable[np.arange(len(usable)), labels], labels


def centerface(spec, outputs):
    heat, scale, offset, landmarks = (output[0] for output in outputs)
    planes, rows, columns = heat.shape
    flat = [output.reshape(output.shape[0], -1).T.astype(np.float64) for output in (scale, offset, landmarks)]
    cells = np.stack(np.divmod(np.arange(rows * columns), columns), axis=1)  # y, x
    size = np.exp(flat[0]) * 4  # height, width
    corner = (cells + flat[1] + 0.5) * 4 - size / 2
    boxes = np.concatenate([corner[:, ::-1], (corner + size)[:, ::-1]], axis=1)
    points = corner[:, None] + flat[2].reshape(-1, 5, 2) * size[:, None]
    return candidates(heat.ravel(), np.zeros(rows * columns, int), boxes, points=points[:, :, ::-1])


def with_objectness(scores, boxes, logits):
    """Of rows of an objectness and the scores of classes."""
    best, labels = best_class(scores[:, 1:])
    objectness = sigmoid(scores[:, 0]) if logits else scores[:, 0]
    product = objectness * (sigmoid(best) if logits else best)
    # A logit that stands for no chance at all is no candidate, however low the threshold.
    gates = np.where((best == -np.inf) | (scores[:, 0] == -np.inf), -np.inf, objectness.astype(np.float64))
    return candidates(product, labels, boxes, gates=gates)


def yolo(spec, outputs):
    rows = next(output[0] for output in outputs if output.ndim == 3)
    box = rows[:, :4].astype(np.float64).T
    return with_objectness(rows[:, 4:], around(*box), spec["logits"])


def raw_yolo(spec, outputs):
    (output,) = (output[0] for output in outputs)
    anchors, planes, cells = output.shape
    strides = spec["strides"] or [8, 16, 32]
    tables = spec["anchors"] or ANCHORS[len(strides)]
    grid, stride, sizes = [], [], []
    for level, step in enumerate(strides):
        width, height = -(-spec["width"] // step), -(-spec["height"] // step)
        y, x = np.mgrid[0:height, 0:width]
        grid.append(np.stack([x.ravel(), y.ravel()], axis=1))
        stride.append(np.full(width * height, step))
        size = np.zeros((anchors, 2)) if spec["task"] == "yolox_raw" else np.array(tables[level]).reshape(-1, 2)
        sizes.append(np.repeat(size.astype(np.float32)[:, None], width * height, axis=1))
    grid, stride, sizes = np.concatenate(grid), np.concatenate(stride)[:, None], np.concatenate(sizes, axis=1)
    values = output.transpose(0, 2, 1)  # anchor, cell, plane
    if spec["task"] == "yolox_raw":
        centre = (values[..., :2].astype(np.float64) + grid) * stride
        size = np.exp(values[..., 2:4].astype(np.float64)) * stride
    else:
        unit = sigmoid(values[..., :4]).astype(np.float64)
        centre = (2 * unit[..., :2] - 0.5 + grid) * stride
        size = (2 * unit[..., 2:]) ** 2 * sizes
    boxes = around(centre[..., 0], centre[..., 1], size[..., 0], size[..., 1]).reshape(-1, 4)
    return with_objectness(values[..., 4:].reshape(-1, planes - 4), boxes, logits=True)


def anchor_free(spec, outputs):
    output = next(output[0] for output in outputs if output.ndim == 3)
    cells = sum(-(-spec["width"] // s) * -(-spec["height"] // s) for s in spec["strides"] or [8, 16, 32])
    last = output.shape[1] == cells if cells in output.shape else output.shape[1] > output.shape[0]
    rows = output.T if last else output
    points = spec["keyPoints"] or 17
    beyond = {"yolov8": 0, "yolov8_obb": 1, "yolov8_pose": 3 * points}.get(spec["task"])
    if spec["task"] == "yolov8_seg":
        beyond = next(output[0] for output in outputs if output.ndim == 4).shape[0]
    if spec["task"] == "yolov8_pose" and rows.shape[1] < 5 + beyond:
        beyond = 2 * points
    classes = rows.shape[1] - 4 - beyond
    raw, behind = rows[:, 4 : 4 + classes], rows[:, 4 + classes :].astype(np.float64)
    scores, labels = best_class(raw)
    # A row without a single number has no score, whatever the logistic function makes of it.
    others = {"gates": scores.astype(np.float64)}
    if spec["logits"]:
        others["gates"] = np.where(scores == -np.inf, -np.inf, sigmoid(scores))
        scores = sigmoid(scores)
    if spec["task"] == "yolov8_pose":
        others["points"] = behind.reshape(len(rows), points, -1)
    if spec["task"] == "yolov8_seg":
        others["values"] = behind
    if spec["task"] == "yolov8_obb":
        others |= {"angles": behind[:, 0], "suppression": "rotated"}
    return candidates(scores, labels, around(*rows[:, :4].astype(np.float64).T), **others)


def rows_of_graph(spec, outputs):
    (rows,) = (output[0] for output in outputs)
    points = rows[:, 6:].reshape(len(rows), spec["keyPoints"], -1) if spec["keyPoints"] else np.zeros((len(rows), 0, 2))
    scores = (sigmoid(rows[:, 4]) if spec["logits"] else rows[:, 4]).astype(np.float64)
    labels = rows[:, 5].astype(np.float64)
    valid = (labels >= 0) & (labels < 65536) & (labels == np.floor(labels))
    gates = np.where(valid, scores, -np.inf)
    whole = np.where(valid, labels, 0).astype(int)
    boxes = rows[:, :4].astype(np.float64)
    return candidates(scores, whole, boxes, gates=gates, points=points.astype(np.float64), suppression="none")


HEADS = {
    "centerface": centerface,
    "yolov5": yolo,
    "yolox": yolo,
    "yolov5_raw": raw_yolo,
    "yolox_raw": raw_yolo,
    "yolov8": anchor_free,
    "yolov8_pose": anchor_free,
    "yolov8_seg": anchor_free,
    "yolov8_obb": anchor_free,
    "yolov10": rows_of_graph,
}
