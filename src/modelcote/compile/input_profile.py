"""What fitted models reveal of their own input, column by column: ranges, categories, thresholds, whole rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelcote.compile.encoders import is_missing
from modelcote.compile.trees import Array, Tree

_THRESHOLDS = 400  # per column and ensemble


@dataclass(frozen=True)
class Feature:
    """A column of the table as a later step sees it; `back` turns the step's values into the table's."""

    column: int
    back: Callable[[Array], Array]


Features = Sequence[Feature | None]  # None: a feature that is not one column's, such as a one-hot one


@dataclass
class InputProfile:
    """Per column of the table: numbers and categories met in training, edges that steps cut it at, and its unit.

    `forests`: trees with the features they split. `tables`: whole rows met in training, NaN where unknown. `units`:
    what a column's values are measured in as far as its weights tell, for columns without numbers.
    """

    numbers: list[list[float]]
    categories: list[list[Any]]
    edges: list[list[float]]
    units: list[float]
    forests: list[tuple[list[Tree], Features]] = field(default_factory=list)
    tables: list[Array] = field(default_factory=list)

    def thresholds(self) -> list[list[float]]:
        """Return, per column, its edges and up to some hundred thresholds of the trees that split on it."""
        columns = [list(edges) for edges in self.edges]
        for trees, features in self.forests:
            feature = np.concatenate([tree.feature[tree.left >= 0] for tree in trees])
            threshold = np.concatenate([tree.threshold[tree.left >= 0] for tree in trees])
            for place, seen in enumerate(features):
                splits = threshold[(feature == place) & np.isfinite(threshold)]
                if seen is not None and len(splits):
                    columns[seen.column] += seen.back(spread(splits, _THRESHOLDS)).tolist()
        return columns

    def size(self) -> int:
        """Return how much there is to compare: nodes of trees, edges and categories of columns, rows of training."""
        nodes = sum(len(tree.left) for trees, _ in self.forests for tree in trees)
        return nodes + sum(map(len, [*self.edges, *self.categories])) + sum(map(len, self.tables))

    def numeric(self) -> list[int]:
        """Return the columns of numbers, those of categories left out."""
        return [column for column, categories in enumerate(self.categories) if not categories]

    def is_text(self, column: int) -> bool:
        return any(isinstance(category, str) for category in self.categories[column])

    def add_numbers(self, feature: Feature | None, values: Array) -> None:
        _extend(self.numbers, feature, values)

    def add_edges(self, feature: Feature | None, values: Array) -> None:
        _extend(self.edges, feature, values)

    def add_categories(self, feature: Feature | None, categories: list[Any]) -> None:
        if feature is not None:
            seen = self.categories[feature.column]
            seen += [item for item in categories if is_missing(item) or item not in seen]


def empty_profile(width: int) -> InputProfile:
    columns = range(width)
    return InputProfile([[] for _ in columns], [[] for _ in columns], [[] for _ in columns], [1.0] * width)


def spread(values: Array, most: int) -> Array:
    """Return at most `most` of the values, evenly spaced."""
    selection: Array = values[np.linspace(0, len(values) - 1, min(len(values), most)).astype(int)]
    return selection


def _extend(columns: list[list[float]], feature: Feature | None, values: Array) -> None:
    if feature is not None:
        originals = feature.back(np.asarray(values, dtype=np.float64).ravel())
        columns[feature.column] += originals[np.isfinite(originals)].tolist()
