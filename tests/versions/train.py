"""`python train.py FOLDER LIBRARY`: train, save and answer in the version that runs it; nothing of modelcote is here.

Writes the files, and `shapes.json`: name -> `{"file", "type", "rows", "answer"}`.
"""

import json
import pickle
import sys
from pathlib import Path

import joblib
import numpy as np


def data():
    random = np.random.RandomState(0)
    rows = np.round(random.uniform(-3, 3, (120, 4)), 2)
    return rows, (rows[:, 0] + rows[:, 1] ** 2 > 1).astype(int), np.round(rows @ [1.0, 2.0, 0.0, -1.0], 3)


def sklearn_shapes():
    from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    rows, labels, values = data()
    holes = rows.copy()
    holes[::7, 2] = np.nan
    words = np.array([["basic", "plus", "pro"][i % 3] for i in range(len(rows))], dtype=object).reshape(-1, 1)
    forest = RandomForestClassifier(8, random_state=0)
    scaled = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())
    histogram = HistGradientBoostingClassifier(max_iter=5, random_state=0)
    encoded = make_pipeline(OneHotEncoder(), DecisionTreeClassifier(random_state=0))
    yield "forest", "sklearn_classifier", forest.fit(rows, labels), rows
    yield "boosting", "sklearn", GradientBoostingRegressor(n_estimators=8, random_state=0).fit(rows, values), rows
    yield "scaled", "sklearn_classifier", scaled.fit(holes, labels), holes
    yield "histogram", "sklearn_classifier", histogram.fit(holes, labels), holes
    yield "encoded", "sklearn_classifier", encoded.fit(words, labels), words
    yield "neighbours", "sklearn_classifier", KNeighborsClassifier(3, weights="distance").fit(rows, labels), rows


def xgboost_shapes():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from xgboost import XGBClassifier, XGBRegressor

    rows, labels, values = data()
    holes = rows.copy()
    holes[::7, 2] = np.nan
    three = (rows[:, 0] > 0).astype(int) + labels
    small = {"n_estimators": 5, "max_depth": 3}
    yield "classes", "xgboost_classifier", XGBClassifier(**small).fit(holes, labels), holes
    yield "three", "xgboost_classifier", XGBClassifier(**small).fit(rows, three), rows
    yield "numbers", "xgboost_regressor", XGBRegressor(**small).fit(holes, values), holes
    piped = make_pipeline(StandardScaler(), XGBClassifier(**small))
    yield "piped", "sklearn_classifier", piped.fit(rows, labels), rows
    linear = XGBRegressor(booster="gblinear", updater="coord_descent", n_estimators=5)
    yield "linear", "xgboost_regressor", linear.fit(rows, values), rows


def lightgbm_shapes():
    import pandas as pd
    from lightgbm import LGBMClassifier, LGBMRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows, labels, values = data()
    holes = rows.copy()
    holes[::7, 2] = np.nan
    three = (rows[:, 0] > 0).astype(int) + labels
    small = {"n_estimators": 5, "verbose": -1, "n_jobs": 1}
    yield "forest", "sklearn_classifier", LGBMClassifier(**small).fit(holes, labels), holes
    yield "three", "sklearn_classifier", LGBMClassifier(**small).fit(rows, three), rows
    yield "numbers", "sklearn", LGBMRegressor(**small).fit(holes, values), holes
    yield "piped", "sklearn_classifier", make_pipeline(StandardScaler(), LGBMClassifier(**small)).fit(rows, three), rows
    yield "counts", "sklearn", make_pipeline(StandardScaler(), LGBMRegressor(**small)).fit(rows, values), rows
    frame = pd.DataFrame({"x": rows[:, 0], "plan": pd.Categorical([["pro", "basic"][i % 2] for i in range(len(rows))])})
    model = LGBMRegressor(**small).fit(frame, values + 3 * (frame["plan"] == "pro"))
    if hasattr(model, "feature_names_in_"):
        yield "plans", "sklearn", model, frame


SHAPES = {"scikit-learn": sklearn_shapes, "xgboost": xgboost_shapes, "lightgbm": lightgbm_shapes}
METHODS = {"sklearn": "predict", "xgboost_regressor": "predict"}


def main():
    folder, library = Path(sys.argv[1]), sys.argv[2]
    shapes = {}
    for name, kind, model, rows in SHAPES[library]():
        files = [f"{name}.pkl"]
        if name == "forest":
            joblib.dump(model, folder / files[0], compress=3)
        else:
            (folder / files[0]).write_bytes(pickle.dumps(model))
        if kind.startswith("xgboost"):
            files += [f"{name}.json", f"{name}.ubj"]
            for file in files[1:]:
                model.get_booster().save_model(str(folder / file))
        shown = rows[:40]
        answer = getattr(model, METHODS.get(kind, "predict_proba"))(shown)
        plain = [[None if value != value else value for value in row] for row in np.asarray(shown).tolist()]
        for file in files:
            shapes[file] = {"file": file, "type": kind, "rows": plain, "answer": np.asarray(answer).tolist()}
    (folder / "shapes.json").write_text(json.dumps(shapes))


if __name__ == "__main__":
    main()
