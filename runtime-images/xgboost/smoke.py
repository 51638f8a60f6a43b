"""Imports the runtime's packages and predicts once: `python smoke.py` in the runtime."""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path

import cloudpickle
import numpy as np
import orjson
import pandas as pd
from xgboost import XGBClassifier, XGBRegressor


def main() -> None:
    rows = np.array([[0.0, 1.0], [1.0, np.nan]] * 20)
    labels = np.array([0, 1] * 20)
    model = XGBClassifier(n_estimators=3).fit(rows, labels)
    expected = model.predict_proba(rows)
    assert np.array_equal(cloudpickle.loads(pickle.dumps(model)).predict_proba(rows), expected)
    with tempfile.TemporaryDirectory() as folder:
        model.save_model(Path(folder) / "model.json")
        loaded = XGBClassifier()
        loaded.load_model(Path(folder) / "model.json")
        assert np.array_equal(loaded.predict_proba(rows), expected)
    frame = pd.DataFrame(rows, columns=["a", "b"])
    answer = XGBRegressor(n_estimators=3).fit(frame, labels).predict(frame)
    orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


if __name__ == "__main__":
    main()
