"""What l2Normalize and alignFivePoints should give, from NumPy's norms and linear least squares in float64."""

import numpy as np

from wire import serve


def l2(case):
    rows = case["values"].astype(np.float64).reshape(case["rows"], -1)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    good = np.isfinite(norms) & (norms > 0)
    return np.where(good, rows / np.where(good, norms, 1), rows)


def similarity(case):
    """Fits landmarks -> template, rows [x y 1 0 | X] and [y -x 0 1 | Y], and inverts the map."""
    landmarks = case["landmarks"].astype(np.float64).reshape(5, 2)
    template = case["template"].astype(np.float64).reshape(5, 2)
    equations, targets = [], []
    for (x, y), target in zip(landmarks, template):
        equations += [[x, y, 1, 0], [y, -x, 0, 1]]
        targets += list(target)
    u = np.linalg.lstsq(np.array(equations), np.array(targets), rcond=None)[0]
    to_template = np.array([[u[0], u[1], u[2]], [-u[1], u[0], u[3]], [0, 0, 1]])
    return np.linalg.inv(to_template)[:2]


ORACLES = {"l2": l2, "similarity": similarity}

serve(lambda request: [ORACLES[request["oracle"]](case) for case in request["cases"]])
