"""Forms that are not equal are not used, and the report says where and by how much."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from onnx import TensorProto, helper
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from modelcote.compile import Report, compile_flow, ensembles, equality_gate, linear, trees
from modelcote.compile.audit import check_precision
from modelcote.compile.report import Unsupported
from modelcote.core.errors import InvalidInput
from modelcote.core.flow import Flow, Processor, Stage
from modelcote.core.inputs import MATRIX, Inputs
from modelcote.core.manifest import COMPILED, MANIFEST, Manifest, manifest_to_dict
from modelcote.core.runtimes import ModelType
from tests.unit.compile.support import compiled, pickled

WINE = load_wine(return_X_y=True)


def forest(folder: Path) -> Flow:
    model = RandomForestClassifier(10, random_state=0).fit(*load_breast_cancer(return_X_y=True))
    return pickled(folder, ModelType.SKLEARN_CLASSIFIER, model)


def change_trees(monkeypatch: pytest.MonkeyPatch, change: Callable[[trees.Tree], dict[str, Any]]) -> None:
    exact = trees.sklearn_tree

    def changed(*arguments: Any) -> trees.Tree:
        tree = exact(*arguments)
        return replace(tree, **change(tree))

    monkeypatch.setattr(ensembles, "sklearn_tree", changed)


def refusal(folder: Path, flow: Flow, sample: list[Any] | None = None) -> Report:
    _, report = compiled(folder, flow, sample)
    assert not report.used
    return report


def test_thresholds_rounded_to_float32_are_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = forest(tmp_path)
    assert compiled(tmp_path, flow)[1].used
    change_trees(monkeypatch, lambda tree: {"threshold": tree.threshold.astype(np.float32).astype(np.float64)})
    report = refusal(tmp_path, flow)
    assert report.reason.startswith("generated row ")
    assert report.max_difference >= 0.09  # one tree of ten
    assert not (tmp_path / COMPILED).exists()


def test_values_not_rounded_to_float32_are_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = forest(tmp_path)
    monkeypatch.setattr(ensembles, "as_float32", lambda _nodes, matrix: matrix)
    assert refusal(tmp_path, flow).reason.startswith("generated row ")


def test_missing_values_sent_the_other_way_are_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = forest(tmp_path)
    change_trees(monkeypatch, lambda tree: {"missing_left": ~tree.missing_left})
    report = refusal(tmp_path, flow)
    assert "None" in report.reason


def test_a_sample_row_that_differs_is_named_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, labels = [[0.0], [1.0]], [0, 1]
    flow = pickled(tmp_path, ModelType.SKLEARN_CLASSIFIER, DecisionTreeClassifier().fit(rows, labels))
    change_trees(monkeypatch, lambda tree: {"threshold": tree.threshold / 2})
    report = refusal(tmp_path, flow, [[0.2], [0.3], [0.9]])
    assert report.reason == "sample row 1 differs (by 1, absolute): [1.0, 0.0] became [0.0, 1.0] for [0.3]"
    assert report.max_difference == 1.0


def test_a_forest_far_off_scale_is_still_exact(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    rows = np.concatenate([random.normal(size=(200, 3)) * 1e-20, random.normal(size=(200, 3)) * 1e20])
    model = DecisionTreeRegressor(random_state=0).fit(rows, random.normal(size=400))
    _, report = compiled(tmp_path, pickled(tmp_path, ModelType.SKLEARN, model))
    assert report.used, report.reason


@pytest.mark.parametrize("place", ["pre", "post"])
def test_processors_are_not_compiled(place: str, tmp_path: Path) -> None:
    processor = Processor("keep", "def keep(data):\n    return data\n")
    flow = Flow((Stage(ModelType.SKLEARN, "model.pkl", **{place: processor}),))
    report = compile_flow(tmp_path, flow, Inputs(MATRIX, 3))
    assert not report.used
    assert "without processors" in report.reason


def test_a_missing_converter_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = forest(tmp_path)
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    report = refusal(tmp_path, flow)
    assert 'pip install "modelcote[compile]"' in report.reason


@pytest.mark.parametrize("name", ["onnx", "onnxruntime", "skl2onnx"])
def test_a_converter_that_cannot_be_imported_leaves_the_model_as_it_is(name: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken" / name
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise RuntimeError('the generated code is newer than protobuf')\n")
    flow = pickled(tmp_path, ModelType.SKLEARN, LinearRegression().fit(*WINE))
    done = build_step(tmp_path, flow, PYTHONPATH=str(broken.parent))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)["answer"]
    assert not report["used"]
    said = f"the converter is installed here but cannot be imported: {name}: RuntimeError: the generated code is newer"
    assert report["reason"].startswith(said)


def test_an_original_too_slow_to_be_compared_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equality_gate, "_PATIENCE_S", 0.0)
    report = refusal(tmp_path, forest(tmp_path))
    assert report.reason.startswith("the original is too slow to be compared: ")
    assert not (tmp_path / COMPILED).exists()


def test_scores_behind_equal_labels_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = pickled(tmp_path, ModelType.SKLEARN, RidgeClassifier().fit(*WINE))
    assert compiled(tmp_path, flow)[1].used
    exact = linear._weighted_sums

    def doubled(graph: Any, model: Any) -> Any:
        weights, sums = exact(graph, model)
        return weights, graph.add("Mul", sums, graph.constant(1.001))

    monkeypatch.setattr(linear, "_weighted_sums", doubled)
    assert "differs in its scores (by 0.001, relative)" in refusal(tmp_path, flow).reason


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    ("node", "said"),
    [
        (helper.make_node("Cast", ["a"], ["b"], to=TensorProto.FLOAT), "rounds values to float32"),
        (helper.make_node("Cast", ["a"], ["b"], to=TensorProto.DOUBLE), ""),
        (helper.make_node("Cast", ["a"], ["b"], name="modelcote_Cast", to=TensorProto.FLOAT), ""),
        (helper.make_node("Scaler", ["a"], ["b"], domain="ai.onnx.ml"), "the operator Scaler computes in float32"),
        (helper.make_node("LabelEncoder", ["a"], ["b"], domain="ai.onnx.ml", keys_floats=[0.1]), "LabelEncoder"),
        (helper.make_node("LabelEncoder", ["a"], ["b"], domain="ai.onnx.ml", keys_int64s=[1]), ""),
    ],
)
def test_a_float32_in_a_graph_is_found(node: Any, said: str, inside: bool) -> None:
    graph = helper.make_graph([node], "g", [], [])
    graph = helper.make_graph([helper.make_node("Loop", [], [], body=graph)], "g", [], []) if inside else graph
    if not said:
        check_precision(graph)
        return
    with pytest.raises(Unsupported, match=said):
        check_precision(graph)


NEAR = KNeighborsClassifier(3, weights="distance")


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (NEAR, "neighbours weighted by distance or by a function"),
        (make_pipeline(StandardScaler(), NEAR), "neighbours weighted by distance or by a function"),
        (BaggingClassifier(NEAR, 2), "neighbours weighted by distance or by a function"),
        (VotingClassifier([("a", RidgeClassifier()), ("b", LogisticRegression())]), "votes of models without probab"),
        (BaggingClassifier(RidgeClassifier(), 2), "votes of models without probabilities"),
        (CalibratedClassifierCV(DecisionTreeClassifier(), method="isotonic", cv=2), "isotonic calibration"),
    ],
    ids=str,
)
def test_what_is_converted_as_something_else_is_left_alone(model: Any, said: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(*WINE)
    assert said in refusal(tmp_path, pickled(tmp_path, ModelType.SKLEARN, model)).reason


def test_neighbours_equally_far_away_are_left_alone(tmp_path: Path) -> None:
    rows, labels = np.indices((9, 9)).reshape(2, -1).T, np.arange(81) % 3
    even = pickled(tmp_path, ModelType.SKLEARN, KNeighborsClassifier().fit(rows, labels))
    assert "equally far away" in refusal(tmp_path, even).reason


def test_what_the_converter_raises_is_one_line(tmp_path: Path) -> None:
    class Odd(LinearRegression):  # type: ignore[misc]
        pass

    globals()["Odd"] = Odd
    Odd.__qualname__ = "Odd"
    flow = pickled(tmp_path, ModelType.SKLEARN, Odd().fit(*WINE))
    report = refusal(tmp_path, flow)
    assert report.reason.startswith("not compiled: ")
    assert "\n" not in report.reason


def test_a_model_for_some_numbers_only_is_left_alone(tmp_path: Path) -> None:
    from sklearn.decomposition import NMF

    model = NMF(2, init="random", random_state=0, max_iter=2000).fit(WINE[0])
    _, report = compiled(tmp_path, pickled(tmp_path, ModelType.SKLEARN_PREPROCESSOR, model))
    assert report.reason == "not compiled: a model that accepts numbers of a certain range only"


def test_an_old_compiled_form_does_not_outlive_a_refusal(tmp_path: Path) -> None:
    (tmp_path / COMPILED).write_bytes(b"old")
    flow = pickled(tmp_path, ModelType.SKLEARN_PREPROCESSOR, FunctionTransformer(np.cbrt).fit(WINE[0]))
    refusal(tmp_path, flow)
    assert not (tmp_path / COMPILED).exists()


def test_a_chain_behind_a_prediction_is_left_alone(tmp_path: Path) -> None:
    first = pickled(tmp_path, ModelType.SKLEARN, DecisionTreeRegressor().fit(*WINE))
    (tmp_path / "model.pkl").rename(tmp_path / "first.pkl")
    second = LogisticRegression().fit(np.arange(6.0).reshape(3, 2), [0, 1, 1])
    last = pickled(tmp_path, ModelType.SKLEARN, second)
    flow = Flow((Stage(first.stages[0].model_type, "first.pkl"), last.stages[0]))
    report = compile_flow(tmp_path, flow, Inputs(MATRIX, 13))
    assert not report.used


def build_step(folder: Path, flow: Flow, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / MANIFEST).write_text(json.dumps(manifest_to_dict(Manifest("model", flow))))
    command = [sys.executable, "-m", "modelcote.compile"]
    env = {**os.environ, **environment}
    return subprocess.run(command, input=json.dumps(str(folder)), capture_output=True, text=True, check=False, env=env)


def test_the_build_step_prints_one_line(tmp_path: Path) -> None:
    flow = forest(tmp_path)
    done = build_step(tmp_path, flow)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)["answer"]
    assert done.stdout.count("\n") == 1
    assert report["used"] is True
    assert report["feeds"] == [{"name": "rows", "dtype": "float64", "columns": list(range(30))}]
    assert (tmp_path / COMPILED).exists()


def test_the_build_step_answers_a_problem_for_what_cannot_load(tmp_path: Path) -> None:
    flow = Flow((Stage(ModelType.SKLEARN, "absent.pkl"),))
    done = build_step(tmp_path, flow)
    assert done.returncode == 1
    assert json.loads(done.stdout)["problem"]["code"] == "invalid_bundle"


def test_a_column_that_nothing_is_known_of_is_left_alone(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": ["good value", "bad colour"] * 5, "age": np.arange(10.0)})
    prepare = ColumnTransformer([("words", TfidfVectorizer(), "text")], remainder="passthrough")
    model = make_pipeline(prepare, LogisticRegression()).fit(frame, [0, 1] * 5)
    _, report = compiled(tmp_path, pickled(tmp_path, ModelType.SKLEARN_CLASSIFIER, model))
    assert report.reason.startswith("not compiled: the model refuses an ordinary row: ")


def test_a_sample_that_the_model_refuses_is_the_callers_to_know(tmp_path: Path) -> None:
    flow = forest(tmp_path)
    with pytest.raises(InvalidInput, match="row 0 has 2 values where the model expects 30"):
        compiled(tmp_path, flow, [[1.0, 2.0]])
