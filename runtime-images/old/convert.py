"""Loads a file with the old library that wrote it, and writes what today's versions read; runs on Python 3.8 to 3.13.

`python convert.py FILE OUT shares|labels` prints a JSON line: `type`, `input`, `rows` and `difference`, or `error`.
Nothing of modelcote is installed where it runs.
"""

import json
import sys
import warnings

ROWS = 500
CLOSE = 1e-4


def ranges(model, features):
    """Yield the interval in which each column's values matter: thresholds of trees, means and scales, or -3 to 3."""
    import numpy as np

    low, high = np.full(features, -3.0), np.full(features, 3.0)
    first = getattr(model, "steps", [("", model)])[0][1]
    mean, scale = getattr(first, "mean_", None), getattr(first, "scale_", None)
    if mean is not None and scale is not None:
        low, high = mean - 3 * scale, mean + 3 * scale
    trees = np.ravel(np.asarray(getattr(model, "estimators_", [model]), dtype=object))
    for tree in (tree.tree_ for tree in trees if hasattr(tree, "tree_")):
        for column in range(features):
            met = tree.threshold[tree.feature == column]
            if len(met):
                low[column], high[column] = min(low[column], met.min() - 1), max(high[column], met.max() + 1)
    return low, high


def rows_of(model):
    import numpy as np

    features = getattr(model, "n_features_in_", None) or getattr(model, "n_features_", None)
    coefficients = getattr(getattr(model, "steps", [("", model)])[-1][1], "coef_", None)
    if features is None and coefficients is not None:
        features = np.shape(coefficients)[-1]
    if features is None:
        raise ValueError("the model does not say how many columns it has")
    low, high = ranges(model, int(features))
    return np.random.RandomState(0).uniform(low, high, (ROWS, int(features)))


def from_sklearn(model, out, labels):
    import numpy as np
    import onnxruntime
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    rows = rows_of(model)
    shares = hasattr(model, "predict_proba") and not labels
    expected = (model.predict_proba if shares else model.predict)(rows.astype(np.float32))
    problem = ""
    for tensor, dtype in ((DoubleTensorType, np.float64), (FloatTensorType, np.float32)):
        try:
            options = {id(model): {"zipmap": False}} if hasattr(model, "classes_") else None
            graph = convert_sklearn(
                model, "modelcote", [("rows", tensor([None, rows.shape[1]]))], options=options, target_opset=12
            )
            if shares:  # What is first is the answer.
                outputs = list(graph.graph.output)[::-1]
                del graph.graph.output[:]
                graph.graph.output.extend(outputs)
            session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
            answer = session.run(None, {"rows": rows.astype(np.float32).astype(dtype)})[0]
            difference = distance(expected, answer)
        except Exception as error:
            problem = problem or f"{type(error).__name__}: {str(error)[:300]}"
            continue
        if difference <= CLOSE:
            with open(out, "wb") as file:
                file.write(graph.SerializeToString())
            return {"type": "ONNX", "input": "rows", "rows": ROWS, "difference": difference}
        problem = f"the ONNX form answers differently, by {difference:g}"
    raise ValueError(problem)


def from_xgboost(model, out, _labels):
    import xgboost

    rows = rows_of(model)
    kind = "XGBOOST_CLASSIFIER" if hasattr(model, "predict_proba") else "XGBOOST_REGRESSOR"
    method = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    model.save_model(out)
    again = getattr(xgboost, type(model).__name__)()
    again.load_model(out)
    difference = distance(getattr(model, method)(rows), getattr(again, method)(rows))
    if difference > CLOSE:
        raise ValueError(f"the JSON form answers differently, by {difference:g}")
    return {"type": kind, "input": "", "rows": ROWS, "difference": difference}


def distance(expected, answer):
    import numpy as np

    expected, answer = np.asarray(expected), np.asarray(answer)
    if expected.dtype.kind == "b":  # ONNX has integers for these labels.
        expected = expected.astype(int)
    if expected.dtype.kind not in "fiu":
        return float(np.mean(expected.astype(str) != np.ravel(answer).astype(str)))
    scale = np.maximum(1.0, np.abs(expected))
    return float(np.max(np.abs(expected - answer.reshape(expected.shape)) / scale))


def main():
    warnings.simplefilter("ignore")
    path, out, labels = sys.argv[1], sys.argv[2], sys.argv[3] == "labels"
    import joblib

    try:
        model = joblib.load(path)
        convert = from_xgboost if type(model).__module__.startswith("xgboost.") else from_sklearn
        print(json.dumps(convert(model, out, labels)))
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {str(error)[:500]}"}))


if __name__ == "__main__":
    main()
