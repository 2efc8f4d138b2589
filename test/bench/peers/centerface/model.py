"""CenterFace for NVIDIA Triton's Python back end, as it is usually written there: OpenCV and NumPy around ONNX Runtime.

One instance is one process with one thread. A request is a JPEG file; its answer a row for each face: score, box as
x1 y1 x2 y2, five points as x y, all in pixels of the picture.
"""

from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import triton_python_backend_utils as triton

SIDE = 640
STRIDE = 4
SCORE_THRESHOLD = 0.5
NMS_THRESHOLD = 0.3


class TritonPythonModel:
    def initialize(self, args):
        cv2.setNumThreads(1)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        file = Path(args["model_repository"]) / args["model_version"] / "model.onnx"
        self.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    def execute(self, requests):
        pictures = [triton.get_input_tensor_by_name(request, "picture").as_numpy().reshape(-1)[0] for request in requests]
        batch = np.zeros((len(pictures), 3, SIDE, SIDE), np.float32)
        placements = [letterbox(picture, row) for picture, row in zip(pictures, batch)]
        heats, scales, offsets, points = self.session.run(None, {self.input: batch})
        found = [faces(heats[i, 0], scales[i], offsets[i], points[i], placements[i]) for i in range(len(pictures))]
        return [triton.InferenceResponse([triton.Tensor("faces", rows[np.newaxis])]) for rows in found]


def letterbox(data, row):
    """Decodes a picture into the middle of a row of the input; returns its scale and its left and upper border."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    height, width = picture.shape[:2]
    scale = min(SIDE / width, SIDE / height)
    inner = cv2.resize(picture, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_LINEAR)
    left, top = (SIDE - inner.shape[1]) // 2, (SIDE - inner.shape[0]) // 2
    row[:, top : top + inner.shape[0], left : left + inner.shape[1]] = inner[:, :, ::-1].transpose(2, 0, 1)
    return scale, left, top


def faces(heat, scale, offset, points, placement):
    """The faces of one picture, surest first, without those that overlap surer ones."""
    ys, xs = np.nonzero(heat > SCORE_THRESHOLD)
    if len(ys) == 0:
        return np.zeros((0, 15), np.float32)
    scores = heat[ys, xs]
    heights, widths = np.exp(scale[:, ys, xs]) * STRIDE
    tops = (ys + offset[0, ys, xs] + 0.5) * STRIDE - heights / 2
    lefts = (xs + offset[1, ys, xs] + 0.5) * STRIDE - widths / 2
    kept = cv2.dnn.NMSBoxes(
        np.stack([lefts, tops, widths, heights], 1).tolist(), scores.tolist(), SCORE_THRESHOLD, NMS_THRESHOLD
    )
    kept = np.asarray(kept).reshape(-1)
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
