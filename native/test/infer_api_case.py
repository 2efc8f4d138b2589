"""Writes what infer_api_test compares with: python infer_api_case.py FOLDER [MODEL.onnx] [--rows 2] [--size 16x16]

FOLDER/input_0.npy.. are random inputs of MODEL.onnx, FOLDER/output_0.npy.. what ONNX Runtime makes of them. --size is
height and width where the file leaves them open. Without MODEL.onnx a small one is made first, FOLDER/model.onnx, of
two inputs and two outputs whose batch, height and width are open:

  infer_api_test FOLDER/model.onnx --size 16x16 --compare FOLDER

Needs numpy, onnx and onnxruntime.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

CHANNELS = 8
OPSET = 14
# The newest that TensorRT 8.6 reads.
IR_VERSION = 8


def write_model(file):
    """`left` is a picture, `right` a value for each channel; `sum` and its mean by channel, which has no height."""
    rng = np.random.default_rng(1)
    weights = {
        "weight": rng.normal(0, 0.3, (CHANNELS, 3, 3, 3)).astype(np.float32),
        "axes": np.array([2, 3], np.int64),
    }
    nodes = [
        helper.make_node("Conv", ["left", "weight"], ["features"], pads=[1, 1, 1, 1]),
        helper.make_node("Unsqueeze", ["right", "axes"], ["column"]),
        helper.make_node("Add", ["features", "column"], ["sum"]),
        helper.make_node("ReduceMean", ["sum"], ["mean"], axes=[2, 3], keepdims=0),
    ]
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(
        nodes,
        "two_inputs",
        [value("left", ["batch", 3, "height", "width"]), value("right", ["batch", CHANNELS])],
        [value("sum", ["batch", CHANNELS, "height", "width"]), value("mean", ["batch", CHANNELS])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    onnx.save(model, file)


def closed(shape, rows, size):
    """The shape with its open dimensions filled in."""
    places = {0: rows, 2: size[0], 3: size[1]}
    return [d if isinstance(d, int) else places[i] for i, d in enumerate(shape)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--rows", type=int, default=2)
    parser.add_argument("--size", default="16x16")
    arguments = parser.parse_args()
    size = [int(side) for side in arguments.size.split("x")]
    arguments.folder.mkdir(parents=True, exist_ok=True)
    file = arguments.model or arguments.folder / "model.onnx"
    if arguments.model is None:
        write_model(file)

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(2)
    feed = {}
    for i, node in enumerate(session.get_inputs()):
        feed[node.name] = rng.uniform(-1, 1, closed(node.shape, arguments.rows, size)).astype(np.float32)
        np.save(arguments.folder / f"input_{i}.npy", feed[node.name])
    for i, output in enumerate(session.run(None, feed)):
        np.save(arguments.folder / f"output_{i}.npy", np.ascontiguousarray(output, np.float32))


if __name__ == "__main__":
    main()
