"""scikit-learn and XGBoost flows as one ONNX graph, used only where it equals the original."""

from __future__ import annotations

from modelcote.compile.build import compile_flow
from modelcote.compile.report import Report

__all__ = ["Report", "compile_flow"]
