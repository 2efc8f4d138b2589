"""OC-SORT from its paper: momentum of observations, recovery by the last observation, re-update along a virtual path."""

import copy

import numpy as np

from .kalman import Kalman, box_of, centre_of, overlaps, with_velocities
from .matching import pairs_below

MOTION = [1, 1, 1, 1, 0.01, 0.01, 0.0001]
NOISE = [1, 1, 10, 10]


def measure(box):
    width, height = box[2] - box[0], box[3] - box[1]
    return np.array([*centre_of(box), width * height, width / height])


class Filter(Kalman):
    """Centre, area and aspect, then velocities of all but the aspect."""

    def __init__(self, box):
        super().__init__([*measure(box), 0, 0, 0], [10, 10, 10, 10, 1e4, 1e4, 1e4], with_velocities(4, 3), 4)

    def step(self):
        if self.mean[2] + self.mean[6] <= 0:
            self.mean[6] = 0
        self.predict(MOTION)

    def see(self, box):
        self.update(measure(box), NOISE)

    def box(self):
        x, y, area, aspect = self.mean[:4]
        return box_of(x, y, np.sqrt(area * aspect), np.sqrt(area / aspect))


class Track:
    def __init__(self, number, detection, frame):
        self.number, self.kind = number, detection["class"]
        self.filter = Filter(detection["box"])
        self.saved = copy.deepcopy(self.filter)
        self.seen = {frame: detection["box"]}
        self.velocity = None
        self.streak, self.hits, self.since = 0, 1, 0
        self.confirmed = False

    def heading(self, box, frame, delta):
        """The unit vector from the observation `delta` frames ago; where there is none, from a later one or the last."""
        earlier = [frame - back for back in range(delta, 0, -1) if frame - back in self.seen]
        start = earlier[0] if earlier else max(self.seen)
        way = centre_of(box) - centre_of(self.seen[start])
        return way / (np.linalg.norm(way) + 1e-6)

    def see(self, detection, frame, delta):
        box = detection["box"]
        self.velocity = self.heading(box, frame, delta)
        last = max(self.seen)
        if frame - last > 1:
            self.filter = self.saved
            for t in range(last + 1, frame):
                self.filter.step()
                self.filter.see(self.seen[last] + (box - self.seen[last]) * (t - last) / (frame - last))
            self.filter.step()
        self.filter.see(box)
        self.saved = copy.deepcopy(self.filter)
        self.seen[frame] = box
        self.streak += 1
        self.hits += 1
        self.since = 0


class OcSort:
    def __init__(self, config):
        self.config = config
        self.tracks, self.number, self.frame, self.count = [], 0, 0, 0

    def update(self, detections, steps, first):
        config, delta = self.config, self.config["delta_t"]
        self.frame += steps
        self.count += 1
        self.tracks = [t for t in self.tracks if self.frame - max(t.seen) <= config["max_age"] + 1]
        for track in self.tracks:
            track.since += steps
            for _ in range(steps):
                track.filter.step()
        owners = [None] * len(detections)
        usable = [i for i, d in enumerate(detections) if d["score"] > config["score"]]

        def round_of(tracks, indices, boxes, inertia):
            offers = [detections[i] for i in indices]
            table = overlaps(boxes, [d["box"] for d in offers])
            cost = np.full(table.shape, np.inf)
            for row, track in enumerate(tracks):
                for column, d in enumerate(offers):
                    if track.kind != d["class"] or table[row, column] < config["iou"]:
                        continue
                    bonus = 0
                    if inertia and track.velocity is not None:
                        cosine = track.velocity @ track.heading(d["box"], self.frame, delta)
                        angle = np.arccos(np.clip(cosine, -1, 1))
                        bonus = inertia * d["score"] * (np.pi / 2 - angle) / np.pi
                    cost[row, column] = -table[row, column] - bonus
            for row, column in pairs_below(cost, 0):
                owners[indices[column]] = tracks[row]
            for i in indices:
                if owners[i] is not None:
                    owners[i].see(detections[i], self.frame, delta)
            return [i for i in indices if owners[i] is None]

        left = round_of(self.tracks, usable, [t.filter.box() for t in self.tracks], config["inertia"])
        unseen = [t for t in self.tracks if t.since > 0]
        left = round_of(unseen, left, [t.seen[max(t.seen)] for t in unseen], 0)
        for track in self.tracks:
            if track.since > 0:
                track.streak = 0
        self.tracks = [t for t in self.tracks if t.since <= config["max_age"]]
        for i in left:
            self.number += 1
            owners[i] = Track(self.number, detections[i], self.frame)
            self.tracks.append(owners[i])
        for track in owners:
            if track is not None and (track.streak >= config["min_hits"] or self.count <= config["min_hits"]):
                track.confirmed = True
        return [t if t is not None and t.confirmed else None for t in owners]

    def coasting(self):
        return [track for track in self.tracks if track.since > 0]
