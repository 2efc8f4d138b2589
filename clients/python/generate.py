"""Generates the protocol's code into sluice_client/gen/, from the repository's proto/. Needs grpcio-tools.

`make clients` and `pip install` of this directory run it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from grpc_tools import protoc

HERE = Path(__file__).resolve().parent
PROTO = HERE.parent.parent / "proto" / "sluice" / "v1"


def generate() -> int:
    """0: done. The files are given the path of the package that they end up in, so that the modules find each other."""
    package = "sluice_client/gen"
    return protoc.main(
        [
            "protoc",
            f"-I{package}={PROTO}",
            f"-I{Path(protoc.__file__).parent / '_proto'}",
            f"--python_out={HERE}",
            f"--pyi_out={HERE}",
            f"{package}/inference.proto",
            f"{package}/repository.proto",
        ]
    )


if __name__ == "__main__":
    sys.exit(generate())
