"""What the training frameworks feed their networks, by their rules and with OpenCV: planes of whole grey levels.

Each answer has the levels, and the corner in the input with the size to which the picture was resized.
"""

import cv2
import numpy as np

from wire import serve


def ultralytics(height, width, input_height, input_width):
    ratio = min(input_height / height, input_width / width)
    new_width, new_height = max(round(width * ratio), 1), max(round(height * ratio), 1)
    margin_x, margin_y = (input_width - new_width) / 2, (input_height - new_height) / 2
    left, right = round(margin_x - 0.1), round(margin_x + 0.1)
    top, bottom = round(margin_y - 0.1), round(margin_y + 0.1)
    return new_width, new_height, (top, bottom, left, right)


def insightface(height, width, input_height, input_width):
    tall = height / width
    if tall > input_height / input_width:
        new_width, new_height = max(int(input_height / tall), 1), input_height
    else:
        new_width, new_height = input_width, max(int(input_width * tall), 1)
    return new_width, new_height, (0, input_height - new_height, 0, input_width - new_width)


def stretch(_height, _width, input_height, input_width):
    return input_width, input_height, (0, 0, 0, 0)


RULES = {"letterbox_rounded": ultralytics, "letterbox_top_left": insightface, "stretch": stretch}


def answer(case):
    height, width = case["height"], case["width"]
    picture = case["data"].reshape(height, width, 3)
    new_width, new_height, margins = RULES[case["resize"]](height, width, case["inputHeight"], case["inputWidth"])
    resized = cv2.resize(picture, (new_width, new_height), interpolation=cv2.INTER_LINEAR)
    levels = cv2.copyMakeBorder(resized, *margins, cv2.BORDER_CONSTANT, value=(case["pad"],) * 3)
    top, _, left, _ = margins
    return {
        "levels": np.ascontiguousarray(levels.transpose(2, 0, 1), dtype=np.float64).ravel(),
        "area": [left, top, left + new_width, top + new_height],
    }


serve(lambda request: [answer(case) for case in request["cases"]])
