"""Trains many heads at a time on one device, each in a process of its own, within a time that is given."""

import json
import subprocess
import sys
import tarfile
import time
from pathlib import Path

from . import pools
from .profiles import PROFILES, WEIGHTS, exports_of

# Seconds that a head takes beside its training: to start, to load its scenes, to export and to be judged.
BESIDE = 35
# How full the time of all processes gets, as heads do not end together.
FULL = 0.9
LEAST_SECONDS = 5
# Of a tar file, so that it can be brought back from machines that bound the size of a file.
MOST_PACKED = 15 << 20


def minutes_each(heads, seconds, together):
    """How long each head trains so that all of them are done in `seconds`."""
    room = seconds * min(together, len(heads)) * FULL - BESIDE * len(heads)
    total = sum(WEIGHTS.get(head, 1) for head in heads)
    return {head: max(room * WEIGHTS.get(head, 1) / total, LEAST_SECONDS) / 60 for head in heads}


def command(head, minutes, options):
    words = [
        sys.executable,
        "-m",
        "training.train",
        "--head",
        head,
        "--minutes",
        str(minutes),
        "--out",
        options.out,
        "--device",
        options.device,
        "--seed",
        str(options.seed),
        "--threads",
        str(options.threads),
        "--pool",
        options.pool,
    ]
    if options.batch:
        words += ["--batch", str(options.batch)]
    return words + (["--smoke"] if options.smoke else [])


def summary(heads, out):
    """Writes profiles.json and log.jsonl of all heads there are; gives the last line of each head's log."""
    profiles, lines, last = {}, [], {}
    for head in heads:
        log = Path(out) / head / "log.jsonl"
        rows = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        lines += rows
        if rows and "metrics" in json.loads(rows[-1]):
            last[head] = json.loads(rows[-1])
        for file in exports_of(head):
            path = Path(out) / file / "profile.json"
            if path.exists():
                profiles[file] = json.loads(path.read_text(encoding="utf-8"))
    (Path(out) / "profiles.json").write_text(
        json.dumps(profiles, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (Path(out) / "log.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return last


class Packer:
    """Adds the files of heads to 0.tar, 1.tar ... as the heads end, so that what is done is kept whatever happens."""

    def __init__(self, out, directory):
        self.out, self.directory, self.number = Path(out), Path(directory), 0
        self.directory.mkdir(parents=True, exist_ok=True)

    def add(self, head):
        for file in dict.fromkeys([head, *exports_of(head)]):
            for path in sorted((self.out / file).glob("*")):
                target = self.directory / f"{self.number}.tar"
                if target.exists() and target.stat().st_size + path.stat().st_size > MOST_PACKED:
                    self.number += 1
                    target = self.directory / f"{self.number}.tar"
                with tarfile.open(target, "a") as tar:
                    tar.add(path, f"{file}/{path.name}")
        for name in ("log.jsonl", "profiles.json"):
            (self.directory / name).write_bytes((self.out / name).read_bytes())


def train_all(options, heads):
    """Whether every head was trained, exported and judged."""
    Path(options.out).mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    deadline = start + options.minutes * 60
    pools.render_apart({PROFILES[head]["data"] for head in heads}, options.pool, options.pool_share)
    drawn = time.monotonic() - start
    minutes = minutes_each(heads, deadline - time.monotonic(), options.together)
    print(
        json.dumps({"drawing_seconds": round(drawn, 1), "minutes": {k: round(v, 2) for k, v in minutes.items()}}),
        flush=True,
    )
    waiting = sorted(heads, key=lambda head: -minutes[head])
    running, failed = {}, []
    packer = Packer(options.out, options.pack) if options.pack else None
    while waiting or running:
        while waiting and len(running) < options.together:
            head = waiting.pop(0)
            errors = open(Path(options.out) / f"{head}.err", "w", encoding="utf-8")
            running[head] = subprocess.Popen(command(head, minutes[head], options), stderr=errors)
        for head in [head for head, process in running.items() if process.poll() is not None]:
            errors = Path(options.out) / f"{head}.err"
            if running.pop(head).returncode != 0:
                failed.append(head)
                print(json.dumps({"head": head, "failed": errors.read_text(encoding="utf-8")[-2000:]}), flush=True)
            else:
                errors.unlink()
            summary(heads, options.out)
            if packer is not None:
                packer.add(head)
        time.sleep(0.2)
    for head, row in summary(heads, options.out).items():
        print(json.dumps({"head": head, "steps": row["steps"], **row["metrics"]}), flush=True)
    print(json.dumps({"seconds": round(time.monotonic() - start, 1), "failed": failed}), flush=True)
    return not failed
