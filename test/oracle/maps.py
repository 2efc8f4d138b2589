"""What decodeClassMap and decodeMask should give, from NumPy in float64."""

import numpy as np

from wire import serve


def to_cells(case):
    """Picture to cells: picture to network input, then from an input of that size to the grid over it."""
    matrix = np.vstack([np.array(case["matrix"], np.float64).reshape(2, 3), [0, 0, 1]])
    x_scale = case["columns"] / case["inputWidth"]
    y_scale = case["rows"] / case["inputHeight"]
    onto_grid = np.array([[x_scale, 0, 0.5 * x_scale - 0.5], [0, y_scale, 0.5 * y_scale - 0.5], [0, 0, 1]])
    return onto_grid @ np.linalg.inv(matrix)


def pixels_at(case):
    y, x = np.mgrid[0 : case["height"], 0 : case["width"]]
    at = to_cells(case) @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    return at[0].reshape(x.shape), at[1].reshape(x.shape)


def class_map(case):
    planes, rows, columns = case["planes"], case["rows"], case["columns"]
    scores = case["scores"].astype(np.float64)
    scores = scores.reshape(planes, rows, columns) if case["planar"] else np.moveaxis(scores.reshape(rows, columns, planes), 2, 0)
    with np.errstate(over="ignore"):
        if planes == 1:
            one = scores[0] if case["activation"] == "none" else 1 / (1 + np.exp(-scores[0]))
            probabilities = np.stack([1 - one, one])
            labels = (one > 0.5).astype(np.uint8)
        else:
            labels = np.argmax(scores, axis=0).astype(np.uint8)
            if case["activation"] == "softmax":
                raised = np.exp(scores - scores.max(axis=0))
                probabilities = raised / raised.sum(axis=0)
            elif case["activation"] == "sigmoid":
                probabilities = 1 / (1 + np.exp(-scores))
            else:
                probabilities = scores
    best = np.take_along_axis(probabilities, labels[None].astype(np.int64), axis=0)[0]
    levels = np.clip(best, 0, 1) * 255
    x, y = pixels_at(case)
    column = np.clip(np.floor(x + 0.5), 0, columns - 1).astype(np.int64)
    row = np.clip(np.floor(y + 0.5), 0, rows - 1).astype(np.int64)
    # How far each pixel is from where rounding would choose another cell.
    doubt = np.minimum(np.abs(x + 0.5 - np.round(x + 0.5)), np.abs(y + 0.5 - np.round(y + 0.5)))
    return {
        "labels": labels[row, column].ravel(),
        "levels": levels[row, column].ravel(),
        "doubt": doubt.ravel(),
    }


def mask(case):
    planes, rows, columns = case["planes"], case["rows"], case["columns"]
    prototypes = case["prototypes"].astype(np.float64).reshape(planes, rows * columns)
    mixed = (case["coefficients"].astype(np.float64) @ prototypes).reshape(rows, columns)
    x, y = pixels_at(case)
    x, y = np.clip(x, 0, columns - 1), np.clip(y, 0, rows - 1)
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, bottom = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
    across, down = x - left, y - top
    upper = mixed[top, left] * (1 - across) + mixed[top, right] * across
    lower = mixed[bottom, left] * (1 - across) + mixed[bottom, right] * across
    logits = upper * (1 - down) + lower * down
    pixel_y, pixel_x = np.mgrid[0 : case["height"], 0 : case["width"]]
    box_left, box_top, box_right, box_bottom = np.array(case["box"], np.float32).astype(np.float64)
    within = (pixel_x >= box_left) & (pixel_x <= box_right) & (pixel_y >= box_top) & (pixel_y <= box_bottom)
    return {"logits": np.where(within, logits, -np.inf).ravel()}


ORACLES = {"class_map": class_map, "mask": mask}

serve(lambda request: [ORACLES[request["oracle"]](case) for case in request["cases"]])
