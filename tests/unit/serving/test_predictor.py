"""The predictor: one answer for every door, errors of ours for everything that goes wrong."""

from __future__ import annotations

import base64
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from modelcote.core.errors import VersionMismatch
from modelcote.core.event import ANSWER_BYTES
from modelcote.core.flow import parse_flow
from modelcote.core.manifest import MANIFEST, Manifest, manifest_to_dict
from modelcote.serving.predictor import Predictor, respond
from tests.support.commands import run
from tests.support.equal import difference
from tests.zoo import ZOO


def written(folder: Path, rows: Any, processors: Any = ()) -> Predictor:
    manifest = Manifest("model", parse_flow(rows, processors))
    (folder / MANIFEST).write_text(json.dumps(manifest_to_dict(manifest)))
    return Predictor.from_folder(folder)


def line(folder: Path) -> str:
    """A linear model, y = 2a + 3b."""
    model = LinearRegression().fit([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [0.0, 2.0, 3.0])
    (folder / "line.pkl").write_bytes(pickle.dumps(model))
    return "line.pkl"


def answer(predictor: Predictor, data: Any, **event: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(predictor.predict({"data": data, "run_id": "r", **event}))
    return body


@pytest.mark.parametrize("name", sorted(ZOO))
def test_every_model_of_the_zoo_answers_as_in_process(name: str, tmp_path: Path) -> None:
    built = ZOO[name].build(tmp_path)
    predictor = written(tmp_path, [[model_type.value, Path(path).name] for model_type, path in built.flow])
    body = answer(predictor, built.rows)
    assert difference(body["result"], built.expected) <= 1e-6  # XGBoost answers in float32
    assert body["points"] == len(built.rows)
    assert body["run_time_ms"] > 0


PRE = "def double(data, files):\n    import base64\n    return [[2 * v for v in row] for row in data]\n"
POST = (
    "def label(result, data, files):\n"
    "    try:\n        seen = get('seen') + 1\n    except NameError:\n        seen = 1\n    save('seen', seen)\n"
    "    return {'values': [float(v) for v in result], 'given': data, 'files': [len(f) for f in files], 'seen': seen}\n"
)


def test_processors_get_what_they_ask_for(tmp_path: Path) -> None:
    rows = [["sklearn", line(tmp_path), {"pre": "double", "post": "label"}]]
    predictor = written(tmp_path, rows, [{"pre": PRE, "post": POST}])
    files = [{"name": "a", "content_type": "", "b64": base64.b64encode(b"abc").decode()}]
    first, second = (answer(predictor, [[1, 1]], files=files)["result"] for _ in range(2))
    assert first == {"values": [pytest.approx(10)], "given": [[1, 1]], "files": [3], "seen": 1}
    assert second["seen"] == 2


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("def p(r):\n    return 7\n", [7]),
        ("def p(r):\n    return 'text'\n", ["text"]),
        ("def p(r):\n    return {'a': r}\n", {"a": [2.0]}),
        (
            "def p(r):\n    import numpy as np\n    return [np.float32(0.5), np.array(['x']), float('nan')]\n",
            [0.5, ["x"], None],
        ),
        ("def p(r):\n    import numpy as np\n    return np.array([1.0, np.nan, np.inf])\n", [1.0, None, None]),
        ("def p(r):\n    import numpy as np\n    return np.arange(6).reshape(2, 3).T\n", [[0, 3], [1, 4], [2, 5]]),
        ("def p(r):\n    return (1, 2)\n", [1, 2]),
        ("def p(r):\n    return None\n", [None]),
    ],
)
def test_results_follow_the_rule(tmp_path: Path, source: str, result: Any) -> None:
    predictor = written(tmp_path, [["sklearn", line(tmp_path), {"post": "p"}]], [{"post": source}])
    got = answer(predictor, [[1.0, 0.0]])["result"]
    assert got == (result if not isinstance(result, dict) else {"a": [pytest.approx(2.0)]})


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("def p(r):\n    raise KeyError('gone')\n", "model_failed", "KeyError"),
        ("def p(r):\n    import sys\n    sys.exit(3)\n", "model_failed", "SystemExit"),
        ("def p(r):\n    return object()\n", "model_failed", "not JSON"),
        ("def p(r):\n    return get('nothing')\n", "model_failed", "NameError"),
        ("def p(r):\n    return get_secret('MODELCOTE_NO_SUCH')\n", "not_found", "MODELCOTE_NO_SUCH"),
    ],
)
def test_what_the_models_code_raises_is_told_without_a_trace(tmp_path: Path, source: str, code: str, said: str) -> None:
    predictor = written(tmp_path, [["sklearn", line(tmp_path), {"post": "p"}]], [{"post": source}])
    error = answer(predictor, [[1.0, 0.0]])["error"]
    assert error["code"] == code
    assert said in error["detail"]
    assert error["remedy"]
    assert "Traceback" not in json.dumps(error)


def test_a_model_that_takes_no_missing_values_says_so(tmp_path: Path) -> None:
    error = answer(written(tmp_path, [["sklearn", line(tmp_path)]]), [[None, 1.0]])["error"]
    assert error["status"] == 422
    assert "NaN" in error["detail"]


def test_another_versions_pickle_is_refused_not_warned_of(tmp_path: Path) -> None:
    data = pickle.dumps(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]))
    import sklearn

    version = sklearn.__version__.encode()
    (tmp_path / "line.pkl").write_bytes(data.replace(version, b"0" + version[1:]))
    with pytest.raises(VersionMismatch) as caught:
        written(tmp_path, [["sklearn", "line.pkl"]])
    assert "the versions that wrote it" in caught.value.remedy


def onnx_file(path: Path) -> None:
    from onnx import TensorProto, helper

    node = helper.make_node("Add", ["a", "b"], ["sum"])
    a, b = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in "ab")
    out = helper.make_tensor_value_info("sum", TensorProto.FLOAT, [None, 2])
    graph = helper.make_graph([node], "sum", [a, b], [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    path.write_bytes(model.SerializeToString())


def test_onnx_takes_its_feed_and_gives_its_first_output(tmp_path: Path) -> None:
    onnx_file(tmp_path / "sum.onnx")
    predictor = written(tmp_path, [["onnx", "sum.onnx"]])
    assert answer(predictor, [{"a": [[1, 2]], "b": [[3, 4]]}])["result"] == [[4.0, 6.0]]
    for data, said in (
        ([{"a": [[1, 2]]}], "b"),
        ([{"a": [[1, 2]], "b": [[3]]}], "shape"),
        ([{"a": [[1, 2]], "b": "x"}], "array"),
        ([[1, 2]], "feed"),
    ):
        error = answer(predictor, data)["error"]
        assert error["status"] == 422
        assert said in error["detail"] + error["remedy"]


def test_onnx_after_scikit_learn(tmp_path: Path) -> None:
    from sklearn.preprocessing import StandardScaler

    onnx_file(tmp_path / "sum.onnx")
    scaler = StandardScaler().fit(np.array([[0.0, 0.0], [2.0, 4.0]]))
    (tmp_path / "scale.pkl").write_bytes(pickle.dumps(scaler))
    feed = "def feed(x):\n    return {'a': x, 'b': x}\n"
    rows = [["sklearn_preprocessor", "scale.pkl"], ["onnx", "sum.onnx", {"pre": "feed"}]]
    predictor = written(tmp_path, rows, [{}, {"pre": feed}])
    assert answer(predictor, [[2.0, 4.0]])["result"] == [[2.0, 2.0]]


def test_the_entry_imports_no_more_than_it_needs(tmp_path: Path) -> None:
    """The import budget of a cold start: an ONNX model's function."""
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    onnx_file(bundle / "sum.onnx")
    written(bundle, [["onnx", "sum.onnx"]])
    code = (
        "import sys; from modelcote.serving.lambda_entry import handler\n"
        "assert b'result' in handler({'data': [{'a': [[1, 2]], 'b': [[3, 4]]}]}, None)\n"
        "print(' '.join(sys.modules))"
    )
    done = run(sys.executable, "-c", code, env={"LAMBDA_TASK_ROOT": str(tmp_path), "PATH": ""})
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {
        *("sklearn", "xgboost", "pandas", "scipy", "joblib", "boto3", "botocore", "fastapi", "pydantic"),
        *("httpx", "rich", "typer", "pulumi", "onnx", "skl2onnx"),
    }


@pytest.mark.parametrize(("value", "sent"), [("np.int64(3)", 3), ("{1, 2}", [1, 2]), ("float('nan')", None)])
def test_an_error_of_a_processor_may_have_any_member(tmp_path: Path, value: str, sent: object) -> None:
    source = (
        "def p(r):\n    import numpy as np\n    from modelcote.core.errors import InvalidInput\n"
        f"    raise InvalidInput('wrong', 'mend it', value={value})\n"
    )
    rows = [["sklearn", line(tmp_path), {"post": "p"}]]
    problem = answer(written(tmp_path, rows, [{"post": source}]), [[1, 0]])["error"]
    assert (problem["code"], problem["value"]) == ("invalid_input", sent)


@pytest.mark.parametrize("event", [{}, {"store": {"key": "k", "keep_days": 1, "after_s": 9.0}}])
@pytest.mark.parametrize(("size", "sent"), [(ANSWER_BYTES, True), (ANSWER_BYTES + 1, False)])
def test_an_answer_that_lambda_would_not_send(event: dict[str, Any], size: int, sent: bool) -> None:
    answered = respond(lambda _: b"x" * size, event)
    if sent:
        assert len(answered) == size
    else:
        problem = json.loads(answered)["error"]
        assert (problem["status"], problem["code"]) == (413, "payload_too_large")
        assert "run" in problem["remedy"]


def test_a_models_own_exception_is_named_without_folders(tmp_path: Path) -> None:
    pre = "def fail(data, files):\n    raise OSError('[10:00:00] /src/a.cc:1: no file /tmp/b/c.bin.\\nStack trace:')\n"
    row = ["sklearn", line(tmp_path), {"pre": "fail", "post": None}]
    error = answer(written(tmp_path, [row], [{"pre": pre, "post": None}]), [[1, 2]])["error"]
    assert error["detail"] == "the model's code raised OSError: no file c.bin."
