"""CenterFace for NVIDIA Triton's Python back end, as it is usually written there: OpenCV and NumPy around ONNX Runtime.

One instance is one process with one thread. A request is a JPEG file; its answer a row for each face: score, box as
x1 y1 x2 y2, five points as x y, all in pixels of the picture. The parameter `role` says what of it an instance does: the
`whole`, or, as steps of an ensemble around a network of another back end, what comes `before` it or `after` it.
"""

import json
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import triton_python_backend_utils as triton

STRIDE = 4
SCORE_THRESHOLD = 0.5
NMS_THRESHOLD = 0.3
MAPS = ("537", "538", "539", "540")


class TritonPythonModel:
    def initialize(self, args):
        cv2.setNumThreads(1)
        parameters = json.loads(args["model_config"])["parameters"]
        self.side = int(parameters["side"]["string_value"])
        self.execute = getattr(self, parameters["role"]["string_value"])
        if self.execute == self.whole:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            options.inter_op_num_threads = 1
            file = Path(args["model_repository"]) / args["model_version"] / "model.onnx"
            self.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
            self.input = self.session.get_inputs()[0].name

    def whole(self, requests):
        batch, placements = self.prepared(requests)
        maps = self.session.run(MAPS, {self.input: batch})
        return [answer(faces=found(*(each[i] for each in maps), placements[i])) for i in range(len(requests))]

    def before(self, requests):
        batch, placements = self.prepared(requests)
        return [answer(pixels=row, placement=placement) for row, placement in zip(batch, placements)]

    def after(self, requests):
        inputs = [[given(request, name)[0] for name in (*MAPS, "placement")] for request in requests]
        return [answer(faces=found(*of_request)) for of_request in inputs]

    def prepared(self, requests):
        batch = np.zeros((len(requests), 3, self.side, self.side), np.float32)
        pictures = [given(request, "picture").reshape(-1)[0] for request in requests]
        return batch, [letterbox(picture, row, self.side) for picture, row in zip(pictures, batch)]


def given(request, name):
    return triton.get_input_tensor_by_name(request, name).as_numpy()


def answer(**tensors):
    return triton.InferenceResponse([triton.Tensor(name, rows[np.newaxis]) for name, rows in tensors.items()])


def letterbox(data, row, side):
    """Decodes a picture into the middle of a row of the input; returns its scale and its left and upper border."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    height, width = picture.shape[:2]
    scale = min(side / width, side / height)
    inner = cv2.resize(picture, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_LINEAR)
    left, top = (side - inner.shape[1]) // 2, (side - inner.shape[0]) // 2
    row[:, top : top + inner.shape[0], left : left + inner.shape[1]] = inner[:, :, ::-1].transpose(2, 0, 1)
    return np.array([scale, left, top], np.float32)


def found(heat, scale, offset, points, placement):
    """The faces of one picture, surest first, without those that overlap surer ones."""
    ys, xs = np.nonzero(heat[0] > SCORE_THRESHOLD)
    if len(ys) == 0:
        return np.zeros((0, 15), np.float32)
    scores = heat[0, ys, xs]
    heights, widths = np.exp(scale[:, ys, xs]) * STRIDE
    tops = (ys + offset[0, ys, xs] + 0.5) * STRIDE - heights / 2
    lefts = (xs + offset[1, ys, xs] + 0.5) * STRIDE - widths / 2
    boxes = np.stack([lefts, tops, widths, heights], 1)
    kept = np.asarray(cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), SCORE_THRESHOLD, NMS_THRESHOLD)).reshape(-1)
    rows = np.empty((len(kept), 15), np.float32)
    rows[:, 0] = scores[kept]
    rows[:, 1], rows[:, 2] = lefts[kept], tops[kept]
    rows[:, 3], rows[:, 4] = lefts[kept] + widths[kept], tops[kept] + heights[kept]
    here = points[:, ys[kept], xs[kept]]
    rows[:, 5::2] = (here[1::2] * widths[kept] + lefts[kept]).T
    rows[:, 6::2] = (here[0::2] * heights[kept] + tops[kept]).T
    factor, left, top = placement
    rows[:, 1::2] = (rows[:, 1::2] - left) / factor
    rows[:, 2::2] = (rows[:, 2::2] - top) / factor
    return rows
