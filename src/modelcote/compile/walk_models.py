"""Walking a flow's fitted models, step by step, to collect what each reveals of the table at the flow's start."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelcote.compile import boosters, ensembles
from modelcote.compile.input_profile import Feature, Features, InputProfile, empty_profile, spread
from modelcote.compile.trees import Array, Tree

# Fitted attributes with one row of columns per training point, centre or class: rows as they are, and
_ROWS = (
    *("_fit_X", "support_vectors_", "X_train_", "cluster_centers_", "subcluster_centers_", "means_", "theta_"),
    *("centroids_", "X_fit_"),
)
# with one value per column.
_VALUES = ("mean_", "center_", "location_", "statistics_", "data_min_", "data_max_", "xbar_", "_x_mean", "max_abs_")
_ROWS_PER_ATTRIBUTE = 400
_EDGES = 200  # per column and attribute
_ELEMENTWISE = frozenset(
    {"StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "QuantileTransformer", "PowerTransformer"}
)
_SELECTORS = frozenset(
    {"SelectKBest", "SelectPercentile", "SelectFromModel", "VarianceThreshold", "RFE", "RFECV"}
    | {"SelectFpr", "SelectFdr", "SelectFwe", "SequentialFeatureSelector", "GenericUnivariateSelect"}
)
_TREES: dict[str, Callable[[Any], list[Tree]]] = {
    **dict.fromkeys(ensembles.FORESTS, ensembles.forest_trees),
    **dict.fromkeys(("GradientBoostingClassifier", "GradientBoostingRegressor"), ensembles.gradient_boosting_trees),
    **dict.fromkeys(("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"), ensembles.hist_trees),
    "IsolationForest": ensembles.isolation_trees,
    **dict.fromkeys(("XGBClassifier", "XGBRegressor"), boosters.trees_of),
}
_WEIGHTS = ("coef_", "coefs_", "feature_log_prob_")


@dataclass(frozen=True)
class View:
    """The table as a step sees it; `back` turns whole rows of it into the table's, NaN in columns that are unknown."""

    features: Features
    back: Callable[[Array], Array]

    def through(self, features: Features, back: Callable[[Array], Array]) -> View:
        """Return the view behind a step: `back` turns rows behind it into rows before it."""
        return View(features, lambda rows: self.back(back(rows)))

    def part(self, places: Sequence[int]) -> View:
        """Return the view of some of the features."""

        def back(rows: Array) -> Array:
            full = np.full((len(rows), len(self.features)), np.nan)
            full[:, list(places)] = rows
            return full

        return self.through([self.features[place] for place in places], back)


def profile_inputs(models: Sequence[Any], width: int, names: Sequence[str]) -> InputProfile:
    """Return what a flow's models reveal of a table with `width` columns; `names`: the columns', if they have any."""
    profile = empty_profile(width)
    view: View | None = View([Feature(column, lambda values: values) for column in range(width)], lambda rows: rows)
    for model in models:
        if view is not None:
            view = _walk(model, view, names, profile)
    return profile


def _walk(model: Any, view: View, names: Sequence[str], profile: InputProfile) -> View | None:
    """Collect what `model` reveals; return the view of the next step, None if unknown."""
    kind = type(model).__name__
    if hasattr(model, "steps"):
        seen: View | None = view
        for _, step in model.steps:
            if seen is None:
                return None
            seen = seen if step in (None, "passthrough") else _walk(step, seen, names, profile)
        return seen
    if kind == "ColumnTransformer":
        return _walk_columns(model, view, names, profile)
    if hasattr(model, "categories_") and isinstance(model.categories_, list):
        for feature, categories in zip(view.features, model.categories_, strict=True):
            profile.add_categories(feature, categories.tolist())
        return None
    _collect(model, view, profile)
    if kind in _TREES:
        profile.forests.append((_TREES[kind](model), view.features))
    elif not hasattr(model, "transform") or hasattr(model, "predict"):
        for inner, subset in _inner(model):
            _walk(inner, view if subset is None else view.part(list(subset)), names, profile)
    return _behind(model, kind, view, profile)


def _behind(model: Any, kind: str, view: View, profile: InputProfile) -> View | None:
    features, width = view.features, len(view.features)
    if kind == "SimpleImputer" and len(model.statistics_) == width and not model.add_indicator:
        return view
    if kind == "PowerTransformer" and model.standardize:
        met = model.inverse_transform(np.repeat([[-3.0], [-1.0], [0.0], [1.0], [3.0]], width, axis=1))
        for place, feature in enumerate(features):
            profile.add_numbers(feature, met[:, place])
    if kind in _ELEMENTWISE:
        behind = [_through(model, place, feature, width) for place, feature in enumerate(features)]
        return view.through(behind, model.inverse_transform)
    if kind in _SELECTORS:
        return view.part(np.flatnonzero(model.get_support()).tolist())
    if hasattr(model, "inverse_transform") and hasattr(model, "_n_features_out"):
        return view.through([None] * model._n_features_out, model.inverse_transform)
    return None


def _through(model: Any, place: int, feature: Feature | None, width: int) -> Feature | None:
    if feature is None:
        return None

    def back(values: Array) -> Array:
        matrix = np.zeros((len(values), width))
        matrix[:, place] = values
        return feature.back(model.inverse_transform(matrix)[:, place])

    return Feature(feature.column, back)


def _walk_columns(model: Any, view: View, names: Sequence[str], profile: InputProfile) -> View | None:
    behind: list[Feature | None] = []
    lost = False
    for _, transformer, columns in model.transformers_:
        part = view.part(_positions(columns, names, len(view.features)))
        if transformer == "drop":
            continue
        seen = part if transformer == "passthrough" else _walk(transformer, part, names, profile)
        # Behind a step of unknown width no position is certain, but the ranges found there still count.
        lost = lost or seen is None
        behind.extend(seen.features if seen is not None else ())
    # Rows behind it are joined from several steps: none of them is turned back as a whole.
    unknown = np.full((1, len(view.features)), np.nan)
    return None if lost else view.through(behind, lambda rows: np.repeat(unknown, len(rows), axis=0))


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


def _collect(model: Any, view: View, profile: InputProfile) -> None:
    features, width = view.features, len(view.features)
    for name in (*_ROWS, *_VALUES):
        rows = _matrix(getattr(model, name, None), width)
        if rows is None:
            continue
        rows = spread(rows, _ROWS_PER_ATTRIBUTE)
        deviations = getattr(model, "scale_", None)
        if name == "mean_" and isinstance(deviations, np.ndarray):
            rows = np.concatenate([rows + shift * deviations for shift in (-3, -1, 0, 1, 3)])
        for place, feature in enumerate(features):
            profile.add_numbers(feature, rows[:, place])
        if name in _ROWS:
            whole = np.asarray(view.back(rows), dtype=np.float64)
            has_values = np.isfinite(whole).any(axis=1)
            profile.tables += [whole[has_values]] if has_values.any() else []
    for place, feature in enumerate(features):
        for edges in _edges(model, place):
            profile.add_edges(feature, spread(edges, _EDGES))
    for name in _WEIGHTS:
        weights = getattr(model, name, None)
        weights = weights[0].T if name == "coefs_" and isinstance(weights, list) else weights
        _set_units(_matrix(weights, width), features, profile)


def _matrix(value: Any, width: int) -> Array | None:
    """Return an attribute as rows of `width` numbers, None if it has another form."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu" or value.shape[-1:] != (width,):
        return None
    return value.reshape(-1, width).astype(np.float64)


def _edges(model: Any, place: int) -> Iterator[Array]:
    """Yield the values at which a step cuts its column number `place`, in the step's own numbers."""
    if type(model).__name__ in ("Binarizer", "BernoulliNB"):
        threshold = getattr(model, "threshold", getattr(model, "binarize", None))
        if threshold is not None:
            yield np.array([threshold], dtype=np.float64)
    for name in ("bin_edges_", "bsplines_"):  # one array, or one spline, per column
        held = getattr(model, name, None)
        if held is not None and place < len(held):
            yield np.asarray(getattr(held[place], "t", held[place]), dtype=np.float64)
    quantiles = getattr(model, "quantiles_", None)
    if isinstance(quantiles, np.ndarray) and quantiles.ndim == 2:
        yield quantiles[:, place].astype(np.float64)


def _set_units(weights: Array | None, features: Features, profile: InputProfile) -> None:
    """Measure columns in the inverse of their weights, so that each can turn the answer."""
    if weights is None:
        return
    size = np.abs(weights).max(axis=0)
    for feature, weight in zip(features, size.tolist(), strict=True):
        if feature is not None and 0 < weight < np.inf:
            profile.units[feature.column] = 1 / weight


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
