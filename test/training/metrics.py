"""How good results are, in NumPy: average precision as COCO has it, over any likeness; mean IoU of maps; ranks."""

import numpy as np

from .scenes.people import SIGMAS

THRESHOLDS = np.arange(10) * 0.05 + 0.5
RECALLS = np.arange(101) / 100
MOST = 100


def box_overlaps(a, b):
    """Intersection over union of boxes [n, 4] and [m, 4]: [n, m]."""
    a, b = np.asarray(a, np.float64).reshape(-1, 4), np.asarray(b, np.float64).reshape(-1, 4)
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(2)
    areas = [np.clip(x[:, 2] - x[:, 0], 0, None) * np.clip(x[:, 3] - x[:, 1], 0, None) for x in (a, b)]
    union = areas[0][:, None] + areas[1][None] - common
    return np.divide(common, union, out=np.zeros_like(common), where=common > 0)


def turned_overlaps(a, b):
    """Probabilistic IoU of boxes x y width height angle [n, 5] and [m, 5]: [n, m]."""
    a, b = np.asarray(a, np.float64).reshape(-1, 5), np.asarray(b, np.float64).reshape(-1, 5)

    def spread(box):
        w, h, cos, sin = box[:, 2] ** 2 / 12, box[:, 3] ** 2 / 12, np.cos(box[:, 4]), np.sin(box[:, 4])
        return w * cos**2 + h * sin**2, w * sin**2 + h * cos**2, (w - h) * sin * cos

    a1, b1, c1 = (v[:, None] for v in spread(a))
    a2, b2, c2 = (v[None] for v in spread(b))
    x, y = a[:, None, 0] - b[None, :, 0], a[:, None, 1] - b[None, :, 1]
    det = (a1 + a2) * (b1 + b2) - (c1 + c2) ** 2 + 1e-7
    first = ((a1 + a2) * y**2 + (b1 + b2) * x**2) / det * 0.25
    second = (c1 + c2) * -x * y / det * 0.5
    both = np.sqrt(np.clip(a1 * b1 - c1**2, 0, None) * np.clip(a2 * b2 - c2**2, 0, None))
    third = 0.5 * np.log(det / (4 * both + 1e-7) + 1e-7)
    distance = np.clip(first + second + third, 1e-7, 100)
    return 1 - np.sqrt(1 - np.exp(-distance) + 1e-7)


def mask_overlaps(a, b):
    """Of masks, lists of bool [h, w]: [n, m]."""
    if not len(a) or not len(b):
        return np.zeros((len(a), len(b)))
    a, b = (np.stack(x).reshape(len(x), -1).astype(np.float64) for x in (a, b))
    common = a @ b.T
    return common / np.maximum(a.sum(1)[:, None] + b.sum(1)[None] - common, 1)


def key_point_likeness(a, b, boxes):
    """COCO's object key-point similarity of joints [n, 17, 2] and true ones [m, 17, 2] of true boxes [m, 4]: [n, m]."""
    a, b = np.asarray(a, np.float64).reshape(-1, 17, 2), np.asarray(b, np.float64).reshape(-1, 17, 2)
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    away = ((a[:, None] - b[None]) ** 2).sum(3)
    return np.exp(-away / (2 * (2 * np.array(SIGMAS)) ** 2 * area[None, :, None])).mean(2)


def matches(likeness, threshold):
    """For results, best score first, whether each finds a true object that no better one found."""
    taken, right = np.zeros(likeness.shape[1], bool), np.zeros(likeness.shape[0], bool)
    for i, row in enumerate(likeness):
        free = np.where(taken, -1, row)
        if len(free) and free.max() >= threshold:
            right[i] = taken[free.argmax()] = True
    return right


def average_precision(scores, right, total):
    order = np.argsort(-scores, kind="mergesort")
    true = np.cumsum(right[order])
    recall, precision = true / total, true / np.arange(1, len(order) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(recall, RECALLS, side="left")
    return np.append(precision, 0)[np.minimum(at, len(precision))].mean()


def mean_average_precision(pictures, classes):
    """
    `pictures`: (scores [n], labels [n], true labels [m], likeness [n, m]) of each. Gives {"map", "map50"}: the mean
    over classes and over thresholds from 0.5 to 0.95, and at 0.5.
    """
    table = []
    for label in range(classes):
        scores, right, total = [], [], 0
        for found, labels, true, likeness in pictures:
            mine = np.flatnonzero(labels == label)
            mine = mine[np.argsort(-found[mine], kind="mergesort")][:MOST]
            theirs = np.flatnonzero(true == label)
            total += len(theirs)
            scores.append(found[mine])
            part = likeness[np.ix_(mine, theirs)]
            right.append(np.stack([matches(part, t) for t in THRESHOLDS]))
        if total:
            scores, right = np.concatenate(scores), np.concatenate(right, 1)
            table.append([average_precision(scores, row, total) if len(scores) else 0.0 for row in right])
    table = np.array(table)
    return {"map": float(table.mean()), "map50": float(table[:, 0].mean())}


def mean_iou(maps, true, classes):
    """Of class maps, over all their pixels."""
    table = np.zeros((classes, classes))
    for found, right in zip(maps, true):
        table += np.bincount(
            right.astype(int).ravel() * classes + found.astype(int).ravel(), minlength=classes**2
        ).reshape(classes, classes)
    both = np.diag(table)
    union = table.sum(0) + table.sum(1) - both
    return {"miou": float((both[union > 0] / union[union > 0]).mean()), "pixels_right": float(both.sum() / table.sum())}


def rank_one(queries, gallery, right):
    """How often the nearest of the gallery by cosine is the right one; `right`: its index for each query."""
    unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)
    likeness = unit(np.asarray(queries, np.float64)) @ unit(np.asarray(gallery, np.float64)).T
    return {"rank1": float((likeness.argmax(1) == np.asarray(right)).mean())}


def top_one(scores, right):
    return {"top1": float((np.asarray(scores).argmax(1) == np.asarray(right)).mean())}
