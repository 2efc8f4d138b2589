"""Writes into an ONNX file what shapes its outputs have, of which the exporter knows less than we do.

The file is a protocol buffer (onnx.proto3): the graph is field 7 of the model, an output field 12 of the graph.
"""

GRAPH, OUTPUT = 7, 12
VARINT, BYTES = 0, 2
FLOAT = 1


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def read_varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def fields(data):
    """(number, wire type, whole field, contents) of each field; contents are None where the field has no length."""
    at = 0
    while at < len(data):
        start = at
        key, at = read_varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            _, at = read_varint(data, at)
            yield number, wire, data[start:at], None
        elif wire == BYTES:
            length, at = read_varint(data, at)
            yield number, wire, data[start : at + length], data[at : at + length]
            at += length
        else:
            size = {1: 8, 5: 4}[wire]
            at += size
            yield number, wire, data[start:at], None


def message(number, contents):
    return varint(number << 3 | BYTES) + varint(len(contents)) + contents


def value_info(name, sizes):
    """ValueInfoProto of floats; the first size is the batch."""
    dims = message(1, message(2, b"batch")) + b"".join(message(1, varint(1 << 3) + varint(size)) for size in sizes[1:])
    tensor = varint(1 << 3) + varint(FLOAT) + message(2, dims)
    return message(1, name.encode()) + message(2, message(1, tensor))


def declare(path, outputs):
    """`outputs`: name -> [-1, sizes of one item]"""
    model = b""
    for number, _, whole, contents in fields(path.read_bytes()):
        if number != GRAPH:
            model += whole
            continue
        graph = b"".join(part for kind, _, part, _ in fields(contents) if kind != OUTPUT)
        graph += b"".join(message(OUTPUT, value_info(name, sizes)) for name, sizes in outputs.items())
        model += message(GRAPH, graph)
    path.write_bytes(model)
