"""A compiled graph against the original, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from modelcote.compile.compare import compare
from modelcote.compile.report import Report
from modelcote.flow.compiled import Feed, feed_of
from modelcote.flow.inputs import InputSchema
from modelcote.flow.limits import Limits
from modelcote.flow.load import LoadedFlow
from modelcote.flow.runners.onnx import open_session

_ALONE = 40  # The first rows go one by one: what a table of one row is read as may depend on its one value.
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
        """The result itself, not yet in its JSON form; raises what the model raises."""
        return self.flow.call(rows, ())

    def kind(self, result: Any) -> str:
        """How its results are compared: as `labels`, `shares` (probabilities) or `numbers`."""
        if self.method == "predict_proba":
            return "shares"
        is_label = self.has_labels or np.asarray(result).dtype.kind != "f"
        return "labels" if self.method == "predict" and is_label else "numbers"


@dataclass(frozen=True)
class Check:
    """What every attempt is compared on: rows, of which the first `samples` are the caller's own."""

    inputs: InputSchema
    limits: Limits
    rows: list[Any]
    samples: int


def compare_with(original: Original, path: Path, feeds: Sequence[Feed], check: Check) -> Report:
    """The report on the graph at `path`: used if every row that was compared is equal."""
    run = open_session(path).run
    largest, done, start = 0.0, 0, process_time()
    while done < len(check.rows) and (done < check.samples or process_time() - start < _COMPARING_S):
        rows = check.rows[done : done + (_CHUNK if done >= _ALONE else 1)]
        expected = original.answer(rows)
        got = run(None, feed_of(rows, check.inputs, feeds, check.limits))[0]
        found = compare(_dense(expected), got, original.kind(expected))
        if found.row is not None:
            where = done + found.row
            return Report(False, _difference(check, where, found, original.kind(expected)), where + 1, found.largest)
        largest, done = max(largest, found.largest), done + len(rows)
    reason = f"equal to the original on {done} rows, {check.samples} of them the caller's"
    return Report(True, reason, done, largest, feeds=tuple(feeds), limits=check.limits)


def _dense(result: Any) -> Any:
    return result.toarray() if hasattr(result, "toarray") else result


def _difference(check: Check, where: int, found: Any, kind: str) -> str:
    name = f"sample row {where}" if where < check.samples else f"generated row {where - check.samples}"
    row = check.rows[where]
    values = list(row.values()) if isinstance(row, Mapping) else row
    by = f" (by {found.largest:.3g}, {_DIFFERS[kind]})" if _DIFFERS[kind] else ""
    return f"{name} differs{by}: {found.expected} became {found.got} for {str(values)[:200]}"
