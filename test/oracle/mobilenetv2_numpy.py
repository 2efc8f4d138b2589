"""MobileNetV2 in plain NumPy, layer by layer as the paper draws it, from the checkpoint itself.

    mobilenetv2_numpy.py CHECKPOINT BATCH < pictures > embeddings

pictures: BATCH x 3 x 224 x 224 float32, normalised RGB; embeddings: BATCH x 1280 float32. Batch normalisation is
computed as it stands (nothing is folded) and all arithmetic is float64.
"""

import collections
import pickle
import sys

import numpy as np

FLOAT, LONG = np.dtype("<f4"), np.dtype("<i8")
NAMES = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch", "FloatStorage"): FLOAT,
    ("torch", "LongStorage"): LONG,
    ("torch._utils", "_rebuild_tensor_v2"): lambda *parts: parts,
}


def read_checkpoint(path):
    """The format from before PyTorch 1.6: five pickles, then for each storage its count and its numbers."""
    kinds = {}

    class Reader(pickle.Unpickler):
        def find_class(self, module, name):
            return NAMES[module, name]

        def persistent_load(self, identity):
            _, kind, key, *_ = identity
            kinds[key] = kind
            return key

    with open(path, "rb") as file:
        _magic, _protocol, _system, tensors, keys = (Reader(file).load() for _ in range(5))
        storages = {}
        for key in keys:
            count = int(np.frombuffer(file.read(8), LONG)[0])
            storages[key] = np.frombuffer(file.read(count * kinds[key].itemsize), kinds[key])
    weights = {}
    for name, (key, offset, size, stride, *_) in tensors.items():
        flat = storages[key][offset:]
        strides = [step * flat.itemsize for step in stride]
        weights[name] = np.lib.stride_tricks.as_strided(flat, size, strides).astype(np.float64)
    return weights


class Network:
    def __init__(self, weights):
        self.weights = weights

    def normalise(self, x, name):
        part = lambda what: self.weights[f"{name}.{what}"][None, :, None, None]
        return (x - part("running_mean")) / np.sqrt(part("running_var") + 1e-5) * part("weight") + part("bias")

    def convolve(self, x, name, stride=1, depthwise=False):
        kernel = self.weights[f"{name}.weight"]
        edge = kernel.shape[-1] // 2
        padded = np.pad(x, ((0, 0), (0, 0), (edge, edge), (edge, edge)))
        height, width = (x.shape[2] - 1) // stride + 1, (x.shape[3] - 1) // stride + 1
        total = 0.0
        for row in range(kernel.shape[2]):
            for column in range(kernel.shape[3]):
                window = padded[:, :, row : row + height * stride : stride, column : column + width * stride : stride]
                window = window[:, :, :height, :width]
                tap = kernel[:, :, row, column]
                if depthwise:
                    total = total + window * tap[None, :, 0, None, None]
                else:
                    total = total + np.einsum("oi,nihw->nohw", tap, window, optimize=True)
        return total

    def layer(self, x, convolution, norm, activate, **options):
        x = self.normalise(self.convolve(x, convolution, **options), norm)
        return np.clip(x, 0, 6) if activate else x

    def block(self, x, name, expand, stride):
        y, at = x, 0
        if expand:
            y, at = self.layer(y, f"{name}.0", f"{name}.1", True), 3
        y = self.layer(y, f"{name}.{at}", f"{name}.{at + 1}", True, stride=stride, depthwise=True)
        y = self.layer(y, f"{name}.{at + 3}", f"{name}.{at + 4}", False)
        return x + y if x.shape == y.shape else y

    def embed(self, x):
        x = self.layer(x, "features.0.0", "features.0.1", True, stride=2)
        strides = [1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1]
        for index, stride in enumerate(strides, start=1):
            x = self.block(x, f"features.{index}.conv", expand=index > 1, stride=stride)
        x = self.layer(x, "features.18.0", "features.18.1", True)
        return x.mean(axis=(2, 3))


def main():
    path, batch = sys.argv[1], int(sys.argv[2])
    pictures = np.frombuffer(sys.stdin.buffer.read(), FLOAT).reshape(batch, 3, 224, 224)
    embeddings = Network(read_checkpoint(path)).embed(pictures.astype(np.float64))
    sys.stdout.buffer.write(embeddings.astype(FLOAT).tobytes())


if __name__ == "__main__":
    main()
