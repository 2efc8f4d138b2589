"""The YOLO family and a DETR-like head.

`predict` gives what losses need: `boxes` [N, A, 4] left top right bottom in network pixels, `classes` [N, A, C] logits,
where the family has it `objects` [N, A] logits, and more of each family's own. Calling the module gives the outputs of
the family. A counts all anchors, in the family's order.
"""

import math

import torch
from torch import nn

from ..profiles import PROFILES, STRIDES, YOLO_ANCHORS
from .backbone import PYRAMID, Backbone, Focus, Pyramid, grown, output, tower


def corners(x, y, w, h):
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 2)


def centers(boxes):
    """x y w h of left top right bottom, on the last axis."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return torch.cat([(low + high) / 2, high - low], -1)


def wide(index, count):
    """[N, K, 1] -> [N, K, count], as gathering whole rows takes it."""
    return torch.cat([index] * count, 2)


class Detector(nn.Module):
    """Backbone, pyramid, and for each level a tower and outputs for boxes and one for classes."""

    anchors_per_cell = 1

    def __init__(self, name, box_channels, class_channels, more_channels=0, finest=1):
        super().__init__()
        profile = PROFILES[name]
        self.name, self.classes = name, len(profile["classes"])
        self.size = profile["size"]
        self.focus = Focus() if profile.get("focus") else None
        self.backbone, self.pyramid = Backbone(self.focus is not None), Pyramid(finest)
        levels = range(len(STRIDES))
        self.box_towers, self.class_towers = (nn.ModuleList(tower() for _ in levels) for _ in range(2))
        self.box_outputs = nn.ModuleList(output(box_channels + more_channels) for _ in levels)
        self.class_outputs = nn.ModuleList(output(class_channels, 0.01) for _ in levels)
        self.register_buffer("cells", self._cells(), persistent=False)
        self.register_buffer(
            "strides",
            torch.cat(
                [
                    torch.full((h * w * self.anchors_per_cell,), float(s))
                    for s, (h, w) in zip(STRIDES, self.level_shapes())
                ]
            ),
            persistent=False,
        )

    def level_shapes(self):
        return [(self.size[1] // s, self.size[0] // s) for s in STRIDES]

    def _cells(self):
        """Column and row of the cell of each anchor [A, 2]; anchors of a cell follow one another."""
        cells = []
        for high, wide in self.level_shapes():
            y, x = torch.meshgrid(torch.arange(high), torch.arange(wide), indexing="ij")
            cells.append(torch.stack([x, y], -1).reshape(-1, 1, 2).repeat(1, self.anchors_per_cell, 1).reshape(-1, 2))
        return torch.cat(cells).float()

    def maps(self, x):
        """For each level the outputs for boxes and classes [N, channels, h, w]; `x` is the exported file's input."""
        levels = self.pyramid(self.backbone(x))[-len(STRIDES) :]
        return [
            (box(low(level)), kind(high(level)))
            for level, low, high, box, kind in zip(
                levels, self.box_towers, self.class_towers, self.box_outputs, self.class_outputs
            )
        ]

    def flat(self, maps):
        """Maps of each level [N, channels, h, w] as [N, A, channels]."""
        rows = []
        for x, (high, wide) in zip(maps, self.level_shapes()):
            channels = int(x.shape[1]) // self.anchors_per_cell
            rows.append(x.permute(0, 2, 3, 1).reshape(-1, int(high * wide * self.anchors_per_cell), channels))
        return torch.cat(rows, 1)

    def training_input(self, images):
        return images if self.focus is None else self.focus(images)


class YoloX(Detector):
    """One anchor a cell: x y w h objectness classes. The raw variant ends before anything is decoded."""

    def __init__(self, name):
        super().__init__(name, 5, len(PROFILES[name]["classes"]))
        for layer in self.box_outputs:
            nn.init.constant_(layer.bias[4:], -4.6)

    def raw(self, x):
        """[N, 1, 5 + C, A]"""
        levels = [
            torch.cat(pair, 1).reshape(-1, 1, 5 + self.classes, int(h * w))
            for pair, (h, w) in zip(self.maps(x), self.level_shapes())
        ]
        return torch.cat(levels, 3)

    def decode(self, raw):
        rows = raw[:, 0].transpose(1, 2)
        x, y = ((rows[..., i] + self.cells[:, i]) * self.strides for i in (0, 1))
        w, h = (grown(rows[..., i], self.training) * self.strides for i in (2, 3))
        return rows, (x, y, w, h)

    def predict(self, x):
        rows, box = self.decode(self.raw(x))
        return {"boxes": corners(*box), "objects": rows[..., 4], "classes": rows[..., 5:]}

    def forward(self, x):
        raw = self.raw(x)
        if self.focus is not None:
            return raw
        rows, box = self.decode(raw)
        return torch.cat([torch.stack(box, 2), rows[..., 4:].sigmoid()], 2)


class YoloV5(Detector):
    """Three anchors a cell, in the order level, anchor, row, column."""

    kinds = 3

    def __init__(self, name):
        classes = len(PROFILES[name]["classes"])
        super().__init__(name, 5 * self.kinds, classes * self.kinds)
        for layer in self.box_outputs:
            nn.init.constant_(layer.bias.view(self.kinds, 5)[:, 4], -4.6)
        cells, strides, anchors = [], [], []
        for stride, sizes, (high, wide) in zip(STRIDES, YOLO_ANCHORS, self.level_shapes()):
            y, x = torch.meshgrid(torch.arange(high), torch.arange(wide), indexing="ij")
            cells.append(torch.stack([x, y], -1).reshape(1, -1, 2).repeat(self.kinds, 1, 1).reshape(-1, 2))
            strides.append(torch.full((self.kinds * high * wide,), float(stride)))
            size = torch.tensor(sizes, dtype=torch.float32).view(self.kinds, 1, 2)
            anchors.append(size.repeat(1, high * wide, 1).reshape(-1, 2))
        self.cells, self.strides = torch.cat(cells).float(), torch.cat(strides)
        self.register_buffer("anchors", torch.cat(anchors), persistent=False)

    def levels(self, x):
        """For each level [N, 3, 5 + C, h * w]."""
        for (box, kind), (high, wide) in zip(self.maps(x), self.level_shapes()):
            cells = int(high * wide)
            yield torch.cat(
                [box.reshape(-1, self.kinds, 5, cells), kind.reshape(-1, self.kinds, self.classes, cells)], 2
            )

    def rows(self, levels):
        """[N, A, 5 + C]"""
        return torch.cat(
            [x.transpose(2, 3).reshape(-1, int(x.shape[1] * x.shape[3]), int(x.shape[2])) for x in levels], 1
        )

    def decode(self, rows):
        x, y = ((2 * rows[..., i].sigmoid() - 0.5 + self.cells[:, i]) * self.strides for i in (0, 1))
        w, h = ((2 * rows[..., 2 + i].sigmoid()) ** 2 * self.anchors[:, i] for i in (0, 1))
        return x, y, w, h

    def predict(self, x):
        rows = self.rows(self.levels(x))
        return {"boxes": corners(*self.decode(rows)), "objects": rows[..., 4], "classes": rows[..., 5:]}

    def forward(self, x):
        levels = list(self.levels(x))
        if self.focus is not None:
            return torch.cat(levels, 3)
        rows = self.rows(levels)
        return torch.cat([torch.stack(self.decode(rows), 2), rows[..., 4:].sigmoid()], 2)


class YoloV8(Detector):
    """
    Distances of the edges from the middle of the cell as distributions over BINS strides, classes without objectness.
    Masks add coefficients and an output of prototypes, poses add points, turned boxes an angle: all of them transposed.
    """

    BINS = 16
    MASKS = 32

    def __init__(self, name):
        task = PROFILES[name]["task"]
        self_masks, self_points, self_turned = task == "yolov8_seg", task == "yolov8_pose", task == "yolov8_obb"
        more = self.MASKS * self_masks + 51 * self_points + self_turned
        super().__init__(name, 4 * self.BINS, len(PROFILES[name]["classes"]), more, finest=0 if self_masks else 1)
        self.masks, self.points, self.turned = self_masks, self_points, self_turned
        self.register_buffer("bins", torch.arange(self.BINS, dtype=torch.float32), persistent=False)
        if self.masks:
            self.proto = nn.Sequential(tower(depth=2), nn.Conv2d(PYRAMID, self.MASKS, 1))

    def predict(self, x):
        levels = self.pyramid(self.backbone(x))
        boxes, kinds = zip(
            *(
                (box(low(level)), kind(high(level)))
                for level, low, high, box, kind in zip(
                    levels[-len(STRIDES) :], self.box_towers, self.class_towers, self.box_outputs, self.class_outputs
                )
            )
        )
        rows = self.flat(boxes)
        anchors = int(self.cells.shape[0])
        bins = rows[..., : 4 * self.BINS].reshape(-1, anchors, 4, self.BINS)
        sides = (bins.softmax(3) * self.bins).sum(3)
        more = rows[..., 4 * self.BINS :]
        found = {"classes": self.flat(kinds), "bins": bins, "sides": sides, "more": more}
        middle = self.cells + 0.5
        strides = self.strides[:, None]
        if self.turned:
            angle = (more.sigmoid() - 0.25) * math.pi
            cos, sin = angle.cos(), angle.sin()
            half = (sides[..., 2:] - sides[..., :2]) / 2
            x, y = half[..., :1], half[..., 1:]
            center = torch.cat([x * cos - y * sin, x * sin + y * cos], 2) + middle
            found["turned"] = torch.cat([center * strides, (sides[..., :2] + sides[..., 2:]) * strides, angle], 2)
        else:
            found["boxes"] = torch.cat([middle - sides[..., :2], middle + sides[..., 2:]], 2) * strides
        if self.points:
            points = more.reshape(-1, anchors, 17, 3)
            found["points"] = (points[..., :2] * 2 + self.cells[:, None]) * strides[:, None]
            found["visible"] = points[..., 2:]
        if self.masks:
            found["proto"] = self.proto(levels[0])
        return found

    def forward(self, x):
        found = self.predict(x)
        anchors = int(self.cells.shape[0])
        scores = found["classes"].sigmoid()
        if self.turned:
            parts = [found["turned"][..., :4], scores, found["turned"][..., 4:]]
        elif self.points:
            points = torch.cat([found["points"], found["visible"].sigmoid()], 3).reshape(-1, anchors, 51)
            parts = [centers(found["boxes"]), scores, points]
        else:
            parts = [centers(found["boxes"]), scores] + ([found["more"]] if self.masks else [])
        rows = torch.cat(parts, 2).transpose(1, 2)
        return (rows, found["proto"]) if self.masks else rows


class EndToEnd(Detector):
    """Distances of the edges in strides; each object is told by one cell."""

    def __init__(self, name):
        super().__init__(name, 4, len(PROFILES[name]["classes"]))
        for layer in self.box_outputs:
            nn.init.constant_(layer.bias, 0.7)

    def predict(self, x):
        maps = self.maps(x)
        sides = grown(self.flat([box for box, _ in maps]), self.training)
        middle = self.cells + 0.5
        boxes = torch.cat([middle - sides[..., :2], middle + sides[..., 2:]], 2) * self.strides[:, None]
        return {"boxes": boxes, "classes": self.flat([kind for _, kind in maps])}


class YoloV10(EndToEnd):
    """The best of all classes of the best cells: [N, 300, 6] left top right bottom score class."""

    KEPT = 300

    def forward(self, x):
        found = self.predict(x)
        scores = found["classes"].sigmoid()
        _, best = scores.amax(2).topk(self.KEPT, 1)
        best = best.unsqueeze(2)
        boxes = found["boxes"].gather(1, wide(best, 4))
        scores = scores.gather(1, wide(best, self.classes))
        scores, at = scores.reshape(-1, self.KEPT * self.classes).topk(self.KEPT, 1)
        row = torch.div(at, self.classes, rounding_mode="trunc")
        label = at - row * self.classes
        boxes = boxes.gather(1, wide(row.unsqueeze(2), 4))
        return torch.cat([boxes, scores.unsqueeze(2), label.unsqueeze(2).float()], 2)


class RTDetr(EndToEnd):
    """The best QUERIES cells: boxes [N, Q, 4] x y w h as parts of the input, scores [N, Q, C]."""

    QUERIES = 100

    def forward(self, x):
        found = self.predict(x)
        _, best = found["classes"].amax(2).topk(self.QUERIES, 1)
        best = best.unsqueeze(2)
        size = torch.tensor([*self.size] * 2, dtype=torch.float32, device=x.device)
        boxes = centers(found["boxes"].gather(1, wide(best, 4))) / size
        return boxes, found["classes"].gather(1, wide(best, self.classes)).sigmoid()
