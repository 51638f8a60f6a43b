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
        inner = None
        if getattr(estimator, "steps", None):
            inner = estimator.steps[0][1]
        elif getattr(estimator, "transformer_list", None):
            inner = estimator.transformer_list[0][1]
        else:
            for name in ("best_estimator_", "estimator_", "regressor_", "estimator", "base_estimator"):
                inner = getattr(estimator, name, None)
                if inner is not None and hasattr(inner, "get_params"):
                    break
                inner = None
        estimator = inner


def _attribute(steps: list[Any], name: str) -> Any:
    for step in steps:
        # A property of a fitted estimator may itself raise AttributeError, which getattr's default covers.
        value = getattr(step, name, None)
        if value is not None:
            return value
    return None


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
