"""What findHeatPeaks and writePose should give, from NumPy."""

import numpy as np

from wire import serve


def peaks(case):
    points, rows, columns = case["points"], case["rows"], case["columns"]
    found = []
    for heat in case["maps"].reshape(points, rows, columns):
        if np.isnan(heat).all():
            found += [0, 0, np.nan]
            continue
        row, column = np.unravel_index(np.nanargmax(heat), heat.shape)
        x, y = float(column), float(row)
        if case["refinement"] == "quarter":
            if 0 < column < columns - 1:
                across = np.sign(heat[row, column + 1] - heat[row, column - 1])
                x += 0.25 * (0 if np.isnan(across) else across)
            if 0 < row < rows - 1:
                down = np.sign(heat[row + 1, column] - heat[row - 1, column])
                y += 0.25 * (0 if np.isnan(down) else down)
        found += [x * case["strideX"], y * case["strideY"], heat[row, column]]
    return np.array(found, np.float64)


def rows(case):
    points = case["points"].astype(np.float64).reshape(-1, 3)
    matrix = np.array(case["matrix"]).reshape(2, 3)
    with np.errstate(invalid="ignore"):
        places = np.column_stack([points[:, :2], np.ones(len(points))]) @ matrix.T
    told = np.column_stack([places, points[:, 2]])
    told[~np.isfinite(told).all(axis=1)] = 0
    return np.concatenate([case["box"].astype(np.float64), [told[:, 2].mean(), 0], told.ravel()])


ORACLES = {"peaks": peaks, "rows": rows}

serve(lambda request: [ORACLES[request["oracle"]](case) for case in request["cases"]])
