"""Exports a PyTorch module with a layer of its own, which a plugin library computes: native/plugins/hswish.cu.

    python export_hswish.py model.onnx

Needs PyTorch and its onnx. The symbolic function below is all that an exporter has to know of a plugin: the name of the
class, its settings as a text, and its weights as further inputs.
"""

import json
import sys

import torch


class HSwish(torch.autograd.Function):
    @staticmethod
    def symbolic(g, x, scale):
        # `_s` tells the exporter that an attribute is a string: the node has `name` and `info`.
        node = g.op("Plugin", x, scale, name_s="HSwish", info_s=json.dumps({}))
        return node.setType(x.type())

    @staticmethod
    def forward(ctx, x, scale):
        return x * (x / 6 + 0.5).clamp(0, 1) * scale.view(1, -1, *[1] * (x.dim() - 2))


class ScaledHSwish(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(channels))

    def forward(self, x):
        return HSwish.apply(x, self.scale)


if __name__ == "__main__":
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, stride=8, padding=1), ScaledHSwish(8), torch.nn.Flatten())
    torch.onnx.export(
        model.eval(),
        (torch.zeros(1, 3, 32, 32),),
        sys.argv[1],
        dynamo=False,
        opset_version=14,
        input_names=["input"],
        output_names=["embedding"],
        dynamic_axes={"input": {0: "batch"}, "embedding": {0: "batch"}},
    )
