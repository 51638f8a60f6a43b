"""Imports the runtime's packages and predicts once: `python smoke.py` in the runtime."""

from __future__ import annotations

import pickle

import cloudpickle
import numpy as np
import orjson
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def main() -> None:
    rows = np.array([[0.0, 1.0], [1.0, 0.0]] * 20)
    labels = np.array([0, 1] * 20)
    for model in (RandomForestClassifier(5, random_state=0), HistGradientBoostingClassifier(max_iter=3)):
        loaded = cloudpickle.loads(pickle.dumps(model.fit(rows, labels)))
        orjson.dumps(loaded.predict_proba(rows[:1]), option=orjson.OPT_SERIALIZE_NUMPY)
    frame = pd.DataFrame({"size": [1.0, 2.0] * 20, "colour": ["red", "blue"] * 20, "note": ["a b", "c d"] * 20})
    columns = ColumnTransformer(
        [
            ("number", StandardScaler(), ["size"]),
            ("category", OneHotEncoder(), ["colour"]),
            ("text", TfidfVectorizer(analyzer="char"), "note"),
        ]
    )
    piped = make_pipeline(columns, RandomForestClassifier(5, random_state=0)).fit(frame, labels)
    assert piped.predict(frame).tolist() == labels.tolist()


if __name__ == "__main__":
    main()
