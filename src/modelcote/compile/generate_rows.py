"""Rows to compare a compiled form on: ordinary ones, and those where a compiled form would differ first.

Rows are as a caller sends them: lists in column order, None for a missing value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from modelcote.compile.encoders import is_missing
from modelcote.compile.input_profile import Feature, InputProfile
from modelcote.compile.trees import Array, Tree
from modelcote.core.inputs import Inputs
from modelcote.flow.column_limits import ColumnLimits

_MOST_ROWS, _LEAST_ROWS = 4000, 200
_MOST_CELLS = 240_000  # Wider tables get fewer rows, so that comparing stays well under a second or two.
_LEAVES_SHARE, _MISSING_SHARE, _EXTREME_SHARE = 0.5, 0.15, 0.1  # of all rows; the others are ordinary
_MISSING_CELLS, _EXTREME_CELLS = 0.3, 0.2  # of a row
_EXTREMES = (0.0, -0.0, 1e-30, -1e-30)
# Beyond the known range, in widths of it. At 1e15 of them a distance is rounding noise in any form.
_BEYOND = (-1e6, -1e3, -2.0, 2.0, 1e3, 1e6)
_UNKNOWN_SCALES = (0.01, 1.0, 100.0)  # for a column of which no step reveals anything
_BESIDE = 5  # variants of `_beside`
_UNSEEN = ("", "unseen", "Unseen ", "straße")


def generate_rows(profile: InputProfile, limits: ColumnLimits, seed: int = 0) -> list[list[Any]]:
    """Return rows within `limits`, in an order whose every beginning has all kinds; the same for the same `seed`."""
    random = np.random.default_rng(seed)
    width = len(profile.numbers)
    count = int(np.clip(_MOST_CELLS // width, _LEAST_ROWS, _MOST_ROWS))
    cells: Array = np.empty((count, width), dtype=object)
    met = [[*numbers, *splits] for numbers, splits in zip(profile.numbers, profile.thresholds(), strict=True)]
    for column in range(width):
        choices = _categories(profile, column, limits)
        cells[:, column] = (
            [choices[place] for place in random.integers(len(choices), size=count)]
            if choices
            else _numbers(met[column], random, count)
        )
    on_leaves = int(count * _LEAVES_SHARE) if profile.forests else 0
    _put_on_thresholds(cells[:on_leaves], profile.forests, random)
    edges = cells[count - int(count * (_MISSING_SHARE + _EXTREME_SHARE)) :]
    split = int(len(edges) * _MISSING_SHARE / (_MISSING_SHARE + _EXTREME_SHARE))
    for column in range(width):
        if column not in limits.no_missing:
            edges[:split, column][random.random(split) < _MISSING_CELLS] = None
        if not profile.categories[column]:
            extreme = random.random(len(edges) - split) < _EXTREME_CELLS
            edges[split:, column][extreme] = random.choice(_extremes(met[column]), int(extreme.sum()))
    random.shuffle(cells)
    rows: list[list[Any]] = cells.tolist()
    return rows


def ordinary_row(profile: InputProfile, seed: int = 1) -> list[Any]:
    """Return one row that the model surely accepts: categories seen in training, numbers within the known range."""
    random = np.random.default_rng(seed)
    row = []
    for numbers, categories in zip(profile.numbers, profile.categories, strict=True):
        seen = [item for item in categories if not is_missing(item)]
        row.append(seen[0] if seen else float(random.choice(numbers)) if numbers else float(random.random()))
    return row


def as_columns(rows: list[list[Any]], inputs: Inputs) -> list[list[Any]]:
    """Return the rows with whole numbers in the columns of integers."""
    whole = [place for place in range(inputs.width or 0) if "int" in inputs.column(place).dtype]
    for row in rows:
        for place in whole:
            row[place] = None if row[place] is None else round(row[place])
    return rows


def unseen_value(profile: InputProfile, column: int) -> Any:
    """Return a value for a column of categories that is none of them."""
    numbers = [item for item in profile.categories[column] if isinstance(item, int | float) and not is_missing(item)]
    if profile.is_text(column) or not numbers:
        return "unseen in training"
    return max(numbers) + 1 if all(type(number) is int for number in numbers) else float(max(numbers)) + 0.5


def _categories(profile: InputProfile, column: int, limits: ColumnLimits) -> list[Any]:
    """Return the values to draw from for a column of categories, with unseen ones where the model accepts them."""
    seen = [item for item in profile.categories[column] if not is_missing(item)]
    if not seen or column in limits.allowed:
        return seen
    return [*seen, *(_UNSEEN if profile.is_text(column) else (unseen_value(profile, column), -1.0, 0.5))]


def _numbers(met: list[float], random: np.random.Generator, count: int) -> list[float]:
    """Draw values that the model met in training, values beside them, and values between two of them."""
    if not met:
        drawn: list[float] = (random.normal(size=count) * random.choice(_UNKNOWN_SCALES, count)).tolist()
        return drawn
    one, other = random.choice(met, count), random.choice(met, count)
    between = np.where(random.random(count) < 0.5, one + (other - one) * random.random(count), one)
    variants = random.integers(_BESIDE, size=count) * (random.random(count) < 0.2)
    return [_beside(value, variant) for value, variant in zip(between.tolist(), variants.tolist(), strict=True)]


def _extremes(met: list[float]) -> list[float]:
    low, high = (min(met), max(met)) if met else (-1.0, 1.0)
    return [*_EXTREMES, *(low + share * ((high - low) or 1.0) for share in _BEYOND)]


def _put_on_thresholds(
    cells: Array, forests: Sequence[tuple[list[Tree], Sequence[Feature | None]]], random: np.random.Generator
) -> None:
    """Move each row into the corner of a leaf: every split on the way there is met on its threshold, or beside it.

    Beside it is one step of a float64, or of a float32, up or down.
    """
    above: dict[int, Array] = {}
    for number, row in enumerate(cells):
        # Spread evenly over the ensembles and their trees.
        trees, features = forests[number % len(forests)]
        tree = trees[int(random.integers(len(trees)))]
        leaf = int(random.choice(np.flatnonzero(tree.left < 0)))
        if id(tree) not in above:
            above[id(tree)] = _parents(tree)
        for place, threshold in _corner(tree, leaf, above[id(tree)], random).items():
            feature = features[place]
            if feature is not None:
                value = feature.back(np.array([threshold]))[0]
                row[feature.column] = _beside(value, int(random.integers(_BESIDE)))


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


def _beside(value: float, variant: int) -> float:
    """Return the value itself (variant 0), or the next float64 or float32 above or below it."""
    if variant < 3:
        return (value, math.nextafter(value, math.inf), math.nextafter(value, -math.inf))[variant]
    return float(np.nextafter(np.float32(value), np.float32((np.inf, -np.inf)[variant - 3])))
