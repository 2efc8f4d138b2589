"""DeepSORT from the seed's numbers: matching cascade over levels, gate, features or pixels."""

import numpy as np

from .kalman import BoxKalman, centre_of, other_class
from .matching import cheapest_pairs

GATE = 9.4877
FAR = 1e5


def measure(box):
    height = int(box[3] - box[1])
    x, y = centre_of(box)
    return np.array([int(x), int(y), (box[2] - box[0]) / height, height], np.float64)


class Track:
    def __init__(self, number, detection, config):
        self.number, self.kind, self.config = number, detection["class"], config
        self.filter = BoxKalman(measure(detection["box"]), config)
        self.last = detection["box"]
        self.state = "tentative"
        self.since, self.hits = 0, 1
        self.bucket = [detection["feature"]]

    def see(self, detection):
        self.filter.see(measure(detection["box"]))
        self.last = detection["box"]
        self.since = 0
        self.hits += 1
        self.bucket = (self.bucket + [detection["feature"]])[-max(1, self.config["nbuckets"]) :]
        if self.hits >= self.config["nhit"]:
            self.state = "confirmed"

    def costs(self, detections):
        if self.config["has_feature"]:
            cosines = np.array(self.bucket) @ np.array([d["feature"] for d in detections]).T
            costs = 1 - cosines.max(axis=0)
        else:
            centres = np.array([centre_of(d["box"]) for d in detections])
            costs = np.linalg.norm(centres - centre_of(self.last), axis=1)
        gates = self.filter.gate(np.array([measure(d["box"]) for d in detections]))
        return np.where(gates > GATE, FAR, costs)


class DeepSort:
    def __init__(self, config):
        self.config = config
        self.tracks, self.number = [], 0

    def update(self, detections, steps, first):
        for track in self.tracks:
            for _ in range(steps):
                track.filter.step()
                track.since += 1
        owners = [None] * len(detections)
        free_tracks = list(self.tracks)
        for state in ("confirmed", "tentative"):
            for level in range(self.config["max_age"]):
                chosen = [t for t in free_tracks if t.state == state and t.since == level + 1]
                open_ones = [i for i in range(len(detections)) if owners[i] is None]
                if not chosen or not open_ones:
                    continue
                offers = [detections[i] for i in open_ones]
                cost = np.array([track.costs(offers) for track in chosen])
                cost[other_class(chosen, offers)] = FAR
                for row, column in cheapest_pairs(cost):
                    if cost[row, column] < self.config["distance_threshold"]:
                        chosen[row].see(offers[column])
                        owners[open_ones[column]] = chosen[row]
                        free_tracks.remove(chosen[row])
        for track in free_tracks:
            if track.state == "tentative" or track.since > self.config["max_age"]:
                track.state = "deleted"
        self.tracks = [track for track in self.tracks if track.state != "deleted"]
        for i, detection in enumerate(detections):
            if owners[i] is None:
                self.number += 1
                owners[i] = Track(self.number, detection, self.config)
                self.tracks.append(owners[i])
        return [track if track.state == "confirmed" else None for track in owners]

    def coasting(self):
        return [track for track in self.tracks if track.since > 0]
