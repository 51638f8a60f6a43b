"""Serving the compiled form of a flow: rows to the graph's feeds, one output back. onnxruntime is all it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelcote.core.errors import InvalidBundle
from modelcote.core.manifest import COMPILED, Manifest
from modelcote.flow.column_limits import ColumnLimits, check_numbers, check_texts, column_limits_from_dict
from modelcote.flow.inputs import FRAME, MATRIX, TEXT, InputSchema, matrix, rows, schema_from_dict, table, wrong_value
from modelcote.flow.runners import Runner
from modelcote.flow.runners.onnx import open_session

# A tensor of strings has no null of its own; the compiler writes the same stand-in into the graph.
MISSING_TEXT = "\uffffnull"


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
        schema = schema_from_dict(manifest.inputs or {})
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidBundle("the compiled form has no description of its inputs.", "Deploy the model again.") from error
    path = folder / COMPILED
    if not path.is_file():
        raise InvalidBundle(f"{COMPILED} is not in the bundle.", "Deploy the model again.")
    session = open_session(path)
    return Runner(schema, lambda data: session.run(None, feed_of(data, schema, feeds, limits))[0], session)


def feed_of(data: Any, schema: InputSchema, feeds: Sequence[Feed], limits: ColumnLimits) -> Mapping[str, Any]:
    """Return the graph's inputs for a request's rows; raise `InvalidInput`, also where the original refuses them."""
    if schema.kind == TEXT:
        return {feeds[0].name: np.array(rows(data, schema), dtype=object).reshape(-1, 1)}
    if len(feeds) == 1 and feeds[0].dtype != "str" and schema.kind in (MATRIX, FRAME):
        numbers = matrix(data, schema)
        check_numbers(numbers, feeds[0].columns, limits)
        return {feeds[0].name: numbers.astype(feeds[0].dtype, copy=False)}
    read = table(data, schema)
    return {feed.name: _column(read, feed, limits) for feed in feeds}


def _column(read: Sequence[Sequence[Any]], feed: Feed, limits: ColumnLimits) -> Any:
    is_text = feed.dtype == "str"
    types, kind = (str, "a text") if is_text else (int | float, "a number")
    values = [[row[column] for column in feed.columns] for row in read]
    for index, row in enumerate(values):
        for column, value in zip(feed.columns, row, strict=True):
            if value is not None and not isinstance(value, types):
                raise wrong_value(index, column, f"not {kind}", f"Send {kind}, or null for a missing value.")
    if is_text:
        texts = np.array([[MISSING_TEXT if value is None else value for value in row] for row in values], dtype=object)
        check_texts(texts, feed.columns, limits, MISSING_TEXT)
        return texts
    numbers = np.array(values, dtype=np.float64)
    check_numbers(numbers, feed.columns, limits)
    return numbers.astype(feed.dtype, copy=False)
