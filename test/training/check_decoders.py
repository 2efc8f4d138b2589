"""Checks that decode.py reads out of each head's outputs what training meant by them: python -m training.check_decoders

Weights are random; boxes, points, scores and classes that losses see are compared with those decoded from the outputs.
"""

import sys

import numpy as np
import torch

from .decode import DECODERS, dbface
from .export import example
from .models import MODELS
from .profiles import PROFILES, exports_of

MOST = 1e-4


def nearest(found, expected):
    """Largest distance of what was found from the nearest thing expected."""
    return max(np.abs(expected - row).max(1).min() for row in found)


def compare(found, expected):
    """The largest difference; of heads that choose among their anchors, to the nearest of all anchors."""
    boxes = expected["boxes"][0]
    if "heat" in expected:
        return nearest(found["boxes"], boxes.flatten(1).T.numpy())
    scores = expected["classes"][0].sigmoid()
    if "objects" in expected:
        scores = scores * expected["objects"][0].sigmoid()[:, None]
    best, labels = (x.numpy() for x in scores.max(1))
    if len(found["boxes"]) != len(best):
        return max(nearest(found["boxes"], boxes.numpy()), abs(found["scores"].max() - best.max()))
    wrong = [np.abs(found["scores"] - best).max(), float((found["labels"] != labels).any())]
    if "turned" in found:
        wrong.append(np.abs(found["turned"] - expected["turned"][0].numpy()).max())
    else:
        wrong.append(np.abs(found["boxes"] - boxes.numpy()).max() / max(np.abs(boxes.numpy()).max(), 1))
    if "points" in found:
        wrong.append(np.abs(found["points"] - expected["points"][0].numpy()).max() / 100)
    return max(wrong)


def landmarks():
    """DBFace's landmarks, to what they are trained towards and back."""
    module, points = MODELS["dbface"]("dbface"), torch.rand(1, 1, 5, 2) * 160
    heat = np.zeros((1, module.rows, module.columns), np.float32)
    heat[0, 17, 9] = heat[0, 3, 40] = 0.9
    outputs = {
        "hm": heat,
        "tlrb": np.ones((4, module.rows, module.columns)),
        "landmark": module.landmark_targets(points)[0, 0].numpy(),
    }
    found = dbface(outputs, PROFILES["dbface"])
    return np.abs(found["points"][found["scores"] > 0.5] - points[0, 0].numpy()).max()


def main():
    torch.manual_seed(1)
    worst = {"dbface landmarks": landmarks()}
    for name, make in MODELS.items():
        profile = PROFILES[name]
        if profile["task"] not in DECODERS:
            continue
        module = make(name).eval()
        for weights in module.parameters():
            weights.data += 0.05 * torch.randn_like(weights)
        images = torch.from_numpy(example(name, 1)["images"])
        for file, outputs in exports_of(name).items():
            if hasattr(module, "variant"):
                module.variant(file)
            with torch.no_grad():
                results, expected = module(images), module.predict(images)
            results = results if isinstance(results, tuple) else (results,)
            found = DECODERS[profile["task"]]({key: value[0].numpy() for key, value in zip(outputs, results)}, profile)
            if "turned" in expected:
                expected["boxes"] = expected["turned"][..., :4]
            worst[file] = compare(found, expected)
    for name, difference in worst.items():
        print(name, difference)
    sys.exit(0 if all(difference < MOST for difference in worst.values()) else 1)


if __name__ == "__main__":
    main()
