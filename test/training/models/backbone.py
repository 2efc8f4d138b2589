"""The backbone that all heads share: strided convolutions with residual blocks, and a pyramid from coarse to fine."""

import math

import torch
from torch import nn

WIDTHS = (16, 32, 48, 64, 96)
PYRAMID = 48


def conv(inputs, outputs, kernel=3, stride=1, groups=1, act=True):
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if act else []))


def separable(inputs, outputs, kernel=3):
    return nn.Sequential(conv(inputs, inputs, kernel, groups=inputs, act=False), conv(inputs, outputs, 1))


class Residual(nn.Module):
    """Depthwise, wider, back again; added to what came in."""

    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(
            conv(channels, channels, 5, groups=channels),
            conv(channels, 2 * channels, 1),
            conv(2 * channels, channels, 1, act=False),
        )

    def forward(self, x):
        return x + self.body(x)


class Focus(nn.Module):
    """Each 2 x 2 pixels become a pixel of 4 x 3 channels: group ((x % 2) << 1) | (y % 2) has the pixels at x and y."""

    def forward(self, x):
        return torch.cat([x[:, :, y::2, left::2] for left in (0, 1) for y in (0, 1)], 1)


class Backbone(nn.Module):
    """Maps of strides 4, 8, 16 and 32. With `focus` the input is the output of Focus."""

    def __init__(self, focus=False):
        super().__init__()
        self.stem = conv(12, WIDTHS[0], 3, 1) if focus else conv(3, WIDTHS[0], 3, 2)
        blocks = (1, 2, 2, 2)
        self.stages = nn.ModuleList(
            nn.Sequential(conv(low, high, 3, 2), *(Residual(high) for _ in range(count)))
            for low, high, count in zip(WIDTHS, WIDTHS[1:], blocks)
        )

    def forward(self, x):
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


class Pyramid(nn.Module):
    """Maps of PYRAMID channels, from the finest level that is wanted (0: stride 4, 1: stride 8) to stride 32."""

    def __init__(self, finest):
        super().__init__()
        self.finest = finest
        self.lateral = nn.ModuleList(conv(width, PYRAMID, 1) for width in WIDTHS[1 + finest :])
        self.smooth = nn.ModuleList(separable(PYRAMID, PYRAMID, 5) for _ in WIDTHS[1 + finest :])
        self.up = nn.Upsample(scale_factor=2, mode="nearest")

    def forward(self, maps):
        maps = [lateral(x) for lateral, x in zip(self.lateral, maps[self.finest :])]
        for i in range(len(maps) - 2, -1, -1):
            maps[i] = maps[i] + self.up(maps[i + 1])
        return [smooth(x) for smooth, x in zip(self.smooth, maps)]


def tower(channels=PYRAMID, depth=2):
    return nn.Sequential(*(separable(channels, channels) for _ in range(depth)))


def output(channels, prior=None, inputs=PYRAMID):
    """The last convolution; `prior` is how likely its sigmoid takes an object to be before training."""
    layer = nn.Conv2d(inputs, channels, 1)
    nn.init.normal_(layer.weight, std=0.01)
    nn.init.constant_(layer.bias, 0 if prior is None else -math.log((1 - prior) / prior))
    return layer


def grown(x, training):
    """exp(x), which in training keeps to sizes that losses can bear."""
    return torch.exp(x.clamp(max=7) if training else x)
