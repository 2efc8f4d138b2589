"""Generates the protocol's code before the package is built; a source distribution brings it."""

import sys
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from generate import PROTO, generate  # noqa: E402

if PROTO.is_dir() and generate() != 0:
    sys.exit("the protocol's code was not generated")
setup()
