"""Embeddings of boxes of a picture by OpenCV's crop and resize, NumPy's normalisation and ONNX Runtime."""

import cv2
import numpy as np
import onnxruntime

from wire import serve

SIDE = 224
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def embed(network, picture, box):
    left, top, right, bottom = (int(box[edge]) for edge in ("left", "top", "right", "bottom"))
    part = np.ascontiguousarray(picture[top:bottom, left:right])
    levels = cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    blob = ((levels / 255 - MEAN) / DEVIATION).transpose(2, 0, 1)[None].astype(np.float32)
    (vector,) = network.run(None, {network.get_inputs()[0].name: blob})[0].astype(np.float64)
    return vector / np.linalg.norm(vector)


def answer(request):
    network = onnxruntime.InferenceSession(request["model"], providers=["CPUExecutionProvider"])
    picture = request["data"].reshape(request["height"], request["width"], 3)
    return [embed(network, picture, box) for box in request["boxes"]]


serve(answer)
