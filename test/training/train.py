"""Trains one head, or all of them at once, exports them and tells how good they are on held-out scenes.

    python -m training.train --head yolov8 --out DIR --minutes 2 --device cuda --seed 0
    python -m training.train --all --out DIR --minutes 8 --device cuda --seed 0
    python -m training.train --all --smoke --out DIR --device cpu

Run it in test/. DIR gets a folder for each file (see export.py), log.jsonl with the log of training and profiles.json
with the profiles of all files. --smoke takes a few steps of each head and writes everything: it shows that all works.
"""

import argparse
import copy
import json
import math
import platform
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from . import data, evaluate, held_out, losses, pools
from .export import export
from .models import MODELS, ArcFace
from .profiles import PROFILES
from .together import train_all

BATCHES = {"arcface": 128, "classification": 128, "fall": 256, "text_classification": 128, "text_embedding": 192}
RATES = {"arcface": 2e-3, "text_classification": 1e-3, "text_embedding": 1e-3}
SMOKE = {"steps": 3, "batch": 4, "scenes": 6, "pool": 0.004}


def parameter_groups(module):
    """Weight decay for matrices and kernels only."""
    flat = [p for p in module.parameters() if p.ndim < 2]
    deep = [p for p in module.parameters() if p.ndim >= 2]
    return [{"params": deep, "weight_decay": 0.02}, {"params": flat, "weight_decay": 0}]


class Average:
    """A running mean of the weights, which is what is exported."""

    def __init__(self, module):
        self.module = copy.deepcopy(module).eval()
        # The tensors of a state dict share the memory of the module's own.
        self.mine, self.theirs = (
            [value for value in m.state_dict().values() if value.is_floating_point()] for m in (self.module, module)
        )
        self.steps = 0

    @torch.no_grad()
    def update(self):
        self.steps += 1
        torch._foreach_lerp_(self.mine, self.theirs, 1 - min(0.998, self.steps / (self.steps + 20)))


def rate_at(progress):
    """Share of the full learning rate: up at first, then down along a cosine."""
    return (
        progress / 0.04 if progress < 0.04 else 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (progress - 0.04) / 0.96))
    )


def fit(name, module, source, options, log):
    """Trains until the time is over; gives the averaged module."""
    average, loss_of = Average(module), losses.loss_of(name)
    size = SMOKE["batch"] if options.smoke else options.batch or BATCHES.get(name, 64)
    peak = RATES.get(name, 3e-3)
    optimizer = torch.optim.AdamW(parameter_groups(module), lr=peak, fused=options.device == "cuda")
    seconds, start, step, told, total = options.minutes * 60, time.monotonic(), 0, 0, []
    while True:
        elapsed = time.monotonic() - start
        progress = step / SMOKE["steps"] if options.smoke else elapsed / seconds
        if progress >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = peak * max(rate_at(progress), 0.01)
        loss = loss_of(module, source.batch(size))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 10.0)
        optimizer.step()
        average.update()
        step += 1
        total.append(loss.detach())
        if progress >= told / 10:
            told += 1
            mean = float(torch.stack(total).mean())
            if not math.isfinite(mean):
                raise RuntimeError(f"{name}: the loss is {mean} after {step} steps")
            log({"step": step, "seconds": round(elapsed, 1), "loss": round(mean, 4)})
            total = []
    return average.module, step, time.monotonic() - start


def torch_network(module, outputs):
    def network(inputs):
        with torch.no_grad():
            results = module(*(torch.from_numpy(value) for value in inputs.values()))
        results = results if isinstance(results, tuple) else (results,)
        return {key: value.numpy() for key, value in zip(outputs, results)}

    return network


def train(name, options):
    out = Path(options.out) / name
    out.mkdir(parents=True, exist_ok=True)
    lines = open(out / "log.jsonl", "w", encoding="utf-8")

    def log(row):
        line = json.dumps({"head": name, **row})
        print(line, flush=True)
        print(line, file=lines, flush=True)

    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    # For training only: what is exported and judged runs on the CPU.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    device = torch.device(options.device)
    source = data.batches(name, options.pool, device, options.seed)
    module = MODELS[name](name)
    if isinstance(module, ArcFace):
        module.centers = nn.Parameter(torch.randn(pools.IDENTITIES, module.WIDTH))
    module = module.to(device).train()
    log(
        {
            "seed": options.seed,
            "parameters": sum(p.numel() for p in module.parameters()),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
            "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        }
    )
    module, steps, seconds = fit(name, module, source, options, log)
    del source
    module = module.cpu().float().eval()
    if isinstance(module, ArcFace):
        del module.centers
    try:
        files = export(module, name, options.out)
    except Exception:
        # A fault of the exporter costs no training: python -m training.export DIR goes on from here.
        torch.save(module.state_dict(), out / "weights.pt")
        raise
    scenes = held_out.scenes(evaluate.kind_of(name), SMOKE["scenes"] if options.smoke else None)
    begun = time.monotonic()
    network = torch_network(module, PROFILES[name]["outputs"])
    results = evaluate.run(name, network, scenes, {"score": evaluate.SCORE, "nms": evaluate.NMS})
    log(
        {
            "steps": steps,
            "train_seconds": round(seconds, 1),
            "scenes": len(scenes),
            "metrics": evaluate.judge(name, results, scenes),
            "judge_seconds": round(time.monotonic() - begun, 1),
            "score_threshold": evaluate.SCORE,
            "nms_threshold": evaluate.NMS,
            "files": {told["name"]: told["bytes"] for told in files},
        }
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--head", choices=list(MODELS))
    what.add_argument("--all", action="store_true")
    parser.add_argument("--heads", nargs="*", choices=list(MODELS), help="with --all: these only")
    parser.add_argument("--out", required=True)
    parser.add_argument("--minutes", type=float, default=2, help="of training; with --all of everything")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch on the CPU, for each head")
    parser.add_argument("--together", type=int, default=7, help="with --all: so many heads at a time")
    parser.add_argument("--pool", help="folder of drawn scenes; default: a temporary one")
    parser.add_argument("--pool-share", type=float, default=1, help="of the usual number of scenes")
    parser.add_argument("--pack", help="with --all: also gather everything in tar files in this folder, as heads end")
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    if options.smoke:
        options.pool_share = SMOKE["pool"]
    with tempfile.TemporaryDirectory() as scratch:
        options.pool = options.pool or scratch
        if options.all:
            sys.exit(0 if train_all(options, list(options.heads or MODELS)) else 1)
        pools.render_apart([PROFILES[options.head]["data"]], options.pool, options.pool_share)
        train(options.head, options)


if __name__ == "__main__":
    main()
