"""Runs a head on held-out scenes and tells how good it is: python -m training.evaluate DIR [--heads NAME ...]

DIR is what training wrote; the exported files run in ONNX Runtime. Needs no PyTorch. With --results FILE the results of
somebody else, a server for example, are judged instead: a list with, for each scene in the order of training.held_out,
what `run` gives, masks as run lengths and maps of classes as paths of PNG files.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from . import geometry, held_out, metrics
from .decode import decode
from .profiles import PROFILES, exports_of
from .scenes import sentences

SCORE, NMS = 0.05, 0.5
BATCH = 16
# Scenes that a head is tried on, where they are not of the kind it trains on.
KINDS = {"crops": "people"}


def kind_of(name):
    return KINDS.get(PROFILES[name]["data"], PROFILES[name]["data"])


def matrix_of(profile, picture, scene, index):
    size, target = (picture.shape[1], picture.shape[0]), profile["size"]
    resize = profile["preprocess"]["resize"]
    if resize == "align":
        return geometry.align_face(scene["landmarks"])
    if resize == "person_crop":
        return geometry.person_crop(scene["boxes"][index], target)
    return (geometry.stretch if resize == "stretch" else geometry.letterbox)(size, target)


def in_batches(network, inputs):
    """Outputs of one row each."""
    rows = []
    count = len(next(iter(inputs.values())))
    for at in range(0, count, BATCH):
        outputs = network({key: value[at : at + BATCH] for key, value in inputs.items()})
        rows += [{key: value[i] for key, value in outputs.items()} for i in range(len(next(iter(outputs.values()))))]
    return rows


def from_texts(network, scenes):
    ids = {word: i for i, word in enumerate(sentences.vocabulary())}
    coded = [sentences.encode(text, ids) for scene in scenes for text in scene["texts"]]
    inputs = {
        "input_ids": np.array([c[0] for c in coded], np.int64),
        "attention_mask": np.array([c[1] for c in coded], np.int64),
    }
    rows = [next(iter(row.values())) for row in in_batches(network, inputs)]
    return [{"values": [np.asarray(v).tolist() for v in rows[2 * i : 2 * i + 2]]} for i in range(len(scenes))]


def masks_of(found, proto, matrix, size):
    """Masks of the picture: the sum of the prototypes, bilinear, above 0, within the box."""
    width, height = size
    x = (matrix[0, 0] * np.arange(width) + matrix[0, 2] + 0.5) / 4 - 0.5
    y = (matrix[1, 1] * np.arange(height) + matrix[1, 2] + 0.5) / 4 - 0.5
    rows, columns = proto.shape[1:]
    x, y = np.clip(x, 0, columns - 1), np.clip(y, 0, rows - 1)
    x0, y0 = np.minimum(x.astype(int), columns - 2), np.minimum(y.astype(int), rows - 2)
    fx, fy = x - x0, (y - y0)[:, None]
    masks = []
    for weights, box in zip(found["weights"], geometry.apply_boxes(geometry.inverse(matrix), found["boxes"])):
        logits = np.tensordot(weights, proto.astype(np.float64), 1)
        lines = logits[y0] * (1 - fy) + logits[y0 + 1] * fy
        values = lines[:, x0] * (1 - fx) + lines[:, x0 + 1] * fx
        within = ((np.arange(height) >= box[1]) & (np.arange(height) <= box[3]))[:, None] & (
            (np.arange(width) >= box[0]) & (np.arange(width) <= box[2])
        )[None]
        masks.append((values > 0) & within)
    return masks


def peaks_of(maps):
    """The best cell of each map, moved by a quarter towards the higher neighbour: [n, 2] column and row."""
    points = []
    for heat in maps:
        y, x = divmod(int(heat.argmax()), heat.shape[1])
        dx = np.sign(heat[y, x + 1] - heat[y, x - 1]) / 4 if 0 < x < heat.shape[1] - 1 else 0
        dy = np.sign(heat[y + 1, x] - heat[y - 1, x]) / 4 if 0 < y < heat.shape[0] - 1 else 0
        points.append([x + dx, y + dy])
    return np.array(points)


def result_of(profile, row, matrix, size, options):
    """What a row of outputs says of the picture, in its pixels."""
    task, back = profile["task"], geometry.inverse(matrix)
    if task in ("embedding", "classification"):
        return {"values": np.asarray(next(iter(row.values()))).tolist()}
    if task == "segmentation":
        return {"map": geometry.nearest(row["probabilities"].argmax(2), back, size)}
    if task == "alphapose":
        points = row["output"]
        return {"points": geometry.apply(back, points[:, :2]), "score": float(points[:, 2].mean())}
    if task == "heatmap_pose":
        points = peaks_of(row["heatmaps"]) * profile["stride"]
        return {"points": geometry.apply(back, points), "score": float(row["heatmaps"].max((1, 2)).mean())}
    nms = None if profile["nms_threshold"] is None else options["nms"]
    found = decode(row, profile, options["score"], nms)
    result = {"boxes": geometry.apply_boxes(back, found["boxes"]), "scores": found["scores"], "labels": found["labels"]}
    if "points" in found:
        result["points"] = geometry.apply(back, found["points"])
    if "turned" in found:
        turned, scale = found["turned"], back[0, 0]
        result["turned"] = np.concatenate(
            [geometry.apply(back, turned[:, :2]), turned[:, 2:4] * scale, turned[:, 4:]], 1
        )
    if "weights" in found:
        result["masks"] = masks_of(found, row["proto"], matrix, size)
    return result


def run(name, network, scenes, options):
    """Results of scenes; `network` takes and gives arrays by name. Of crops: a list for each scene."""
    profile = PROFILES[name]
    if profile["data"] == "texts":
        return from_texts(network, scenes)
    if profile["data"] == "poses":
        rows = in_batches(network, {"keypoints": np.stack([scene["points"] for scene in scenes]).astype(np.float32)})
        return [{"values": np.asarray(next(iter(row.values()))).tolist()} for row in rows]
    crops = profile["preprocess"]["resize"] == "person_crop"
    jobs = [
        (scene, matrix_of(profile, scene["picture"], scene, i))
        for scene in scenes
        for i in range(len(scene["boxes"]) if crops else 1)
    ]
    images = np.stack(
        [
            geometry.warp(scene["picture"], matrix, profile["size"], profile["preprocess"]["pad"])
            for scene, matrix in jobs
        ]
    )
    rows = in_batches(network, {"images": geometry.normalise(images, profile)})
    results = [
        result_of(profile, row, matrix, scene["picture"].shape[1::-1], options)
        for row, (scene, matrix) in zip(rows, jobs)
    ]
    if not crops:
        return results
    counts = np.cumsum([0] + [len(scene["boxes"]) for scene in scenes])
    return [{"people": results[a:b]} for a, b in zip(counts, counts[1:])]


def likeness_of(metric, result, scene):
    if metric == "rotated_map":
        return metrics.turned_overlaps(result["turned"], scene["boxes"])
    if metric == "mask_map":
        return metrics.mask_overlaps(result["masks"], [scene["ids"] == i + 1 for i in range(len(scene["boxes"]))])
    if metric == "oks":
        return metrics.key_point_likeness(result["points"], scene["joints"], scene["boxes"])
    return metrics.box_overlaps(result["boxes"], scene["boxes"])


def landmark_error(results, scenes):
    """Of faces that were found: the mean distance of landmarks in parts of the size of the face."""
    errors = []
    for result, scene in zip(results, scenes):
        ious = metrics.box_overlaps(result["boxes"], scene["boxes"])
        for j, (box, points) in enumerate(zip(scene["boxes"], scene["landmarks"])):
            if len(ious) and ious[:, j].max() > 0.5:
                away = np.linalg.norm(np.asarray(result["points"])[ious[:, j].argmax()] - points, axis=1)
                errors.append(away.mean() / np.sqrt((box[2] - box[0]) * (box[3] - box[1])))
    return {"landmark_error": float(np.mean(errors)) if errors else None}


def judge(name, results, scenes):
    """The metrics of a head."""
    profile = PROFILES[name]
    metric = profile["metric"]
    if metric == "top1":
        if profile["data"] == "texts":
            pairs = [(v, scene["class"]) for result, scene in zip(results, scenes) for v in result["values"]]
        else:
            pairs = [(result["values"], scene["class"]) for result, scene in zip(results, scenes)]
        return metrics.top_one([v for v, _ in pairs], [c for _, c in pairs])
    if metric == "rank1" and profile["data"] == "texts":
        values = np.array([result["values"] for result in results])
        return metrics.rank_one(values[:, 1], values[:, 0], np.arange(len(values)))
    if metric == "rank1":
        values = np.array([result["values"] for result in results])
        first = np.arange(len(values)) % held_out.PER_IDENTITY == 0
        return metrics.rank_one(values[~first], values[first], np.flatnonzero(~first) // held_out.PER_IDENTITY)
    if metric == "miou":
        true = [np.array([0, *(c + 1 for c in scene["classes"])])[scene["ids"]] for scene in scenes]
        return metrics.mean_iou([result["map"] for result in results], true, len(profile["classes"]))
    pictures = []
    for result, scene in zip(results, scenes):
        if metric == "oks_crops":
            points = np.array([person["points"] for person in result["people"]])
            scores = np.array([person["score"] for person in result["people"]])
            labels = true = np.zeros(len(scores), int)
            likeness = metrics.key_point_likeness(points, scene["joints"], scene["boxes"])
        else:
            scores, labels = np.asarray(result["scores"], float), np.asarray(result["labels"], int)
            true = np.array(scene.get("classes", [0] * len(scene["boxes"])), int)
            likeness = likeness_of(metric, result, scene)
        pictures.append((scores, labels, true, likeness))
    told = metrics.mean_average_precision(pictures, len(profile.get("classes", [0])))
    if profile["data"] == "faces":
        told |= landmark_error(results, scenes)
    return told


def onnx_network(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(None, inputs)))


def read_results(path, scenes):
    import cv2

    results = json.loads(Path(path).read_text(encoding="utf-8"))
    for result, scene in zip(results, scenes, strict=True):
        if "masks" in result:
            height, width = scene["picture"].shape[:2]
            result["masks"] = [held_out.from_run_lengths(counts, width, height) for counts in result["masks"]]
        if "map" in result:
            result["map"] = cv2.imread(result["map"], cv2.IMREAD_GRAYSCALE)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("--heads", nargs="*", default=list(PROFILES))
    parser.add_argument("--scenes", type=int, help="at most so many")
    parser.add_argument("--score", type=float, default=SCORE, help="results of detectors score more than this")
    parser.add_argument("--nms", type=float, default=NMS)
    parser.add_argument("--results", help="judge these results of the one head that is named")
    options = parser.parse_args()
    for name in options.heads:
        scenes = held_out.scenes(kind_of(name), options.scenes)
        for file in exports_of(name):
            if options.results:
                results = read_results(options.results, scenes)
            else:
                network = onnx_network(Path(options.directory) / file / "model.onnx")
                results = run(name, network, scenes, vars(options))
            print(json.dumps({"name": file, "scenes": len(scenes), **judge(name, results, scenes)}), flush=True)
            if options.results:
                break


if __name__ == "__main__":
    main()
