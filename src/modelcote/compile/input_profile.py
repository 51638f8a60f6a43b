"""What fitted models reveal of their own input, column by column: ranges, categories and the trees' thresholds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelcote.compile import boosters, ensembles
from modelcote.compile.encoders import is_missing
from modelcote.compile.trees import Array, Tree

# Fitted attributes with one value per column, or one row of columns per training point, centre or class.
_ATTRIBUTES = (
    *("mean_", "center_", "location_", "statistics_", "data_min_", "data_max_", "quantiles_", "xbar_", "means_"),
    *("theta_", "cluster_centers_", "support_vectors_", "X_train_", "_fit_X", "subcluster_centers_", "_x_mean"),
)
_VALUES_PER_ATTRIBUTE = 24
_THRESHOLDS = 400  # per column and ensemble
_ELEMENTWISE = frozenset(
    {"StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "QuantileTransformer", "PowerTransformer"}
)
_SELECTORS = frozenset(
    {"SelectKBest", "SelectPercentile", "SelectFromModel", "VarianceThreshold", "RFE", "RFECV"}
    | {"SelectFpr", "SelectFdr", "SelectFwe", "SequentialFeatureSelector"}
)
_TREES: dict[str, Callable[[Any], list[Tree]]] = {
    **dict.fromkeys(ensembles.FORESTS, ensembles.forest_trees),
    **dict.fromkeys(("GradientBoostingClassifier", "GradientBoostingRegressor"), ensembles.gradient_boosting_trees),
    **dict.fromkeys(("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"), ensembles.hist_trees),
    "IsolationForest": ensembles.isolation_trees,
    **dict.fromkeys(("XGBClassifier", "XGBRegressor"), boosters.trees_of),
}


@dataclass(frozen=True)
class Feature:
    """A column of the table as a later step sees it; `back` turns the step's values into the table's."""

    column: int
    back: Callable[[Array], Array]


Features = Sequence[Feature | None]  # None: a feature that is not one column's, such as a one-hot one


@dataclass
class InputProfile:
    """Per column of the table: numbers and categories met in training; and trees with the features they split."""

    numbers: list[list[float]]
    categories: list[list[Any]]
    forests: list[tuple[list[Tree], Features]] = field(default_factory=list)

    def thresholds(self) -> list[list[float]]:
        """Return, per column, up to some hundred thresholds of the trees that split on it."""
        columns: list[list[float]] = [[] for _ in self.numbers]
        for trees, features in self.forests:
            feature = np.concatenate([tree.feature[tree.left >= 0] for tree in trees])
            threshold = np.concatenate([tree.threshold[tree.left >= 0] for tree in trees])
            for place, seen in enumerate(features):
                splits = threshold[(feature == place) & np.isfinite(threshold)]
                if seen is not None and len(splits):
                    columns[seen.column] += seen.back(_spread(splits, _THRESHOLDS)).tolist()
        return columns

    def is_text(self, column: int) -> bool:
        return any(isinstance(category, str) for category in self.categories[column])


def profile_inputs(models: Sequence[Any], width: int, names: Sequence[str]) -> InputProfile:
    """Return what a flow's models reveal of a table with `width` columns; `names`: the columns', if they have any."""
    profile = InputProfile([[] for _ in range(width)], [[] for _ in range(width)])
    features: Features | None = [Feature(column, lambda values: values) for column in range(width)]
    for model in models:
        if features is not None:
            features = _walk(model, features, names, profile)
    return profile


def _walk(model: Any, features: Features, names: Sequence[str], profile: InputProfile) -> Features | None:
    """Collect what `model` reveals; return the features that the next step would see, None if unknown."""
    kind = type(model).__name__
    if hasattr(model, "steps"):
        seen: Features | None = features
        for _, step in model.steps:
            if seen is None:
                return None
            seen = seen if step in (None, "passthrough") else _walk(step, seen, names, profile)
        return seen
    if kind == "ColumnTransformer":
        return _walk_columns(model, features, names, profile)
    if hasattr(model, "categories_") and isinstance(model.categories_, list):
        return _walk_categories(model, features, profile)
    _collect(model, features, profile)
    if kind in _TREES:
        profile.forests.append((_TREES[kind](model), features))
    elif not hasattr(model, "transform"):
        for inner, subset in _inner(model):
            _walk(inner, features if subset is None else [features[index] for index in subset], names, profile)
    if kind == "SimpleImputer" and len(model.statistics_) == len(features):
        return features
    if kind in _ELEMENTWISE:
        return [_through(model, place, feature, len(features)) for place, feature in enumerate(features)]
    if kind in _SELECTORS:
        return [features[place] for place in np.flatnonzero(model.get_support()).tolist()]
    return None


def _through(model: Any, place: int, feature: Feature | None, width: int) -> Feature | None:
    if feature is None:
        return None

    def back(values: Array) -> Array:
        matrix = np.zeros((len(values), width))
        matrix[:, place] = values
        return feature.back(model.inverse_transform(matrix)[:, place])

    return Feature(feature.column, back)


def _walk_columns(model: Any, features: Features, names: Sequence[str], profile: InputProfile) -> Features | None:
    behind: list[Feature | None] = []
    lost = False
    for _, transformer, columns in model.transformers_:
        subset = [features[place] for place in _positions(columns, names, len(features))]
        if transformer == "drop":
            continue
        seen = subset if transformer == "passthrough" else _walk(transformer, subset, names, profile)
        # Behind a step of unknown width no position is certain, but the ranges found there still count.
        lost = lost or seen is None
        behind.extend(seen or ())
    return None if lost else behind


def _positions(columns: Any, names: Sequence[str], width: int) -> list[int]:
    if isinstance(columns, str):
        return [names.index(columns)]
    if isinstance(columns, slice) and isinstance(columns.start, str):
        stop = None if columns.stop is None else names.index(columns.stop) + 1
        return list(range(names.index(columns.start), width if stop is None else stop))
    if len(names) and isinstance(columns, list) and columns and isinstance(columns[0], str):
        return [names.index(name) for name in columns]
    chosen = np.arange(width)[columns]
    return [int(place) for place in np.atleast_1d(chosen)]


def _walk_categories(model: Any, features: Features, profile: InputProfile) -> Features | None:
    for feature, categories in zip(features, model.categories_, strict=True):
        if feature is not None:
            seen = profile.categories[feature.column]
            seen += [item for item in categories.tolist() if is_missing(item) or item not in seen]
    return [None] * len(model.get_feature_names_out())


def _collect(model: Any, features: Features, profile: InputProfile) -> None:
    for name in _ATTRIBUTES:
        value = getattr(model, name, None)
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu" or value.shape[-1:] != (len(features),):
            continue
        rows = _spread(value.reshape(-1, len(features)).astype(np.float64), _VALUES_PER_ATTRIBUTE)
        spread = getattr(model, "scale_", None)
        if name == "mean_" and isinstance(spread, np.ndarray):
            rows = np.concatenate([rows + shift * spread for shift in (-3, -1, 0, 1, 3)])
        for place, feature in enumerate(features):
            if feature is not None:
                _add(profile, feature, rows[:, place])
    # One array per column, as steps that cut columns into bins keep them.
    for feature, edges in zip(features, getattr(model, "bin_edges_", ()), strict=False):
        if feature is not None:
            _add(profile, feature, np.asarray(edges, dtype=np.float64))


def _add(profile: InputProfile, feature: Feature, values: Array) -> None:
    originals = feature.back(values)
    profile.numbers[feature.column] += originals[np.isfinite(originals)].tolist()


def _spread(values: Array, most: int) -> Array:
    """Return at most `most` of the values, evenly spaced."""
    selection: Array = values[np.linspace(0, len(values) - 1, min(len(values), most)).astype(int)]
    return selection


def _inner(model: Any) -> Iterator[tuple[Any, Sequence[int] | None]]:
    """Yield the fitted models inside an ensemble that see the same table, with the columns that they see."""
    subsets = getattr(model, "estimators_features_", None)
    for name in ("estimators_", "calibrated_classifiers_", "best_estimator_", "estimator_", "regressor_"):
        value = getattr(model, name, None)
        # An ensemble is itself a sequence, so a list of them is not to be made an array.
        members = value.ravel().tolist() if isinstance(value, np.ndarray) else value
        members = members if isinstance(members, list) else [members]
        for number, member in enumerate(members):
            inner = getattr(member, "estimator", member) if name == "calibrated_classifiers_" else member
            if hasattr(inner, "n_features_in_"):  # some ensembles keep an unfitted pattern beside the fitted ones
                yield inner, None if subsets is None else subsets[number]
