"""Heads that say something of a whole picture or of each of its pixels: embeddings, classes, maps, poses."""

import torch
from torch import nn
from torch.nn import functional as F

from ..profiles import PROFILES
from .backbone import PYRAMID, WIDTHS, Backbone, Pyramid, conv, output, separable


class Whole(nn.Module):
    """The backbone and its last map."""

    def __init__(self, name):
        super().__init__()
        self.size = PROFILES[name]["size"]
        self.backbone = Backbone()

    def training_input(self, images):
        return images


class ArcFace(Whole):
    """[N, 128], not normalised."""

    WIDTH = 128

    def __init__(self, name):
        super().__init__(name)
        self.wide = conv(WIDTHS[-1], self.WIDTH, 1)
        # One weight for each place, as the family has it: a face is always at the same place.
        cells = 4
        self.places = nn.Conv2d(self.WIDTH, self.WIDTH, cells, groups=self.WIDTH, bias=False)
        self.last = nn.Sequential(
            nn.BatchNorm2d(self.WIDTH), nn.Conv2d(self.WIDTH, self.WIDTH, 1, bias=False), nn.BatchNorm2d(self.WIDTH)
        )

    def forward(self, x):
        x = self.last(self.places(self.wide(self.backbone(x)[-1])))
        return x.reshape(-1, int(self.WIDTH))


class Classifier(Whole):
    """[N, C] logits."""

    def __init__(self, name):
        super().__init__(name)
        self.classes = len(PROFILES[name]["classes"])
        self.wide = conv(WIDTHS[-1], 2 * WIDTHS[-1], 1)
        self.last = nn.Linear(2 * WIDTHS[-1], self.classes)

    def forward(self, x):
        x = self.wide(self.backbone(x)[-1]).mean((2, 3))
        return self.last(x)


class Map(Whole):
    """A map of stride 4."""

    def __init__(self, name):
        super().__init__(name)
        self.pyramid = Pyramid(0)
        self.body = nn.Sequential(conv(PYRAMID, PYRAMID), separable(PYRAMID, PYRAMID, 5))

    def features(self, x):
        return self.body(self.pyramid(self.backbone(x))[0])


class UNet(Map):
    """[N, H, W, C] probabilities."""

    def __init__(self, name):
        super().__init__(name)
        self.up = nn.Upsample(scale_factor=2, mode="bilinear")
        self.first, self.second = conv(3, 16), conv(3, 16, 3, 2)
        self.middle = conv(PYRAMID + 16, 32)
        self.fine = conv(32 + 16, 32)
        self.last = output(len(PROFILES[name]["classes"]), inputs=32)

    def logits(self, x):
        coarse = torch.cat([self.up(self.features(x)), self.second(x)], 1)
        fine = torch.cat([self.up(self.middle(coarse)), self.first(x)], 1)
        return self.last(self.fine(fine))

    def forward(self, x):
        return self.logits(x).permute(0, 2, 3, 1).softmax(3)


class HeatmapPose(Map):
    """[N, 17, h, w]: how likely each joint is in each cell; the centre of a cell is its index times the stride."""

    stride = 4

    def __init__(self, name):
        super().__init__(name)
        self.columns, self.rows = (side // self.stride for side in self.size)
        self.last = output(17, 0.01)
        y, x = torch.meshgrid(torch.arange(self.rows), torch.arange(self.columns), indexing="ij")
        self.register_buffer("cells", torch.stack([x, y]).float(), persistent=False)

    def logits(self, x):
        return self.last(self.features(x))

    def forward(self, x):
        return self.logits(x).sigmoid()


class AlphaPose(HeatmapPose):
    """[N, 17, 3]: x y in network pixels, the mean of cells by their share of the map, and the best one's likeness."""

    def points(self, logits):
        """[N, 17, 2]"""
        share = logits.reshape(-1, 17, int(self.rows * self.columns)).softmax(2)
        x, y = ((share * self.cells[i].reshape(-1)).sum(2) for i in (0, 1))
        return torch.stack([x, y], 2) * self.stride

    def forward(self, x):
        logits = self.logits(x)
        best = logits.reshape(-1, 17, int(self.rows * self.columns)).amax(2).sigmoid()
        return torch.cat([self.points(logits), best.unsqueeze(2)], 2)


def margin_logits(embedding, centers, labels, scale=24.0, margin=0.3):
    """Additive angular margin: the angle to the right class counts as larger than it is."""
    cosine = F.linear(F.normalize(embedding), F.normalize(centers)).clamp(-1 + 1e-6, 1 - 1e-6)
    wider = torch.cos(torch.acos(cosine) + margin)
    right = F.one_hot(labels, cosine.shape[1]).bool()
    return scale * torch.where(right, wider, cosine)
