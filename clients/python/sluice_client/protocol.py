"""The generated protocol; its reference is proto/sluice/v1."""

try:
    from .gen import inference_pb2 as inference
    from .gen import repository_pb2 as repository
except ImportError as error:
    if error.name is None or not error.name.startswith(__package__):
        raise
    raise ImportError("the protocol's code is not generated yet: run `make clients`, or see the README") from error

__all__ = ["inference", "repository"]
