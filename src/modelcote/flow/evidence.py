"""What a fitted estimator reveals of the values it was trained on: its first steps, column by column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelcote.core.inputs import ANY, LISTS, NA, NAN, NO_MISSING, NONE, TEXTS, UNDECIDED, VALUES, Column, Inputs
from modelcote.flow.booster_categories import lightgbm_categories, xgboost_categories

# How close a clue is to what training saw: the values as they were, those behind an imputer, their mere use.
RAW, DERIVED, USED = 2, 1, 0
NUMBER = "number"  # A step that computes with it: float64 unless more is known.
_OTHER = -1  # The position of a column that is not one of the table's.
_VECTORIZERS = frozenset({"CountVectorizer", "TfidfVectorizer", "HashingVectorizer"})
_OBJECTS = frozenset({"DictVectorizer", "FeatureHasher"})
_ENCODERS = frozenset({"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"})
# Steps of which nothing tells what they accept.
_UNKNOWN = frozenset({"DummyClassifier", "DummyRegressor", "MissingIndicator", "FunctionTransformer"})
# Estimators that hand their input on as it is, and where they keep the fitted ones that see it.
_WRAPPERS = frozenset(
    {"GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV", "FrozenEstimator"}
    | {"VotingClassifier", "VotingRegressor", "StackingClassifier", "StackingRegressor", "CalibratedClassifierCV"}
    | {"OneVsRestClassifier", "MultiOutputClassifier", "MultiOutputRegressor", "TransformedTargetRegressor"}
    | {"FixedThresholdClassifier", "TunedThresholdClassifierCV", "BaggingClassifier", "BaggingRegressor"}
    | {"SelfTrainingClassifier", "SelectFromModel"}
)
_READING = frozenset({"fit", "fit_transform", "transform", "predict", "predict_proba"})
_INNER = ("best_estimator_", "estimators_", "regressor_", "estimator_", "base_estimator_", "estimator")


@dataclass(frozen=True)
class Clue:
    """One step's view of a column: a dtype, or `NUMBER`; `array`: the dtype of the whole table as the step saw it."""

    dtype: str
    closeness: int = USED
    missing: frozenset[str] = frozenset()
    array: str = ""
    column: Column | None = None


@dataclass
class Evidence:
    """Clues by column (None: every column), and descriptions of whole inputs, such as texts."""

    columns: dict[int | None, list[Clue]] = field(default_factory=dict)
    whole: list[Inputs] = field(default_factory=list)

    def add(self, places: Sequence[int] | None, clue: Clue) -> None:
        for place in {None} if places is None else {*places} - {_OTHER}:
            self.columns.setdefault(place, []).append(clue)


@dataclass(frozen=True)
class _View:
    """The columns that a step sees, None for all of them, how close they are, and the steps behind it.

    `certain`: the step's first column is the first of them, and so on; `_OTHER` is a column that no view describes.
    """

    places: Sequence[int] | None = None
    closeness: int = RAW
    certain: bool = True
    behind: tuple[Any, ...] = ()


def first_steps(model: Any) -> Iterator[Any]:
    """Yield the estimator and, one inside the other, those that see its input first."""
    while model is not None:
        yield model
        parts = getattr(model, "steps", None) or getattr(model, "transformer_list", None)
        inner = [part for _, part in parts if hasattr(part, "get_params")] if parts else []
        if not parts and type(model).__name__ in _WRAPPERS:
            inner = [one for one, _ in _members(model)]
        model = inner[0] if inner else None


def collect(model: Any, behind: Sequence[Any] = ()) -> Evidence:
    """Return what the steps of `model` reveal that see its input first; `behind`: the models that see its output."""
    evidence = Evidence()
    _walk(model, _View(behind=tuple(behind)), evidence)
    return evidence


def _walk(step: Any, view: _View, evidence: Evidence) -> None:
    kind = _library_class(step)
    name = kind.__name__ if kind else ""
    if step is None or step == "passthrough" or (name == "FunctionTransformer" and step.func is None):
        _next(view, evidence)
    elif step == "drop":
        return
    elif kind is None:
        evidence.add(view.places, Clue(UNDECIDED))
    elif hasattr(step, "steps"):
        first, *others = [inner for _, inner in step.steps]
        _walk(first, _View(view.places, view.closeness, view.certain, (*others, *view.behind)), evidence)
    elif hasattr(step, "transformer_list"):
        for _, inner in step.transformer_list:
            _walk(inner, _View(view.places, view.closeness, view.certain, (_Join(), *view.behind)), evidence)
    elif hasattr(step, "transformers_"):
        _walk_columns(step, view, evidence)
    elif name in _WRAPPERS:
        for inner, subset in _members(step):
            places = view.places if subset is None or not view.certain else _chosen(view.places, subset)
            _walk(inner, _View(places, view.closeness, view.certain), evidence)
    else:
        _read(step, name, view, evidence)


def _library_class(step: Any) -> type | None:
    """Return the library's class that reads the values; None where your own code does."""
    for kind in type(step).__mro__:
        if kind.__module__.startswith(("sklearn.", "xgboost.", "lightgbm.")):
            return kind
        if vars(kind).keys() & _READING:
            return None
    return None


@dataclass(frozen=True)
class _Join:
    """Marks, among the steps behind, where columns become those from `start` to `stop` of `width`; 0: unknown."""

    start: int = 0
    stop: int = 0
    width: int = 0


def _next(view: _View, evidence: Evidence) -> None:
    """Go on to the step behind one that hands its columns on."""
    places, closeness, certain, behind = view.places, view.closeness, view.certain, view.behind
    while behind and isinstance(behind[0], _Join):
        join, behind = behind[0], behind[1:]
        # The joined table has a dtype of its own.
        closeness = min(closeness, DERIVED)
        certain = certain and places is not None and len(places) == join.stop - join.start
        if certain and places is not None:
            places = [*[_OTHER] * join.start, *places, *[_OTHER] * (join.width - join.stop)]
    if behind:
        _walk(behind[0], _View(places, closeness, certain, behind[1:]), evidence)
    else:
        evidence.add(places, Clue(UNDECIDED))


def _walk_columns(step: Any, view: _View, evidence: Evidence) -> None:
    if not view.certain:
        evidence.add(view.places, Clue(UNDECIDED))
        return
    width = max(part.stop for part in step.output_indices_.values())
    for name, inner, _ in step.transformers_:
        places = _chosen(view.places, step._transformer_to_input_indices[name])
        part = step.output_indices_[name]
        behind = (_Join(part.start, part.stop, width), *view.behind)
        _walk(inner, _View(places, view.closeness, behind=behind), evidence)


def _chosen(places: Sequence[int] | None, subset: Any) -> list[int]:
    return [int(place) if places is None else places[place] for place in subset]


def _members(step: Any) -> Iterator[tuple[Any, Any]]:
    subsets = getattr(step, "estimators_features_", None)
    calibrated = getattr(step, "calibrated_classifiers_", None)
    if calibrated is not None:
        held = [getattr(one, "estimator", None) or one.base_estimator for one in calibrated]
    else:
        attribute = next((name for name in _INNER if getattr(step, name, None) is not None), None)
        value = getattr(step, attribute) if attribute else []
        held = value if isinstance(value, list) else [value]
    for number, inner in enumerate(held):
        # A stand-in for a class without examples sees no column.
        if not type(inner).__name__.startswith("_"):
            yield inner, None if subsets is None else subsets[number]


def _read(step: Any, name: str, view: _View, evidence: Evidence) -> None:
    """Add what a step that uses the values itself reveals."""
    has_labels = name == "LabelBinarizer" and not str(step.y_type_).startswith("multilabel")
    if name in _VECTORIZERS:
        callables = callable(step.analyzer) or callable(step.preprocessor)
        _add_whole(Inputs(ANY) if callables else Inputs(TEXTS), "str", view, evidence)
    elif name in _OBJECTS:
        _add_whole(Inputs(ANY), UNDECIDED, view, evidence)
    elif name in ("LabelEncoder", "MultiLabelBinarizer") or has_labels:
        kind = LISTS if name == "MultiLabelBinarizer" else VALUES
        evidence.whole.append(Inputs(kind, cell=_label(step.classes_)))
    elif name == "IsotonicRegression":
        evidence.whole.append(Inputs(VALUES))
    elif name in _ENCODERS and view.certain:
        places = range(len(step.categories_)) if view.places is None else view.places
        for place, categories in zip(places, step.categories_, strict=True):
            evidence.add([place], _met(categories, view.closeness))
    elif name == "SimpleImputer":
        _read_imputer(step, view, evidence)
    elif name in _UNKNOWN or name in _ENCODERS:
        marker = frozenset({missing_of(step.missing_values)}) if name == "MissingIndicator" else frozenset[str]()
        numeric = name == "FunctionTransformer" and (isinstance(step.func, np.ufunc) or step.validate)
        evidence.add(view.places, Clue(NUMBER if numeric else UNDECIDED, missing=marker - {NAN, NO_MISSING}))
    else:
        evidence.add(view.places, Clue(NUMBER))
        if view.certain:
            _read_native_categories(step, view, evidence)


def _add_whole(inputs: Inputs, dtype: str, view: _View, evidence: Evidence) -> None:
    if view.places is None:
        evidence.whole.append(inputs)
    else:
        evidence.add(view.places, Clue(dtype, DERIVED))


def _read_imputer(step: Any, view: _View, evidence: Evidence) -> None:
    dtype = np.dtype(getattr(step, "_fit_dtype", None) or step.statistics_.dtype)
    missing = frozenset({missing_of(step.missing_values)}) - {NAN, NO_MISSING}
    places = range(len(step.statistics_)) if view.places is None else view.places
    if view.certain and len(places) == len(step.statistics_):
        raw = dtype.kind == "O" or step.strategy not in ("mean", "median") or dtype == np.float32
        for place, fill in zip(places, step.statistics_, strict=True):
            name = dtype.name
            if dtype.kind == "O":
                name = "str" if isinstance(fill, str) else UNDECIDED if missing_of(fill) else "object"
            clue = Clue(name, view.closeness, missing, dtype.name) if raw else Clue(NUMBER, missing=missing)
            evidence.add([place], clue)
    else:
        evidence.add(view.places, Clue(NUMBER if dtype.kind == "f" else UNDECIDED))
    keeps_columns = not step.add_indicator and not any(missing_of(fill) for fill in step.statistics_)
    behind = view.behind if keeps_columns else (_Join(), *view.behind)
    if view.behind:
        _next(_View(view.places, DERIVED, view.certain, behind), evidence)


def _read_native_categories(step: Any, view: _View, evidence: Evidence) -> None:
    """Add the categories of a model that has them itself: XGBoost, LightGBM, histogram boosting."""
    if hasattr(step, "get_booster"):
        booster = step.get_booster()
        kinds = booster.feature_types or ()
        # Without names it was an array, whose codes are the caller's own.
        if "c" not in kinds or booster.feature_names is None or view.closeness != RAW:
            return
        categories = xgboost_categories(booster)
        places = range(len(kinds)) if view.places is None else view.places
        for number, (place, kind) in enumerate(zip(places, kinds, strict=False)):
            if kind == "c":
                column = Column(dtype="category", **categories.get(number, {}))
                evidence.add([place], Clue("category", RAW, column=column))
    elif hasattr(step, "booster_"):
        for number, column in (lightgbm_categories(step) if view.closeness == RAW else {}).items():
            evidence.add(_chosen(view.places, [number]), Clue("category", RAW, column=column))
    elif getattr(step, "_preprocessor", None) is not None and getattr(step, "is_categorical_", None) is not None:
        chosen = _chosen(view.places, np.flatnonzero(step.is_categorical_))
        encoder = step._preprocessor.named_transformers_["encoder"]
        for place, categories in zip(chosen, encoder.categories_, strict=True):
            clue = _met(categories, view.closeness)
            # It computes with float64 and has a place for missing values, also where training had integers.
            if categories.dtype.kind not in "iu" or np.abs(categories.astype(np.float64)).max(initial=0) >= 1 << 53:
                evidence.add([place], clue)


def _met(categories: Any, closeness: int) -> Clue:
    """Return the clue of an encoder's categories of one column."""
    missing = frozenset(filter(None, map(missing_of, categories.tolist()))) - {""}
    if categories.dtype.kind != "O":
        name = "str" if categories.dtype.kind in "US" else categories.dtype.name
        return Clue(name, closeness, missing, name)
    present = [value for value in categories.tolist() if not missing_of(value)]
    name = UNDECIDED if not present else "str" if all(isinstance(value, str) for value in present) else "object"
    return Clue(name, closeness, missing, "object")


def _label(classes: Any) -> Column:
    clue = _met(classes, RAW)
    return Column(dtype=clue.dtype, missing=next(iter(sorted(clue.missing)), NO_MISSING))


def missing_of(value: Any) -> str:
    """Return which missing value it is, or an empty text for any other value."""
    if value is None:
        return NONE
    if isinstance(value, float | np.floating) and np.isnan(value):
        return NAN
    return {"<NA>": NA, "NaT": "NaT"}.get(repr(value), NO_MISSING) if not isinstance(value, str) else NO_MISSING
