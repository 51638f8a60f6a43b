"""The inputs of a flow's first stage, and how JSON rows become them.

A row is a list of values in column order or, where the model knows its columns' names, an object by name. `null`
is a missing value. A row that does not fit raises `InvalidInput` with the row, the column and the expected form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from modelcote.core.errors import InvalidInput

# A matrix of float64; a matrix of any values; a pandas DataFrame; a list of texts; an ONNX feed; the data as sent.
MATRIX, MIXED, FRAME, TEXT, FEED, ANY = "matrix", "mixed", "frame", "text", "feed", "any"
_NUMBERS = (int, float)
_SHOWN = 8


@dataclass(frozen=True)
class InputSchema:
    """`n_features` is None where the model does not know it.

    `categories` names the columns of dtype category, `texts` those in which training saw strings.
    """

    kind: str = ANY
    n_features: int | None = None
    columns: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, as `conduit.json` holds them."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def schema_from_dict(data: Mapping[str, Any]) -> InputSchema:
    """Return the schema that `InputSchema.to_dict` wrote."""
    columns, categories, texts = (tuple(data.get(member, ())) for member in ("columns", "categories", "texts"))
    return InputSchema(data.get("kind", ANY), data.get("n_features"), columns, categories, texts)


def count(data: Any) -> int:
    """Count the data points of a request: the length of a list, else one."""
    return len(data) if isinstance(data, list) else 1


def rows(data: Any, schema: InputSchema) -> Any:
    """Return the first stage's input: an array, a DataFrame, a list of texts or, for `any`, the data as it was sent.

    Raises `InvalidInput`.
    """
    if schema.kind == ANY:
        return data
    _check_list(data, schema)
    if schema.kind == TEXT:
        return _texts(data)
    if schema.kind == MATRIX:
        return matrix(data, schema)
    read = table(data, schema)
    return _frame(read, schema) if schema.kind == FRAME else _mixed(read)


def table(data: Any, schema: InputSchema) -> list[Sequence[Any]]:
    """Return the rows as equally long lists in column order; raise `InvalidInput`."""
    _check_list(data, schema)
    read = [_row(row, index, schema) for index, row in enumerate(data)]
    for index, row in enumerate(read):
        if len(row) != len(read[0]):
            raise InvalidInput(
                f"row {index} has {len(row)} values where row 0 has {len(read[0])}.",
                "Send rows of equal length.",
                row=index,
                expected=len(read[0]),
            )
        for column, value in enumerate(row):
            if isinstance(value, list | dict):
                problem = f"{_kind(value)} where the model expects one value"
                raise wrong_value(index, column, problem, "Send a number, a text, true, false or null.")
    return read


def wrong_value(row: int, column: int, problem: str, remedy: str) -> InvalidInput:
    """Return the error for one value of a row, by its position."""
    return InvalidInput(f"row {row}, column {column} is {problem}.", remedy, row=row, column=column)


def _check_list(data: Any, schema: InputSchema) -> None:
    if not isinstance(data, list) or not data:
        raise InvalidInput(
            f"the data {'has no rows' if data == [] else 'is not a list of rows'}.",
            f"Send a JSON list of at least one row: {expected(schema)}.",
        )


def expected(schema: InputSchema) -> str:
    """Describe one row in words."""
    if schema.kind == TEXT:
        return "each row as a text"
    if schema.columns:
        shown = ", ".join(schema.columns[:_SHOWN]) + (", ..." if len(schema.columns) > _SHOWN else "")
        return f"each row as a list of {len(schema.columns)} values, or an object with the columns {shown}"
    return f"each row as a list of {schema.n_features if schema.n_features is not None else 'equally many'} values"


def matrix(data: list[Any], schema: InputSchema) -> np.ndarray[Any, Any]:
    """Return a float64 matrix, `null` as NaN. Rows of numbers alone take one pass in C."""
    _check_list(data, schema)
    try:
        array = np.array(data, dtype=np.float64)
    except (TypeError, ValueError):
        return _numbers(table(data, schema))
    fits = array.ndim == 2 and array.shape[1] and schema.n_features in (None, array.shape[1])
    # numpy reads "1.5" and true as numbers; only a look at the values tells whether there were any texts.
    if not fits or any(isinstance(value, str) for row in data for value in row):
        return _numbers(table(data, schema))
    return array


def _row(row: Any, index: int, schema: InputSchema) -> Sequence[Any]:
    if isinstance(row, dict):
        return _by_name(row, index, schema)
    if not isinstance(row, list):
        raise _wrong_row(index, "is not a list", schema)
    width = schema.n_features
    if width is not None and len(row) != width:
        problem = f"has {len(row)} values where the model expects {width}"
        raise _wrong_row(index, problem, schema, expected=width)
    if not row:
        raise _wrong_row(index, "is empty", schema)
    return row


def _wrong_row(index: int, problem: str, schema: InputSchema, **extra: Any) -> InvalidInput:
    return InvalidInput(f"row {index} {problem}.", f"Send {expected(schema)}.", row=index, **extra)


def _by_name(row: Mapping[str, Any], index: int, schema: InputSchema) -> Sequence[Any]:
    if not schema.columns:
        raise _wrong_row(index, "is an object, but the model was trained without column names", schema)
    missing = [name for name in schema.columns if name not in row]
    unknown = [name for name in row if name not in set(schema.columns)]
    if missing or unknown:
        parts = [
            f"{what} {', '.join(map(ascii, names[:_SHOWN]))}"
            for what, names in (("lacks", missing), ("has the unknown", unknown))
            if names
        ]
        raise InvalidInput(
            f"row {index} {' and '.join(parts)}.",
            f"The model's columns are: {', '.join(schema.columns)}.",
            row=index,
            missing=missing[:_SHOWN],
            unknown=unknown[:_SHOWN],
        )
    return [row[name] for name in schema.columns]


def _numbers(read: list[Sequence[Any]]) -> np.ndarray[Any, Any]:
    for index, row in enumerate(read):
        for column, value in enumerate(row):
            if value is not None and not isinstance(value, _NUMBERS):
                problem = f"{_kind(value)} where the model expects a number"
                raise wrong_value(index, column, problem, "Send numbers, or null for a missing value.")
    return np.array(read, dtype=np.float64)


def _mixed(read: list[Sequence[Any]]) -> np.ndarray[Any, Any]:
    """Return numbers where all values are, else an object array, as a caller's own `np.array(rows, dtype=object)`."""
    if all(value is None or isinstance(value, _NUMBERS) for row in read for value in row):
        return np.array(read, dtype=np.float64)
    return np.array(read, dtype=object)


def _frame(read: list[Sequence[Any]], schema: InputSchema) -> Any:
    # Only for models that were trained on a DataFrame; never in the compiled tier.
    import pandas as pd

    frame = pd.DataFrame(read, columns=list(schema.columns))
    for name in schema.columns:
        # A column that is missing in every row has no type of its own: it is NaN among texts, or a number's NaN.
        if name in schema.categories:
            frame[name] = frame[name].astype("category")
        elif frame[name].isna().all():
            frame[name] = pd.Series(np.nan, frame.index, object if name in schema.texts else "float64")
    return frame


def _texts(data: list[Any]) -> list[str]:
    for index, row in enumerate(data):
        if not isinstance(row, str):
            raise InvalidInput(
                f"row {index} is {_kind(row)} where the model expects a text.", "Send a list of texts.", row=index
            )
    return data


def _kind(value: Any) -> str:
    return {str: "a text", list: "a list", dict: "an object", type(None): "null", bool: "true or false"}.get(
        type(value), "a number"
    )
