"""The Conduit constructor names every mistake before anything is sent; the public surface is complete."""

from __future__ import annotations

import pickle
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, PassiveAggressiveClassifier
from xgboost import XGBRegressor

import modelcote
from modelcote import Conduit, hardware, model_type, python_version
from modelcote.core.errors import InvalidBundle, InvalidInput, InvalidSpec, LocalCloudError, VersionMismatch
from modelcote.sdk.config import find_target
from tests.support.commands import run


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "line.pkl"
    path.write_bytes(pickle.dumps(LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])))
    return str(path)


def test_the_public_surface() -> None:
    names = "AsyncClient Client Conduit errors hardware model_api_request model_type python_version"
    assert sorted(modelcote.__all__) == names.split()
    assert all(getattr(modelcote, name) is not None for name in modelcote.__all__)
    assert not hasattr(modelcote, "nothing")
    assert hardware.A100 is hardware.AMPERE_A100
    assert python_version.PYTHON_3_11 == "3.11"


def no_arguments() -> None:
    return None


def four(a: Any, b: Any, c: Any, d: Any) -> Any:
    return a


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("name", name) for name in ("", "Not A Name")),
        *(("flow", flow) for flow in ([], [()], ("nonsense", "x.pkl"), (model_type.SKLEARN, "x.onnx"))),
        *(("flow", (model_type.SKLEARN, "x.pkl", {"pre": pre})) for pre in (lambda data: data, no_arguments)),
        *(("flow", (model_type.SKLEARN, "x.pkl", other)) for other in ({"before": print}, four)),
        ("flow", [(model_type.SKLEARN, "a/x.pkl"), (model_type.SKLEARN, "b/x.pkl")]),
        ("flow", (model_type.TORCH, "x.pt")),
        *(("hardware", name) for name in ("ABACUS", hardware.A10)),
        *(("cpu", 0), ("memory", 1.0), ("python_version", "3.8"), ("requirements_file", "missing.txt")),
        *(("cooldown", 0), ("min_replicas", -1), ("max_replicas", 0), ("max_replicas", 1), ("mode", "batch")),
    ],
)
def test_a_mistake_names_its_field(field: str, value: Any) -> None:
    least = {"min_replicas": 2} if (field, value) == ("max_replicas", 1) else {}
    arguments: dict[str, Any] = {"name": "line", "api_key": "k", "flow": (model_type.SKLEARN, "x.pkl"), **least}
    with pytest.raises(InvalidSpec) as caught:
        Conduit(**{**arguments, field: value})
    assert caught.value.extra["field"] == field
    assert caught.value.remedy


def test_requirements_are_read_and_checked(tmp_path: Path, model: str) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("nltk==3.9  # words\n")
    conduit = Conduit("line", "k", flow=(model_type.SKLEARN, model), requirements_file=str(file))
    assert conduit.spec.requirements == ("nltk==3.9",)
    file.write_text("-e .\n")
    with pytest.raises(InvalidSpec):
        Conduit("line", "k", flow=(model_type.SKLEARN, model), requirements_file=str(file))


def triple(result: Any) -> Any:
    return [3 * float(value) for value in result]


def test_a_flow_runs_here(model: str) -> None:
    conduit = Conduit("line", "k", flow=(model_type.SKLEARN, model, triple)).deploy(dry_run=True)
    assert conduit.run([[1.0], [2.0]]) == pytest.approx([6.0, 12.0])
    assert conduit.run(np.array([[1.0]])) == pytest.approx([6.0])
    with pytest.raises(InvalidInput):
        conduit.run([[1.0, 2.0]])


def test_a_missing_file_is_named_before_anything_is_sent() -> None:
    with pytest.raises(InvalidSpec, match=r"gone\.pkl"):
        Conduit("line", "k", flow=(model_type.SKLEARN, "gone.pkl")).load()


def test_without_a_target_the_error_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LocalCloudError) as caught:
        find_target(environment={})
    assert "cote local up" in caught.value.remedy
    with pytest.raises(InvalidSpec, match="key"):
        find_target(endpoint="https://x", environment={})
    target = find_target(environment={"MODELCOTE_URL": "https://x/", "MODELCOTE_API_KEY": "secret"})
    assert (target.url, target.project) == ("https://x", "default")
    assert "secret" not in repr(target)


@pytest.mark.parametrize(
    ("command", "absent"),
    [
        ("import modelcote", {"httpx", "rich", "orjson", "numpy", "boto3"}),
        ("from modelcote import Conduit", {"boto3", "pulumi", "fastapi", "sklearn", "xgboost", "pandas", "numpy"}),
        ("import modelcote.cli.main", {"boto3", "pulumi", "fastapi", "sklearn", "numpy", "httpx", "pandas"}),
    ],
)
def test_imports_stay_within_their_budget(command: str, absent: set[str]) -> None:
    code = f"import sys; {command}; print(' '.join(sys.modules))"
    assert not absent & set(run(sys.executable, "-c", code).stdout.split())


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("model.pkl", b"", "model.pkl is empty"),
        ("model.sav", pickle.dumps([1.5] * 99)[:-9], "model.sav is truncated"),
        ("model", pickle.dumps([1.5] * 99)[:40], "model is truncated"),
        ("model.joblib", b"<html></html>", "model.joblib is a web page or XML, not a pickle"),
        ("model.pkl.gz", b"\x1f\x8b\x08\x00", "model.pkl.gz is truncated"),
        ("model-1.2", b"cposix\nsystem\n(Vtouch executed\ntR.", "model-1.2 names posix.system"),
    ],
)
def test_a_file_is_inspected_before_it_is_loaded(
    name: str, content: bytes, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(content)
    with pytest.raises(InvalidBundle, match=said):
        Conduit("x", flow=(model_type.SKLEARN, name)).run([[1.0]])
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["m.sav", "m.joblib", "m", "m-1.2", "m.pkl.gz"])
def test_a_model_is_read_by_what_it_contains(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    joblib.dump(LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0]), path)
    assert Conduit("x", flow=(model_type.SKLEARN, str(path))).run([[3.0]]) == [pytest.approx(6.0)]


@pytest.mark.parametrize("name", ["m.json", "m.ubj", "m", "m.bst"])
def test_xgboosts_formats_are_told_apart(name: str, tmp_path: Path) -> None:
    booster = XGBRegressor(n_estimators=2).fit([[0.0], [1.0]], [0.0, 2.0]).get_booster()
    (tmp_path / name).write_bytes(booster.save_raw("json" if name == "m.json" else "ubj"))
    (value,) = Conduit("x", flow=(model_type.XGBOOST_REGRESSOR, str(tmp_path / name))).run([[1.0]])
    assert value > 1


def test_a_file_of_other_versions_is_not_loaded_here(model: str) -> None:
    path = Path(model)
    path.write_bytes(path.read_bytes().replace(b"1.9.1", b"1.2.2"))
    conduit = Conduit("line", "k", flow=(model_type.SKLEARN, model), sample=[[1.0]])
    with pytest.raises(VersionMismatch, match=r"needs scikit-learn==1\.2\.2, and this process has") as caught:
        conduit.load()
    assert "deploy" in caught.value.remedy
    manifest = conduit._prepare(Path(tempfile.mkdtemp(dir=path.parent)))
    assert (manifest.inputs, manifest.compiled, dict(manifest.libraries)) == (None, None, {})


def test_a_warning_that_a_class_will_go_is_not_about_the_file(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = PassiveAggressiveClassifier(random_state=0).fit([[0.0], [1.0]], [0, 1])
    path = tmp_path / "passive.pkl"
    path.write_bytes(pickle.dumps(fitted))
    assert Conduit("passive", flow=(model_type.SKLEARN, str(path))).run([[1.0]]) == [1]
