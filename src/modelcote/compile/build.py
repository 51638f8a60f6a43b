"""Compiling a flow: convert it, compare it with the original, keep it only where it is equal."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

from modelcote.compile.equality_gate import ComparedRows, Original, compare_graph
from modelcote.compile.report import Report, Unsupported
from modelcote.core.flow import Flow
from modelcote.core.inputs import FRAME, MATRIX, TABLE, UNDECIDED, UNREAD, Inputs
from modelcote.core.manifest import COMPILED, Manifest
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
            hint = "; sample= would tell what it holds" if column.dtype == UNDECIDED else ""
            return f"the column {column.name or place} is of the dtype {column.dtype}{hint}"
    return _converter_trouble()


def _converter_trouble() -> str:
    """Return why the converter cannot be used here, else an empty string."""
    for name in ("onnx", "onnxruntime", "skl2onnx"):
        if find_spec(name) is None:
            return _INSTALL
        try:
            import_module(name)
        except Exception as error:  # a protobuf that does not fit, a missing system library, numpy of another ABI
            return f"the converter is installed here but cannot be imported: {name}: {_one_line(error)}"
    return ""


def _compile(folder: Path, flow: Flow, inputs: Inputs, sample: list[Any]) -> Report:
    loaded = load_flow(folder, Manifest("", flow, inputs=inputs.to_dict()))
    models = [part.runner.model for part in loaded.stages]
    methods = [stage.model_type.method for stage in flow.stages]
    original = Original(loaded, methods[-1], hasattr(models[-1], "classes_"))
    if sample:
        original.answer(sample)
    try:
        return _convert_and_compare(folder / COMPILED, original, models, methods, inputs, sample)
    except Exception as error:  # an unfamiliar model may lack any attribute, a converter may raise anything
        return Report(False, f"not compiled: {_one_line(error)}")


def _convert_and_compare(
    path: Path, original: Original, models: list[Any], methods: list[str], inputs: Inputs, sample: list[Any]
) -> Report:
    """Convert and compare; the graph stays at `path` only if it is equal."""
    # The modules that write graphs need the converter to be installed.
    from modelcote.compile.convert import convert, feeds_of
    from modelcote.compile.exclusions import check_models
    from modelcote.compile.find_limits import find_limits
    from modelcote.compile.generate_rows import as_columns, generate_rows, ordinary_row
    from modelcote.compile.graph import save
    from modelcote.compile.near_boundaries import rows_at_boundaries
    from modelcote.compile.walk_models import profile_inputs

    check_models(models)
    profile = profile_inputs(models, inputs.width or 0, inputs.names)
    row = as_columns([ordinary_row(profile)], inputs)[0]
    limits = find_limits(original.answer, row, profile)
    feeds = feeds_of(models[0], inputs.names, [profile.is_text(column) for column in range(len(row))])
    served, scores = convert(models, methods, feeds, original.answer([row, row]))
    generated = as_columns(generate_rows(profile, limits), inputs)
    beside = rows_at_boundaries(lambda rows: original.answer(as_columns(rows, inputs)), generated, profile.numeric())
    rows = [*sample, *generated, *as_columns(beside, inputs)]
    try:
        save(served, path)
        report = compare_graph(original, path, scores, feeds, ComparedRows(inputs, limits, rows, len(sample)))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    if not report.used:
        path.unlink(missing_ok=True)
    return report


def _one_line(error: Exception) -> str:
    text = next(iter(str(error).splitlines()), "")
    return text[:_REASON] if isinstance(error, Unsupported) else f"{type(error).__name__}: {text}"[:_REASON]
