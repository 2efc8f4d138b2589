"""The Kalman filter as textbooks have it: full matrices, nothing known of their structure."""

import numpy as np


class Kalman:
    def __init__(self, mean, covariance, transition, measures):
        """`measures`: how many of the first values of the state are measured."""
        self.mean = np.array(mean, np.float64)
        self.covariance = np.diag(covariance).astype(np.float64)
        self.transition = transition
        self.observation = np.eye(measures, len(self.mean))

    def predict(self, noise):
        """`noise`: variances."""
        self.mean = self.transition @ self.mean
        self.covariance = self.transition @ self.covariance @ self.transition.T + np.diag(noise)

    def expected(self, noise):
        """Mean and covariance of a measurement."""
        h = self.observation
        return h @ self.mean, h @ self.covariance @ h.T + np.diag(noise)

    def update(self, measured, noise):
        expected, covariance = self.expected(noise)
        gain = self.covariance @ self.observation.T @ np.linalg.inv(covariance)
        self.mean = self.mean + gain @ (measured - expected)
        self.covariance = (np.eye(len(self.mean)) - gain @ self.observation) @ self.covariance

    def squared_distances(self, measured, noise):
        """Squared Mahalanobis distances of measurements, one a row."""
        expected, covariance = self.expected(noise)
        differences = measured - expected
        return np.einsum("ni,ij,nj->n", differences, np.linalg.inv(covariance), differences)


def with_velocities(values, velocities):
    """The transition of `values` values, of which the first `velocities` have velocities behind them all."""
    transition = np.eye(values + velocities)
    for i in range(velocities):
        transition[i, values + i] = 1
    return transition


class BoxKalman(Kalman):
    """Centre x, centre y, aspect, height and their velocities; weights times the height, those of the aspect as they are."""

    def __init__(self, measured, weights):
        self.weights = weights
        super().__init__([*measured, 0, 0, 0, 0], self._variances("initial", measured[3]), with_velocities(4, 4), 4)

    def _variances(self, name, height):
        scale = [height, height, 1, height, height, height, 1, height]
        weights = self.weights[name]
        return (np.array(weights) * scale[: len(weights)]) ** 2

    def step(self):
        self.predict(self._variances("motion", self.mean[3]))

    def see(self, measured):
        self.update(measured, self._variances("noise", self.mean[3]))

    def gate(self, measured):
        return self.squared_distances(measured, self._variances("noise", self.mean[3]))

    def box(self):
        x, y, aspect, height = self.mean[:4]
        return box_of(x, y, max(0, aspect * max(0, height)), max(0, height))


def box_of(x, y, width, height):
    return np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])


def centre_of(box):
    return np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])


def overlaps(left, right, rim=0):
    """Intersection over union of each box of `left` with each of `right`; `rim` is added to widths and heights."""
    table = np.zeros((len(left), len(right)))
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            width = min(a[2], b[2]) - max(a[0], b[0]) + rim
            height = min(a[3], b[3]) - max(a[1], b[1]) + rim
            if width > 0 and height > 0:
                area = sum((box[2] - box[0] + rim) * (box[3] - box[1] + rim) for box in (a, b))
                table[i, j] = width * height / (area - width * height)
    return table


def other_class(tracks, detections):
    """True where track and detection are of different classes."""
    kinds = np.array([d["class"] for d in detections])
    return np.array([track.kind for track in tracks])[:, None] != kinds[None, :]
