"""CenterFace as its authors' code runs it: OpenCV, ONNX Runtime and NumPy on the original file.

The file has a fixed input and lists its weights as inputs; the `onnx` package makes it run at any size. Pictures are
resized as a whole where they have the shape of the input, and letterboxed about the centre where they have another.
"""

import cv2
import numpy as np
import onnx
import onnxruntime

from wire import serve


def session(path):
    model = onnx.load(path)
    graph = model.graph
    weights = {initializer.name for initializer in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    del graph.input[:]
    graph.input.extend(inputs)
    for value in [*graph.input, *graph.output]:
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if axis != 1:
                dim.Clear()
                dim.dim_param = f"{value.name}_{axis}"
    del graph.value_info[:]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def prepare(picture, width, height):
    """The network input, and the scale and shift from its coordinates to those of the picture."""
    rows, columns = picture.shape[:2]
    if columns * height == rows * width:
        scale = columns / width
        # Pixel centres lie at integers, in the network input and in the picture.
        shift = (scale - 1) / 2
        return cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR), scale, (shift, shift)
    scale = min(width / columns, height / rows)
    shift = [-scale * source / 2 + target / 2 + scale / 2 - 0.5 for source, target in ((columns, width), (rows, height))]
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    levels = cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR)
    return levels, 1 / scale, (-shift[0] / scale, -shift[1] / scale)


def overlap(a, b):
    """Intersection over union of two boxes: left top right bottom."""
    width, height = np.minimum(a[2:4], b[2:4]) - np.maximum(a[:2], b[:2])
    common = max(width, 0) * max(height, 0)
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)


def group(faces, threshold):
    """Greedy suppression, best score first: each face that stays, with all those that it suppresses behind it."""
    left = list(np.argsort(-faces[:, 4], kind="stable"))
    groups = []
    while left:
        over = [overlap(faces[left[0]], faces[other]) > threshold for other in left]
        groups.append([other for other, same in zip(left, over) if same])
        left = [other for other, same in zip(left, over) if not same]
    return groups


def detect(network, picture, request):
    """
    Rows of a face's number, left top right bottom score and x y of five landmarks, best score first.

    Next to a peak there may be a cell with nearly the same score, and rounding decides which of the two suppresses the
    other: all rows within `tie` of the best of a face are given, under the same number.
    """
    levels, scale, (left, top) = prepare(picture, request["width"], request["height"])
    blob = levels.transpose(2, 0, 1)[None].astype(np.float32)
    outputs = network.run(None, {network.get_inputs()[0].name: blob})
    heat, sizes, offsets, points = (output[0].astype(np.float64) for output in outputs)
    faces = []
    for row, column in zip(*np.where(heat[0] > request["scoreThreshold"])):
        height, width = np.exp(sizes[:, row, column]) * 4
        y, x = ((row, column) + offsets[:, row, column] + 0.5) * 4
        box = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
        marks = [
            [box[0] + points[2 * i + 1, row, column] * width, box[1] + points[2 * i, row, column] * height]
            for i in range(5)
        ]
        faces.append([*box, heat[0, row, column], *np.ravel(marks)])
    if not faces:
        return np.zeros(0)
    faces = np.array(faces)
    rows = []
    for number, members in enumerate(group(faces, request["nmsThreshold"])):
        best = faces[members[0], 4]
        rows += [[number, *faces[i]] for i in members if faces[i, 4] >= best - request["tie"]]
    rows = np.array(rows)
    shift = np.array([left, top])
    for at in (1, 3, *range(6, 16, 2)):
        rows[:, at : at + 2] = rows[:, at : at + 2] * scale + shift
    return rows.ravel()


def answer(request):
    network = session(request["model"])
    pictures = [item["data"].reshape(item["height"], item["width"], 3) for item in request["pictures"]]
    return [detect(network, np.ascontiguousarray(picture), request) for picture in pictures]


serve(answer)
