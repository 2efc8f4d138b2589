"""Heads that find faces, and CenterNet, which like DBFace looks for peaks in a map of stride 4.

Predictions have `points` [N, A, 5, 2] in network pixels; see detectors.py for the rest.
"""

import math

import torch
from torch import nn

from ..profiles import PROFILES, RETINA_SIZES
from .backbone import PYRAMID, Backbone, Pyramid, conv, grown, output, separable
from .detectors import Detector, corners


class Anchored(Detector):
    """Two priors a cell, in the order level, row, column, size; boxes and five points of each."""

    anchors_per_cell = 2

    def __init__(self, name, class_channels):
        super().__init__(name, 4 * 2, class_channels * 2, 10 * 2)
        sizes = [
            torch.tensor(sizes, dtype=torch.float32).repeat(h * w)
            for sizes, (h, w) in zip(RETINA_SIZES, self.level_shapes())
        ]
        self.register_buffer("sizes", torch.cat(sizes), persistent=False)

    def parts(self, x):
        """Boxes, points and classes of each prior, raw: [N, A, 4], [N, A, 10], [N, A, channels]."""
        maps = self.maps(x)
        rows = self.flat([box for box, _ in maps])
        return rows[..., :4], rows[..., 4:], self.flat([kind for _, kind in maps])


class RetinaFace(Anchored):
    """[N, P, 16]: dx dy dw dh, logits of no face and of a face, five points."""

    def __init__(self, name):
        super().__init__(name, 2)
        for layer in self.class_outputs:
            nn.init.constant_(layer.bias[0::2], 2.3)
            nn.init.constant_(layer.bias[1::2], -2.3)

    def predict(self, x):
        boxes, points, classes = self.parts(x)
        middle = (self.cells + 0.5) * self.strides[:, None]
        size = self.sizes[:, None]
        center = middle + boxes[..., :2] * 0.1 * size
        wide, high = (self.sizes * grown(boxes[..., i] * 0.2, self.training) for i in (2, 3))
        places = middle[:, None] + points.unflatten(2, (5, 2)) * 0.1 * size[..., None]
        return {
            "boxes": corners(center[..., 0], center[..., 1], wide, high),
            "points": places,
            "classes": classes[..., 1:] - classes[..., :1],
        }

    def forward(self, x):
        boxes, points, classes = self.parts(x)
        return torch.cat([boxes, classes, points], 2)


class Scrfd(Anchored):
    """[N, P, 15]: left top right bottom in strides, logit, five points; or level by level, with the sigmoid."""

    def __init__(self, name):
        super().__init__(name, 1)
        for layer in self.box_outputs:
            nn.init.constant_(layer.bias.view(2, 14)[:, :4], 1.5)
        self.nine = False

    def predict(self, x):
        boxes, points, classes = self.parts(x)
        strides = self.strides[:, None]
        corner = self.cells * strides
        edges = torch.cat([corner - boxes[..., :2] * strides, corner + boxes[..., 2:] * strides], 2)
        places = corner[:, None] + points.unflatten(2, (5, 2)) * strides[..., None]
        return {"boxes": edges, "points": places, "classes": classes}

    def forward(self, x):
        boxes, points, classes = self.parts(x)
        if not self.nine:
            return torch.cat([boxes, classes, points], 2)
        counts = [h * w * self.anchors_per_cell for h, w in self.level_shapes()]
        parts = [classes.sigmoid(), boxes, points]
        return tuple(level for part in parts for level in part.split(counts, 1))

    def variant(self, name):
        self.nine = name == "scrfd_nine"


class Peaks(nn.Module):
    """A map of stride 4 with the likeness of each class and numbers beside it."""

    stride = 4

    def __init__(self, name, numbers):
        super().__init__()
        self.size = PROFILES[name]["size"]
        self.columns, self.rows = (side // self.stride for side in self.size)
        self.classes = len(PROFILES[name]["classes"])
        self.backbone, self.pyramid = Backbone(), Pyramid(0)
        self.body = nn.Sequential(conv(PYRAMID, PYRAMID), separable(PYRAMID, PYRAMID, 5))
        self.heat, self.numbers = output(self.classes, 0.01), output(numbers)
        self.pool = nn.MaxPool2d(3, 1, 1)
        y, x = torch.meshgrid(torch.arange(self.rows), torch.arange(self.columns), indexing="ij")
        self.register_buffer("cells", torch.stack([x, y]).float(), persistent=False)

    def maps(self, x):
        x = self.body(self.pyramid(self.backbone(x))[0])
        return self.heat(x), self.numbers(x)

    def training_input(self, images):
        return images


class CenterNet(Peaks):
    """[N, cells, 4 + 2C]: the centre within the cell x y, the size w h in cells, logits, their 3x3 maximum."""

    def __init__(self, name):
        super().__init__(name, 4)
        nn.init.constant_(self.numbers.bias[2:], 8)

    def predict(self, x):
        heat, numbers = self.maps(x)
        center = (numbers[:, :2] + self.cells) * self.stride
        half = numbers[:, 2:] * (self.stride / 2)
        return {"heat": heat, "boxes": torch.cat([center - half, center + half], 1)}

    def forward(self, x):
        heat, numbers = self.maps(x)
        rows = torch.cat([numbers, heat, self.pool(heat)], 1)
        return rows.permute(0, 2, 3, 1).reshape(-1, int(self.rows * self.columns), int(4 + 2 * self.classes))


class DBFace(Peaks):
    """hm, pool_hm (not of the small variant), tlrb: left top right bottom from the cell, landmark: x, then y."""

    def __init__(self, name):
        super().__init__(name, 14)
        nn.init.constant_(self.numbers.bias[:4], 1)
        self.small = False

    def predict(self, x):
        heat, numbers = self.maps(x)
        sides = grown(numbers[:, :4], self.training)
        boxes = torch.cat([self.cells - sides[:, :2], self.cells + sides[:, 2:]], 1) * self.stride
        return {"heat": heat, "boxes": boxes, "landmark": numbers[:, 4:]}

    def forward(self, x):
        heat, numbers = self.maps(x)
        heat = heat.sigmoid()
        more = torch.exp(numbers[:, :4]), numbers[:, 4:]
        return (heat, *more) if self.small else (heat, self.pool(heat), *more)

    def variant(self, name):
        self.small = name == "dbface_small"

    def landmark_targets(self, points):
        """What `landmark` should be for points in network pixels [N, M, 5, 2]: [N, M, 10, rows, columns]."""
        cells = points.permute(0, 1, 3, 2)[..., None, None] / self.stride
        away = (cells - self.cells[:, None]).flatten(2, 3)
        # The inverse of v * e below 1 and of sign(v) * e ** |v| above.
        size = away.abs().clamp(min=1e-6)
        return torch.where(size < math.e, away / math.e, away.sign() * size.log()) / 4
