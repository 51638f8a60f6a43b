"""`cote convert`: what it refuses before it makes an environment, and what its script writes, in this version's own."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnxruntime import InferenceSession
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from xgboost import XGBRegressor

from modelcote.core.errors import InvalidBundle, InvalidSpec, UnsafePickle
from modelcote.core.project import project_root
from modelcote.local.convert import convert

SCRIPT = project_root() / "runtime-images" / "old" / "convert.py"
ROWS = np.random.RandomState(0).normal(size=(60, 3))
FOREST = RandomForestClassifier(4, random_state=0).fit(ROWS, ROWS[:, 0] > 0)


@pytest.mark.parametrize(
    ("content", "error", "text"),
    [
        (pickle.dumps(FOREST), InvalidSpec, r"written by scikit-learn 1\.9\.1"),
        (pickle.dumps(FOREST, 0).replace(b"1.9.1", b"0.20.3"), InvalidBundle, r"scikit-learn 0\.20\.3 has no wheels"),
        (pickle.dumps({"a": 1}), InvalidBundle, "does not say which version wrote it"),
        (b"cos\nsystem\n(S'true'\ntR.", UnsafePickle, "os.system"),
    ],
)
def test_what_is_refused_before_anything_loads_it(
    content: bytes, error: type[Exception], text: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(content)
    with pytest.raises(error, match=text):
        convert(path)
    assert list(tmp_path.iterdir()) == [path]


def report(model: Any, out: Path, form: str) -> dict[str, Any]:
    path = out.with_suffix(".pkl")
    path.write_bytes(pickle.dumps(model))
    said = subprocess.run([sys.executable, str(SCRIPT), str(path), str(out), form], capture_output=True, check=True)
    return dict(json.loads(said.stdout.splitlines()[-1]))


@pytest.mark.parametrize(("form", "method"), [("shares", "predict_proba"), ("labels", "predict")])
def test_the_script_writes_what_answers_the_same(form: str, method: str, tmp_path: Path) -> None:
    out = tmp_path / "model.onnx"
    assert report(FOREST, out, form).items() >= {"type": "ONNX", "input": "rows", "rows": 500}.items()
    session = InferenceSession(out, providers=["CPUExecutionProvider"])
    rows = ROWS.astype(np.float32)
    answer = session.run(None, {"rows": rows.astype(session.get_inputs()[0].type.replace("tensor(", "").rstrip(")"))})
    assert np.allclose(answer[0], getattr(FOREST, method)(rows), atol=1e-5)


def test_the_script_writes_xgboosts_json_and_names_what_it_cannot_convert(tmp_path: Path) -> None:
    model = XGBRegressor(n_estimators=2).fit(ROWS, ROWS[:, 0])
    out = tmp_path / "model.json"
    assert report(model, out, "shares")["type"] == "XGBOOST_REGRESSOR"
    again = XGBRegressor()
    again.load_model(out)
    assert np.array_equal(again.predict(ROWS), model.predict(ROWS))
    texts = report(CountVectorizer().fit(["a text"]), tmp_path / "texts.onnx", "shares")
    assert "does not say how many columns" in texts["error"]
