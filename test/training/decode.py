"""What the outputs of each head mean, in NumPy, written from the families' definitions.

`decode` takes the outputs for one picture, without the batch, and gives rows in network pixels: `boxes` [n, 4] left top
right bottom, `scores`, `labels`, of some families `points` [n, k, 2], `turned` [n, 5] or `weights` of masks [n, 32].
"""

import numpy as np

from .metrics import box_overlaps, turned_overlaps
from .profiles import RETINA_SIZES


def sigmoid(x):
    return 1 / (1 + np.exp(-np.clip(np.asarray(x, np.float64), -500, 500)))


def around(x, y, w, h):
    return np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], -1)


def best(scores):
    """Of scores [n, C] the best and its class."""
    return {"scores": scores.max(1), "labels": scores.argmax(1)}


def cells(profile, per_cell=1, anchor_first=False):
    """Of each anchor column, row, stride and which one of its cell it is."""
    width, height = profile["size"]
    rows = []
    for stride in (8, 16, 32):
        y, x, k = np.meshgrid(
            np.arange(height // stride), np.arange(width // stride), np.arange(per_cell), indexing="ij"
        )
        order = (2, 0, 1) if anchor_first else (0, 1, 2)
        x, y, k = (v.transpose(order).ravel() for v in (x, y, k))
        rows.append(np.stack([x, y, np.full(len(x), stride), k], 1))
    return np.concatenate(rows).astype(np.float64).T


def yolo(outputs, profile):
    rows = outputs["output"].astype(np.float64)
    return {"boxes": around(*rows[:, :4].T), **best(rows[:, 4:5] * rows[:, 5:])}


def yolov5_raw(outputs, profile):
    raw = outputs["output"].astype(np.float64)
    levels, at = [], 0
    width, height = profile["size"]
    for stride, sizes in zip(profile["strides"], profile["anchors"]):
        count = (width // stride) * (height // stride)
        y, x = divmod(np.arange(count), width // stride)
        for k in range(3):
            v = raw[k, :, at : at + count]
            p = sigmoid(v[:4])
            box = around(
                (2 * p[0] - 0.5 + x) * stride,
                (2 * p[1] - 0.5 + y) * stride,
                (2 * p[2]) ** 2 * sizes[2 * k],
                (2 * p[3]) ** 2 * sizes[2 * k + 1],
            )
            levels.append({"boxes": box, **best((sigmoid(v[4:5]) * sigmoid(v[5:])).T)})
        at += count
    return {key: np.concatenate([level[key] for level in levels]) for key in levels[0]}


def yolox_raw(outputs, profile):
    v = outputs["output"][0].astype(np.float64)
    x, y, stride, _ = cells(profile)
    box = around((v[0] + x) * stride, (v[1] + y) * stride, np.exp(v[2]) * stride, np.exp(v[3]) * stride)
    return {"boxes": box, **best((sigmoid(v[4:5]) * sigmoid(v[5:])).T)}


def yolov8(outputs, profile):
    rows = outputs["output"].astype(np.float64).T
    count = len(profile["classes"])
    found = {"boxes": around(*rows[:, :4].T), **best(rows[:, 4 : 4 + count])}
    rest = rows[:, 4 + count :]
    if profile["task"] == "yolov8_seg":
        found["weights"] = rest
    if profile["task"] == "yolov8_pose":
        found["points"] = rest.reshape(-1, 17, 3)[..., :2]
    if profile["task"] == "yolov8_obb":
        found["turned"] = np.concatenate([rows[:, :4], rest], 1)
    return found


def yolov10(outputs, profile):
    rows = outputs["output"].astype(np.float64)
    return {"boxes": rows[:, :4], "scores": rows[:, 4], "labels": rows[:, 5].astype(int)}


def rtdetr(outputs, profile):
    width, height = profile["size"]
    boxes = outputs["boxes"].astype(np.float64) * [width, height, width, height]
    return {"boxes": around(*boxes.T), **best(outputs["scores"])}


def centernet(outputs, profile):
    rows = outputs["output"].astype(np.float64)
    count = len(profile["classes"])
    cell, label = np.nonzero(outputs["output"][:, 4 : 4 + count] == outputs["output"][:, 4 + count :])
    y, x = divmod(cell, profile["size"][0] // 4)
    box = around(x + rows[cell, 0], y + rows[cell, 1], rows[cell, 2], rows[cell, 3]) * 4
    return {"boxes": box, "scores": sigmoid(rows[cell, 4 + label]), "labels": label}


def dbface(outputs, profile):
    heat = outputs["hm"][0]
    if "pool_hm" in outputs:
        pool = outputs["pool_hm"][0]
    else:
        framed = np.pad(heat, 1, constant_values=-np.inf)
        pool = np.max(
            [framed[dy : dy + heat.shape[0], dx : dx + heat.shape[1]] for dy in range(3) for dx in range(3)], 0
        )
    y, x = np.nonzero(heat == pool)
    sides, marks = (outputs[key].astype(np.float64)[:, y, x] for key in ("tlrb", "landmark"))
    box = np.stack([x - sides[0], y - sides[1], x + sides[2], y + sides[3]], 1) * 4
    v = marks * 4
    away = np.where(np.abs(v) < 1, v * np.e, np.sign(v) * np.exp(np.abs(v)))
    points = np.stack([(away[:5] + x) * 4, (away[5:] + y) * 4], -1).transpose(1, 0, 2)
    return {"boxes": box, "points": points, "scores": heat[y, x].astype(np.float64), "labels": np.zeros(len(y), int)}


def retinaface(outputs, profile):
    rows = outputs["output"].astype(np.float64)
    x, y, stride, k = cells(profile, 2)
    size = np.array([RETINA_SIZES[level] for level in np.log2(stride / 8).astype(int)])[
        np.arange(len(k)), k.astype(int)
    ]
    x, y = (x + 0.5) * stride, (y + 0.5) * stride
    box = around(
        x + rows[:, 0] * 0.1 * size,
        y + rows[:, 1] * 0.1 * size,
        size * np.exp(rows[:, 2] * 0.2),
        size * np.exp(rows[:, 3] * 0.2),
    )
    points = rows[:, 6:].reshape(-1, 5, 2) * 0.1 * size[:, None, None] + np.stack([x, y], 1)[:, None]
    return {
        "boxes": box,
        "points": points,
        "scores": sigmoid(rows[:, 5] - rows[:, 4]),
        "labels": np.zeros(len(rows), int),
    }


def scrfd(outputs, profile):
    if "output" in outputs:
        rows = outputs["output"].astype(np.float64)
        sides, scores, marks = rows[:, :4], sigmoid(rows[:, 4]), rows[:, 5:]
    else:
        sides, scores, marks = (
            np.concatenate([outputs[f"{part}_{s}"] for s in (8, 16, 32)]).astype(np.float64)
            for part in ("bbox", "score", "kps")
        )
        scores = scores[:, 0]
    x, y, stride, _ = cells(profile, 2)
    x, y = x * stride, y * stride
    sides = sides * stride[:, None]
    box = np.stack([x - sides[:, 0], y - sides[:, 1], x + sides[:, 2], y + sides[:, 3]], 1)
    points = marks.reshape(-1, 5, 2) * stride[:, None, None] + np.stack([x, y], 1)[:, None]
    return {"boxes": box, "points": points, "scores": scores, "labels": np.zeros(len(scores), int)}


DECODERS = {
    "yolov5": yolo,
    "yolox": yolo,
    "yolov5_raw": yolov5_raw,
    "yolox_raw": yolox_raw,
    "yolov8": yolov8,
    "yolov8_seg": yolov8,
    "yolov8_pose": yolov8,
    "yolov8_obb": yolov8,
    "yolov10": yolov10,
    "rtdetr": rtdetr,
    "centernet": centernet,
    "dbface": dbface,
    "retinaface": retinaface,
    "scrfd": scrfd,
}


def decode(outputs, profile, score_threshold, nms_threshold):
    """Best score first; only what scores more than the threshold; greedy suppression within a class if asked for."""
    found = DECODERS[profile["task"]](outputs, profile)
    order = np.argsort(-found["scores"], kind="stable")
    order = order[found["scores"][order] > score_threshold]
    found = {key: value[order] for key, value in found.items()}
    if nms_threshold is None:
        return found
    places = found.get("turned", found["boxes"])
    ious = (turned_overlaps if "turned" in found else box_overlaps)(places, places)
    ious *= found["labels"][:, None] == found["labels"][None, :]
    gone, kept = np.zeros(len(order), bool), []
    for i in range(len(order)):
        if not gone[i]:
            kept.append(i)
            gone |= ious[i] > nms_threshold
    return {key: value[kept] for key, value in found.items()}
