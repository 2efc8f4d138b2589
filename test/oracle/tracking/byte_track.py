"""ByteTrack from its paper and its numbers: every box counts, those of low score in a second round."""

import numpy as np

from .kalman import BoxKalman, overlaps
from .matching import pairs_below

WEIGHTS = {
    "initial": [0.1, 0.1, 0.01, 0.1, 0.0625, 0.0625, 1e-5, 0.0625],
    "motion": [0.05, 0.05, 0.01, 0.05, 0.00625, 0.00625, 1e-5, 0.00625],
    "noise": [0.05, 0.05, 0.1, 0.05],
}


def measure(box):
    height = box[3] - box[1]
    return np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, (box[2] - box[0]) / height, height])


class Track:
    def __init__(self, number, detection, frame):
        self.number, self.kind = number, detection["class"]
        self.filter = BoxKalman(measure(detection["box"]), WEIGHTS)
        self.first, self.last = frame, frame
        self.hits, self.since = 1, 0
        self.state = "new"

    def see(self, detection, frame):
        self.filter.see(measure(detection["box"]))
        self.last, self.state, self.since = frame, "tracked", 0
        self.hits += 1


class ByteTrack:
    def __init__(self, config):
        self.config = config
        self.buffer = int(config["frame_rate"] / 30 * config["track_buffer"])
        self.tracks, self.number, self.frame = [], 0, 0

    def update(self, detections, steps, first):
        config = self.config
        self.frame += steps
        # Frames that were skipped use up the time of lost tracks.
        self.tracks = [t for t in self.tracks if self.frame - t.last <= self.buffer + 1]
        for track in self.tracks:
            track.since += steps
            for _ in range(steps):
                if track.state == "lost":
                    track.filter.mean[7] = 0
                track.filter.step()
        owners = [None] * len(detections)
        scores = np.array([d["score"] for d in detections])
        high = [i for i in range(len(detections)) if scores[i] > config["high"]]
        low = [i for i in range(len(detections)) if config["low"] < scores[i] <= config["high"]]

        def round_of(tracks, indices, limit, fused):
            offers = [detections[i] for i in indices]
            table = overlaps([t.filter.box() for t in tracks], [d["box"] for d in offers], rim=1)
            if fused:
                table = table * scores[indices][None, :] if len(indices) else table
            cost = 1 - table
            for row, track in enumerate(tracks):
                for column, d in enumerate(offers):
                    if track.kind != d["class"]:
                        cost[row, column] = np.inf
            for row, column in pairs_below(cost, limit):
                tracks[row].see(offers[column], self.frame)
                owners[indices[column]] = tracks[row]
            taken = {id(owner) for owner in owners if owner is not None}
            return [t for t in tracks if id(t) not in taken], [i for i in indices if owners[i] is None]

        known = [t for t in self.tracks if t.state != "new"]
        newcomers = [t for t in self.tracks if t.state == "new"]
        missed, high = round_of(known, high, config["match"], True)
        missed = [t for t in missed if t.state == "tracked"]
        missed, _ = round_of(missed, low, config["second"], False)
        for track in missed:
            track.state = "lost"
        gone, high = round_of(newcomers, high, config["unconfirmed"], True)
        self.tracks = [t for t in self.tracks if t not in gone and self.frame - t.last <= self.buffer]
        for i in high:
            if scores[i] >= config["new"]:
                self.number += 1
                owners[i] = Track(self.number, detections[i], self.frame)
                if first:
                    owners[i].state = "tracked"
                self.tracks.append(owners[i])
        self._end_duplicates()
        return [t if t is not None and t.state == "tracked" and t in self.tracks else None for t in owners]

    def _end_duplicates(self):
        seen = [t for t in self.tracks if t.state != "lost"]
        lost = [t for t in self.tracks if t.state == "lost"]
        distances = 1 - overlaps([t.filter.box() for t in seen], [t.filter.box() for t in lost], rim=1)
        ended = []
        for i, j in np.argwhere(distances < self.config["duplicate"]):
            if seen[i].kind == lost[j].kind:
                longer = seen[i].last - seen[i].first > lost[j].last - lost[j].first
                ended.append(lost[j] if longer else seen[i])
        self.tracks = [t for t in self.tracks if t not in ended]

    def coasting(self):
        return [track for track in self.tracks if track.since > 0]
