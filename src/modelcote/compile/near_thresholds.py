"""Rows on thresholds, and one float64 or float32 step beside them: leaves of trees, edges of bins, steps, splines."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from modelcote.compile.input_profile import Features
from modelcote.compile.trees import Array, Tree

VARIANTS = 5  # of `beside`


def put_on_edges(cells: Array, edges: list[list[float]], share: float, random: np.random.Generator) -> None:
    """Move a share of each row's columns onto one of the column's edges, or beside it."""
    for column, held in enumerate(edges):
        if held:
            for row in np.flatnonzero(random.random(len(cells)) < share):
                cells[row, column] = beside(float(random.choice(held)), int(random.integers(VARIANTS)))


def put_on_leaves(cells: Array, forests: Sequence[tuple[list[Tree], Features]], random: np.random.Generator) -> None:
    """Move each row into the corner of a leaf: every split on the way there is met on its threshold, or beside it."""
    seen: dict[int, tuple[Array, Array]] = {}
    for number, row in enumerate(cells):
        # Spread evenly over the ensembles, their trees and each tree's leaves.
        trees, features = forests[number % len(forests)]
        order = number // len(forests)
        tree = trees[order % len(trees)]
        if id(tree) not in seen:
            seen[id(tree)] = _parents(tree), random.permutation(np.flatnonzero(tree.left < 0))
        parents, leaves = seen[id(tree)]
        leaf = int(leaves[order // len(trees) % len(leaves)])
        for place, threshold in _corner(tree, leaf, parents, random).items():
            feature = features[place]
            if feature is not None:
                value = float(feature.back(np.array([threshold]))[0])
                row[feature.column] = beside(value, int(random.integers(VARIANTS)))


def beside(value: float, variant: int) -> float:
    """Return the value itself (variant 0), or the next float64 or float32 above or below it."""
    if variant < 3:
        return (value, math.nextafter(value, math.inf), math.nextafter(value, -math.inf))[variant]
    return float(np.nextafter(np.float32(value), np.float32((np.inf, -np.inf)[variant - 3])))


def _parents(tree: Tree) -> Array:
    inner = np.flatnonzero(tree.left >= 0)
    parents = np.full(len(tree.left), -1)
    parents[tree.left[inner]] = inner
    parents[tree.right[inner]] = inner
    return parents


def _corner(tree: Tree, leaf: int, parents: Array, random: np.random.Generator) -> dict[int, float]:
    """Return feature -> one of the tightest thresholds, upper or lower, on the way from the root to `leaf`."""
    upper: dict[int, float] = {}
    lower: dict[int, float] = {}
    node = leaf
    while parents[node] >= 0:
        above = int(parents[node])
        place, threshold = int(tree.feature[above]), float(tree.threshold[above])
        if np.isfinite(threshold):
            if tree.left[above] == node:
                upper[place] = min(threshold, upper.get(place, threshold))
            else:
                lower[place] = max(threshold, lower.get(place, threshold))
        node = above
    return {**upper, **lower} if random.random() < 0.5 else {**lower, **upper}
