"""Whether a graph computes in float64 throughout, as the original does: read from its nodes, not from rows.

JSON numbers are float64. A float32 holds 24 bits of them, and no comparison on rows can show that the other 29 never
decide. So a graph with a float32 anywhere does not serve, except where the library itself rounds to float32: our own
converters write those roundings on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelcote.compile.graph_builder import ML, OURS
from modelcote.compile.report import Unsupported

# Operators of ai.onnx.ml that only move values. All others hold their numbers as float32.
_MOVING = frozenset({"ArrayFeatureExtractor", "LabelEncoder"})


def check_precision(graph: Any) -> None:
    """Raise `Unsupported` for the first node of an ONNX graph, or of one inside it, that rounds to float32."""
    from onnx import TensorProto

    narrow = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16)
    for node in _nodes(graph):
        if node.name.startswith(OURS):
            continue
        attributes = {attribute.name: attribute for attribute in node.attribute}
        if node.domain == ML:
            if node.op_type not in _MOVING or any("floats" in name for name in attributes):
                raise Unsupported(f"the operator {node.op_type} computes in float32, and the model in float64")
        elif node.op_type == "Cast" and attributes["to"].i in narrow:
            raise Unsupported("the converter rounds values to float32 that the model keeps in float64")


def _nodes(graph: Any) -> Iterator[Any]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)
