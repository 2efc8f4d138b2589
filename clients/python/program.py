"""What the two programs share: their arguments, their files as frames, and how they end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import grpc

from sluice_client import Frame, FrameInfo, SluiceClient, Tls


def argument_parser(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="a JPEG, PNG or WebP file")
    parser.add_argument("--server", metavar="HOST:PORT", default="127.0.0.1:8001", help="default: %(default)s")
    parser.add_argument("--model", metavar="NAME", default="", help="may be left out where only one fits")
    parser.add_argument("--tls", action="store_true", help="connect by TLS")
    parser.add_argument("--ca", metavar="FILE", help="authorities that the server's certificate may be of, PEM")
    parser.add_argument("--cert", metavar="FILE", help="own certificate, PEM, where the server asks for one")
    parser.add_argument("--key", metavar="FILE", help="private key of --cert, PEM")
    parser.add_argument("--token", default="", help="token, where the server asks for one")
    return parser


def connect(arguments: argparse.Namespace) -> SluiceClient:
    """Connects as the arguments say. Raises OSError."""
    files = (
        None if path is None else Path(path).read_bytes() for path in (arguments.ca, arguments.cert, arguments.key)
    )
    return SluiceClient(arguments.server, tls=Tls(*files) if arguments.tls else None, token=arguments.token)


def read_frames(images: Iterable[str]) -> Iterator[Frame]:
    """Reads each file when its turn has come. Raises OSError."""
    for image in images:
        yield Frame(Path(image).read_bytes(), id=Path(image).name)


def report_error(frame: FrameInfo) -> bool:
    """Prints the frame's error and answers whether it has one."""
    if frame.error is None:
        return False
    print(f"{frame.frame_id}: {frame.error.code}: {frame.error.message}", file=sys.stderr)
    return True


def describe_failure(error: Exception) -> str:
    """A failure of the stream, of the connection or of a file, on one line."""
    if isinstance(error, grpc.RpcError):
        return f"{error.code().name}: {error.details()}"
    return str(error)
