"""Two transformers for short texts: ids and mask int64 [N, 32]."""

import torch
from torch import nn

from ..profiles import PROFILES
from ..scenes import sentences

WIDTH, HEADS, LAYERS = 64, 4, 2


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.before, self.between = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.body = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.ReLU(), nn.Linear(2 * WIDTH, WIDTH))

    def split(self, x):
        return x.reshape(-1, sentences.LENGTH, HEADS, WIDTH // HEADS).transpose(1, 2)

    def forward(self, x, hidden):
        y = self.before(x)
        query, key, value = self.split(self.query(y)), self.split(self.key(y)), self.split(self.value(y))
        weights = torch.matmul(query, key.transpose(2, 3)) * (WIDTH // HEADS) ** -0.5 + hidden
        y = torch.matmul(weights.softmax(3), value).transpose(1, 2).reshape(-1, sentences.LENGTH, WIDTH)
        x = x + self.out(y)
        return x + self.body(self.between(x))


class Encoder(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.words = nn.Embedding(len(sentences.vocabulary()), WIDTH)
        self.places = nn.Parameter(0.02 * torch.randn(sentences.LENGTH, WIDTH))
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm, self.last = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, outputs)

    def forward(self, ids, mask):
        seen = mask.float()
        # Large enough to hide, and small enough for half precision.
        hidden = ((1 - seen) * -10000.0).reshape(-1, 1, 1, sentences.LENGTH)
        x = self.words(ids) + self.places
        for layer in self.layers:
            x = layer(x, hidden)
        share = (seen / seen.sum(1, keepdim=True)).unsqueeze(2)
        return self.last((self.norm(x) * share).sum(1))


class TextClassifier(Encoder):
    """[N, C] logits."""

    def __init__(self, name):
        super().__init__(len(PROFILES[name]["classes"]))


class TextEmbedder(Encoder):
    """[N, 64], not normalised."""

    def __init__(self, name):
        super().__init__(WIDTH)
