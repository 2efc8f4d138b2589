"""What protobuf's own reader makes of texts of a ModelConfig, and which fields the message has.

The request has `texts`; the answer has for each either `value`, with every field that has no presence filled in, or the
`line` of its first mistake. `fields` describes the messages by their names."""

import math
import re
import tempfile
from pathlib import Path

import grpc_tools
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from grpc_tools import protoc

from wire import serve

ROOT = Path(__file__).resolve().parents[2]
PROTO = "inference/model_config.proto"


def load_pool():
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "set.binpb"
        include = Path(grpc_tools.__file__).parent / "_proto"
        args = ["protoc", f"-I{ROOT / 'proto'}", f"-I{include}", "--include_imports", f"--descriptor_set_out={target}", PROTO]
        if protoc.main(args) != 0:
            raise RuntimeError(f"{PROTO} does not compile")
        files = descriptor_pb2.FileDescriptorSet.FromString(target.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return pool


def is_map(field):
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def plain(field, value):
    if field.message_type is not None:
        return plain_message(value)
    if field.enum_type is not None:
        return field.enum_type.values_by_number[value].name
    # JSON has no infinity.
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def plain_message(message):
    out = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if is_map(field):
            of = field.message_type.fields_by_name["value"]
            out[field.name] = {str(key): plain(of, value[key]) for key in value}
        elif field.is_repeated:
            out[field.name] = [plain(field, item) for item in value]
        elif not field.has_presence or message.HasField(field.name):
            out[field.name] = plain(field, value)
    return out


def parsed(kind, text):
    try:
        return {"value": plain_message(text_format.Parse(text, kind()))}
    except text_format.ParseError as error:
        # The reader tells some mistakes without a place.
        found = re.match(r"(\d+):", str(error))
        return {"line": int(found[1]) if found else None}


TYPES = {value: name[5:].lower() for name, value in descriptor_pb2.FieldDescriptorProto.Type.items()}


def described(field):
    of = field.message_type.fields_by_name["value"] if is_map(field) else field
    kind = TYPES[of.type]
    if of.message_type is not None:
        kind = describe(of.message_type)
    elif of.enum_type is not None:
        kind = [value.name for value in sorted(of.enum_type.values, key=lambda value: value.number)]
    many = "map" if is_map(field) else "list" if field.is_repeated else "one"
    key = TYPES[field.message_type.fields_by_name["key"].type] if is_map(field) else "string"
    choice = field.containing_oneof.name if field.containing_oneof is not None else None
    return {"type": kind, "many": many, "key": key, "choice": choice}


def describe(message):
    return {field.name: described(field) for field in message.fields}


def answer(request):
    descriptor = load_pool().FindMessageTypeByName("inference.ModelConfig")
    kind = message_factory.GetMessageClass(descriptor)
    return {"answers": [parsed(kind, text) for text in request["texts"]], "fields": describe(descriptor)}


serve(answer)
