"""A compiled graph against the original, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from modelcote.compile.compare import Comparison, compare
from modelcote.compile.report import Report
from modelcote.core.inputs import Inputs
from modelcote.flow.column_limits import ColumnLimits
from modelcote.flow.compiled import Feed, feed_of
from modelcote.flow.load import LoadedFlow
from modelcote.flow.runners.onnx import open_session

_ALONE = 40  # The first rows go one by one: how a table of one row is read may depend on its one value.
_CHUNK = 250  # rows compared at once, after that
# Processor time, so that a busy machine compares as many rows as a quiet one; a slow original is compared on as many as
# it answers meanwhile.
_COMPARING_S = 4.0
_DIFFERS = {"labels": "", "shares": "absolute", "numbers": "relative"}


@dataclass(frozen=True)
class Original:
    """The flow as it is; `method` is what its last stage calls."""

    flow: LoadedFlow
    method: str
    has_labels: bool

    def answer(self, rows: list[Any]) -> Any:
        """Return the result itself, not yet in its JSON form; raise what the model raises."""
        return self.flow.call(rows, ())

    def kind(self, result: Any) -> str:
        """Return how its results are compared: as `labels`, `shares` (probabilities) or `numbers`."""
        if self.method == "predict_proba":
            return "shares"
        is_label = self.has_labels or np.asarray(result).dtype.kind != "f"
        return "labels" if self.method == "predict" and is_label else "numbers"


@dataclass(frozen=True)
class ComparedRows:
    """The rows that every attempt is compared on, of which the first `samples` are the caller's own."""

    inputs: Inputs
    limits: ColumnLimits
    rows: list[Any]
    samples: int


def compare_graph(original: Original, path: Path, feeds: Sequence[Feed], compared: ComparedRows) -> Report:
    """Compare the graph at `path` with the original; the report says `used` if every compared row is equal."""
    run = open_session(path).run
    largest, count, start = 0.0, 0, process_time()
    while count < len(compared.rows) and (count < compared.samples or process_time() - start < _COMPARING_S):
        rows = compared.rows[count : count + (_CHUNK if count >= _ALONE else 1)]
        expected = original.answer(rows)
        got = run(None, feed_of(rows, compared.inputs, feeds, compared.limits))[0]
        comparison = compare(_dense(expected), got, original.kind(expected))
        if comparison.row is not None:
            where = count + comparison.row
            return Report(
                False, _difference(compared, where, comparison, original.kind(expected)), where + 1, comparison.largest
            )
        largest, count = max(largest, comparison.largest), count + len(rows)
    reason = f"equal to the original on {count} rows" + f", {compared.samples} of them the caller's" * bool(
        compared.samples
    )
    return Report(True, reason, count, largest, feeds=tuple(feeds), limits=compared.limits)


def _dense(result: Any) -> Any:
    return result.toarray() if hasattr(result, "toarray") else result


def _difference(compared: ComparedRows, where: int, comparison: Comparison, kind: str) -> str:
    name = f"sample row {where}" if where < compared.samples else f"generated row {where - compared.samples}"
    row = compared.rows[where]
    values = list(row.values()) if isinstance(row, Mapping) else row
    by = f" (by {comparison.largest:.3g}, {_DIFFERS[kind]})" if _DIFFERS[kind] else ""
    return f"{name} differs{by}: {comparison.expected} became {comparison.got} for {str(values)[:200]}"
