"""Models that are trained, written to disk, and asked in this process."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

from modelcote.core.runtimes import ModelType

PREDICT, CLASSIFY, TRANSFORM = ModelType.SKLEARN, ModelType.SKLEARN_CLASSIFIER, ModelType.SKLEARN_PREPROCESSOR
XGB_CLASSIFY, XGB_REGRESS = ModelType.XGBOOST_CLASSIFIER, ModelType.XGBOOST_REGRESSOR

_METHOD = {CLASSIFY: "predict_proba", XGB_CLASSIFY: "predict_proba", TRANSFORM: "transform"}


@dataclass(frozen=True)
class Built:
    """A model on disk: the flow's `(model_type, path)` stages, JSON rows to send, and the JSON result to expect."""

    flow: list[tuple[ModelType, str]]
    rows: list[Any]
    expected: list[Any]


@dataclass(frozen=True)
class Trained:
    """Fitted stages, JSON rows (lists, objects by column name, or texts) and the columns of a DataFrame model."""

    stages: list[tuple[ModelType, Any]]
    rows: list[Any]
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """`train` returns the model; `file` is how each stage is written: `pickle`, `joblib` (zlib) or `json` (XGBoost)."""

    train: Callable[[], Trained]
    file: str = "pickle"

    def build(self, folder: Path) -> Built:
        """The trained model written to `folder`, and what plain library calls answer for its rows."""
        trained = self.train()
        flow = []
        value = as_input(trained.rows, trained.columns)
        for number, (model_type, model) in enumerate(trained.stages):
            path = folder / f"stage{number}.{'json' if self.file == 'json' else 'pkl'}"
            _WRITERS[self.file](model, path)
            flow.append((model_type, str(path)))
            value = getattr(model, _METHOD.get(model_type, "predict"))(value)
        return Built(flow, trained.rows, as_json(value))


def as_input(rows: list[Any], columns: tuple[str, ...] = ()) -> Any:
    """What a user would hand to the model: texts as they are, a DataFrame by `columns`, else a float64 matrix."""
    if columns:
        return pd.DataFrame(rows, columns=list(columns))
    return rows if isinstance(rows[0], str) else np.array(rows, dtype=np.float64)


def as_json(value: Any) -> Any:
    """Arrays, and the lists of arrays of multi-output classifiers, as JSON values; NaN is null."""
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if hasattr(value, "toarray"):
        return value.toarray().tolist()
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return np.where(np.isfinite(value), value.astype(object), None).tolist()
    return value.tolist()


_WRITERS: dict[str, Callable[[Any, Path], object]] = {
    "pickle": lambda model, path: path.write_bytes(pickle.dumps(model)),
    "joblib": lambda model, path: joblib.dump(model, path, compress=3),
    "json": lambda model, path: model.save_model(path),
}
