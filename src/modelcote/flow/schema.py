"""The inputs of a loaded scikit-learn or XGBoost estimator, read from the estimator itself and from the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from modelcote.core.errors import InvalidBundle
from modelcote.core.inputs import (
    ANY,
    FRAME,
    MATRIX,
    NAN,
    NAT,
    NO_MISSING,
    NONE,
    TABLE,
    UNDECIDED,
    UNREAD,
    Column,
    Inputs,
)
from modelcote.flow.evidence import NUMBER, RAW, USED, Evidence, collect, first_steps
from modelcote.flow.number_types import with_number_types
from modelcote.flow.samples import of_sample, with_categories

_NUMBERS = ("float64", UNREAD)
_REMEDY = "Deploy with sample=, a DataFrame or an array of the dtypes that the model was trained on."


def describe(model: Any, hints: Mapping[str, Any] | None = None, behind: Sequence[Any] = ()) -> Inputs:
    """Return the inputs of a fitted estimator; `hints` are what the caller says of them, as the manifest has it.

    `behind`: the fitted estimators of the stages that see its output, the nearest first.
    Raises `InvalidBundle` where nothing decides what a value means, and `InvalidSpec` for hints that do not fit the
    model.
    """
    names, width = _attribute(model, "feature_names_in_"), _attribute(model, "n_features_in_")
    columns = () if names is None else tuple(map(str, names))
    inputs = of_sample(hints or {}, columns, None if width is None else int(width))
    inputs = inputs or with_number_types(_of_model(collect(model, behind), columns, width), [model, *behind])
    inputs = with_categories(inputs, (hints or {}).get("categories") or {})
    lacking = [column.name for column in inputs.columns if column.dtype == "category" and column.categories is None]
    if lacking:
        raise InvalidBundle(
            f"the model's file does not hold the categories of the column {lacking[0]}, only their codes.",
            f'Deploy with categories={{"{lacking[0]}": [...]}}, in the order of training, or with sample=, a DataFrame '
            "in which the column has the category dtype of training.",
            columns=lacking,
        )
    return inputs


def _attribute(model: Any, name: str) -> Any:
    # A property of a fitted estimator may itself raise AttributeError, which getattr's default covers.
    values = (getattr(step, name, None) for step in first_steps(model))
    return next((value for value in values if value is not None), None)


def _of_model(evidence: Evidence, names: tuple[str, ...], width: Any) -> Inputs:
    if evidence.whole:
        return evidence.whole[0] if len(set(evidence.whole)) == 1 else Inputs(ANY)
    if names:
        columns = (_framed(replace(_decided(evidence, place, name), name=name)) for place, name in enumerate(names))
        return Inputs(FRAME, len(names), tuple(columns))
    return _array_inputs(evidence, None if width is None else int(width))


def _array_inputs(evidence: Evidence, width: int | None) -> Inputs:
    """Return the inputs of a model that was trained on an array, whose columns have one dtype."""
    clues = [clue for clues in evidence.columns.values() for clue in clues]
    dtypes = {clue.array for clue in clues if clue.closeness == RAW and clue.array}
    # What steps made of it is an array of objects, or of float32, only where it was one before.
    dtypes = dtypes or {clue.array for clue in clues} & {"object", "float32"}
    if "object" in dtypes:
        columns = tuple(_decided(evidence, place, str(place)) for place in range(width or 0))
        return Inputs(TABLE, width, columns, Column(dtype="object"))
    if len(dtypes) > 1:
        raise _undecidable("the array", dtypes)
    if not dtypes and any(_decided(evidence, place, "").dtype not in _NUMBERS for place in range(width or 1)):
        markers = {marker for clue in clues for marker in clue.missing}
        return Inputs(TABLE, width, cell=Column(dtype=UNDECIDED, missing=_missing(markers)))
    dtype = next(iter(dtypes), "float64")
    if dtype == "float64":
        return Inputs(MATRIX, width)
    return Inputs(TABLE, width, cell=Column(dtype=dtype, missing=_missing_of_dtype(dtype, NAN)))


def _decided(evidence: Evidence, place: int, name: str) -> Column:
    """Return a column as its clues describe it; raise `InvalidBundle` where they contradict each other."""
    clues = [*evidence.columns.get(None, ()), *evidence.columns.get(place, ())]
    missing = _missing({marker for clue in clues for marker in clue.missing})
    certain = [clue for clue in clues if clue.dtype not in (NUMBER, UNDECIDED) and clue.closeness > USED]
    nearest = max((clue.closeness for clue in certain), default=USED)
    closest = [clue for clue in certain if clue.closeness == nearest]
    dtypes = {clue.dtype for clue in closest}
    if "category" in dtypes:
        column: Column = next(filter(None, (clue.column for clue in closest)))
        return column
    if dtypes == {"str", "object"}:
        dtypes = {"object"}
    if len(dtypes) > 1:
        raise _undecidable(f"the column {name}", dtypes)
    if dtypes:
        dtype = dtypes.pop()
        return Column(dtype=dtype, missing=_missing_of_dtype(dtype, missing))
    if not clues:
        return Column(dtype=UNREAD, missing=NONE)
    return Column(dtype="float64" if any(clue.dtype == NUMBER for clue in clues) else UNDECIDED, missing=missing)


def _missing(markers: set[str]) -> str:
    """Return the one missing value that training had. Of two, null may be either: it has no meaning then."""
    return markers.pop() if len(markers) == 1 else NO_MISSING if markers else NAN


def _missing_of_dtype(dtype: str, missing: str) -> str:
    if dtype.startswith("datetime64"):
        return NAT
    return NO_MISSING if dtype == "bool" or dtype.startswith(("int", "uint")) else missing


def _framed(column: Column) -> Column:
    """Return the column of a DataFrame: only one of objects holds None or pandas' NA."""
    numbers = column.dtype.startswith("float") or column.dtype == UNDECIDED
    return replace(column, dtype="object") if numbers and column.missing not in (NAN, NO_MISSING) else column


def _undecidable(what: str, dtypes: set[str]) -> InvalidBundle:
    return InvalidBundle(f"the model's steps saw {what} as {' and as '.join(sorted(dtypes))}.", _REMEDY)
