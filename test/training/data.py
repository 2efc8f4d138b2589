"""Batches for training: pools on the device, normalised as the head's profile says, with flips where those are true."""

import math

import numpy as np
import torch

from . import pools
from .profiles import PROFILES
from .scenes import people, sentences
from .scenes.canvas import generator

# Landmarks of a flipped face.
FLIPPED_FACE = [1, 0, 2, 4, 3]


class Pictures:
    """Random batches of a pool: `images` normalised [B, 3, h, w], `valid` [B, M] and whatever else the pool has."""

    def __init__(self, name, directory, device, seed):
        self.profile, self.kind = PROFILES[name], PROFILES[name]["data"]
        self.arrays = {
            key: torch.from_numpy(value).to(device) for key, value in pools.load(self.kind, directory).items()
        }
        self.count = len(self.arrays["images"])
        self.device = device
        self.random = torch.Generator().manual_seed(seed)
        numbers = self.profile["preprocess"]
        self.mean, self.std = (
            torch.tensor(numbers[key], dtype=torch.float32, device=device).view(3, 1, 1) for key in ("mean", "std")
        )

    def normalised(self, levels, cover):
        """`levels` uint8 [B, h, w, 3]; what `cover` leaves out becomes the head's pad."""
        images = levels.permute(0, 3, 1, 2).float()
        numbers = self.profile["preprocess"]
        if cover is not None and numbers["pad"] != pools.PAD:
            y = torch.arange(images.shape[2], device=self.device).view(1, -1, 1)
            x = torch.arange(images.shape[3], device=self.device).view(1, 1, -1)
            left, top, right, bottom = (cover[:, i].view(-1, 1, 1) for i in range(4))
            inside = (x >= left) & (x < right) & (y >= top) & (y < bottom)
            images = torch.where(inside[:, None], images, float(numbers["pad"]))
        if numbers["color"] == "rgb":
            images = images.flip(1)
        return (images * numbers["scale"] - self.mean) / self.std

    def flipped(self, batch):
        chance = torch.rand(2, generator=self.random)
        wide, high = batch["images"].shape[3] - 1, batch["images"].shape[2] - 1
        if chance[0] < 0.5 and self.kind in ("shapes", "turned", "faces"):
            batch["images"] = batch["images"].flip(3)
            boxes = batch["boxes"].clone()
            if self.kind == "turned":
                boxes[..., 0] = wide - boxes[..., 0]
                angle = math.pi - boxes[..., 4]
                boxes[..., 4] = torch.where(angle >= 3 * math.pi / 4, angle - math.pi, angle)
            else:
                boxes[..., 0], boxes[..., 2] = wide - batch["boxes"][..., 2], wide - batch["boxes"][..., 0]
            batch["boxes"] = boxes
            if "ids" in batch:
                batch["ids"] = batch["ids"].flip(2)
            if "points" in batch:
                points = batch["points"][..., FLIPPED_FACE, :]
                batch["points"] = torch.stack([wide - points[..., 0], points[..., 1]], -1)
        if chance[1] < 0.5 and self.kind == "shapes":
            batch["images"], batch["ids"] = batch["images"].flip(2), batch["ids"].flip(1)
            boxes = batch["boxes"].clone()
            boxes[..., 1], boxes[..., 3] = high - batch["boxes"][..., 3], high - batch["boxes"][..., 1]
            batch["boxes"] = boxes
        return batch

    def batch(self, size):
        index = torch.randint(self.count, (size,), generator=self.random).to(self.device)
        batch = {key: value[index] for key, value in self.arrays.items()}
        batch["images"] = self.normalised(batch["images"], batch.get("cover"))
        batch["classes"] = batch["classes"].long() if "classes" in batch else None
        if "count" in batch:
            batch["valid"] = torch.arange(batch["boxes"].shape[1], device=self.device) < batch["count"][:, None]
        return self.flipped(batch)


class Poses:
    """Poses drawn once, `images` being points [B, 16, 3]."""

    COUNT = 12000

    def __init__(self, name, directory, device, seed):
        rng = generator(seed, 4)
        samples = [people.pose_sample(rng) for _ in range(self.COUNT)]
        self.points = torch.from_numpy(np.stack([points for points, _ in samples])).to(device)
        self.states = torch.tensor([state for _, state in samples]).to(device)
        self.random, self.device = torch.Generator().manual_seed(seed), device

    def batch(self, size):
        index = torch.randint(self.COUNT, (size,), generator=self.random).to(self.device)
        return {"images": self.points[index], "classes": self.states[index]}


class Texts:
    """Two ways to say each of `size` different facts: ids and masks [2B, LENGTH] and classes."""

    def __init__(self, name, directory, device, seed):
        rng = generator(seed, 5)
        ids = {word: i for i, word in enumerate(sentences.vocabulary())}
        facts = sentences.split_facts()[0]
        self.ways = 9
        rows, masks = [], []
        for fact in facts:
            for way in range(self.ways):
                row, mask = sentences.encode(sentences.say(fact, rng, way % 3), ids)
                if rng.random() < 0.3:
                    # Some tokenizers add no [SEP].
                    last = sum(mask) - 1
                    row[last], mask[last] = 0, 0
                rows.append(row)
                masks.append(mask)
        shape = len(facts), self.ways, sentences.LENGTH
        self.ids, self.masks = (torch.tensor(x).view(shape).to(device) for x in (rows, masks))
        self.topics = torch.tensor([sentences.topic_of(fact) for fact in facts]).to(device)
        self.random, self.device = torch.Generator().manual_seed(seed), device

    def batch(self, size):
        facts = torch.randperm(len(self.topics), generator=self.random)[:size].to(self.device)
        ways = torch.stack([torch.randperm(self.ways, generator=self.random)[:2] for _ in range(len(facts))]).to(
            self.device
        )
        pick = lambda x: torch.cat([x[facts, ways[:, 0]], x[facts, ways[:, 1]]])
        return {"images": (pick(self.ids), pick(self.masks)), "classes": self.topics[facts].repeat(2)}


def batches(name, directory, device, seed):
    kind = {"poses": Poses, "texts": Texts}.get(PROFILES[name]["data"], Pictures)
    return kind(name, directory, device, seed)
