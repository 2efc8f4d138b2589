"""Held-out scenes, and what is true of them: python -m training.held_out DIR

DIR/KIND/0000.png ...     pictures (of poses and texts there are none)
DIR/KIND/truth.json       a list with `file`, `width` and `height` of each picture and its truth; see `truth`
"""

import argparse
import json
from pathlib import Path

import numpy as np

from .scenes import HELD_OUT, faces, people, sentences, shapes
from .scenes.canvas import generator

COUNTS = {
    "shapes": 150,
    "turned": 150,
    "faces": 150,
    "people": 150,
    "singles": 300,
    "identities": 240,
    "poses": 600,
    "texts": 213,
}
# Pictures of each identity; the first of them is the one that the others are compared with.
PER_IDENTITY = 4


def run_lengths(mask):
    """COCO's: pixels column after column, in turn outside and inside, outside first."""
    flat = np.concatenate([[0], mask.T.reshape(-1).astype(np.int8), [0]])
    edges = np.flatnonzero(np.diff(flat))
    counts = np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()
    return counts[:-1] if counts[-1] == 0 else counts


def from_run_lengths(counts, width, height):
    inside = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return inside.reshape(width, height).T


def identity_scene(index):
    # Training uses identities from 0 on.
    identity = HELD_OUT + index // PER_IDENTITY
    return {**faces.identity_scene(identity, HELD_OUT + index), "identity": identity}


def text_scene(index):
    fact = sentences.split_facts()[1][index]
    rng = generator(HELD_OUT + index, 3)
    first = int(rng.integers(3))
    second = (first + 1 + int(rng.integers(2))) % 3
    return {"texts": [sentences.say(fact, rng, way) for way in (first, second)], "class": sentences.topic_of(fact)}


def pose_scene(index):
    points, state = people.pose_sample(generator(HELD_OUT + index, 4))
    return {"points": points, "class": state}


DRAW = {
    "shapes": lambda i: shapes.shape_scene(HELD_OUT + i),
    "turned": lambda i: shapes.turned_scene(HELD_OUT + i),
    "faces": lambda i: faces.face_scene(HELD_OUT + i),
    "people": lambda i: people.people_scene(HELD_OUT + i),
    "singles": lambda i: shapes.single_scene(HELD_OUT + i),
    "identities": identity_scene,
    "poses": pose_scene,
    "texts": text_scene,
}


def scenes(kind, count=None):
    return [DRAW[kind](i) for i in range(min(count or COUNTS[kind], COUNTS[kind]))]


def further_scenes(kind, count):
    """Scenes that neither training nor judging sees, of kinds that are drawn without end."""
    return [DRAW[kind](COUNTS[kind] + i) for i in range(count)]


def truth(scene):
    """What JSON can say of a scene: pictures become sizes, `ids` becomes run lengths of each shape's mask."""
    told = {
        key: np.asarray(value).tolist() if isinstance(value, np.ndarray) else value
        for key, value in scene.items()
        if key not in ("picture", "ids")
    }
    if "ids" in scene:
        told["masks"] = [run_lengths(scene["ids"] == i + 1) for i in range(len(scene["boxes"]))]
    return told


def write(directory, kind, drawn):
    import cv2

    directory = Path(directory) / kind
    directory.mkdir(parents=True, exist_ok=True)
    rows = []
    for i, scene in enumerate(drawn):
        row = truth(scene)
        if "picture" in scene:
            height, width = scene["picture"].shape[:2]
            row = {"file": f"{i:04}.png", "width": width, "height": height, **row}
            cv2.imwrite(str(directory / row["file"]), scene["picture"])
        rows.append(row)
    (directory / "truth.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("--kinds", nargs="*", default=list(COUNTS))
    parser.add_argument("--count", type=int, help="at most so many scenes of each kind")
    parser.add_argument("--further", type=int, help="instead, so many scenes that nothing is judged by")
    options = parser.parse_args()
    for name in options.kinds:
        drawn = scenes(name, options.count) if options.further is None else further_scenes(name, options.further)
        write(options.directory, name, drawn)
