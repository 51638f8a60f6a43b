"""Finishing a converted graph: one output in the original's form, nothing that does not lead to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from modelcote.compile.graph_builder import OURS

RESULT = "result"  # the graph's only output: an array in the original's own shape, or a sequence of arrays


def keep_result(graph: Any, index: int, expected: Any) -> Any:
    """Return the graph with its output number `index` alone, named `RESULT`, in the form that `expected` has.

    A converter turns a regressor's flat result into a column, labels that are booleans or floats into
    integers, XGBoost's float32 into float64. A list of arrays stays a sequence.
    """
    from onnx import TensorProto, ValueInfoProto, helper

    nodes, output = graph.graph.node, graph.graph.output[index]
    name = output.name
    if not isinstance(expected, list):
        if np.ndim(expected) == 1:
            graph.graph.initializer.append(helper.make_tensor("flat", TensorProto.INT64, [1], [-1]))
            nodes.append(helper.make_node("Reshape", [name, "flat"], ["flattened"], name="flatten"))
            name = "flattened"
        kind, is_label = np.asarray(expected).dtype, output.type.tensor_type.elem_type == TensorProto.INT64
        tensor_type = {"b": TensorProto.BOOL, "f": TensorProto.DOUBLE}.get(kind.kind) if is_label else None
        if kind == np.float32:
            tensor_type = TensorProto.FLOAT
        if tensor_type is not None:
            # To the float32 of the library's own result, if to float32 at all.
            nodes.append(helper.make_node("Cast", [name], ["typed"], name=f"{OURS}retype", to=tensor_type))
            name = "typed"
    nodes.append(helper.make_node("Identity", [name], [RESULT], name="keep_result"))
    del graph.graph.output[:]
    graph.graph.output.append(ValueInfoProto(name=RESULT))
    _drop_unused(graph.graph)
    return graph


def keep_scores(graph: Any) -> bytes:
    """Return a copy of the graph with its second output alone, named `RESULT`: what its labels come from."""
    from onnx import ModelProto, ValueInfoProto, helper

    copy = ModelProto()
    copy.CopyFrom(graph)
    copy.graph.node.append(helper.make_node("Identity", [copy.graph.output[1].name], [RESULT], name="keep_scores"))
    del copy.graph.output[:]
    copy.graph.output.append(ValueInfoProto(name=RESULT))
    _drop_unused(copy.graph)
    scores: bytes = copy.SerializeToString()
    return scores


def _drop_unused(graph: Any) -> None:
    """Remove nodes and constants whose results nothing reads."""
    needed = {output.name for output in graph.output}
    used = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            used.append(node)
    constants = [constant for constant in graph.initializer if constant.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(used))
    graph.initializer.extend(constants)


def save(model: bytes, path: Path) -> None:
    """Write the model with its constants folded, so that none is computed again at cold start."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
