"""ONNX: the first data point is the feed, name -> array; the result is the first output."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from modelcote.core.errors import InvalidBundle, InvalidInput
from modelcote.core.inputs import FEED, Inputs
from modelcote.core.runtimes import BaseModelType
from modelcote.core.texts import first_line, shortened
from modelcote.flow.runners import Runner

_DTYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(int16)": np.int16,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}


def open_session(graph: Path | bytes) -> Any:
    """Open an inference session of a file, or of its content, on the CPU and one thread; raise `InvalidBundle`.

    A function's vCPU is its own, and one row needs no more.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    source, name = (graph, "the graph") if isinstance(graph, bytes) else (str(graph), graph.name)
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen unrelated classes for a file that it cannot read
        raise InvalidBundle(
            f"{name} cannot be loaded by onnxruntime: {_reason(error)}.",
            "Export it again, for an opset that onnxruntime supports.",
        ) from error


def _reason(error: Exception) -> str:
    return re.sub(r"^Load model from .*? failed: ?", "", first_line(error, 200))


def load(path: Path, _model_type: BaseModelType) -> Runner:
    """Return the runner of an ONNX file; raise `InvalidBundle`."""
    session = open_session(path)
    inputs = {one.name: (_DTYPES.get(one.type, np.float32), one.shape) for one in session.get_inputs()}
    first = session.get_outputs()[0].name
    return Runner(Inputs(FEED), lambda value: session.run([first], _feed(value, inputs))[0], session)


def _feed(value: Any, inputs: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    shown = ", ".join(inputs)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        value = value[0]
    if not isinstance(value, dict):
        if len(inputs) == 1 and isinstance(value, np.ndarray):
            ((name, (dtype, _)),) = inputs.items()
            return {name: value.astype(dtype, copy=False)}
        raise InvalidInput(
            "the data is not a list of one feed.", f"Send [{{name: array, ...}}] with the inputs {shown}."
        )
    wrong = sorted(set(value) ^ set(inputs))
    if wrong:
        raise InvalidInput(
            f"the feed's inputs do not fit: {shortened(', '.join(wrong), 200)}.", f"The inputs are {shown}."
        )
    return {name: _array(name, value[name], *inputs[name]) for name in inputs}


def _array(name: str, value: Any, dtype: Any, shape: Any) -> Any:
    try:
        array = np.asarray(value, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput(
            f"the input {name} is not an array of {np.dtype(dtype).name}.", "Send equally long lists of numbers."
        ) from error
    sizes = [size if isinstance(size, int) else None for size in shape]
    if len(sizes) != array.ndim or any(size not in (None, got) for size, got in zip(sizes, array.shape, strict=True)):
        expected = [size if size is not None else "any" for size in sizes]
        raise InvalidInput(
            f"the input {name} has the shape {list(array.shape)} where the model expects {expected}.",
            "Send an array of that shape.",
            input=name,
        )
    return array
