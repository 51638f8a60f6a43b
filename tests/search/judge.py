"""One shape: deploy's own compile step, then the compiled form against the original on rows that the gate never saw."""

from __future__ import annotations

import math
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from modelcote.compile.compare import compare
from modelcote.flow.load import LoadedFlow
from tests.search.shapes import Built, Shape, build
from tests.unit.compile.support import compiled, load_form, pickled

TOLERANCE = 1e-5
_BISECTIONS, _PAIRS, _NEIGHBOURS = 30, 24, 160


@dataclass(frozen=True)
class Verdict:
    """`form`: `compiled`, `original`, or `none` where the model cannot be trained or served at all."""

    shape: str
    form: str
    rows: int = 0
    equal: bool = True
    reason: str = ""

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self))


def judge(shape: Shape) -> Verdict:
    """Build, compile and compare; never raises for what a model does."""
    try:
        built = build(shape)
        getattr(built.model, shape.method)(built.train[:2])
    except Exception as error:  # a shape that its library refuses is left out
        return Verdict(shape.name, "none", reason=_line(error))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        try:
            flow = pickled(folder, built.model_type, built.model)
            original, report = compiled(folder, flow)
        except Exception as error:
            return Verdict(shape.name, "none", reason=_line(error))
        if not report.used:
            return Verdict(shape.name, "original", reason=report.reason[:160])
        form = load_form(folder, flow, original, report)
        try:
            rows = evidence(built, original)
        except Exception as error:
            return Verdict(shape.name, "none", reason=f"no rows to compare: {_line(error)}")
        try:
            reason = difference(original, form, rows, labels=_gives_labels(built))
        except Exception as error:
            if _refuses(original, rows):
                return Verdict(shape.name, "none", reason=f"no rows to compare: {_line(error)}")
            reason = f"the compiled form raises {_line(error)}"
    return Verdict(shape.name, "compiled", len(rows), not reason, reason)


def _refuses(original: Any, rows: Any) -> bool:
    try:
        original.call(rows, ())
    except Exception:
        return True
    return False


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"[:160]


def _gives_labels(built: Built) -> bool:
    result = np.asarray(built.model.predict(built.train[:2])) if built.model_type.method == "predict" else np.zeros(1)
    return built.model_type.method == "predict" and (hasattr(built.model, "classes_") or result.dtype.kind != "f")


def evidence(built: Built, original: LoadedFlow) -> list[list[Any]]:
    """Return fresh rows, training rows, rows beside thresholds, and rows on either side of a change of the answer."""
    train, fresh = _lists(built.train), _lists(built.fresh)
    random = np.random.default_rng(9)
    beside = [row for row in _beside(train, built.model, random) if _answers_alone(original, row)]
    return [*fresh, *train, *beside, *_boundaries(original, train, random)]


def _answers_alone(original: LoadedFlow, row: list[Any]) -> bool:
    try:
        original.call([row], ())
    except Exception:  # a value that the model refuses is not a row to compare
        return False
    return True


def _lists(table: Any) -> list[list[Any]]:
    values = table.to_numpy(dtype=object) if hasattr(table, "columns") else np.asarray(table)
    return [[None if isinstance(v, float) and math.isnan(v) else v for v in row] for row in values.tolist()]


def _beside(train: list[list[Any]], model: Any, random: Any) -> list[list[Any]]:
    """Replace one number of a training row by a threshold that the model holds, or the nearest float32 or float64."""
    held = [value for value in _held(model) if math.isfinite(value)]
    rows = []
    for number in range(_NEIGHBOURS):
        row = list(train[int(random.integers(len(train)))])
        places = [place for place, value in enumerate(row) if isinstance(value, float | int)]
        if not places:
            break
        place = int(random.choice(places))
        value = float(random.choice(held)) if held and number % 2 else float(row[place])
        steps = (
            np.float32(value),
            np.nextafter(np.float32(value), np.float32(np.inf)),
            math.nextafter(value, math.inf),
        )
        row[place] = float((*steps, math.nextafter(value, -math.inf), value)[number % 5])
        rows.append(row)
    return rows


def _held(model: Any) -> list[float]:
    """Return thresholds and edges anywhere inside the model, those of the first step among them."""
    seen, edges, todo = set(), [], [model]
    while todo:
        item = todo.pop()
        if id(item) in seen or isinstance(item, str | bytes | type):
            continue
        seen.add(id(item))
        if isinstance(item, list | tuple):
            todo += list(item)[:40]
        elif isinstance(item, np.ndarray) and item.dtype == object:
            todo += item.ravel().tolist()[:40]
        elif hasattr(item, "__dict__"):
            for name, value in vars(item).items():
                if name in ("threshold", "bin_edges_", "quantiles_") and not isinstance(value, str):
                    parts = value.tolist() if isinstance(value, np.ndarray) and value.dtype == object else [value]
                    edges += [
                        float(x) for part in parts for x in np.ravel(part)[:200] if isinstance(x, float | np.floating)
                    ]
                elif name == "tree_":
                    edges += value.threshold[value.children_left >= 0].tolist()
                else:
                    todo.append(value)
    return edges


def _boundaries(original: LoadedFlow, train: list[list[Any]], random: Any) -> list[list[Any]]:
    """Bisect between training rows whose answers differ, by the original alone; return the last rows on both sides.

    Sides stay 1e-9 of the row's size apart: nearer, the original's own rounding decides.
    """
    if any(not isinstance(value, float) for row in train for value in row):
        return []
    if not _answers_alone(original, [(a + b) / 2 + 0.01 for a, b in zip(train[0], train[1], strict=True)]):
        return []
    pairs = [random.choice(len(train), 2, replace=False) for _ in range(_PAIRS)]
    low = np.array([train[a] for a, _ in pairs], dtype=float)
    high = np.array([train[b] for _, b in pairs], dtype=float)
    at_low = _answers(original, low)
    at_high = _answers(original, high)
    size = np.maximum(np.abs(low), np.abs(high)).max(axis=1, keepdims=True)
    for _ in range(_BISECTIONS):
        middle = low + (high - low) / 2
        at = _answers(original, middle)
        with np.errstate(all="ignore"):
            nearer = _away(at, at_low) > _away(at, at_high)
        wide = (np.abs(high - low) > 1e-9 * size).any(axis=1)
        up, down = nearer & wide, ~nearer & wide
        high, at_high = np.where(up[:, None], middle, high), np.where(_like(up, at), at, at_high)
        low, at_low = np.where(down[:, None], middle, low), np.where(_like(down, at), at, at_low)
    rows: list[list[Any]] = np.concatenate([low, high]).tolist()
    return rows


def _answers(original: LoadedFlow, rows: Any) -> Any:
    result = original.call(rows.tolist(), ())
    result = np.concatenate([np.atleast_2d(part) for part in result], 1) if isinstance(result, list) else result
    result = result.toarray() if hasattr(result, "toarray") else np.asarray(result)
    if result.dtype.kind in "OUSb":
        result = np.unique(result.ravel(), return_inverse=True)[1] if result.dtype.kind != "b" else result.astype(float)
    return result.astype(float).reshape(len(rows), -1)


def _away(one: Any, other: Any) -> Any:
    return np.nan_to_num(np.abs(one - other)).max(axis=1)


def _like(mask: Any, values: Any) -> Any:
    return mask[:, None] & np.ones(values.shape[1], dtype=bool)


def _without_noise(result: Any) -> Any:
    """Return the result without what rounding leaves of a zero, as a component of columns that add up has it."""
    if not isinstance(result, np.ndarray) or result.dtype.kind != "f" or result.ndim < 2 or not result.size:
        return result
    with np.errstate(all="ignore"):
        size = np.abs(result)
        return np.where(
            size < 1e-14 * np.nanmax(np.where(np.isfinite(size), size, 0), axis=1, keepdims=True), 0, result
        )


def difference(original: LoadedFlow, form: LoadedFlow, rows: list[list[Any]], *, labels: bool) -> str:
    """Return where the form differs from the original, else an empty string. Some rows also go one by one."""
    for number, part in enumerate([rows, *([row] for row in rows[:12])]):
        expected, got = original.call(part, ()), form.call(part, ())
        expected = expected.toarray() if hasattr(expected, "toarray") else expected
        kind = "labels" if labels else "numbers"
        comparison = compare(_without_noise(expected), _without_noise(got), kind)
        # One row has no middle magnitude of its column to be set against.
        if comparison.row is not None and (number == 0 or labels):
            return f"{comparison.expected} became {comparison.got} for {part[comparison.row]}"[:200]
    return ""
