"""Puts what was trained where models are served from: python -m training.install TRAINED [MODELS]

TRAINED is what training wrote. MODELS, by default test/models, gets a model directory for each file: config.yaml with the
file's profile, labels.txt or vocab.txt, 1/model.onnx, and training.jsonl, the log of its training.
"""

import argparse
import json
import shutil
from pathlib import Path

from .profiles import PROFILES, exports_of

DEFAULT = Path(__file__).resolve().parent.parent / "models"


def inline(value):
    """One line of YAML."""
    return json.dumps(value, ensure_ascii=False).replace('"', "").replace("{", "{ ").replace("}", " }")


def preprocess(profile):
    pixels = profile["preprocess"]
    keys = {"color": pixels["color"], "pad": pixels["pad"], "scale": pixels["scale"]}
    keys |= {"mean": pixels["mean"], "std": pixels["std"]}
    if pixels["resize"] == "person_crop":
        keys |= {"resize": "letterbox", "crop": {"rule": "alphapose"}}
    elif pixels["resize"] == "align":
        keys["alignment"] = "arcface_112"
    else:
        keys["resize"] = pixels["resize"]
    if profile.get("focus"):
        keys["focus"] = "true"
    return keys


def postprocess(profile, source):
    keys = {}
    if "score_threshold" in profile:
        keys["score_threshold"] = profile["score_threshold"]
        keys["nms_threshold"] = profile["nms_threshold"] or 0.5
    if source == "yolov5_raw":
        keys |= {"strides": profile["strides"], "anchors": profile["anchors"]}
    if source in ("classification", "fall", "text_classification"):
        keys["activation"] = "softmax"
    return keys


def config(name, source, profile):
    lines = [f"# Drawn scenes, trained by test/training as {name}; training.jsonl tells how."]
    # The server has a task of its own for the embedder of faces.
    lines.append(f"task: {'arcface' if source == 'arcface' else profile['task']}")
    if "size" in profile:
        width, height = profile["size"]
        lines.append(f"input: {{ width: {width}, height: {height} }}")
    lines.append("max_batch_size: 16")
    if "classes" in profile:
        lines.append("labels: labels.txt")
    if profile["data"] == "texts":
        lines.append(f"tokenizer: {{ vocab: vocab.txt, max_length: {profile['length']}, padding: max_length }}")
    sections = {"postprocess": postprocess(profile, source)}
    if "preprocess" in profile:
        sections = {"preprocess": preprocess(profile), **sections}
    for section, keys in sections.items():
        if keys:
            lines += [f"{section}:", *(f"  {key}: {inline(value)}" for key, value in keys.items())]
    lines.append("instance_group: { count: 1 }")
    return "\n".join(lines) + "\n"


def install(trained, models):
    for source in PROFILES:
        for name in exports_of(source):
            directory = trained / name
            if not (directory / "model.onnx").exists():
                continue
            profile = json.loads((directory / "profile.json").read_text(encoding="utf-8"))
            target = models / name
            (target / "1").mkdir(parents=True, exist_ok=True)
            (target / "config.yaml").write_text(config(name, source, profile), encoding="utf-8")
            shutil.copyfile(directory / "model.onnx", target / "1" / "model.onnx")
            shutil.copyfile(trained / source / "log.jsonl", target / "training.jsonl")
            if "classes" in profile:
                (target / "labels.txt").write_text("".join(f"{c}\n" for c in profile["classes"]), encoding="utf-8")
            if profile["data"] == "texts":
                shutil.copyfile(directory / "vocab.txt", target / "vocab.txt")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trained", type=Path)
    parser.add_argument("models", type=Path, nargs="?", default=DEFAULT)
    options = parser.parse_args()
    install(options.trained, options.models)
