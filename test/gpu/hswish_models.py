"""Writes the models of the plugin tests: python hswish_models.py DIRECTORY

hswish_plugin.onnx   a convolution, then the plugin HSwish with a scale for each channel as its weights
hswish_native.onnx   the same with ONNX's HardSwish and a multiplication: what the other one has to compute
crash.onnx           the mean of each channel after the plugin Crash, which fails once a value of the input is 255

All take `input` [batch, 3, 32, 32] and give `embedding` [batch, D]. No PyTorch is needed: the nodes are what
clients/python/export_hswish.py makes it write.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 32
CHANNELS = 8
OPSET = 14
# The newest that TensorRT 8.6 reads.
IR_VERSION = 8


def model(nodes, weights, columns):
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", columns])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def plugin(class_name, info, inputs, output):
    node = helper.make_node("Plugin", inputs, [output], name=f"{class_name}_0", info=info)
    # make_node takes `name` for that of the node.
    node.attribute.append(helper.make_attribute("name", class_name))
    return node


def hswish(native):
    random = np.random.default_rng(7)
    # Wide enough for both bends of the function, for inputs of about -1 to 1.
    kernel = random.normal(0, 1.5, (CHANNELS, 3, 3, 3)).astype(np.float32)
    scale = random.uniform(0.5, 2, CHANNELS).astype(np.float32)
    weights = {"kernel": kernel}
    nodes = [helper.make_node("Conv", ["input", "kernel"], ["a"], name="Conv_0", strides=[8, 8], pads=[1, 1, 1, 1])]
    if native:
        weights["scale"] = scale.reshape(1, CHANNELS, 1, 1)
        nodes.append(helper.make_node("HardSwish", ["a"], ["b"], name="HardSwish_0"))
        nodes.append(helper.make_node("Mul", ["b", "scale"], ["c"], name="Mul_0"))
    else:
        weights["scale"] = scale
        nodes.append(plugin("HSwish", "{}", ["a", "scale"], "c"))
    nodes.append(helper.make_node("Flatten", ["c"], ["embedding"], name="Flatten_0"))
    return model(nodes, weights, CHANNELS * (SIDE // 8) ** 2)


def crash():
    nodes = [
        plugin("Crash", "255", ["input"], "a"),
        helper.make_node("GlobalAveragePool", ["a"], ["b"], name="GlobalAveragePool_0"),
        helper.make_node("Flatten", ["b"], ["embedding"], name="Flatten_0"),
    ]
    return model(nodes, {}, 3)


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    onnx.save(hswish(native=False), directory / "hswish_plugin.onnx")
    onnx.save(hswish(native=True), directory / "hswish_native.onnx")
    onnx.save(crash(), directory / "crash.onnx")
