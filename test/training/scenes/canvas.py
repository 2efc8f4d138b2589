"""A picture to draw on, with edges smoothed by their distance.

Only NumPy's sums, products, quotients and roots are used, which IEEE 754 fixes to the bit, and `math` for angles, whose
results are rounded before use: two machines draw the same picture.
"""

import math

import numpy as np


def generator(seed, stream=0):
    """Random numbers of a seed; streams of a seed are independent."""
    return np.random.Generator(np.random.PCG64([int(seed), stream]))


def between(rng, low, high):
    return low + (high - low) * rng.random()


def pick(rng, items):
    return items[int(rng.integers(len(items)))]


def colour(rng, low=0, high=255):
    """Blue green red."""
    return [float(value) for value in rng.integers(low, high + 1, 3)]


def grid(value):
    """To the nearest 32nd of a pixel."""
    return math.floor(value * 32 + 0.5) / 32


def turned(points, angle, center=(0, 0), scale=1.0):
    """Points scaled and turned about the origin by `angle` radians, from x towards y, then moved to `center`."""
    cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
    return [(grid(x * cos - y * sin + center[0]), grid(x * sin + y * cos + center[1])) for x, y in points]


def extent(points, margin=0.0):
    """left top right bottom"""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return [min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin]


def joined(boxes):
    return [min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)]


class Canvas:
    def __init__(self, width, height):
        self.width, self.height = width, height
        self.pixels = np.zeros((height, width, 3), np.float32)
        # Number of the object that each pixel shows, 0 for none; drawing with `mark` sets it.
        self.ids = np.zeros((height, width), np.uint8)
        self.mark = None

    def _window(self, box):
        """Slices of the pixels that a box may touch and their coordinates, or None where it touches none."""
        left, top = max(math.floor(box[0]) - 1, 0), max(math.floor(box[1]) - 1, 0)
        right, bottom = min(math.ceil(box[2]) + 2, self.width), min(math.ceil(box[3]) + 2, self.height)
        if left >= right or top >= bottom:
            return None
        x = np.arange(left, right, dtype=np.float32)[None, :]
        y = np.arange(top, bottom, dtype=np.float32)[:, None]
        return (slice(top, bottom), slice(left, right)), x, y

    def _blend(self, window, distance, tone, opacity):
        """`distance` from the edge, negative within."""
        cover = np.clip(np.float32(0.5) - distance, 0, 1)
        if self.mark is not None:
            self.ids[window][cover > 0.5] = self.mark
        cover = (cover * np.float32(opacity))[..., None]
        part = self.pixels[window]
        part += cover * (np.array(tone, np.float32) - part)

    def polygon(self, points, tone, opacity=1.0):
        found = self._window(extent(points))
        if found is None:
            return
        window, x, y = found
        shape = np.broadcast_shapes(x.shape, y.shape)
        nearest = np.full(shape, np.inf, np.float32)
        inside = np.zeros(shape, bool)
        for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1]):
            ex, ey = np.float32(bx - ax), np.float32(by - ay)
            px, py = x - np.float32(ax), y - np.float32(ay)
            along = np.clip((px * ex + py * ey) / max(ex * ex + ey * ey, np.float32(1e-6)), 0, 1)
            dx, dy = px - ex * along, py - ey * along
            nearest = np.minimum(nearest, dx * dx + dy * dy)
            if ay != by:
                crosses = (y >= min(ay, by)) & (y < max(ay, by))
                inside ^= crosses & (px * ey < py * ex if by > ay else px * ey > py * ex)
        distance = np.sqrt(nearest)
        self._blend(window, np.where(inside, -distance, distance), tone, opacity)

    def stroke(self, a, b, radius, tone, opacity=1.0):
        """A line from a to b with round ends."""
        found = self._window(extent([a, b], radius))
        if found is None:
            return
        window, x, y = found
        ex, ey = np.float32(b[0] - a[0]), np.float32(b[1] - a[1])
        px, py = x - np.float32(a[0]), y - np.float32(a[1])
        along = np.clip((px * ex + py * ey) / max(ex * ex + ey * ey, np.float32(1e-6)), 0, 1)
        dx, dy = px - ex * along, py - ey * along
        self._blend(window, np.sqrt(dx * dx + dy * dy) - np.float32(radius), tone, opacity)

    def ring(self, center, radius, thickness, tone, opacity=1.0):
        """`radius` is that of the outer edge."""
        found = self._window(extent([center], radius))
        if found is None:
            return
        window, x, y = found
        px, py = x - np.float32(center[0]), y - np.float32(center[1])
        middle = np.abs(np.sqrt(px * px + py * py) - np.float32(radius - thickness / 2))
        self._blend(window, middle - np.float32(thickness / 2), tone, opacity)

    def ellipse(self, center, radii, angle, tone, opacity=1.0):
        found = self._window(extent([center], max(radii)))
        if found is None:
            return
        window, x, y = found
        cos, sin = (np.float32(grid(128 * f(angle)) / 128) for f in (math.cos, math.sin))
        px, py = x - np.float32(center[0]), y - np.float32(center[1])
        u, v = (px * cos + py * sin) / np.float32(radii[0]), (py * cos - px * sin) / np.float32(radii[1])
        level = np.sqrt(u * u + v * v)
        u, v = u / np.float32(radii[0]), v / np.float32(radii[1])
        slope = np.maximum(np.sqrt(u * u + v * v), np.float32(1e-6))
        self._blend(window, level * (level - 1) / slope, tone, opacity)

    def circle(self, center, radius, tone, opacity=1.0):
        self.ellipse(center, (radius, radius), 0, tone, opacity)

    def background(self, rng, clutter=6):
        """A gradient with patches, in colours that things may have too."""
        first, second = np.array(colour(rng), np.float32), np.array(colour(rng), np.float32)
        across, down = rng.random(2, np.float32)
        x = np.arange(self.width, dtype=np.float32)[None, :, None] / np.float32(self.width)
        y = np.arange(self.height, dtype=np.float32)[:, None, None] / np.float32(self.height)
        self.pixels[:] = first + (second - first) * np.clip(x * across + y * down, 0, 1)
        for _ in range(int(rng.integers(clutter + 1))):
            a, b = ((grid(between(rng, 0, self.width)), grid(between(rng, 0, self.height))) for _ in range(2))
            self.stroke(a, b, between(rng, 0.5, 12), colour(rng), between(rng, 0.1, 0.5))

    def light(self, rng, strength=0.35):
        """Brightness that changes over the picture, contrast, and noise."""
        gains = 1 + strength * (2 * rng.random(2, np.float32) - 1)
        x = np.arange(self.width, dtype=np.float32)[None, :, None] / np.float32(self.width)
        self.pixels *= gains[0] + (gains[1] - gains[0]) * x
        noise = np.float32(between(rng, 0, 14))
        self.pixels += noise * (rng.random(self.pixels.shape, np.float32) - np.float32(0.5))

    def picture(self):
        return np.floor(np.clip(self.pixels, 0, 255) + np.float32(0.5)).astype(np.uint8)
