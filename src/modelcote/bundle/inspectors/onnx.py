"""ONNX: the protocol buffer's outline, and where its tensors are, read without an ONNX library.

Field numbers are those of onnx.proto: ModelProto.graph 7, GraphProto.initializer 5, node 1, AttributeProto.t 5,
tensors 10, g 6, graphs 11, NodeProto.attribute 5, TensorProto.external_data 13, data_location 14.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelcote.bundle.inspectors import Artifact
from modelcote.bundle.refusals import not_a, truncated
from modelcote.core.contents import ONNX, content_of
from modelcote.core.errors import InvalidBundle
from modelcote.core.texts import quoted

_IR_VERSION, _GRAPH, _OPSET_IMPORT = 1, 7, 8
# message -> field -> the message of its value; what is not here is not entered.
_INSIDE = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
_DATA_LOCATION, _EXTERNAL = 14, 1
_MAX_DEPTH = 100
_REMEDY = "Export and upload the model again."
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def inspect(artifact: Artifact) -> None:
    """Raise `InvalidBundle` for a file that is not an ONNX model, or keeps tensors in a file outside the bundle."""
    view, head = memoryview(artifact.data), artifact.head
    whole = False
    try:
        whole = {_IR_VERSION, _GRAPH, _OPSET_IMPORT} <= {number for number, _, _ in _fields(view)}
        locations = list(_walk(view, "model", 0)) if whole else []
    except ValueError as error:
        # Its fields are complete and one of them is not: that is damage.
        raise (not_a(ONNX, head, _REMEDY) if whole or content_of(head) != ONNX else truncated()) from error
    if not whole:
        raise truncated() if content_of(head) == ONNX else not_a(ONNX, head, _REMEDY)
    for location in locations:
        if location not in artifact.members:
            raise InvalidBundle(
                f"keeps tensors in {quoted(location, 80)}, which is not in the bundle.",
                "Save the model with its tensors inside (save_as_external_data=False).",
            )


def _walk(message: memoryview, kind: str, depth: int) -> Iterator[str]:
    """Yield the locations of all external data below a message."""
    if depth > _MAX_DEPTH:
        raise ValueError("not a message")
    external, located = False, False
    for number, wire, value in _fields(message):
        inner = _INSIDE[kind].get(number)
        if kind == "tensor" and number == _DATA_LOCATION and value == _EXTERNAL:
            external = True
        if inner is None or wire != _BYTES or not isinstance(value, memoryview):
            continue
        if inner == "entry":
            entry = {key: bytes(part) for key, _, part in _fields(value) if isinstance(part, memoryview)}
            if entry.get(1) == b"location":
                located = True
                yield entry.get(2, b"").decode("utf-8", "replace")
        else:
            yield from _walk(value, inner, depth + 1)
    if external and not located:
        yield ""


def _fields(message: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """Yield `(field number, wire type, value)` of a message; raise `ValueError` where it is malformed."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise ValueError("not a message")
        if wire == _VARINT:
            value, position = _varint(message, position)
            yield number, wire, value
            continue
        if wire == _BYTES:
            size, position = _varint(message, position)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError("not a message")
        if position + size > len(message):
            raise ValueError("not a message")
        yield number, wire, message[position : position + size]
        position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(message) and shift < 64:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, position
        shift += 7
    raise ValueError("not a message")
