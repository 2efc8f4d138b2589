"""What nms and decodeCenterFace should give, one box after the other, from their definitions in float64."""

import numpy as np

from wire import serve

STRIDE = 4
MAX_CANDIDATES = 4096


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


def centerface(case):
    options = case["options"]
    shape = options["rows"], options["columns"]
    heat = case["heat"].reshape(shape).astype(np.float64)
    scale = case["scale"].reshape(2, *shape).astype(np.float64)
    offset = case["offset"].reshape(2, *shape).astype(np.float64)
    landmarks = case["landmarks"].reshape(10, *shape).astype(np.float64)
    faces = []
    with np.errstate(all="ignore"):
        cells = [tuple(cell) for cell in np.argwhere(heat > options["scoreThreshold"])]
        cells.sort(key=lambda cell: -heat[cell])  # A stable sort: equal scores stay in the order of the cells.
        for cell in cells:
            size = np.exp(scale[(slice(None), *cell)]) * STRIDE  # height, width
            center = (np.array(cell) + offset[(slice(None), *cell)] + 0.5) * STRIDE  # y, x
            corner = center - size / 2
            points = corner + landmarks[(slice(None), *cell)].reshape(5, 2) * size  # y, x of each
            box = np.array([corner[1], corner[0], corner[1] + size[1], corner[0] + size[0]]).astype(np.float32)
            if np.isfinite(box).all() and np.isfinite(points).all() and np.isfinite(heat[cell]):
                faces.append((box.astype(np.float64), heat[cell], points))
            if len(faces) == MAX_CANDIDATES:
                break
    boxes = np.array([[*box, score, 0] for box, score, _ in faces]).reshape(-1, 6)
    kept = suppress(boxes, options["nms"]["rule"], options["nms"]["iouThreshold"])
    matrix = np.array(options["matrix"]).reshape(2, 3)
    table = []
    for i in kept[: options["maxDetections"]]:
        box, score, points = faces[i]
        corners = [[box[x], box[y], 1] for x in (0, 2) for y in (1, 3)] @ matrix.T
        mapped = np.column_stack([points[:, ::-1], np.ones(5)]) @ matrix.T
        table.append([*corners.min(axis=0), *corners.max(axis=0), score, *mapped.ravel()])
    return np.array(table, np.float64)


ORACLES = {"nms": nms, "centerface": centerface}

serve(lambda request: [ORACLES[request["oracle"]](case) for case in request["cases"]])
