"""A short way to write ONNX nodes inside a skl2onnx converter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from skl2onnx.common.data_types import StringTensorType, guess_proto_type

from modelcote.compile.report import Unsupported

ML = "ai.onnx.ml"
OURS = "modelcote_"  # begins the names of the nodes that are written here


class GraphBuilder:
    """Adds nodes to the graph of one converter call; every method returns the name of its result."""

    def __init__(self, scope: Any, operator: Any, container: Any) -> None:
        self.operator = operator
        self.model = operator.raw_operator
        self._scope = scope
        self._container = container

    def add(self, op_type: str, *inputs: str, domain: str = "", version: int | None = None, **attributes: Any) -> str:
        result = str(self._scope.get_unique_variable_name(op_type.lower()))
        name = self._scope.get_unique_operator_name(f"{OURS}{op_type}")
        self._container.add_node(
            op_type, list(inputs), [result], op_domain=domain, op_version=version, name=name, **attributes
        )
        return result

    def constant(self, value: Any) -> str:
        """Add an initializer: float64, int64, booleans or strings, by the value's own type."""
        from onnx import TensorProto

        array = np.asarray(value)
        kinds = {"f": TensorProto.DOUBLE, "i": TensorProto.INT64, "u": TensorProto.INT64, "b": TensorProto.BOOL}
        kind = kinds.get(array.dtype.kind)
        name = str(self._scope.get_unique_variable_name("constant"))
        flat = array.ravel().tolist()
        if kind is None:
            kind, flat = TensorProto.STRING, [str(item).encode() for item in flat]
        self._container.add_initializer(name, kind, list(array.shape), flat)
        return name

    def cast(self, name: str, dtype: type[np.generic]) -> str:
        from onnx import helper

        return self.add("Cast", name, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    @property
    def takes_text(self) -> bool:
        return isinstance(self.operator.inputs[0].type, StringTensorType)

    @property
    def wants_raw_scores(self) -> bool:
        """Tell whether the model is inside one that reads scores, with a column for each of two classes."""
        return bool(self._container.get_options(self.model, {"raw_scores": False})["raw_scores"])

    def matrix(self) -> str:
        """Join all inputs into one matrix: strings as they are, numbers as float64."""
        names = [variable.full_name for variable in self.operator.inputs]
        if not self.takes_text:
            names = [self.cast(name, np.float64) for name in names]
        return names[0] if len(names) == 1 else self.add("Concat", *names, axis=1)

    def column(self, matrix: str, index: int) -> str:
        """Return one column of a matrix, still two-dimensional."""
        return self.add("Gather", matrix, self.constant([index]), axis=1)

    def columns(self, names: Sequence[str]) -> str:
        return names[0] if len(names) == 1 else self.add("Concat", *names, axis=1)

    def output(self, index: int, name: str) -> None:
        """Make `name` the converter's output, in the type that the rest of the graph expects."""
        variable = self.operator.outputs[index]
        result = variable.full_name
        if isinstance(variable.type, StringTensorType):
            self._container.add_node("Identity", [name], [result])
        else:
            self._container.add_node("Cast", [name], [result], to=guess_proto_type(variable.type))

    def classes(self, index: int, positions: str) -> None:
        """Make the labels at these int64 `positions` of `classes_` the converter's output."""
        labels = np.asarray(self.model.classes_)
        if labels.dtype.kind == "O" and all(isinstance(label, str) for label in labels):
            labels = labels.astype(str)
        if labels.dtype.kind not in "iufbU":
            raise Unsupported(f"class labels of type {labels.dtype}")
        values = labels.astype(np.int64) if labels.dtype.kind == "b" else labels
        self.output(index, self.add("Gather", self.constant(values), positions, axis=0))


def converter(write: Callable[[GraphBuilder, Any], None]) -> Callable[[Any, Any, Any], None]:
    """Turn a function of the graph and the fitted model into a converter as skl2onnx calls it."""

    def convert(scope: Any, operator: Any, container: Any) -> None:
        write(GraphBuilder(scope, operator, container), operator.raw_operator)

    return convert
