"""Crops of people as pose networks are fed them, by the formulas of their authors and with OpenCV's warp.

AlphaPose: the box grows by a share of its size, and an affine map with half-pixel terms brings it to the input. HRNet and
MMPose: centre and scale, aspect ratio of the input, padding.
"""

import cv2
import numpy as np

from wire import serve


def alphapose(box, size, _scale):
    x, y, width, height = box
    share = 0.1 if width > 100 else 0.15
    padded = width * (1 + 2 * share), height * (1 + share)
    s = min(size[0] / padded[0], size[1] / padded[1])
    shift_x = -(x - width * share + padded[0] / 2) * s + size[0] / 2 + s / 2 - 0.5
    shift_y = -(y - height * share + padded[1] / 2) * s + size[1] / 2 + s / 2 - 0.5
    return np.array([[s, 0, shift_x], [0, s, shift_y]])


def aspect(box, size, scale):
    x, y, width, height = box
    centre = np.array([x + width / 2, y + height / 2])
    wide = size[0] / size[1]
    if width > height * wide:
        height = width / wide
    else:
        width = height * wide
    s = size[0] / (width * scale)
    # Pixel centres lie at whole numbers, the edges of boxes half a pixel beside them.
    shift = np.array(size) / 2 - 0.5 - s * (centre - 0.5)
    return np.array([[s, 0, shift[0]], [0, s, shift[1]]])


RULES = {"alphapose": alphapose, "aspect": aspect}


def answer(case):
    picture = case["data"].reshape(case["height"], case["width"], 3)
    size = case["inputWidth"], case["inputHeight"]
    matrix = RULES[case["rule"]](case["box"], size, case["scale"])
    levels = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(case["pad"],) * 3)
    # On the step from picture to pad OpenCV's coordinates of 1/32 pixel are several levels away.
    inverse = cv2.invertAffineTransform(matrix)
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    sx, sy = inverse[0, 0] * x + inverse[0, 2], inverse[1, 1] * y + inverse[1, 2]
    inside = (sx > 0.1) & (sx < case["width"] - 1.1) & (sy > 0.1) & (sy < case["height"] - 1.1)
    outside = (sx < -1.1) | (sx > case["width"] + 0.1) | (sy < -1.1) | (sy > case["height"] + 0.1)
    return {
        "levels": np.ascontiguousarray(levels.transpose(2, 0, 1), dtype=np.float64).ravel(),
        "inside": np.tile(inside.ravel(), 3).astype(np.uint8),
        "outside": np.tile(outside.ravel(), 3).astype(np.uint8),
        "toPicture": inverse.ravel(),
    }


serve(lambda request: [answer(case) for case in request["cases"]])
