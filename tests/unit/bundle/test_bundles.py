"""Bundles: the same bytes for the same inputs, and every rule before anything is read from a stranger's."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from modelcote.bundle.inspect import inspect_bundle
from modelcote.bundle.inspectors import Artifact, inspect_artifact
from modelcote.bundle.make import make_bundle
from modelcote.bundle.read import unpack
from modelcote.core.digests import file_sha256
from modelcote.core.errors import InvalidBundle, ModelcoteError
from modelcote.core.manifest import MANIFEST, Manifest, parse_manifest
from modelcote.core.runtimes import ModelType
from modelcote.core.spec import spec_from_dict

SPEC = spec_from_dict({"name": "line", "flow": [["sklearn", "line.pkl"]], "requirements": ["nltk==3.9"]})


def bundle(folder: Path, name: str = "bundle.zip") -> Path:
    model = folder / "line.pkl"
    model.write_bytes(pickle.dumps(LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])))
    return make_bundle(SPEC, Manifest("line", SPEC.flow), {"line.pkl": model}, folder / name).path


def zipped(folder: Path, members: dict[str, bytes]) -> Path:
    path = folder / "made.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def check_onnx(data: bytes, members: set[str] = frozenset()) -> None:
    inspect_artifact(Artifact("m.onnx", data, ModelType.ONNX, members))


def manifest(kind: str = "sklearn", file: str = "line.pkl", **members: Any) -> bytes:
    return json.dumps({"name": "line", "flow": [[kind, file]], **members}).encode()


def test_a_bundle_is_the_same_for_the_same_inputs_and_comes_back_whole(tmp_path: Path) -> None:
    one, other = bundle(tmp_path), bundle(tmp_path, "again.zip")
    assert file_sha256(one) == file_sha256(other)
    inspected = inspect_bundle(one, SPEC)
    unpack(one, tmp_path / "out")
    assert inspected == parse_manifest(json.loads((tmp_path / "out" / MANIFEST).read_bytes()))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {MANIFEST, "line.pkl", "requirements.txt"}
    assert (tmp_path / "out" / "requirements.txt").read_text() == "nltk==3.9\n"


def test_a_bundle_whose_flow_is_not_the_specs_is_refused(tmp_path: Path) -> None:
    other = spec_from_dict({"name": "line", "flow": [["sklearn_classifier", "line.pkl"]]})
    with pytest.raises(InvalidBundle, match="flow"):
        inspect_bundle(bundle(tmp_path), other)


def test_trust_is_the_specs_to_give(tmp_path: Path) -> None:
    path = zipped(tmp_path, {MANIFEST: manifest(trusted=True), "line.pkl": pickle.dumps([1])})
    with pytest.raises(InvalidBundle, match="trusted"):
        inspect_bundle(path, SPEC)


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../../x", "C:x", "a\\b", "a//b", "./x", "x\x01", "x\u202e", "y" * 300]
)
def test_names_that_are_not_allowed(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path, {MANIFEST: manifest(), "line.pkl": pickle.dumps([1]), name: b"x"})
    with pytest.raises(InvalidBundle):
        inspect_bundle(path)
    with pytest.raises(InvalidBundle):
        unpack(path, tmp_path / "out")


def test_names_that_differ_in_case_only_are_one(tmp_path: Path) -> None:
    path = zipped(tmp_path, {MANIFEST: manifest(), "line.pkl": pickle.dumps([1]), "LINE.pkl": pickle.dumps([2])})
    with pytest.raises(InvalidBundle, match="twice"):
        inspect_bundle(path)


def test_a_bomb_is_refused_by_its_ratio_and_by_its_size(tmp_path: Path) -> None:
    path = zipped(tmp_path, {MANIFEST: manifest(), "line.pkl": b"\0" * 50_000_000})
    with pytest.raises(InvalidBundle, match="unpacks"):
        inspect_bundle(path)
    with pytest.raises(InvalidBundle, match="unpacks"):
        unpack(bundle(tmp_path), tmp_path / "out", max_bytes=100)


@pytest.mark.parametrize(
    ("kind", "file", "content"),
    [
        ("sklearn", "line.pkl", b""),
        ("sklearn", "line.pkl", b"text"),
        ("xgboost_regressor", "m.json", b"{}"),
        ("xgboost_regressor", "m.json", b"[" * 100_000),
        ("xgboost_regressor", "m.json", pickle.dumps([1])),
        ("onnx", "m.onnx", b"\x08\x01"),
        ("onnx", "m.onnx", pickle.dumps([1])),
    ],
)
def test_content_that_is_not_its_type(tmp_path: Path, kind: str, file: str, content: bytes) -> None:
    with pytest.raises(InvalidBundle):
        inspect_bundle(zipped(tmp_path, {MANIFEST: manifest(kind, file), file: content}))


def test_an_xgboost_model_of_the_other_kind(tmp_path: Path) -> None:
    from xgboost import XGBRegressor

    XGBRegressor(n_estimators=2).fit([[0.0], [1.0]], [0.0, 1.0]).save_model(tmp_path / "m.json")
    content = (tmp_path / "m.json").read_bytes()
    good = zipped(tmp_path, {MANIFEST: manifest("xgboost_regressor", "m.json"), "m.json": content})
    inspect_bundle(good)
    wrong = zipped(tmp_path, {MANIFEST: manifest("xgboost_classifier", "m.json"), "m.json": content})
    with pytest.raises(InvalidBundle, match="objective"):
        inspect_bundle(wrong)


def onnx_model(location: str = "") -> bytes:
    from onnx import TensorProto, helper

    tensor = helper.make_tensor("w", TensorProto.FLOAT, [2], [1.0, 2.0])
    if location:
        tensor.ClearField("float_data")
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", location
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", [x], [y], [tensor])
    made: bytes = helper.make_model(graph).SerializeToString()
    return made


def test_onnx_tensors_outside_the_bundle_are_refused() -> None:
    check_onnx(onnx_model())
    check_onnx(onnx_model("weights.bin"), {"weights.bin"})
    for location in ("weights.bin", "../weights.bin", "/etc/passwd"):
        with pytest.raises(InvalidBundle, match="keeps tensors"):
            check_onnx(onnx_model(location))


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_any_bytes_are_an_onnx_model_or_an_error_of_ours(data: bytes) -> None:
    with contextlib.suppress(InvalidBundle):
        check_onnx(data)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_a_damaged_zip_is_a_bundle_or_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, at: int, damage: bytes
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, manifest())
        archive.writestr("line.pkl", pickle.dumps([1.5] * 20))
    data = bytearray(out.getvalue())
    data[at : at + len(damage)] = damage
    path = tmp_path_factory.getbasetemp() / "damaged.zip"
    path.write_bytes(data)
    with contextlib.suppress(ModelcoteError):
        inspect_bundle(path)
