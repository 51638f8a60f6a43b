"""A compiled graph against the original, row by row: its results, and the scores that its labels come from.

How many rows are compared depends on the model's size alone, never on the time that it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from modelcote.compile.compare import Comparison, compare
from modelcote.compile.report import Report, Unsupported
from modelcote.core.inputs import Inputs
from modelcote.flow.column_limits import ColumnLimits
from modelcote.flow.compiled import Feed, feed_of
from modelcote.flow.load import LoadedFlow, LoadedStage, run_stages
from modelcote.flow.runners.onnx import open_session

_ALONE = 40  # The first rows go one by one: how a table of one row is read may depend on its one value.
_CHUNK = 250  # rows compared at once, after that
# Processor time for all rows. An original that needs more is not compared on fewer: it serves as it is.
_PATIENCE_S = 120.0
_DIFFERS = {"labels": "", "shares": "absolute", "numbers": "relative"}
# What a model's labels come from, the most telling first, and how it is compared.
_SCORES = (("predict_proba", "shares"), ("decision_function", "numbers"), ("transform", "numbers"))


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

    def scores(self) -> list[tuple[Callable[[list[Any]], Any], str]]:
        """Return the calls that give the scores behind the labels, and the kind of each; none of a model without."""
        *before, last = self.flow.stages
        calls: list[tuple[Callable[[list[Any]], Any], str]] = []
        for name, kind in _SCORES:
            call = getattr(last.runner.model, name, None)
            if callable(call):
                stages = (*before, replace(last, runner=replace(last.runner, call=call)))
                calls.append((partial(self._run, stages), kind))
        return calls

    def _run(self, stages: Sequence[LoadedStage], rows: list[Any]) -> Any:
        return run_stages(stages, self.flow.inputs, rows, ())


@dataclass(frozen=True)
class ComparedRows:
    """The rows that a graph is compared on, of which the first `samples` are the caller's own."""

    inputs: Inputs
    limits: ColumnLimits
    rows: list[Any]
    samples: int


@dataclass(frozen=True)
class _Pair:
    """A call of the original's and the output that must equal it."""

    expected: Callable[[list[Any]], Any]
    got: Callable[[list[Any]], Any]
    kind: str


def compare_graph(
    original: Original, path: Path, scores: bytes | None, feeds: Sequence[Feed], compared: ComparedRows
) -> Report:
    """Compare the graph at `path` with the original; the report says `used` if every compared row is equal.

    `scores`: a second graph, of the scores behind the labels. Raises `Unsupported` if the original has scores that
    this one cannot be set against.
    """

    def output(graph: Any) -> Callable[[list[Any]], Any]:
        run = open_session(graph).run
        return lambda rows: run(None, feed_of(rows, compared.inputs, feeds, compared.limits))[0]

    first = compared.rows[:1]
    kind = original.kind(original.answer(first))
    pairs = [_Pair(original.answer, output(path), kind)]
    if kind == "labels" and scores is not None:
        pairs += _score_pairs(original, output(scores), compared.rows[:2])
    largest, count, start = 0.0, 0, process_time()
    while count < len(compared.rows):
        if process_time() - start > _PATIENCE_S:
            return Report(
                False,
                f"the original is too slow to be compared: {count} of the {len(compared.rows)} rows "
                f"that its size requires took {_PATIENCE_S:.0f} s",
                count,
            )
        rows = compared.rows[count : count + (_CHUNK if count else _ALONE)]
        for number, pair in enumerate(pairs):
            comparison = _compare(pair, rows, alone=count == 0 and number == 0)
            if comparison.row is not None:
                where = count + comparison.row
                reason = _difference(compared, where, comparison, pair.kind, "" if number == 0 else " in its scores")
                return Report(False, reason, where + 1, comparison.largest)
            largest = max(largest, comparison.largest)
        count += len(rows)
    reason = f"equal to the original on {count} rows" + f", {compared.samples} of them the caller's" * bool(
        compared.samples
    )
    return Report(True, reason, count, largest, feeds=tuple(feeds), limits=compared.limits)


def _compare(pair: _Pair, rows: list[Any], *, alone: bool) -> Comparison:
    if not alone:
        return compare(_dense(pair.expected(rows)), _dense(pair.got(rows)), pair.kind)
    expected, got = (_joined([_dense(call([row])) for row in rows]) for call in (pair.expected, pair.got))
    return compare(expected, got, pair.kind)


def _joined(parts: list[Any]) -> Any:
    """Join results of one row each."""
    if isinstance(parts[0], list):
        return [np.concatenate(column) for column in zip(*parts, strict=True)]
    return np.concatenate(parts)


def _score_pairs(original: Original, got: Callable[[list[Any]], Any], rows: list[Any]) -> list[_Pair]:
    """Return the original's first scores that have the form of the graph's."""
    candidates = original.scores()
    for expected, kind in candidates:
        for form in (_as_column, _of_second):
            if _shape(form(got(rows))) == _shape(_as_column(expected(rows))):
                return [_Pair(_through(expected, _as_column), _through(got, form), kind)]
    if candidates:
        raise Unsupported("the scores behind its labels cannot be compared")
    return []


def _through(call: Callable[[list[Any]], Any], form: Callable[[Any], Any]) -> Callable[[list[Any]], Any]:
    return lambda rows: form(call(rows))


def _shape(result: Any) -> Any:
    return [np.shape(part) for part in result] if isinstance(result, list) else np.shape(result)


def _as_column(result: Any) -> Any:
    result = _dense(result)
    return result.reshape(-1, 1) if isinstance(result, np.ndarray) and result.ndim == 1 else result


def _of_second(result: Any) -> Any:
    """Return the score of the second of two classes, which alone is what `decision_function` has."""
    return result[:, 1:] if isinstance(result, np.ndarray) and result.shape[1:] == (2,) else result


def _dense(result: Any) -> Any:
    return result.toarray() if hasattr(result, "toarray") else result


def _difference(compared: ComparedRows, where: int, comparison: Comparison, kind: str, what: str) -> str:
    name = f"sample row {where}" if where < compared.samples else f"generated row {where - compared.samples}"
    row = compared.rows[where]
    values = list(row.values()) if isinstance(row, Mapping) else row
    by = f" (by {comparison.largest:.3g}, {_DIFFERS[kind]})" if _DIFFERS[kind] else ""
    return f"{name} differs{what}{by}: {comparison.expected} became {comparison.got} for {str(values)[:200]}"
