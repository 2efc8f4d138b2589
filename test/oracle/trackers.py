"""
What trackers answer on scenes, from their definitions. A scene has rows of detections [left top right bottom score class]
of all its frames, how many rows and steps each frame has, and features, `width` values a row (0: none).
"""

import numpy as np

from tracking.byte_track import ByteTrack
from tracking.deep_sort import DeepSort
from tracking.matching import cheapest_pairs, pairs_below
from tracking.oc_sort import OcSort
from wire import serve

TRACKERS = {"deepsort": DeepSort, "bytetrack": ByteTrack, "ocsort": OcSort}


def detections_of(scene):
    """The detections of each frame."""
    rows = scene["rows"].reshape(-1, 6)
    width = scene["width"]
    features = scene["features"].reshape(-1, width).astype(np.float64) if width else [None] * len(rows)
    everything = [
        {"box": row[:4], "score": row[4], "class": int(row[5]), "feature": feature}
        for row, feature in zip(rows, features)
    ]
    ends = np.cumsum(scene["counts"]).astype(int)
    return [everything[end - int(count) : end] for end, count in zip(ends, scene["counts"])]


def track(scene):
    """
    The id of each detection, 0 for none; boxes [left top right bottom] of those with an id; and rows [id frames-unseen
    left top right bottom] of the tracks that coast, with how many there are in each frame.
    """
    tracker = TRACKERS[scene["algorithm"]](scene["config"])
    ids, boxes, coasting, counts = [], [], [], []
    for frame, detections in enumerate(detections_of(scene)):
        owners = tracker.update(detections, int(scene["steps"][frame]), frame == 0)
        ids += [0 if owner is None else owner.number for owner in owners]
        boxes += [owner.filter.box() for owner in owners if owner is not None]
        unseen = tracker.coasting()
        counts.append(len(unseen))
        coasting += [[each.number, each.since, *each.filter.box()] for each in unseen]
    return [np.array(each, np.float64).ravel() for each in (ids, boxes, coasting, counts)]


def assign(case):
    """The least sum of `cost - limit` over pairs, and over as many pairs as possible, of a matrix with inf entries."""
    cost = case["costs"].reshape(case["rows"], case["columns"])
    sums = []
    for pairs, limit in ((pairs_below(cost, case["limit"]), case["limit"]), (cheapest_pairs(cost), 0)):
        sums += [sum(cost[pair] - limit for pair in pairs), len(pairs)]
    return np.array(sums, np.float64)


ORACLES = {"track": track, "assign": assign}

serve(lambda request: [ORACLES[request["oracle"]](case) for case in request["cases"]])
