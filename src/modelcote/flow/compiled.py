"""Serving the compiled form of a flow: rows to the graph's feeds, one output back. onnxruntime is all it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from modelcote.core.errors import InvalidBundle
from modelcote.core.inputs import TEXTS, UNDECIDED, UNREAD, Inputs, inputs_from_dict
from modelcote.core.manifest import COMPILED, Manifest
from modelcote.flow.cells import array_of, read_cells, wrong_value
from modelcote.flow.column_limits import ColumnLimits, check_numbers, check_texts, column_limits_from_dict
from modelcote.flow.inputs import matrix, rows, table
from modelcote.flow.runners import Runner
from modelcote.flow.runners.onnx import open_session

# A tensor of strings has no null of its own; the compiler writes the same stand-in into the graph.
MISSING_TEXT = "\uffffnull"
# Columns of these dtypes hold what their feed says; UNDECIDED is how an earlier version described them all.
_BY_FEED = frozenset({"object", UNDECIDED, "category"})


@dataclass(frozen=True)
class Feed:
    """One input of the graph: its name, `float64`, `float32` or `str`, and its columns, by position."""

    name: str
    dtype: str
    columns: tuple[int, ...]


def load_compiled(folder: Path, manifest: Manifest) -> Runner:
    """Return the runner of the compiled form in a bundle's folder; raise `InvalidBundle`."""
    report = manifest.compiled or {}
    try:
        feeds = tuple(Feed(str(row["name"]), str(row["dtype"]), tuple(row["columns"])) for row in report["feeds"])
        limits = column_limits_from_dict(report.get("limits") or {})
        inputs = inputs_from_dict(manifest.inputs or {})
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidBundle("the compiled form has no description of its inputs.", "Deploy the model again.") from error
    path = folder / COMPILED
    if not path.is_file():
        raise InvalidBundle(f"{COMPILED} is not in the bundle.", "Deploy the model again.")
    session = open_session(path)
    return Runner(inputs, lambda data: session.run(None, feed_of(data, inputs, feeds, limits))[0], session)


def feed_of(data: Any, inputs: Inputs, feeds: Sequence[Feed], limits: ColumnLimits) -> Mapping[str, Any]:
    """Return the graph's inputs for a request's rows; raise `InvalidInput`, also where the original refuses them."""
    if inputs.kind == TEXTS:
        return {feeds[0].name: np.array(rows(data, inputs), dtype=object).reshape(-1, 1)}
    if len(feeds) == 1 and feeds[0].dtype != "str" and inputs.is_matrix:
        numbers = matrix(data, inputs)
        check_numbers(numbers, feeds[0].columns, limits)
        return {feeds[0].name: numbers.astype(feeds[0].dtype, copy=False)}
    columns = list(zip(*table(data, inputs), strict=True))
    return {feed.name: _feed(columns, inputs, feed, limits) for feed in feeds}


def _feed(columns: Sequence[Sequence[Any]], inputs: Inputs, feed: Feed, limits: ColumnLimits) -> Any:
    is_text = feed.dtype == "str"
    array = np.empty((len(columns[0]), len(feed.columns)), dtype=object if is_text else np.float64)
    for place, number in enumerate(feed.columns):
        column = inputs.column(number)
        if column.dtype == UNREAD:
            array[:, place] = MISSING_TEXT if is_text else 0.0
            continue
        if column.dtype in _BY_FEED:
            column = replace(column, dtype="str" if is_text else "float64")
        values = read_cells(columns[number], number, column)
        if is_text:
            if MISSING_TEXT in values:
                problem = f"{MISSING_TEXT!a}, which the compiled form has for null"
                raise wrong_value(
                    values.index(MISSING_TEXT), number, problem, "Send null, or deploy with compile=False."
                )
            array[:, place] = [MISSING_TEXT if value is None else value for value in values]
        else:
            array[:, place] = array_of(values, column)
    if is_text:
        check_texts(array, feed.columns, limits, MISSING_TEXT)
        return array
    check_numbers(array, feed.columns, limits)
    return array.astype(feed.dtype, copy=False)
