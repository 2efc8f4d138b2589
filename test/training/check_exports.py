"""Checks exported files with ONNX Runtime: python -m training.check_exports DIR [DIR ...]

Each file gives what PyTorch gave for the sample beside it, also for a batch of another size, keeps to 2 MB and to the
rules of export: dynamic batch only, no ScatterND, constant shapes, -1 only on the batch.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

MOST_BYTES = 2 << 20


def rules(path):
    """What is wrong with the graph."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    graph, wrong = model.graph, []
    constants = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    constants |= {
        n.output[0]: onnx.numpy_helper.to_array(n.attribute[0].t) for n in graph.node if n.op_type == "Constant"
    }
    for node in graph.node:
        if node.op_type in ("ScatterND", "ScatterElements", "Shape", "NonZero", "If", "Loop", "NonMaxSuppression"):
            wrong.append(f"{node.name} is {node.op_type}")
        if node.op_type == "Reshape":
            shape = constants.get(node.input[1])
            if shape is None or (shape[1:] < 0).any():
                wrong.append(f"{node.name} reshapes to {shape}")
        if node.domain not in ("", "ai.onnx"):
            wrong.append(f"{node.name} is of {node.domain}")
    for value in [*graph.input, *graph.output]:
        dims = value.type.tensor_type.shape.dim
        if dims[0].dim_param != "batch" or any(dim.dim_param for dim in dims[1:]):
            wrong.append(f"{value.name} has {[d.dim_param or d.dim_value for d in dims]}")
    return wrong


def settled(expected):
    """Rows of outputs that the model sorts by score: those whose score is not near another's, or rounding decides."""
    scores = expected["output"][..., 4] if "output" in expected else expected["scores"].max(2)
    gaps = np.pad(-np.diff(scores, axis=1), ((0, 0), (1, 1)), constant_values=1)
    return np.minimum(gaps[:, 1:], gaps[:, :-1]) > 1e-6


def check(directory):
    wrong = rules(directory / "model.onnx")
    profile = json.loads((directory / "profile.json").read_text(encoding="utf-8"))
    size = (directory / "model.onnx").stat().st_size
    if size > MOST_BYTES:
        wrong.append(f"has {size} bytes")
    session = onnxruntime.InferenceSession(directory / "model.onnx", providers=["CPUExecutionProvider"])
    sample = np.load(directory / "sample.npz")
    inputs = {key[3:]: sample[key] for key in sample.files if key.startswith("in_")}
    names = [output.name for output in session.get_outputs()]
    if names != list(profile["outputs"]):
        wrong.append(f"has outputs {names}")
    worst = 0.0
    once = {key[4:]: sample[key] for key in sample.files if key.startswith("out_")}
    rows = settled(once) if profile["task"] in ("yolov10", "rtdetr") else None
    if rows is not None and not rows.any():
        wrong.append("has no row whose place is sure")
    for repeats in (1, 3):
        results = session.run(None, {key: np.concatenate([value] * repeats) for key, value in inputs.items()})
        for name, result in zip(names, results):
            expected = np.concatenate([once[name]] * repeats)
            if result.shape != expected.shape:
                wrong.append(f"{name} is {result.shape}, not {expected.shape}")
                continue
            if rows is not None:
                kept = np.concatenate([rows] * repeats)
                expected, result = expected[kept], result[kept]
            scale = max(np.abs(expected).max(initial=0), 1)
            worst = max(worst, float(np.abs(result - expected).max(initial=0) / scale))
    if not worst < 1e-4:
        wrong.append(f"differs from PyTorch by {worst}")
    print(
        json.dumps(
            {
                "name": directory.name,
                "bytes": size,
                "difference": worst,
                "outputs": profile["outputs"],
                **({} if rows is None else {"rows_compared": int(rows.sum())}),
                "wrong": wrong,
            }
        )
    )
    return not wrong


if __name__ == "__main__":
    folders = [path.parent for root in sys.argv[1:] for path in sorted(Path(root).glob("*/model.onnx"))]
    good = [check(folder) for folder in folders]
    sys.exit(0 if good and all(good) else 1)
