"""
Scenes drawn ahead of training by worker processes, as arrays that heads share.

    python -m training.pools DIR SHARE KIND ...
"""

import concurrent.futures
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from . import geometry
from .profiles import DETECTOR_SIZE, FACE_SIZE, POSE_SIZE, SINGLE_SIZE
from .scenes import faces, people, shapes

# What lies outside a letterboxed picture; heads replace it by their own pad.
PAD = 114
IDENTITIES = 1500
SCENES = {
    "shapes": 16000,
    "turned": 14000,
    "faces": 14000,
    "people": 16000,
    "crops": 20000,
    "singles": 8000,
    "identities": 30000,
}
CHUNK = 250


def padded(rows, most, shape=()):
    """[most, *shape], zero behind the rows there are."""
    out = np.zeros((most, *shape), np.float32)
    if len(rows):
        out[: len(rows)] = rows
    return out


def framed(scene, seed):
    """The network input of a detector's scene, the matrix to it, and what of it the picture covers."""
    picture = scene["picture"]
    size = picture.shape[1], picture.shape[0]
    # Some pictures are stretched, which heads whose pre-processing stretches meet; never turned or round things.
    squeezed = seed % 5 == 0 and "ids" in scene
    matrix = (geometry.stretch if squeezed else geometry.letterbox)(size, DETECTOR_SIZE)
    return geometry.warp(picture, matrix, DETECTOR_SIZE, PAD), matrix, geometry.covered(matrix, size, DETECTOR_SIZE)


def boxed(scene, matrix, most):
    return {"boxes": padded(geometry.apply_boxes(matrix, scene["boxes"]), most, (4,)), "count": len(scene["boxes"])}


def draw_shapes(seed):
    scene = shapes.shape_scene(seed)
    image, matrix, cover = framed(scene, seed)
    return {
        "images": image,
        "cover": cover,
        "ids": geometry.nearest(scene["ids"], matrix, DETECTOR_SIZE).astype(np.uint8),
        "classes": padded(scene["classes"], shapes.MOST),
        **boxed(scene, matrix, shapes.MOST),
    }


def draw_turned(seed):
    scene = shapes.turned_scene(seed)
    image, matrix, cover = framed(scene, seed)
    rows = np.array(scene["boxes"]).reshape(-1, 5)
    rows = np.concatenate([geometry.apply(matrix, rows[:, :2]), rows[:, 2:4] * matrix[0, 0], rows[:, 4:]], 1)
    return {
        "images": image,
        "cover": cover,
        "boxes": padded(rows, shapes.MOST, (5,)),
        "count": len(rows),
        "classes": padded(scene["classes"], shapes.MOST),
    }


def draw_faces(seed):
    scene = faces.face_scene(seed)
    image, matrix, cover = framed(scene, seed)
    points = geometry.apply(matrix, np.array(scene["landmarks"]).reshape(-1, 5, 2))
    return {
        "images": image,
        "cover": cover,
        "points": padded(points, faces.MOST, (5, 2)),
        "classes": padded([], faces.MOST),
        **boxed(scene, matrix, faces.MOST),
    }


def draw_people(seed):
    scene = people.people_scene(seed)
    image, matrix, cover = framed(scene, seed)
    points = geometry.apply(matrix, np.array(scene["joints"]).reshape(-1, 17, 2))
    return {
        "images": image,
        "cover": cover,
        "points": padded(points, people.MOST, (17, 2)),
        "classes": padded([], people.MOST),
        **boxed(scene, matrix, people.MOST),
    }


def draw_crop(seed):
    """A person cut out by a box that is not quite right, as a detector's is."""
    scene = people.people_scene(seed)
    rng = np.random.default_rng(seed)
    index = int(rng.integers(len(scene["boxes"])))
    box = np.array(scene["boxes"][index])
    box += (rng.random(4) - 0.5) * 0.12 * np.array([box[2] - box[0], box[3] - box[1]] * 2)
    matrix = geometry.person_crop(box, POSE_SIZE)
    return {
        "images": geometry.warp(scene["picture"], matrix, POSE_SIZE, 127),
        "points": geometry.apply(matrix, scene["joints"][index]).astype(np.float32),
    }


def draw_single(seed):
    scene = shapes.single_scene(seed)
    picture = scene["picture"]
    matrix = geometry.stretch((picture.shape[1], picture.shape[0]), SINGLE_SIZE)
    return {"images": geometry.warp(picture, matrix, SINGLE_SIZE, 0), "classes": scene["class"]}


def draw_identity(seed):
    identity = seed % IDENTITIES
    scene = faces.identity_scene(identity, seed)
    # Landmarks that a detector finds are not quite right either.
    landmarks = np.array(scene["landmarks"]) + (np.random.default_rng(seed).random((5, 2)) - 0.5) * 3
    return {
        "images": geometry.warp(scene["picture"], geometry.align_face(landmarks), FACE_SIZE, 0),
        "classes": identity,
    }


DRAW = {
    "shapes": draw_shapes,
    "turned": draw_turned,
    "faces": draw_faces,
    "people": draw_people,
    "crops": draw_crop,
    "singles": draw_single,
    "identities": draw_identity,
}


def file_of(directory, kind, key):
    return Path(directory) / kind / f"{key}.npy"


def allocate(path, dtype, shape):
    """An array file without its contents, which `put` writes."""
    with open(path, "wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + int(np.prod(shape)) * dtype.itemsize)


def put(path, start, rows):
    """Writes rows of an array file from row `start` on. Several processes may write to one file."""
    with open(path, "r+b") as file:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        assert rows.shape[1:] == shape[1:] and rows.dtype == dtype
        file.seek(file.tell() + start * int(np.prod(shape[1:])) * dtype.itemsize)
        file.write(np.ascontiguousarray(rows).tobytes())


def draw_chunk(directory, kind, start, stop):
    """Draws scenes into the files that `render` made."""
    scenes = [DRAW[kind](seed) for seed in range(start, stop)]
    for key in scenes[0]:
        put(file_of(directory, kind, key), start, np.stack([np.asarray(scene[key]) for scene in scenes]))


def render(kinds, directory, share=1.0, processes=None):
    """Draws the pools that are not there yet into `directory`/KIND; `share` of the usual number of scenes."""
    missing = [kind for kind in kinds if kind in DRAW and not (Path(directory) / kind / "done").exists()]
    jobs = []
    for kind in missing:
        (Path(directory) / kind).mkdir(parents=True, exist_ok=True)
        count = max(int(SCENES[kind] * share), 64)
        for key, value in DRAW[kind](0).items():
            value = np.asarray(value)
            allocate(file_of(directory, kind, key), value.dtype, (count, *value.shape))
        jobs += [(kind, at, min(at + CHUNK, count)) for at in range(0, count, CHUNK)]
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(processes or os.cpu_count(), context) as pool:
        for done in concurrent.futures.as_completed([pool.submit(draw_chunk, directory, *job) for job in jobs]):
            done.result()
    for kind in missing:
        (Path(directory) / kind / "done").touch()


def load(kind, directory):
    """The arrays of a pool by name."""
    return {path.stem: np.load(path) for path in sorted((Path(directory) / kind).glob("*.npy"))}


def render_apart(kinds, directory, share=1.0):
    """`render` in a process that knows nothing of PyTorch, whose workers start quickly."""
    subprocess.run([sys.executable, "-m", "training.pools", directory, str(share), *sorted(kinds)], check=True)


if __name__ == "__main__":
    render(sys.argv[3:], sys.argv[1], float(sys.argv[2]))
