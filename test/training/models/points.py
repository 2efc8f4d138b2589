"""Fall recognition: a network over the graph of the 16 points of MPII."""

import torch
from torch import nn

from ..scenes.people import STATES

# Bones between the points, in the order of MPII: legs, spine, head, arms.
BONES = (
    (0, 1),
    (1, 2),
    (2, 6),
    (6, 3),
    (3, 4),
    (4, 5),
    (6, 7),
    (7, 8),
    (8, 9),
    (10, 11),
    (11, 12),
    (12, 7),
    (7, 13),
    (13, 14),
    (14, 15),
)


def adjacency():
    """[16, 16], each point with its neighbours, rows summing to 1."""
    matrix = torch.eye(16)
    for a, b in BONES:
        matrix[a, b] = matrix[b, a] = 1
    return matrix / matrix.sum(1, keepdim=True)


class GraphLayer(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.own, self.around = nn.Linear(inputs, outputs), nn.Linear(inputs, outputs, bias=False)
        self.register_buffer("graph", adjacency(), persistent=False)

    def forward(self, x):
        return torch.relu(self.own(x) + torch.matmul(self.graph, self.around(x)))


class Fall(nn.Module):
    """[N, 16, 3] -> logits [N, 3]"""

    def __init__(self, name):
        super().__init__()
        self.layers = nn.Sequential(GraphLayer(3, 48), GraphLayer(48, 64), GraphLayer(64, 64))
        self.last = nn.Linear(16 * 64, len(STATES))

    def forward(self, x):
        return self.last(self.layers(x).reshape(-1, 16 * 64))
