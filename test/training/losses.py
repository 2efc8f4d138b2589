"""What each head is trained on. Each loss takes the module and a batch of data.py and gives a scalar."""

import math

import torch
from torch.nn import functional as F

from .models.pictures import margin_logits

TOP = 8
EPSILON = 1e-9


def overlap(a, b):
    """Complete IoU of boxes left top right bottom: overlap less distance of centres less unlike shape; and IoU."""
    wide_a, high_a = (a[..., 2] - a[..., 0]).clamp(min=1e-3), (a[..., 3] - a[..., 1]).clamp(min=1e-3)
    wide_b, high_b = (b[..., 2] - b[..., 0]).clamp(min=1e-3), (b[..., 3] - b[..., 1]).clamp(min=1e-3)
    common = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    iou = common / (wide_a * high_a + wide_b * high_b - common + EPSILON)
    around = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).square().sum(-1)
    apart = ((a[..., :2] + a[..., 2:]) - (b[..., :2] + b[..., 2:])).square().sum(-1) / 4
    shape = (4 / math.pi**2) * (torch.atan(wide_b / high_b) - torch.atan(wide_a / high_a)).square()
    weight = (shape / (1 - iou + shape + EPSILON)).detach()
    return iou - apart / (around + EPSILON) - weight * shape, iou


def turned_overlap(a, b):
    """Likeness of the Gaussians of turned boxes x y width height angle, 1 for equal ones."""

    def spread(box):
        w, h = box[..., 2].clamp(min=1e-3).square() / 12, box[..., 3].clamp(min=1e-3).square() / 12
        cos, sin = box[..., 4].cos(), box[..., 4].sin()
        return w * cos**2 + h * sin**2, w * sin**2 + h * cos**2, (w - h) * cos * sin

    (a1, b1, c1), (a2, b2, c2) = spread(a), spread(b)
    x, y = a[..., 0] - b[..., 0], a[..., 1] - b[..., 1]
    det = (a1 + a2) * (b1 + b2) - (c1 + c2).square() + 1e-7
    first = ((a1 + a2) * y.square() + (b1 + b2) * x.square()) / det * 0.25 - (c1 + c2) * x * y / det * 0.5
    both = ((a1 * b1 - c1.square()).clamp(min=0) * (a2 * b2 - c2.square()).clamp(min=0)).sqrt()
    distance = (first + 0.5 * (det / (4 * both + 1e-7)).log()).clamp(1e-7, 100)
    return 1 - (1 - (-distance).exp() + 1e-7).sqrt()


def take(values, index):
    """values [B, M, ...] at index [B, A]: [B, A, ...]"""
    return values[torch.arange(len(values), device=values.device)[:, None], index]


class Assignment:
    """Which object each anchor is to tell of: [B, A] `positive`, `index`, and `target`, the score it should have."""

    def __init__(self, scores, ious, candidates, top):
        """`scores` and `ious` [B, M, A] of each anchor with each object; `candidates` [B, M, A] may tell of it."""
        metric = torch.where(candidates, scores.sqrt() * ious.clamp(min=1e-4) ** 4, 0.0)
        best = metric.topk(top, 2)
        chosen = torch.zeros_like(metric).scatter(2, best.indices, 1.0) * (metric > 0)
        # An anchor that several objects chose goes to the one it fits best.
        fit = metric * chosen
        self.index = fit.argmax(1)
        self.positive = fit.amax(1) > 0
        won = F.one_hot(self.index, metric.shape[1]).transpose(1, 2) * chosen
        metric, ious = metric * won, ious * won
        scale = ious.amax(2, keepdim=True) / (metric.amax(2, keepdim=True) + 1e-12)
        self.target = (metric * scale).amax(1)


def candidates_of(module, boxes, valid):
    """Anchors [B, M, A] whose cell lies within an object and near its centre, and whose size is near the object's."""
    strides = module.strides
    points = (module.cells + 0.5) * strides[:, None]
    x, y = points[:, 0], points[:, 1]
    left, top, right, bottom = (boxes[..., i : i + 1] for i in range(4))
    slack = 0.25 * strides
    inside = (x > left - slack) & (x < right + slack) & (y > top - slack) & (y < bottom + slack)
    near = ((x - (left + right) / 2).abs() < 2.5 * strides) & ((y - (top + bottom) / 2).abs() < 2.5 * strides)
    found = inside & near & valid[..., None]
    wide, high = right - left, bottom - top
    if hasattr(module, "anchors"):
        close = ((x - (left + right) / 2).abs() < strides) & ((y - (top + bottom) / 2).abs() < strides)
        ratio = torch.maximum(wide / module.anchors[:, 0], high / module.anchors[:, 1])
        inverse = torch.maximum(module.anchors[:, 0] / wide.clamp(min=1), module.anchors[:, 1] / high.clamp(min=1))
        found = close & valid[..., None] & (torch.maximum(ratio, inverse) < 3)
    elif hasattr(module, "sizes"):
        size = (wide.clamp(min=1) * high.clamp(min=1)).sqrt()
        found &= torch.maximum(size / module.sizes, module.sizes / size) < 2.5
    return found


def detection(module, batch):
    found = module.predict(module.training_input(batch["images"]))
    boxes, valid, classes = batch["boxes"], batch["valid"], batch["classes"]
    turned = "turned" in found
    flat = boxes
    if turned:
        half = boxes[..., 2:3] / 2
        flat = torch.cat([boxes[..., :2] - half, boxes[..., :2] + half], -1)
    with torch.no_grad():
        if turned:
            ious = turned_overlap(found["turned"][:, None], boxes[:, :, None])
        else:
            ious = overlap(found["boxes"][:, None], boxes[:, :, None])[1]
        scores = found["classes"].sigmoid()
        if "objects" in found:
            scores = scores * found["objects"].sigmoid()[..., None]
        scores = scores.transpose(1, 2).gather(1, classes[..., None].expand(-1, -1, scores.shape[1]))
        candidates = candidates_of(module, flat, valid)
        many = Assignment(scores, ious, candidates, TOP)
        # Heads without suppression: one anchor an object is right, but all that lie well learn its box.
        kind = Assignment(scores, ious, candidates, 1) if module.name in ("yolov10", "rtdetr") else many
    total = many.target.sum().clamp(min=1)
    wanted = F.one_hot(take(classes, kind.index), module.classes) * kind.positive[..., None]
    if "objects" in found:
        loss = F.binary_cross_entropy_with_logits(found["objects"], many.target, reduction="sum") / total
        each = F.binary_cross_entropy_with_logits(found["classes"], wanted.float(), reduction="none").sum(2)
        loss = loss + (each * many.positive).sum() / many.positive.sum().clamp(min=1)
    else:
        target = wanted * kind.target[..., None]
        each = F.binary_cross_entropy_with_logits(found["classes"], target, reduction="none")
        # Of the sure and wrong more than of the many that are nearly right.
        focus = torch.where(target > 0, target, found["classes"].detach().sigmoid().square())
        loss = (each * focus).sum() / kind.target.sum().clamp(min=1)
    matched, weight = take(boxes, many.index), many.target * many.positive
    if turned:
        fit = turned_overlap(found["turned"], matched)
    else:
        fit = overlap(found["boxes"], matched)[0]
    loss = loss + 3 * ((1 - fit) * weight).sum() / total
    if "bins" in found and not turned:
        loss = loss + distribution(module, found["bins"], matched, weight) / total
    if turned:
        away = torch.sin(found["turned"][..., 4] - matched[..., 4]).square()
        loss = loss + 2 * (away * weight).sum() / total
    if "points" in found:
        loss = loss + points(found, take(batch["points"], many.index), matched, weight) / total
    if "proto" in found:
        loss = loss + masks(found, batch, many)
    return loss


def distribution(module, bins, matched, weight):
    """Cross entropy with the two bins on either side of each distance."""
    middle, strides = module.cells + 0.5, module.strides[:, None]
    sides = torch.cat([middle - matched[..., :2] / strides, matched[..., 2:] / strides - middle], -1)
    sides = sides.clamp(0, module.BINS - 1.01)
    low = sides.long()
    share = sides - low
    logs = bins.log_softmax(3)
    loss = -(logs.gather(3, low[..., None])[..., 0] * (1 - share) + logs.gather(3, low[..., None] + 1)[..., 0] * share)
    return 0.5 * (loss.mean(2) * weight).sum()


def points(found, wanted, matched, weight):
    """Distances of points in parts of the size of the object."""
    size = ((matched[..., 2:] - matched[..., :2]).clamp(min=1).prod(-1)).sqrt()
    away = F.smooth_l1_loss(
        found["points"] / size[..., None, None], wanted / size[..., None, None], reduction="none", beta=0.02
    )
    loss = 4 * (away.sum(3).mean(2) * weight).sum()
    if "visible" in found:
        seen = F.binary_cross_entropy_with_logits(
            found["visible"][..., 0], torch.ones_like(found["visible"][..., 0]), reduction="none"
        )
        loss = loss + 0.1 * (seen.mean(2) * weight).sum()
    return loss


def masks(found, batch, assignment, most=192):
    """Cross entropy of the pixels of the box of each mask, at the size of the input."""
    at, anchor = assignment.positive.nonzero(as_tuple=True)
    if len(at) == 0:
        return found["proto"].sum() * 0
    order = torch.randperm(len(at), device=at.device)[:most]
    at, anchor = at[order], anchor[order]
    number = assignment.index[at, anchor]
    logits = torch.einsum("pk,pkhw->phw", found["more"][at, anchor], found["proto"][at])
    logits = F.interpolate(logits[:, None], scale_factor=4, mode="bilinear")[:, 0]
    inside = (batch["ids"][at] == (number + 1)[:, None, None]).float()
    box = batch["boxes"][at, number]
    y = torch.arange(logits.shape[1], device=at.device).view(1, -1, 1)
    x = torch.arange(logits.shape[2], device=at.device).view(1, 1, -1)
    left, top, right, bottom = (box[:, i].view(-1, 1, 1) for i in range(4))
    within = ((x >= left - 2) & (x <= right + 2) & (y >= top - 2) & (y <= bottom + 2)).float()
    each = F.binary_cross_entropy_with_logits(logits, inside, reduction="none") * within
    return 1.5 * (each.sum((1, 2)) / within.sum((1, 2)).clamp(min=1)).mean()


def peaks(module, batch):
    """CenterNet and DBFace: a bump on the centre of each object, and its numbers on the cells around."""
    found = module.predict(batch["images"])
    boxes, valid = batch["boxes"] / module.stride, batch["valid"]
    center, size = (boxes[..., :2] + boxes[..., 2:]) / 2, (boxes[..., 2:] - boxes[..., :2]).clamp(min=1)
    # CenterNet tells the place within a cell from its corner; DBFace's cells are points.
    peak = center.floor() if module.classes > 1 else center.round()
    away = module.cells - peak[..., None, None]
    sigma = (size * 0.11).clamp(min=0.55)[..., None, None]
    bump = torch.exp(-(away.square() / (2 * sigma.square())).sum(2)) * valid[..., None, None]
    heat = torch.zeros_like(found["heat"]).scatter_reduce(
        1, batch["classes"][..., None, None].expand_as(bump), bump, "amax"
    )
    logits, likely = found["heat"], found["heat"].sigmoid()
    top = heat > 0.999
    each = torch.where(
        top, -F.logsigmoid(logits) * (1 - likely).square(), F.softplus(logits) * likely.square() * (1 - heat) ** 4
    )
    loss = each.sum() / valid.sum().clamp(min=1)
    strongest, index = bump.max(1)
    weight = torch.where(strongest > 0.3, strongest, 0.0).flatten(1)
    total, index = weight.sum().clamp(min=1), index.flatten(1)
    matched = take(batch["boxes"], index)
    fit = overlap(found["boxes"].flatten(2).transpose(1, 2), matched)[0]
    loss = loss + 2 * ((1 - fit) * weight).sum() / total
    if "landmark" in found:
        wanted = module.landmark_targets(batch["points"])
        wanted = wanted.gather(1, index.view(len(index), 1, 1, *heat.shape[2:]).expand(-1, -1, 10, -1, -1))[:, 0]
        off = F.smooth_l1_loss(found["landmark"], wanted, reduction="none", beta=0.02).mean(1).flatten(1)
        loss = loss + 6 * (off * weight).sum() / total
    return loss


def maps(module, batch):
    """Of the class of each pixel."""
    table = F.pad(batch["classes"] + 1, (1, 0))
    ids = batch["ids"].long()
    wanted = table.gather(1, ids.flatten(1)).view(ids.shape)
    return F.cross_entropy(module.logits(batch["images"]), wanted)


def pose(module, batch):
    """A bump in the map of each joint, and, where the head takes the mean of the map, its distance."""
    logits = module.logits(batch["images"])
    joints = batch["points"]
    away = module.cells - joints[..., None, None] / module.stride
    bump = torch.exp(-away.square().sum(2) / (2 * 1.2**2))
    each = F.binary_cross_entropy_with_logits(logits, bump, reduction="none")
    loss = (each * (1 + 20 * bump)).mean() * 4
    if hasattr(module, "points"):
        loss = loss + 0.1 * F.smooth_l1_loss(module.points(logits), joints)
    return loss


def classes(module, batch):
    inputs = batch["images"] if isinstance(batch["images"], tuple) else (batch["images"],)
    return F.cross_entropy(module(*inputs), batch["classes"])


def identities(module, batch):
    return F.cross_entropy(margin_logits(module(batch["images"]), module.centers, batch["classes"]), batch["classes"])


def facts(module, batch):
    """Two ways to say a fact lie nearer to one another than to all others of the batch."""
    first, second = F.normalize(module(*batch["images"])).chunk(2)
    likeness = 20 * first @ second.T
    right = torch.arange(len(first), device=first.device)
    return (F.cross_entropy(likeness, right) + F.cross_entropy(likeness.T, right)) / 2


LOSSES = {
    "centernet": peaks,
    "dbface": peaks,
    "unet": maps,
    "alphapose": pose,
    "heatmap_pose": pose,
    "classification": classes,
    "fall": classes,
    "text_classification": classes,
    "arcface": identities,
    "text_embedding": facts,
}


def loss_of(name):
    return LOSSES.get(name, detection)
