"""Specs and packages for tests that need some, whatever is in them."""

from __future__ import annotations

from modelcote.core.flow import Flow, Stage
from modelcote.core.runtimes import ModelType
from modelcote.core.snapshot import Package
from modelcote.core.spec import ModelSpec


def a_spec(name: str = "iris", **fields: object) -> ModelSpec:
    """A spec of one scikit-learn classifier, unless `fields` has another flow."""
    flow = Flow((Stage(ModelType.SKLEARN_CLASSIFIER, "model.pkl"),))
    return ModelSpec(**{"name": name, "flow": flow, **fields})  # type: ignore[arg-type]


def a_package(mark: str = "a") -> Package:
    """A package that no two marks share."""
    return Package(sha256=mark * 8, s3_key=f"packages/{mark}.zip", layers=("onnx-py3.11-abc",))
