"""Writes a head as ONNX files with dynamic batch, and beside each what a test and a configuration need to know of it.

DIR/NAME/model.onnx       the network
DIR/NAME/profile.json     task, input, pre-processing, outputs, classes
DIR/NAME/sample.npz       inputs and what PyTorch gives for them: in_NAME, out_NAME
DIR/NAME/vocab.txt        of texts
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch

from . import geometry, pools
from .onnx_outputs import declare
from .profiles import PROFILES, exports_of
from .scenes import HELD_OUT, sentences
from .scenes.canvas import generator

OPSET = 17


def example(name, batch):
    """Inputs that the network may meet, by name."""
    profile = PROFILES[name]
    if profile["data"] == "texts":
        ids = {word: i for i, word in enumerate(sentences.vocabulary())}
        rows = [sentences.encode(sentences.text_scene(i, True)["texts"][0], ids) for i in range(batch)]
        return {
            "input_ids": np.array([r[0] for r in rows], np.int64),
            "attention_mask": np.array([r[1] for r in rows], np.int64),
        }
    if profile["data"] == "poses":
        return {"keypoints": generator(HELD_OUT).random((batch, 16, 3), np.float32) - np.float32(0.5)}
    images = np.stack([pools.DRAW[profile["data"]](HELD_OUT + i)["images"] for i in range(batch)])
    return {"images": geometry.normalise(images, profile)}


def without_custom_functions():
    """
    The exporter's last step adds functions of onnxscript to the file, with the help of the package onnx. There are none
    here; where that package is missing, the step is left out.
    """
    try:
        # A folder `onnx` without the package's contents can be imported too.
        from onnx import load_model_from_string  # noqa: F401
    except ImportError:
        from torch.onnx._internal.torchscript_exporter import onnx_proto_utils

        onnx_proto_utils._add_onnxscript_fn = lambda model_bytes, custom_opsets: model_bytes


def write(module, directory, name, source, outputs):
    profile = PROFILES[source]
    directory = Path(directory) / name
    directory.mkdir(parents=True, exist_ok=True)
    inputs = example(source, 2)
    tensors = tuple(torch.from_numpy(value) for value in inputs.values())
    with torch.no_grad():
        results = module(*tensors)
    results = results if isinstance(results, tuple) else (results,)
    assert len(results) == len(outputs), (name, len(results), outputs)
    without_custom_functions()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            tensors,
            str(directory / "model.onnx"),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            do_constant_folding=True,
            dynamic_axes={key: {0: "batch"} for key in [*inputs, *outputs]},
        )
    shapes = {key: [-1, *value.shape[1:]] for key, value in zip(outputs, results)}
    declare(directory / "model.onnx", shapes)
    np.savez_compressed(
        directory / "sample.npz",
        **{f"in_{key}": value for key, value in inputs.items()},
        **{f"out_{key}": value.numpy() for key, value in zip(outputs, results)},
    )
    told = {
        "name": name,
        "source": source,
        **{k: v for k, v in profile.items() if k not in ("variants", "outputs")},
        "inputs": {key: [-1, *value.shape[1:]] for key, value in inputs.items()},
        "outputs": shapes,
        "opset": OPSET,
        "bytes": (directory / "model.onnx").stat().st_size,
    }
    if profile["data"] == "texts":
        (directory / "vocab.txt").write_text("\n".join(sentences.vocabulary()) + "\n", encoding="utf-8")
    if name == "scrfd_nine":
        told["activated"] = True
    (directory / "profile.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return told


def export(module, name, directory):
    """Writes all files of a head; the module is on the CPU in float32. Gives what it told of them."""
    module = module.float().cpu().eval()
    told = []
    for file, outputs in exports_of(name).items():
        if hasattr(module, "variant"):
            module.variant(file)
        told.append(write(module, directory, file, name, outputs))
    if hasattr(module, "variant"):
        module.variant(name)
    return told


def main():
    """python -m training.export DIR: exports the heads of which training left weights.pt."""
    from .models import MODELS

    for path in sorted(Path(sys.argv[1]).glob("*/weights.pt")):
        module = MODELS[path.parent.name](path.parent.name)
        module.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        export(module, path.parent.name, sys.argv[1])
        path.unlink()


if __name__ == "__main__":
    main()
