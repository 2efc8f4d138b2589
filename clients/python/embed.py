"""Turns pictures into feature vectors and prints one line for each.

    python clients/python/embed.py --server 127.0.0.1:8001 --model reid person.jpg

Exit code 1 when a picture or the stream failed; the others are still answered.
"""

from __future__ import annotations

import argparse
import json
import math
import sys

import grpc

from program import argument_parser, connect, describe_failure, read_frames, report_error


def main(arguments: argparse.Namespace) -> int:
    exit_code = 0
    with connect(arguments) as client:
        for result in client.embed(read_frames(arguments.images), model=arguments.model):
            if report_error(result.frame):
                exit_code = 1
            for embedding in result.embeddings:
                values = list(embedding.values)
                if arguments.json:
                    print(json.dumps({"image": result.frame.frame_id, "values": values}))
                else:
                    length = math.sqrt(sum(value * value for value in values))
                    print(f"{result.frame.frame_id}: embedding of {len(values)} values, length {length:.3f}")
    return exit_code


if __name__ == "__main__":
    parser = argument_parser("Turns pictures into feature vectors and prints one line for each.")
    parser.add_argument("--json", action="store_true", help="print one JSON object for each, with all its values")
    try:
        sys.exit(main(parser.parse_args()))
    except (grpc.RpcError, OSError) as error:
        sys.exit(f"embed: {describe_failure(error)}")
