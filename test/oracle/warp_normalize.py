"""What warpNormalize should give, from the definition in float64, and from OpenCV where its definition agrees.

Each answer is the interval [low, high] that every value has to lie in. OpenCV interpolates in fixed point, so an interval
around its result is one grey level wide either way.
"""

import cv2
import numpy as np

from wire import serve

# Grey levels that float32 arithmetic may be away from the exact sample before it is rounded.
ROUNDING = 1e-3


def rows(data, height, stride, row_bytes):
    """[height, row_bytes] of a picture whose last row may end before its stride does."""
    padded = np.zeros(height * stride, np.uint8)
    padded[: min(len(data), len(padded))] = data[: len(padded)]
    return padded.reshape(height, stride)[:, :row_bytes]


def rgb_picture(source):
    """[height, width, 3] of whole grey levels."""
    data, width, height, stride = source["data"], source["width"], source["height"], source["stride"]
    kind = source["format"]
    if kind == "gray8":
        return np.repeat(rows(data, height, stride, width)[:, :, None], 3, axis=2)
    if kind in ("rgb8", "bgr8"):
        picture = rows(data, height, stride, 3 * width).reshape(height, width, 3)
        return picture if kind == "rgb8" else picture[:, :, ::-1]
    luma = rows(data, height, stride, width).astype(np.int64)
    half = (height + 1) // 2, (width + 1) // 2
    chroma = rows(data[height * stride :], half[0], stride, 2 * half[1]).reshape(*half, 2).astype(np.int64)
    chroma = chroma.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
    y, u, v = luma - 16, chroma[:, :, 0] - 128, chroma[:, :, 1] - 128
    thousandths = np.stack([1164 * y + 1596 * v, 1164 * y - 813 * v - 391 * u, 1164 * y + 2018 * u], axis=2)
    return np.clip((thousandths + 500) // 1000, 0, 255).astype(np.uint8)


def coordinates(options):
    m = np.array(options["matrix"], np.float64)
    dy, dx = np.mgrid[0 : options["height"], 0 : options["width"]].astype(np.float64)
    with np.errstate(all="ignore"):
        return m[0] * dx + m[1] * dy + m[2], m[3] * dx + m[4] * dy + m[5]


def window_of(options, picture):
    window = options["window"]
    if window is None:
        return 0, 0, picture.shape[1], picture.shape[0]
    return window["left"], window["top"], window["right"], window["bottom"]


def sample(picture, options):
    """Exact samples [height, width, 3], red green blue, before rounding."""
    left, top, right, bottom = window_of(options, picture)
    part = picture[top:bottom, left:right].astype(np.float64)
    height, width = part.shape[:2]
    sx, sy = coordinates(options)
    sx, sy = sx - left, sy - top
    replicate = options["border"] == "replicate"
    with np.errstate(invalid="ignore"):
        outside = ~((sx > -1) & (sx < width) & (sy > -1) & (sy < height))
    if replicate:
        sx = np.clip(np.nan_to_num(sx, nan=0.0), -1, width)
        sy = np.clip(np.nan_to_num(sy, nan=0.0), -1, height)
    else:
        sx, sy = np.where(outside, 0, sx), np.where(outside, 0, sy)
    x0, y0 = np.floor(sx).astype(int), np.floor(sy).astype(int)
    fx, fy = (sx - x0)[:, :, None], (sy - y0)[:, :, None]

    def at(x, y):
        found = part[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
        if replicate:
            return found
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        return np.where(inside[:, :, None], found, options["pad"])

    upper = at(x0, y0) * (1 - fx) + at(x0 + 1, y0) * fx
    lower = at(x0, y0 + 1) * (1 - fx) + at(x0 + 1, y0 + 1) * fx
    value = upper * (1 - fy) + lower * fy
    if not replicate:
        value = np.where(outside[:, :, None], options["pad"], value)
    return np.where(in_area(options)[:, :, None], value, options["pad"])


def in_area(options):
    inside = np.full((options["height"], options["width"]), options["area"] is None)
    if options["area"] is not None:
        area = options["area"]
        inside[area["top"] : area["bottom"], area["left"] : area["right"]] = True
    return inside


def gray(levels, rounding):
    """[height, width, 1] of whole grey levels, from whole levels of red, green and blue."""
    return np.floor(levels @ np.array([[0.299], [0.587], [0.114]]) + 0.5 + rounding)


def focus(planes):
    """As YOLOv5 slices a picture: rows, then columns."""
    parts = [planes[:, y::2, x::2] for x in (0, 1) for y in (0, 1)]
    return np.concatenate(parts, axis=0)


def interval(low, high, options):
    """The values of two pictures of levels, as planes, the lower first."""
    ends = []
    normalization = options["normalization"]
    for levels, rounding in ((low, -ROUNDING), (high, ROUNDING)):
        mean, std = np.array(normalization["mean"]), np.array(normalization["std"])
        if normalization["color"] == "bgr":
            levels = levels[:, :, ::-1]
        elif normalization["color"] == "gray":
            levels, mean, std = (levels if levels.shape[2] == 1 else gray(levels, rounding)), mean[:1], std[:1]
        planes = ((levels * normalization["scale"] - mean) / std).transpose(2, 0, 1)
        ends.append(focus(planes) if options["focus"] else planes)
    return {"low": np.minimum(*ends).astype(np.float64), "high": np.maximum(*ends).astype(np.float64)}


def by_definition(case):
    value = sample(rgb_picture(case["source"]), case["options"])
    low, high = np.floor(value + 0.5 - ROUNDING), np.floor(value + 0.5 + ROUNDING)
    return interval(low, high, case["options"])


def by_opencv_warp(case):
    options = case["options"]
    picture = np.ascontiguousarray(rgb_picture(case["source"]))
    matrix = np.array(options["matrix"], np.float64).reshape(2, 3)
    border = cv2.BORDER_CONSTANT if options["border"] == "constant" else cv2.BORDER_REPLICATE
    levels = cv2.warpAffine(
        picture,
        matrix,
        (options["width"], options["height"]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=border,
        borderValue=(options["pad"],) * 3,
    ).astype(np.float64)
    low, high = levels - 1, levels + 1
    if options["border"] == "constant":
        # On the step from picture to pad, OpenCV's coordinates of 1/32 pixel are several levels away.
        sx, sy = coordinates(options)
        height, width = picture.shape[:2]
        step = (abs(sx + 0.5) < 0.6) | (abs(sx - width + 0.5) < 0.6) | (abs(sy + 0.5) < 0.6) | (abs(sy - height + 0.5) < 0.6)
        low, high = np.where(step[:, :, None], 0, low), np.where(step[:, :, None], 255, high)
    return interval(low, high, options)


def by_opencv_resize(case):
    options = case["options"]
    picture = np.ascontiguousarray(rgb_picture(case["source"]))
    size = options["width"], options["height"]
    levels = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR).astype(np.float64)
    return interval(levels - 1, levels + 1, options)


def by_opencv_gray(case):
    picture = np.ascontiguousarray(rgb_picture(case["source"]))
    levels = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float64)[:, :, None]
    return interval(levels - 1, levels + 1, case["options"])


def by_opencv_nv12(case):
    source, options = case["source"], case["options"]
    width, height, stride = source["width"], source["height"], source["stride"]
    luma = np.ascontiguousarray(rows(source["data"], height, stride, width))
    chroma = rows(source["data"][height * stride :], height // 2, stride, width)
    chroma = np.ascontiguousarray(chroma).reshape(height // 2, width // 2, 2)
    levels = cv2.cvtColorTwoPlane(luma, chroma, cv2.COLOR_YUV2RGB_NV12).astype(np.float64)
    return interval(levels - 1, levels + 1, options)


ORACLES = {
    "definition": by_definition,
    "cv2.warpAffine": by_opencv_warp,
    "cv2.resize": by_opencv_resize,
    "cv2.cvtColor": by_opencv_gray,
    "cv2.cvtColorTwoPlane": by_opencv_nv12,
}

serve(lambda request: [ORACLES[request["oracle"]](case) for case in request["cases"]])
