"""What the outputs of detector families mean, one object after the other, from their definitions in float64.

Each function takes the parts of the outputs in the order that family-cases.ts gives them, however the model lays them out,
and yields (score, class, box, points) of everything that could be an object, in the order of the model: box is left top
right bottom and points are rows of x y, all in network pixels. Nothing is left out for its score.
"""

import functools

import numpy as np

from detection_heads import candidates


def family(suppression):
    """Turns what a function yields into Candidates."""

    def collecting(function):
        @functools.wraps(function)
        def collect(spec, outputs):
            found = list(function(spec, *(output[0].astype(np.float64) for output in outputs)))
            scores, labels, boxes, points = zip(*found, strict=True) if found else ([], [], [], [])
            return candidates(
                np.array(scores, np.float32),
                np.array(labels, int),
                np.array(boxes, np.float64).reshape(-1, 4),
                points=np.array(points, np.float64).reshape(len(found), -1, 2) if found else np.zeros((0, 0, 2)),
                suppression=suppression,
            )

        return collect

    return collecting


def sigmoid(logit):
    return 1 / (1 + np.exp(-np.float64(logit)))


def around(x, y, width, height):
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


def cells(pixels, stride):
    return -(-pixels // stride)


@family("boxes")
def centernet(spec, table):
    """Peaks of each class: where the logit equals the pooled one."""
    columns = cells(spec["width"], 4)
    classes = (table.shape[1] - 4) // 2
    for index, row in enumerate(table):
        y, x = divmod(index, columns)
        for label in range(classes):
            logit, pooled = row[4 + label], row[4 + classes + label]
            if logit == pooled:
                box = around(x + row[0], y + row[1], row[2], row[3])
                yield sigmoid(logit), label, np.array(box) * 4, []


def stretch(value):
    if abs(value) < 1:
        return value * np.e
    return np.sign(value) * np.exp(abs(value))


@family("boxes")
def dbface(spec, heat, edges, landmarks, pool=None):
    """Peaks of the heat map: against the pooled one, or the nine cells themselves where the model has none."""
    heat = heat[0]
    rows, columns = heat.shape
    for y in range(rows):
        for x in range(columns):
            if pool is None:
                window = heat[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
                peak = not (window > heat[y, x]).any()
            else:
                peak = heat[y, x] == pool[0, y, x]
            if not peak:
                continue
            left, top, right, bottom = edges[:, y, x]
            xs, ys = landmarks[:, y, x].reshape(2, 5) * 4
            points = [[x + stretch(a), y + stretch(b)] for a, b in zip(xs, ys, strict=True)]
            box = [x - left, y - top, x + right, y + bottom]
            yield heat[y, x], 0, np.array(box) * 4, np.array(points) * 4


@family("none")
def rtdetr(spec, boxes, scores):
    """The best class of each query."""
    for box, of in zip(boxes, scores, strict=True):
        known = np.where(np.isnan(of), -np.inf, of)
        label = int(known.argmax())
        best = sigmoid(known[label]) if spec["logits"] else known[label]
        if known[label] > -np.inf:
            yield best, label, around(*(box * ([spec["width"], spec["height"]] * 2))), []


@family("none")
def efficient_nms(spec, count, boxes, scores, labels):
    """The first `count` rows; a class is a whole number below 65536."""
    (found,) = count
    rows = 0 if np.isnan(found) else int(np.clip(np.ceil(found), 0, len(boxes)))
    for box, score, label in zip(boxes[:rows], scores, labels):
        if 0 <= label < 65536 and label == np.floor(label):
            yield score, int(label), box, []


def priors(spec, strides, sizes):
    """Cell x and y, stride and size of each prior."""
    for stride, of in zip(strides, sizes, strict=True):
        for y in range(cells(spec["height"], stride)):
            for x in range(cells(spec["width"], stride)):
                for size in of:
                    yield np.array([x, y]), stride, size


RETINAFACE_SIZES = [[16, 16, 32, 32], [64, 64, 128, 128], [256, 256, 512, 512]]


@family("boxes")
def retinaface(spec, loc, conf, landms):
    """Offsets from priors with variances 0.1 and 0.2; `conf` is two logits or, as spec says, the softmax of them."""
    strides = spec["strides"] or [8, 16, 32]
    sizes = [np.reshape(level, (-1, 2)) for level in spec["anchors"] or RETINAFACE_SIZES]
    rows = zip(priors(spec, strides, sizes), loc, conf, landms, strict=True)
    for (cell, stride, size), offset, (no_face, face), points in rows:
        center = (cell + 0.5) * stride
        box = around(*(center + offset[:2] * 0.1 * size), *(size * np.exp(offset[2:] * 0.2)))
        score = sigmoid(face - no_face) if spec["logits"] else face
        yield score, 0, box, center + points.reshape(5, 2) * 0.1 * size


@family("boxes")
def scrfd(spec, score, bbox, kps=None):
    """Distances in strides from the corner of the cell, two priors each. `score` is a logit where spec says so."""
    strides = spec["strides"] or [8, 16, 32]
    for index, (cell, stride, _) in enumerate(priors(spec, strides, [[0, 1]] * len(strides))):
        corner = cell * stride
        left, top, right, bottom = bbox[index] * stride
        box = [corner[0] - left, corner[1] - top, corner[0] + right, corner[1] + bottom]
        points = [] if kps is None else corner + kps[index].reshape(5, 2) * stride
        (sure,) = score[index]
        yield sigmoid(sure) if spec["logits"] else sure, 0, box, points


FAMILIES = {
    "centernet": centernet,
    "dbface": dbface,
    "rtdetr": rtdetr,
    "efficient_nms": efficient_nms,
    "retinaface": retinaface,
    "scrfd": scrfd,
}
