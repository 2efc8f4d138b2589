"""Assignments by augmenting along cheapest paths, found by Bellman and Ford's rule: slow, and short enough to believe."""

import numpy as np

# Below this, a shorter path is a rounding error. Costs are at most 1e5, whose own rounding is 1e-11.
NOISE = 1e-9


def cheapest_pairs(cost, only_gains=False):
    """
    Pairs (row, column) with the least sum of costs: as many as there can be, or with `only_gains` as many as make the sum
    smaller. Entries of inf cannot be paired.
    """
    rows, columns = cost.shape
    column_of, row_of = np.full(rows, -1), np.full(columns, -1)
    while rows and columns:
        to_row = np.where(column_of < 0, 0.0, np.inf)
        to_column = np.full(columns, np.inf)
        came_from = np.full(columns, -1)
        for _ in range(rows + columns):
            ways = to_row[:, None] + cost
            ways[row_of[row_of >= 0], np.flatnonzero(row_of >= 0)] = np.inf
            best = ways.min(axis=0)
            shorter = best < to_column - NOISE
            if not shorter.any():
                break
            to_column[shorter] = best[shorter]
            came_from[shorter] = ways.argmin(axis=0)[shorter]
            for column in np.flatnonzero(shorter & (row_of >= 0)):
                to_row[row_of[column]] = to_column[column] - cost[row_of[column], column]
        ends = np.where(row_of < 0, to_column, np.inf)
        column = int(ends.argmin())
        if not np.isfinite(ends[column]) or (only_gains and ends[column] >= 0):
            break
        while column >= 0:
            row = came_from[column]
            row_of[column] = row
            column_of[row], column = column, column_of[row]
    return [(row, int(column)) for row, column in enumerate(column_of) if column >= 0]


def pairs_below(cost, limit):
    """Pairs with the least sum of `cost - limit`: what costs `limit` or more is left alone."""
    gains = np.where(cost < limit, cost - limit, np.inf)
    return cheapest_pairs(gains, only_gains=True)
