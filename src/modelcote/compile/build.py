"""Compiling a flow: convert it, compare it with the original, keep it only where it is equal."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

from modelcote.compile.equality_gate import ComparedRows, Original, compare_graph
from modelcote.compile.report import Report, Unsupported
from modelcote.core.flow import Flow
from modelcote.core.inputs import FRAME, MATRIX, TABLE, UNREAD, Inputs
from modelcote.core.manifest import COMPILED, Manifest
from modelcote.flow.compiled import Feed
from modelcote.flow.load import load_flow

_INSTALL = 'the converter is not installed here: pip install "modelcote[compile]"'
_DTYPES = frozenset({"float64", "float32", "int64", "int32", "uint8", "str", "object", UNREAD})
_REASON = 300  # characters of a converter's message


def compile_flow(folder: Path, flow: Flow, inputs: Inputs, sample: Sequence[Any] | None = None) -> Report:
    """Compile the flow whose artifacts are in `folder`; write `compiled.onnx` there if it equals the original.

    `sample`: rows of the caller's own, compared before the generated ones. Never raises for a flow that cannot be
    compiled: the report's `reason` says in one line why it is served as it is. Raises what loading the artifacts
    raises, and what the model raises for the sample.
    """
    start = perf_counter()
    (folder / COMPILED).unlink(missing_ok=True)
    reason = _refusal(flow, inputs)
    with warnings.catch_warnings():
        # Converters warn of their own deprecations, models of the extreme values in the generated rows.
        warnings.simplefilter("ignore")
        report = Report(False, reason) if reason else _compile(folder, flow, inputs, list(sample or ()))
    return replace(report, seconds=round(perf_counter() - start, 3))


def _refusal(flow: Flow, inputs: Inputs) -> str:
    """Return why the flow cannot be compiled, else an empty string."""
    if not flow.compilable:
        return "only flows of scikit-learn and XGBoost stages without processors are compiled"
    if inputs.kind not in (MATRIX, TABLE, FRAME) or inputs.width is None or inputs.sparse:
        return f"models with {'sparse' if inputs.sparse else inputs.kind} as input are not compiled"
    for place in range(inputs.width):
        column = inputs.column(place)
        if column.dtype not in _DTYPES:
            return f"the column {column.name or place} is of the dtype {column.dtype}"
    return "" if all(map(find_spec, ("onnx", "onnxruntime", "skl2onnx"))) else _INSTALL


def _compile(folder: Path, flow: Flow, inputs: Inputs, sample: list[Any]) -> Report:
    # The modules that write graphs need the converter to be installed.
    from modelcote.compile.convert import convert, feeds_of
    from modelcote.compile.find_limits import find_limits
    from modelcote.compile.generate_rows import as_columns, generate_rows, ordinary_row
    from modelcote.compile.input_profile import profile_inputs

    loaded = load_flow(folder, Manifest("", flow, inputs=inputs.to_dict()))
    models = [part.runner.model for part in loaded.stages]
    methods = [stage.model_type.method for stage in flow.stages]
    original = Original(loaded, methods[-1], hasattr(models[-1], "classes_"))
    if sample:
        original.answer(sample)
    best = Report(False, "")
    try:
        profile = profile_inputs(models, inputs.width or 0, inputs.names)
        row = as_columns([ordinary_row(profile)], inputs)[0]
        limits = find_limits(original.answer, row, profile)
        compared = ComparedRows(
            inputs, limits, [*sample, *as_columns(generate_rows(profile, limits), inputs)], len(sample)
        )
        expected = original.answer([row, row])
        texts = [profile.is_text(column) for column in range(len(row))]
        for dtype in ("float64", "float32"):
            feeds = feeds_of(models[0], inputs.names, texts, dtype)
            report = _attempt(
                folder / COMPILED, original, compared, feeds, partial(convert, models, methods, feeds, expected)
            )
            if report.used:
                return report
            # A form that was compared and differed says more than one that could not be converted.
            best = report if report.rows or not best.reason else best
    except Exception as error:  # an unfamiliar model may lack any attribute and refuse any row
        return Report(False, f"not compiled: {_one_line(error)}")
    return best


def _attempt(
    path: Path, original: Original, compared: ComparedRows, feeds: Sequence[Feed], convert: Callable[[], bytes]
) -> Report:
    """Convert once and compare; the graph stays at `path` only if it is equal."""
    from modelcote.compile.graph import save

    try:
        save(convert(), path)
        report = compare_graph(original, path, feeds, compared)
    except Exception as error:  # the converter and the runtime raise anything for a model that they do not support
        report = Report(False, f"not compiled: {_one_line(error)}")
    if not report.used:
        path.unlink(missing_ok=True)
    return report


def _one_line(error: Exception) -> str:
    text = next(iter(str(error).splitlines()), "")
    return text[:_REASON] if isinstance(error, Unsupported) else f"{type(error).__name__}: {text}"[:_REASON]
