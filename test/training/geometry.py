"""From pictures to network inputs, in NumPy: matrices [2, 3] from picture to input, and sampling by their inverse.

Coordinates are those of scenes/: the centre of the first pixel is (0, 0).
"""

import numpy as np

# Where the five landmarks of an aligned face lie in a picture of 112 x 112.
FACE_TEMPLATE = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))


def letterbox(source, target):
    """The whole picture about the centre of the input; sizes are (width, height)."""
    scale = min(target[0] / source[0], target[1] / source[1])
    shift = [-scale * s * 0.5 + t * 0.5 + scale * 0.5 - 0.5 for s, t in zip(source, target)]
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])


def stretch(source, target):
    """The whole picture over the whole input."""
    sx, sy = target[0] / source[0], target[1] / source[1]
    return np.array([[sx, 0, sx / 2 - 0.5], [0, sy, sy / 2 - 0.5]])


def person_crop(box, target):
    """AlphaPose's crop: some room around a box [left top right bottom], more of it at the sides and above."""
    left, top, right, bottom = (float(edge) for edge in box)
    width, height = right - left, bottom - top
    room = 0.1 if width > 100 else 0.15
    wide, high = width * (1 + 2 * room), height * (1 + room)
    scale = min(target[0] / wide, target[1] / high)
    x = -(left - width * room + wide / 2) * scale + target[0] / 2 + scale / 2 - 0.5
    y = -(top - height * room + high / 2) * scale + target[1] / 2 + scale / 2 - 0.5
    return np.array([[scale, 0, x], [0, scale, y]])


def align_face(landmarks):
    """The similarity that brings five landmarks nearest to the template, by least squares."""
    rows, targets = [], []
    for (x, y), (u, v) in zip(landmarks, FACE_TEMPLATE):
        rows += [[x, y, 1, 0], [y, -x, 0, 1]]
        targets += [u, v]
    a, b, c, d = np.linalg.lstsq(np.array(rows, float), np.array(targets), rcond=None)[0]
    return np.array([[a, b, c], [-b, a, d]])


def inverse(matrix):
    return np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]


def apply(matrix, points):
    """Points [..., 2]."""
    points = np.asarray(points, np.float64)
    return np.stack([matrix[i, 0] * points[..., 0] + matrix[i, 1] * points[..., 1] + matrix[i, 2] for i in (0, 1)], -1)


def apply_boxes(matrix, boxes):
    """Boxes [n, 4] left top right bottom, under a matrix that does not turn."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 2, 2)
    return apply(matrix, boxes).reshape(-1, 4)


def warp(picture, matrix, size, pad):
    """
    Samples a picture [h, w, 3] bilinearly into an input of `size` (width, height), whole levels. What lies outside is
    `pad`, also as a neighbour of pixels at the rim.
    """
    width, height = size
    back = inverse(matrix)
    framed = np.full((picture.shape[0] + 2, picture.shape[1] + 2, picture.shape[2]), pad, np.float64)
    framed[1:-1, 1:-1] = picture
    rows, columns = framed.shape[0] - 1, framed.shape[1] - 1
    if back[0, 1] == 0 and back[1, 0] == 0:
        x = back[0, 0] * np.arange(width) + back[0, 2] + 1
        y = back[1, 1] * np.arange(height) + back[1, 2] + 1
        x, y = np.clip(x, 0, columns), np.clip(y, 0, rows)
        x0, y0 = np.minimum(np.floor(x).astype(int), columns - 1), np.minimum(np.floor(y).astype(int), rows - 1)
        fx, fy = (x - x0)[None, :, None], (y - y0)[:, None, None]
        lines = framed[y0] * (1 - fy) + framed[y0 + 1] * fy
        values = lines[:, x0] * (1 - fx) + lines[:, x0 + 1] * fx
    else:
        dx, dy = np.meshgrid(np.arange(width, dtype=float), np.arange(height, dtype=float))
        x = np.clip(back[0, 0] * dx + back[0, 1] * dy + back[0, 2] + 1, 0, columns)
        y = np.clip(back[1, 0] * dx + back[1, 1] * dy + back[1, 2] + 1, 0, rows)
        x0, y0 = np.minimum(np.floor(x).astype(int), columns - 1), np.minimum(np.floor(y).astype(int), rows - 1)
        fx, fy = (x - x0)[..., None], (y - y0)[..., None]
        values = (framed[y0, x0] * (1 - fx) + framed[y0, x0 + 1] * fx) * (1 - fy) + (
            framed[y0 + 1, x0] * (1 - fx) + framed[y0 + 1, x0 + 1] * fx
        ) * fy
    return np.floor(values + 0.5).astype(np.uint8)


def nearest(values, matrix, size):
    """Values [h, w] at the pixels nearest to each pixel of the target, 0 outside."""
    width, height = size
    back = inverse(matrix)
    x = np.floor(back[0, 0] * np.arange(width) + back[0, 2] + 0.5).astype(int)
    y = np.floor(back[1, 1] * np.arange(height) + back[1, 2] + 0.5).astype(int)
    inside = ((y >= 0) & (y < values.shape[0]))[:, None] & ((x >= 0) & (x < values.shape[1]))[None, :]
    found = values[np.clip(y, 0, values.shape[0] - 1)][:, np.clip(x, 0, values.shape[1] - 1)]
    return np.where(inside, found, 0)


def covered(matrix, source, target):
    """The part of an input that the picture covers: left top right bottom in whole pixels, for filling the rest."""
    corners = apply(matrix, [[-0.5, -0.5], [source[0] - 0.5, source[1] - 0.5]])
    left, top = np.maximum(np.ceil(corners[0]), 0)
    right, bottom = np.minimum(np.floor(corners[1]) + 1, target)
    return np.array([left, top, right, bottom], np.int16)


def normalise(images, profile):
    """Levels [n, h, w, 3] as network inputs float32 [n, 3, h, w], or [n, 12, h / 2, w / 2] for models without Focus."""
    numbers = profile["preprocess"]
    images = images.transpose(0, 3, 1, 2).astype(np.float32)
    if numbers["color"] == "rgb":
        images = images[:, ::-1]
    mean, std = (np.array(numbers[key], np.float32)[:, None, None] for key in ("mean", "std"))
    images = (images * np.float32(numbers["scale"]) - mean) / std
    if profile.get("focus"):
        images = np.concatenate([images[:, :, y::2, x::2] for x in (0, 1) for y in (0, 1)], 1)
    return np.ascontiguousarray(images)
