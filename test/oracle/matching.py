"""How the detections of two models pair up, from the definition: a table of all overlaps, best score first."""

import numpy as np

from wire import serve

LEAST_IOU = 0.5


def overlaps(left, right):
    """Intersection over union of every box of `left` [n, 4] with every box of `right` [m, 4]."""
    low = np.maximum(left[:, None, :2], right[None, :, :2])
    high = np.minimum(left[:, None, 2:], right[None, :, 2:])
    sides = np.clip(high - low, 0, None)
    intersection = sides[..., 0] * sides[..., 1]

    def area(boxes):
        return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])

    union = area(left)[:, None] + area(right)[None, :] - intersection
    return np.divide(intersection, union, out=np.zeros_like(union), where=intersection > 0)


def match(case):
    """Rows [left top right bottom score class]; the answer is rows [reference candidate iou] in the order of pairing."""
    references = case["references"].astype(np.float64).reshape(-1, 6)
    candidates = case["candidates"].astype(np.float64).reshape(-1, 6)
    table = overlaps(references[:, :4], candidates[:, :4])
    table[references[:, None, 5] != candidates[None, :, 5]] = 0
    pairs = []
    for candidate in np.argsort(-candidates[:, 4], kind="stable"):
        column = table[:, candidate]
        if len(column) == 0 or column.max() < LEAST_IOU:
            continue
        reference = int(column.argmax())
        pairs.append([reference, candidate, column[reference]])
        table[reference, :] = 0
    return np.array(pairs, np.float64).ravel()


def cosine(case):
    left, right = case["left"].astype(np.float64), case["right"].astype(np.float64)
    return np.array([left @ right / (np.linalg.norm(left) * np.linalg.norm(right))])


ORACLES = {"match": match, "cosine": cosine}

serve(lambda request: [ORACLES[request["oracle"]](case) for case in request["cases"]])
