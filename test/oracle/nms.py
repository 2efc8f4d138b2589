"""What nms should give, one box after the other, from its definition in float64."""

import numpy as np

from wire import serve


def overlaps(box, others):
    """Intersection over union of one box with each of `others` [n, 4]."""
    width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    intersection = np.maximum(width, 0) * np.maximum(height, 0)

    def area(boxes):
        return np.maximum(boxes[..., 2] - boxes[..., 0], 0) * np.maximum(boxes[..., 3] - boxes[..., 1], 0)

    union = area(others) + area(box) - intersection
    return np.divide(intersection, union, out=np.zeros_like(union), where=intersection > 0)


def suppress(boxes, rule, threshold):
    """Indices of the rows [left top right bottom score class] that stay."""
    boxes = boxes.astype(np.float64)
    finite = [i for i in range(len(boxes)) if np.isfinite(boxes[i]).all()]
    order = sorted(finite, key=lambda i: (-boxes[i, 4], i))
    kept, judges = [], []
    for i in order:
        others = boxes[judges] if judges else np.zeros((0, 6))
        same = others[:, 5] == boxes[i, 5]
        suppressed = (overlaps(boxes[i], others)[same] > threshold).any()
        if not suppressed:
            kept.append(i)
        if rule == "fast" or not suppressed:
            judges.append(i)
    return kept


def nms(case):
    boxes = case["boxes"].reshape(-1, 6)
    options = case["options"]
    return np.array(suppress(boxes, options["rule"], options["iouThreshold"]), np.uint32)


if __name__ == "__main__":
    serve(lambda request: [nms(case) for case in request["cases"]])
