"""Finds objects in pictures and prints one line for each.

    python clients/python/detect.py --server 127.0.0.1:8001 --model centerface street.jpg

Exit code 1 when a picture or the stream failed; the others are still answered.
"""

from __future__ import annotations

import argparse
import math
import sys

import grpc

from program import argument_parser, connect, describe_failure, read_frames, report_error
from sluice_client import Detection


def main(arguments: argparse.Namespace) -> int:
    exit_code = 0
    with connect(arguments) as client:
        frames = read_frames(arguments.images)
        results = client.detect(frames, model=arguments.model, score_threshold=arguments.score_threshold)
        for result in results:
            if report_error(result.frame):
                exit_code = 1
            elif not result.detections:
                print(f"{result.frame.frame_id}: nothing found")
            for detection in result.detections:
                print(f"{result.frame.frame_id}: {describe(detection)}")
    return exit_code


def describe(detection: Detection) -> str:
    what = detection.label or f"class {detection.class_id}"
    box = detection.box
    left, top, right, bottom = (math.floor(edge + 0.5) for edge in (box.left, box.top, box.right, box.bottom))
    return f"{what} {detection.score:.3f} at ({left}, {top})-({right}, {bottom})"


if __name__ == "__main__":
    parser = argument_parser("Finds objects in pictures and prints one line for each.")
    parser.add_argument("--score-threshold", metavar="SCORE", type=float, help="leave out what scores less, 0 to 1")
    try:
        sys.exit(main(parser.parse_args()))
    except (grpc.RpcError, OSError) as error:
        sys.exit(f"detect: {describe_failure(error)}")
