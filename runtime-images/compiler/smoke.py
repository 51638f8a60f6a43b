"""Imports the build step's packages and converts one model of each kind: `python smoke.py` in the runtime."""

from __future__ import annotations

import numpy as np
import onnxruntime
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as XgboostFloat
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier
from xgboost import XGBClassifier


def main() -> None:
    rows = np.array([[0.0, 1.0], [1.0, 0.0]] * 20, dtype=np.float32)
    labels = np.array([0, 1] * 20)
    forest = RandomForestClassifier(5, random_state=0).fit(rows, labels)
    boosted = XGBClassifier(n_estimators=3).fit(rows, labels)
    for graph in (
        to_onnx(forest, rows[:1], options={"zipmap": False}),
        convert_xgboost(boosted, initial_types=[("X", XgboostFloat([None, 2]))], target_opset=15),
    ):
        session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
        answer = session.run(None, {session.get_inputs()[0].name: rows})[0]
        assert answer.ravel().tolist() == labels.tolist()


if __name__ == "__main__":
    main()
