"""Writes checkpoints as PyTorch would, with Python's own pickle and zipfile and no PyTorch.

    torch_checkpoint.py KIND FILE

Prints the tensors as JSON: name -> {type, shape, data}. KIND: zip, legacy; and hostile, which pickles a call of
os.system, and unknown, which names a class that no state dict needs.
"""

import collections
import json
import os
import pickle
import struct
import sys
import types
import zipfile


def fake_module(name):
    module = types.ModuleType(name)
    sys.modules[name] = module
    return module


torch, torch_utils = fake_module("torch"), fake_module("torch._utils")


def define(module, name, **members):
    made = type(name, (), {"__module__": module.__name__, **members})
    setattr(module, name, made)
    return made


FloatStorage, LongStorage, HalfStorage = (define(torch, f"{kind}Storage") for kind in ("Float", "Long", "Half"))


def _rebuild_tensor_v2(*parts):
    raise NotImplementedError


_rebuild_tensor_v2.__module__ = "torch._utils"
torch_utils._rebuild_tensor_v2 = _rebuild_tensor_v2


class Storage:
    def __init__(self, kind, key, numbers):
        self.kind, self.key, self.numbers = kind, key, numbers

    def bytes(self):
        return struct.pack("<%d%s" % (len(self.numbers), "f" if self.kind is FloatStorage else "q"), *self.numbers)


class Tensor:
    def __init__(self, storage, offset, shape, strides):
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def __reduce__(self):
        hooks = collections.OrderedDict()
        return _rebuild_tensor_v2, (self.storage, self.offset, self.shape, self.strides, False, hooks)

    def elements(self):
        def visit(axis, at):
            if axis == len(self.shape):
                return [self.storage.numbers[at]]
            return [x for i in range(self.shape[axis]) for x in visit(axis + 1, at + i * self.strides[axis])]

        return visit(0, self.offset)


class Hostile:
    def __reduce__(self):
        return os.system, ("touch pwned",)


def state_dict():
    floats = Storage(FloatStorage, "0", [index * 0.5 - 3 for index in range(24)])
    longs = Storage(LongStorage, "1", [7, -1, 2**40])
    tensors = collections.OrderedDict()
    tensors["plain"] = Tensor(floats, 0, (2, 3, 4), (12, 4, 1))
    tensors["transposed"] = Tensor(floats, 0, (4, 6), (1, 4))
    tensors["shared.part"] = Tensor(floats, 5, (3,), (2,))
    tensors["repeated"] = Tensor(floats, 2, (2, 2), (0, 1))
    tensors["scalar"] = Tensor(floats, 23, (), ())
    tensors["empty"] = Tensor(floats, 0, (0, 3), (3, 1))
    tensors["counts"] = Tensor(longs, 0, (3,), (1,))
    tensors._metadata = collections.OrderedDict([("", {"version": 1})])
    return tensors, [floats, longs]


class Pickler(pickle.Pickler):
    def __init__(self, file, legacy):
        super().__init__(file, protocol=2)
        self.legacy = legacy

    def persistent_id(self, value):
        if not isinstance(value, Storage):
            return None
        identity = ("storage", value.kind, value.key, "cpu", len(value.numbers))
        return identity + (None,) if self.legacy else identity


def write_zip(path, tensors, storages):
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open("archive/data.pkl", "w") as file:
            Pickler(file, legacy=False).dump(tensors)
        for storage in storages:
            archive.writestr(f"archive/data/{storage.key}", storage.bytes())
        archive.writestr("archive/version", "3\n")


def write_legacy(path, tensors, storages):
    with open(path, "wb") as file:
        system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
        for value in (0x1950A86A20F9469CFC6C, 1001, system):
            pickle.dump(value, file, protocol=2)
        Pickler(file, legacy=True).dump(tensors)
        pickle.dump([storage.key for storage in storages], file, protocol=2)
        for storage in storages:
            file.write(struct.pack("<q", len(storage.numbers)) + storage.bytes())


def main():
    kind, path = sys.argv[1:]
    tensors, storages = state_dict()
    listing = {
        name: {
            "type": "float32" if tensor.storage.kind is FloatStorage else "int64",
            "shape": tensor.shape,
            "data": tensor.elements(),
        }
        for name, tensor in tensors.items()
    }
    if kind == "hostile":
        tensors["hostile"] = Hostile()
    if kind == "unknown":
        tensors["half"] = Tensor(Storage(HalfStorage, "2", []), 0, (0,), (1,))
    (write_legacy if kind == "legacy" else write_zip)(path, tensors, storages)
    print(json.dumps(listing))


if __name__ == "__main__":
    main()
