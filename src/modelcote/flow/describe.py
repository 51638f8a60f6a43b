"""What the caller's process knows of a flow that nobody else can: library versions."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from modelcote.core.flow import Flow
from modelcote.flow.inputs import FRAME, InputSchema

# What decides whether a file loads elsewhere, by runtime. xgboost-cpu is xgboost without its CUDA libraries.
_MATTERS = {
    "onnx": ("onnxruntime",),
    "sklearn": ("scikit-learn", "numpy", "scipy"),
    "xgboost": ("xgboost", "scikit-learn", "numpy", "scipy"),
}
_ALSO_CALLED = {"xgboost": ("xgboost", "xgboost-cpu")}


def libraries(flow: Flow, inputs: InputSchema) -> dict[str, str]:
    """Distribution name -> version here, of those that matter to the flow, and `python`."""
    wanted = (*_MATTERS.get(flow.runtime, ()), *(("pandas",) if inputs.kind == FRAME else ()))
    found = {name: _version(name) for name in wanted}
    return {"python": platform.python_version(), **{name: text for name, text in found.items() if text}}


def _version(name: str) -> str:
    for distribution in _ALSO_CALLED.get(name, (name,)):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return ""
