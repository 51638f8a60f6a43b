"""Rows to compare a compiled form on: ordinary ones, and those where a compiled form would differ first.

Rows are as a caller sends them: lists in column order, None for a missing value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from modelcote.compile.encoders import is_missing
from modelcote.compile.input_profile import InputProfile
from modelcote.compile.near_thresholds import VARIANTS, beside, put_on_edges, put_on_leaves
from modelcote.compile.trees import Array
from modelcote.core.inputs import Inputs
from modelcote.flow.column_limits import ColumnLimits

# How many rows: by the model's size alone. The last is for tables so wide that fewer rows already fill the memory.
_LEAST_ROWS, _MOST_ROWS, _ROWS_PER_COLUMN, _MOST_CELLS = 1000, 4000, 10, 2_000_000
_FEWEST_ROWS = 200
# Of all rows; each kind takes its own, as far as the model has any, and the others are ordinary.
_LEAVES, _EDGES, _MET, _MISSING, _EXTREME = 0.4, 0.15, 0.15, 0.1, 0.1
_MISSING_CELLS, _EXTREME_CELLS, _EDGE_CELLS = 0.3, 0.3, 0.5  # of a row
_EXTREMES = (0.0, -0.0, 1e-30, -1e-30)
# Beyond the known range, in widths of it. At 1e15 of them a distance is rounding noise in any form.
_BEYOND = (-1e6, -1e3, -2.0, 2.0, 1e3, 1e6)
_MAGNITUDES = 9.0  # powers of ten around a column's unit, for columns of which no step reveals a range
_UNSEEN = ("", "unseen", "Unseen ", "straße")


def count_rows(profile: InputProfile) -> int:
    """Return how many rows a model of this size is compared on, at the least and at the most."""
    width = len(profile.numbers)
    needed = _LEAST_ROWS + _ROWS_PER_COLUMN * width + 2 * profile.size()
    return max(_FEWEST_ROWS, min(needed, _MOST_ROWS, _MOST_CELLS // max(width, 1)))


def generate_rows(profile: InputProfile, limits: ColumnLimits, seed: int = 0) -> list[list[Any]]:
    """Return rows within `limits`, in an order whose every beginning has all kinds; the same for the same `seed`."""
    random = np.random.default_rng(seed)
    count = count_rows(profile)
    met = [[*numbers, *splits] for numbers, splits in zip(profile.numbers, profile.thresholds(), strict=True)]
    cells = _ordinary(profile, met, limits, random, count)
    numeric = profile.numeric()
    kinds: list[tuple[float, bool, Callable[[Array], None]]] = [
        (_LEAVES, bool(profile.forests), lambda part: put_on_leaves(part, profile.forests, random)),
        (_EDGES, any(profile.edges), lambda part: put_on_edges(part, profile.edges, _EDGE_CELLS, random)),
        (_MET, bool(profile.tables), lambda part: _put_met(part, profile.tables, numeric, random)),
        (_MISSING, True, lambda part: _put_missing(part, limits, random)),
        (_EXTREME, True, lambda part: _put_extremes(part, met, numeric, random)),
    ]
    start = 0
    for share, present, put in kinds:
        end = start + int(count * share)
        if present:
            put(cells[start:end])
            start = end
    cells[-1, numeric] = 0.0  # no length, no direction, no word
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


def _ordinary(
    profile: InputProfile, met: list[list[float]], limits: ColumnLimits, random: np.random.Generator, count: int
) -> Array:
    cells: Array = np.empty((count, len(met)), dtype=object)
    # A row's unknown columns have one magnitude together, else the largest alone would decide.
    magnitudes = 10.0 ** np.where(random.random(count) < 0.5, 0, random.uniform(-_MAGNITUDES, _MAGNITUDES, count))
    for column, unit in enumerate(profile.units):
        choices = _categories(profile, column, limits)
        if choices:
            cells[:, column] = [choices[place] for place in random.integers(len(choices), size=count)]
        elif met[column]:
            cells[:, column] = _numbers(met[column], random, count)
        else:
            cells[:, column] = (random.normal(size=count) * magnitudes * unit).tolist()
    return cells


def _categories(profile: InputProfile, column: int, limits: ColumnLimits) -> list[Any]:
    """Return the values to draw from for a column of categories, with unseen ones where the model accepts them."""
    seen = [item for item in profile.categories[column] if not is_missing(item)]
    if not seen or column in limits.allowed:
        return seen
    return [*seen, *(_UNSEEN if profile.is_text(column) else (unseen_value(profile, column), -1.0, 0.5))]


def _numbers(met: list[float], random: np.random.Generator, count: int) -> list[float]:
    """Draw values that the model met in training, values beside them, and values between two of them."""
    one, other = random.choice(met, count), random.choice(met, count)
    between = np.where(random.random(count) < 0.5, one + (other - one) * random.random(count), one)
    variants = random.integers(VARIANTS, size=count) * (random.random(count) < 0.2)
    return [beside(value, variant) for value, variant in zip(between.tolist(), variants.tolist(), strict=True)]


def _put_met(cells: Array, tables: list[Array], numeric: list[int], random: np.random.Generator) -> None:
    """Put whole rows met in training, every other one a little beside itself."""
    for number, row in enumerate(cells):
        table = tables[number % len(tables)]
        values = table[int(random.integers(len(table)))]
        nudged = values * (1 + random.choice([0, 1e-9, 1e-3]) * random.normal(size=len(values)) * (number % 2))
        for column in numeric:
            if np.isfinite(values[column]):
                row[column] = float(nudged[column])


def _put_missing(cells: Array, limits: ColumnLimits, random: np.random.Generator) -> None:
    for column in range(cells.shape[1]):
        if column not in limits.no_missing:
            cells[:, column][random.random(len(cells)) < _MISSING_CELLS] = None


def _put_extremes(cells: Array, met: list[list[float]], numeric: list[int], random: np.random.Generator) -> None:
    for column in numeric:
        extreme = random.random(len(cells)) < _EXTREME_CELLS
        cells[:, column][extreme] = random.choice(_extremes(met[column]), int(extreme.sum()))


def _extremes(met: list[float]) -> list[float]:
    low, high = (min(met), max(met)) if met else (-1.0, 1.0)
    return [*_EXTREMES, *(low + share * ((high - low) or 1.0) for share in _BEYOND)]
