"""The rows of a request become a flow's first stage's input, by the model's description (`modelcote.core.inputs`).

A row is a list of values in column order or, where the model knows its columns' names, an object by name. `null`
is a missing value. A row that does not fit raises `InvalidInput` with the row, the column and the expected form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelcote.core.errors import InvalidInput
from modelcote.core.inputs import ANY, FRAME, LISTS, MATRIX, NAN, TEXTS, UNDECIDED, VALUES, Column, Inputs
from modelcote.flow.cells import array_of, kind_of, objects, read_cells, wrong_value
from modelcote.flow.undecided import read_undecided

_SHOWN = 8


def count(data: Any) -> int:
    """Count the data points of a request: the length of a list, else one."""
    return len(data) if isinstance(data, list) else 1


def rows(data: Any, inputs: Inputs) -> Any:
    """Return the first stage's input: an array, a DataFrame, a list or, for `any`, the data as it was sent.

    Raises `InvalidInput`.
    """
    if inputs.kind == ANY:
        return data
    _check_list(data, inputs)
    if inputs.kind == MATRIX:
        return _sparse(matrix(data, inputs)) if inputs.sparse else matrix(data, inputs)
    if inputs.kind == TEXTS:
        return _texts(data)
    if inputs.kind == VALUES:
        return array_of(read_cells(data, None, inputs.cell), inputs.cell)
    if inputs.kind == LISTS:
        return [read_cells(_row_list(row, index, inputs), None, inputs.cell, index) for index, row in enumerate(data)]
    if inputs.kind == FRAME:
        return _frame(data, inputs)
    if inputs.width is None and inputs.cell.dtype == UNDECIDED and all(type(row) is str for row in data):
        return data
    return _array(table(data, inputs), inputs)


def table(data: Any, inputs: Inputs) -> list[Sequence[Any]]:
    """Return the rows as equally long lists in column order; raise `InvalidInput`."""
    _check_list(data, inputs)
    names = inputs.names
    expected_names = frozenset(names)
    read = [
        [row[name] for name in names]
        if type(row) is dict and row.keys() == expected_names
        else _row(row, index, inputs)
        for index, row in enumerate(data)
    ]
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
                problem = f"{kind_of(value)} where the model expects one value"
                raise wrong_value(index, column, problem, "Send a number, a text, true, false or null.")
    return read


def matrix(data: Sequence[Any], inputs: Inputs) -> np.ndarray[Any, Any]:
    """Return a float64 matrix, `null` as NaN. Rows of numbers alone need one pass in C."""
    if isinstance(data, list) and data and isinstance(data[0], dict):
        data = table(data, inputs)
    try:
        array = np.array(data, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return _columns(table(data, inputs), Inputs(MATRIX))
    fits = array.ndim == 2 and array.shape[1] and inputs.width in (None, array.shape[1])
    # numpy reads "1.5" and true as numbers; only a look at the values tells whether there were any texts.
    if not fits or any(isinstance(value, str) for row in data for value in row):
        return _columns(table(data, inputs), Inputs(MATRIX))
    return array


def expected(inputs: Inputs) -> str:
    """Describe one row in words."""
    if inputs.kind in (TEXTS, VALUES, LISTS):
        return {TEXTS: "each row as a text", VALUES: "each row as one value"}.get(inputs.kind, "each row as a list")
    if inputs.names:
        shown = ", ".join(inputs.names[:_SHOWN]) + (", ..." if len(inputs.names) > _SHOWN else "")
        return f"each row as a list of {len(inputs.names)} values, or an object with the columns {shown}"
    return f"each row as a list of {inputs.width if inputs.width is not None else 'equally many'} values"


def _check_list(data: Any, inputs: Inputs) -> None:
    if not isinstance(data, list) or not data:
        raise InvalidInput(
            f"the data {'has no rows' if data == [] else 'is not a list of rows'}.",
            f"Send a JSON list of at least one row: {expected(inputs)}.",
        )


def _row(row: Any, index: int, inputs: Inputs) -> Sequence[Any]:
    if isinstance(row, dict):
        raise _wrong_names(row, index, inputs)
    values = _row_list(row, index, inputs)
    width = inputs.width
    if width is not None and len(values) != width:
        problem = f"has {len(values)} values where the model expects {width}"
        raise _wrong_row(index, problem, inputs, expected=width)
    if not values:
        raise _wrong_row(index, "is empty", inputs)
    return values


def _row_list(row: Any, index: int, inputs: Inputs) -> list[Any]:
    if not isinstance(row, list):
        raise _wrong_row(index, "is not a list", inputs)
    return row


def _wrong_row(index: int, problem: str, inputs: Inputs, **extra: Any) -> InvalidInput:
    return InvalidInput(f"row {index} {problem}.", f"Send {expected(inputs)}.", row=index, **extra)


def _wrong_names(row: Mapping[str, Any], index: int, inputs: Inputs) -> InvalidInput:
    names = inputs.names
    if not names:
        return _wrong_row(index, "is an object, but the model was trained without column names", inputs)
    missing = [name for name in names if name not in row]
    unknown = [name for name in row if name not in set(names)]
    parts = [
        f"{what} {', '.join(map(ascii, wrong[:_SHOWN]))}"
        for what, wrong in (("lacks", missing), ("has the unknown", unknown))
        if wrong
    ]
    return InvalidInput(
        f"row {index} {' and '.join(parts)}.",
        f"Send {expected(inputs)}.",
        row=index,
        missing=missing[:_SHOWN],
        unknown=unknown[:_SHOWN],
    )


def _columns(read: Sequence[Sequence[Any]], inputs: Inputs) -> np.ndarray[Any, Any]:
    """Return the rows as an array of the dtype of `inputs.cell`, each column read by its own description."""
    array = np.empty((len(read), len(read[0])), dtype=inputs.cell.dtype)
    for place, cells in enumerate(zip(*read, strict=True)):
        column = inputs.column(place)
        values = read_cells(cells, place, column)
        array[:, place] = objects(values, column) if array.dtype == object else array_of(values, column)
    return array


def _array(read: Sequence[Sequence[Any]], inputs: Inputs) -> np.ndarray[Any, Any]:
    if inputs.cell.dtype == "str":
        # An array of texts is as wide as its longest one.
        texts = [read_cells(cells, place, inputs.cell) for place, cells in enumerate(zip(*read, strict=True))]
        return np.array(texts, dtype=np.str_).T
    if inputs.cell.dtype != UNDECIDED:
        return _columns(read, inputs)
    columns = [read_undecided(cells, place, (float, str)) for place, cells in enumerate(zip(*read, strict=True))]
    array = np.empty((len(read), len(read[0])), dtype=object)
    for place, (values, _) in enumerate(columns):
        array[:, place] = objects(values, Column(missing=inputs.column(place).missing))
    numbers = inputs.cell.missing == NAN and not any(kind is str for _, kind in columns)
    return array.astype(np.float64) if numbers else array


def _frame(data: Any, inputs: Inputs) -> Any:
    # Only for models that were trained on a DataFrame; never in the compiled tier.
    from modelcote.flow.frames import frame_of

    return frame_of(table(data, inputs), inputs)


def _sparse(array: np.ndarray[Any, Any]) -> Any:
    from scipy.sparse import csr_matrix

    return csr_matrix(array)


def _texts(data: list[Any]) -> list[str]:
    for index, row in enumerate(data):
        if not isinstance(row, str):
            raise InvalidInput(
                f"row {index} is {kind_of(row)} where the model expects a text.", "Send a list of texts.", row=index
            )
    return data
