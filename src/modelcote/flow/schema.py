"""The inputs of a loaded scikit-learn or XGBoost estimator, read from the estimator itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelcote.flow.inputs import ANY, FRAME, MATRIX, MIXED, TEXT, InputSchema

_TEXT = frozenset({"CountVectorizer", "TfidfVectorizer", "HashingVectorizer"})
# First steps that accept values other than numbers. An estimator not of scikit-learn may accept anything.
_MIXED = frozenset(
    {"ColumnTransformer", "DummyClassifier", "DummyRegressor", "FeatureUnion", "FunctionTransformer", "OneHotEncoder"}
    | {"OrdinalEncoder", "SimpleImputer", "TargetEncoder", "MissingIndicator"}
)
_OBJECTS = frozenset({"DictVectorizer", "FeatureHasher"})
# Where an estimator keeps the one that it wraps.
_WRAPPED = ("best_estimator_", "estimator_", "regressor_", "estimator", "base_estimator")


def schema_of(estimator: Any) -> InputSchema:
    """Return the schema of a fitted estimator, by its `feature_names_in_`, `n_features_in_` and first steps."""
    first = list(_first_steps(estimator))
    names = {type(step).__name__ for step in first}
    if names & _TEXT:
        return InputSchema(TEXT)
    if names & _OBJECTS:
        return InputSchema(ANY)
    n_features = _attribute(first, "n_features_in_")
    columns = _attribute(first, "feature_names_in_")
    if columns is not None:
        texts = tuple(str(name) for name in columns if name in set(_text_columns(first, columns)))
        return InputSchema(FRAME, len(columns), tuple(map(str, columns)), _categories(first[-1], columns), texts)
    foreign = any(not type(step).__module__.startswith(("sklearn.", "xgboost.")) for step in first)
    kind = MIXED if foreign or names & _MIXED else MATRIX
    return InputSchema(kind, int(n_features) if n_features is not None else None)


def _first_steps(estimator: Any) -> Iterator[Any]:
    """Yield the estimator and the parts of it that see the input first, outermost first."""
    while estimator is not None:
        yield estimator
        parts = getattr(estimator, "steps", None) or getattr(estimator, "transformer_list", None)
        wrapped = (getattr(estimator, name, None) for name in _WRAPPED)
        estimator = parts[0][1] if parts else next((inner for inner in wrapped if hasattr(inner, "get_params")), None)


def _attribute(steps: list[Any], name: str) -> Any:
    # A property of a fitted estimator may itself raise AttributeError, which getattr's default covers.
    values = (getattr(step, name, None) for step in steps)
    return next((value for value in values if value is not None), None)


def _categories(estimator: Any, columns: Any) -> tuple[str, ...]:
    booster = getattr(estimator, "get_booster", None)
    kinds = booster().feature_types if booster is not None else None
    return tuple(str(name) for name, kind in zip(columns, kinds or (), strict=False) if kind == "c")


def _text_columns(first: list[Any], columns: Any) -> Iterator[Any]:
    """Yield the columns in which a ColumnTransformer's encoders or imputers, or the first step itself, met strings."""
    for step in first:
        for _, inner, chosen in getattr(step, "transformers_", ()):
            names = [chosen] if isinstance(chosen, str) else chosen
            if isinstance(names, list) and all(isinstance(name, str) for name in names):
                for part in getattr(inner, "steps", None) or [("", inner)]:
                    yield from _met_strings(part[1], names)
        yield from _met_strings(step, list(columns))


def _met_strings(step: Any, names: list[Any]) -> Iterator[Any]:
    categories = getattr(step, "categories_", None)
    values = categories if isinstance(categories, list) else [[value] for value in getattr(step, "statistics_", ())]
    if len(values) == len(names):
        yield from (name for name, met in zip(names, values, strict=True) if any(isinstance(v, str) for v in met))
