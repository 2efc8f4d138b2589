"""What the outputs of detector families mean, one object after the other, from their definitions in float64.

Each function yields (score, class, box, points) of everything that could be an object, in the order of the model: box is
left top right bottom and points are rows of x y, all in network pixels. Nothing is left out for its score.
"""

import numpy as np


def sigmoid(logit):
    return 1 / (1 + np.exp(-np.float64(logit)))


def around(x, y, width, height):
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


def cells(pixels, stride):
    return -(-pixels // stride)


def centernet(outputs, spec):
    """Peaks of each class: where the logit equals the pooled one."""
    columns, rows = cells(spec["width"], 4), cells(spec["height"], 4)
    table = outputs["output"].reshape(rows * columns, -1).astype(np.float64)
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


def dbface(outputs, spec):
    """Peaks of the heat map: against `pool_hm`, or the nine cells themselves where the model has none."""
    columns, rows = cells(spec["width"], 4), cells(spec["height"], 4)
    heat = outputs["hm"].reshape(rows, columns).astype(np.float64)
    edges = outputs["tlrb"].reshape(4, rows, columns).astype(np.float64)
    landmarks = outputs["landmark"].reshape(10, rows, columns).astype(np.float64)
    pool = outputs["pool_hm"].reshape(rows, columns) if "pool_hm" in outputs else None
    for y in range(rows):
        for x in range(columns):
            if pool is None:
                window = heat[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
                peak = not (window > heat[y, x]).any()
            else:
                peak = heat[y, x] == pool[y, x]
            if not peak:
                continue
            left, top, right, bottom = edges[:, y, x]
            xs, ys = landmarks[:, y, x].reshape(2, 5) * 4
            points = [[x + stretch(a), y + stretch(b)] for a, b in zip(xs, ys)]
            box = [x - left, y - top, x + right, y + bottom]
            yield heat[y, x], 0, np.array(box) * 4, np.array(points) * 4


def rtdetr(outputs, spec):
    """The best class of each query."""
    boxes = outputs["boxes"].reshape(-1, 4).astype(np.float64)
    scores = outputs["scores"].reshape(len(boxes), -1).astype(np.float64)
    size = np.array([spec["width"], spec["height"]])
    for (x, y, width, height), of in zip(boxes, scores):
        known = np.where(np.isnan(of), -np.inf, of)
        label = int(known.argmax())
        best = sigmoid(known[label]) if spec["logits"] else known[label]
        if known[label] > -np.inf:
            yield best, label, around(*(np.array([x, y]) * size), *(np.array([width, height]) * size)), []


def efficient_nms(outputs, spec):
    """The first `num_dets` rows; a class is a whole number below 65536."""
    boxes = outputs["boxes"].reshape(-1, 4).astype(np.float64)
    (found,) = outputs["num_dets"]
    count = 0 if np.isnan(found) else int(np.clip(np.ceil(found), 0, len(boxes)))
    for box, score, label in zip(boxes[:count], outputs["scores"], outputs["labels"]):
        if 0 <= label < 65536 and label == np.floor(label):
            yield np.float64(score), int(label), box, []


def priors(spec, strides, sizes):
    """Level, cell x and y, stride and size of each prior."""
    for level, stride in enumerate(strides):
        for y in range(cells(spec["height"], stride)):
            for x in range(cells(spec["width"], stride)):
                for size in sizes[level]:
                    yield level, x, y, stride, size


RETINAFACE_SIZES = [[[16, 16], [32, 32]], [[64, 64], [128, 128]], [[256, 256], [512, 512]]]


def retinaface(outputs, spec):
    """Offsets from priors with variances 0.1 and 0.2; `conf` is two logits or, as spec says, the softmax of them."""
    strides = spec["strides"] or [8, 16, 32]
    sizes = [np.reshape(level, (-1, 2)) for level in spec["anchors"]] or RETINAFACE_SIZES
    loc = outputs["loc"].reshape(-1, 4).astype(np.float64)
    conf = outputs["conf"].reshape(-1, 2).astype(np.float64)
    landms = outputs["landms"].reshape(-1, 5, 2).astype(np.float64)
    for index, (_, x, y, stride, size) in enumerate(priors(spec, strides, sizes)):
        center = (np.array([x, y]) + 0.5) * stride
        middle = center + loc[index, :2] * 0.1 * size
        box = around(*middle, *(size * np.exp(loc[index, 2:] * 0.2)))
        no_face, face = conf[index]
        score = sigmoid(np.float32(face - no_face)) if spec["logits"] else face
        yield score, 0, box, center + landms[index] * 0.1 * np.array(size)


def scrfd(outputs, spec):
    """Distances in strides from the corner of the cell, two priors each. `score` is a logit where spec says so."""
    strides = spec["strides"] or [8, 16, 32]
    score = outputs["score"].astype(np.float64)
    bbox = outputs["bbox"].reshape(-1, 4).astype(np.float64)
    kps = outputs["kps"].reshape(-1, 5, 2).astype(np.float64) if "kps" in outputs else None
    for index, (_, x, y, stride, _) in enumerate(priors(spec, strides, [[0, 1]] * len(strides))):
        left, top, right, bottom = bbox[index] * stride
        corner = np.array([x, y]) * stride
        box = [corner[0] - left, corner[1] - top, corner[0] + right, corner[1] + bottom]
        points = [] if kps is None else corner + kps[index] * stride
        yield sigmoid(score[index]) if spec["logits"] else score[index], 0, box, points


FAMILIES = {
    "centernet": centernet,
    "dbface": dbface,
    "rtdetr": rtdetr,
    "efficient_nms": efficient_nms,
    "retinaface": retinaface,
    "scrfd": scrfd,
}
