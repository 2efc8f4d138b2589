"""What an embedder that averages each channel over the cells of a grid should say of regions of a picture.

Boxes are clipped to the picture, cropped and resized with OpenCV; landmarks are aligned by the similarity that linear
least squares finds, and warped with OpenCV. The network input has whole grey levels, as OpenCV gives them.
"""

import cv2
import numpy as np

from wire import serve


def cells(levels, count):
    """Means of `count` x `count` cells, channel by channel, row by row."""
    height, width = levels.shape[0] // count, levels.shape[1] // count
    grid = levels.astype(np.float64).reshape(count, height, count, width, 3).mean(axis=(1, 3))
    return grid.transpose(2, 0, 1).ravel()


def crop(picture, box):
    """The pixels that a box touches, and the box in their coordinates."""
    height, width = picture.shape[:2]
    left, top = max(box["left"], 0), max(box["top"], 0)
    right, bottom = min(box["right"], width), min(box["bottom"], height)
    x0, y0 = int(np.floor(left)), int(np.floor(top))
    part = picture[y0 : int(np.ceil(bottom)), x0 : int(np.ceil(right))]
    return np.ascontiguousarray(part), (left - x0, top - y0, right - x0, bottom - y0)


def stretch(part, edges, size):
    left, top, right, bottom = edges
    width, height = size
    if (left, top, right, bottom) == (0, 0, part.shape[1], part.shape[0]):
        return cv2.resize(part, size, interpolation=cv2.INTER_LINEAR)
    x = left + (np.arange(width) + 0.5) * (right - left) / width - 0.5
    y = top + (np.arange(height) + 0.5) * (bottom - top) / height - 0.5
    grid = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return cv2.remap(part, *grid, interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def letterbox(part, edges, size, pad):
    left, top, right, bottom = edges
    sw, sh = right - left, bottom - top
    scale = min(size[0] / sw, size[1] / sh)
    shift = [-scale * (source / 2 + start) + target / 2 + scale / 2 - 0.5 for source, start, target in
             ((sw, left, size[0]), (sh, top, size[1]))]
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    return cv2.warpAffine(part, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(pad,) * 3)


def align(picture, points, template, size, pad):
    equations, targets = [], []
    for (x, y), target in zip(np.reshape(points, (5, 2)), np.reshape(template, (5, 2))):
        equations += [[x, y, 1, 0], [y, -x, 0, 1]]
        targets += list(target)
    u = np.linalg.lstsq(np.array(equations), np.array(targets), rcond=None)[0]
    matrix = np.array([[u[0], u[1], u[2]], [-u[1], u[0], u[3]]])
    return cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(pad,) * 3)


def embed(picture, model, region):
    size = model["width"], model["height"]
    if "points" in region:
        levels = align(picture, region["points"], model["template"], size, model["pad"])
    elif model["resize"] == "stretch":
        levels = stretch(*crop(picture, region), size)
    else:
        levels = letterbox(*crop(picture, region), size, model["pad"])
    return cells(levels, model["cells"])


def answer(request):
    picture = request["data"].reshape(request["height"], request["width"], 3)
    return [embed(picture, request["model"], region) for region in request["regions"]]


serve(answer)
