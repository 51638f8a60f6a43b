"""Errors, names, hardware, manifest and snapshot: they survive the wire unchanged."""

from __future__ import annotations

import pytest

from modelcote.core import errors
from modelcote.core.flow import parse_flow
from modelcote.core.hardware import Hardware, parse_hardware
from modelcote.core.manifest import Manifest, manifest_to_dict, parse_manifest
from modelcote.core.names import check_project_name, fit, function_name
from modelcote.core.project import project_root
from modelcote.core.snapshot import DeployedModel, Layer, Package, Snapshot, snapshot_from_json, snapshot_to_json


@pytest.mark.parametrize("code", sorted(errors.BY_CODE))
def test_an_error_comes_back_as_its_own_class(code: str) -> None:
    sent = errors.BY_CODE[code]("Something was wrong.", "Do this.", field="name")
    received = errors.from_problem(errors.to_problem(sent, "r1"))
    assert type(received) is type(sent)
    assert (received.detail, received.remedy) == (sent.detail, sent.remedy)
    assert received.extra == {"field": "name", "request_id": "r1"}


def test_every_code_is_used_once() -> None:
    assert len(errors.BY_CODE) == len(errors._tree(errors.ModelcoteError))


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    assert errors.__doc__ is not None
    for error in errors.BY_CODE.values():
        line = next(row for row in errors.__doc__.splitlines() if row.lstrip("│├└─ ").split(" ")[0] == error.__name__)
        assert error is errors.ModelcoteError or str(error.status) in line


def test_hardware_is_read_in_any_case_and_by_its_alias() -> None:
    assert parse_hardware("a100") is Hardware.AMPERE_A100


def test_two_models_never_share_a_function() -> None:
    assert function_name("dev", "a-b", "c") != function_name("dev", "a", "b-c")
    long = [function_name("s" * 30, "p" * 32, name) for name in ("model-1", "model-2")]
    assert len(set(long)) == 2
    assert all(len(name) <= 64 for name in long)
    assert fit("short", 20) == "short"


@pytest.mark.parametrize("name", ["projects", "v1", "1st", "", "a" * 33, "a/b", "..", None])
def test_a_project_cannot_shadow_a_route(name: object) -> None:
    with pytest.raises(errors.InvalidSpec):
        check_project_name(name)


def test_a_foreign_manifest_loses_what_serving_does_not_know() -> None:
    data = {
        "name": "iris",
        "flow": [["sklearn", "m.pkl", {"pre": None, "post": "top"}]],
        "processors": [{"pre": None, "post": "def top(result):\n    return result[0]\n"}],
        "hardware": "CPU",
        "api_key": "secret-canary",
    }
    manifest = parse_manifest(data)
    assert "secret-canary" not in repr(manifest)
    assert parse_manifest(manifest_to_dict(manifest)) == manifest


@pytest.mark.parametrize("data", [None, [], {"flow": [["sklearn", "m.pkl"]], "libraries": [1]}, {"flow": []}])
def test_a_broken_manifest_is_refused(data: object) -> None:
    with pytest.raises(errors.Invalid):
        parse_manifest(data)


def test_a_compiled_bundle_needs_only_the_onnx_runtime() -> None:
    flow = parse_flow([["xgboost_classifier", "m.json"]])
    assert Manifest("m", flow).runtime == "xgboost"
    assert Manifest("m", flow, compiled={"file": "compiled.onnx"}).runtime == "onnx"


def test_a_snapshot_is_the_same_whatever_the_order_of_its_rows() -> None:
    package = Package("c2hh", "packages/a.zip", ("onnx-py3.11-abc",))
    models = tuple(
        DeployedModel("default", name, 1, package, "bundles/a.zip", "00", "3.11", 1769, 60) for name in ("b", "a")
    )
    layers = (Layer("onnx-py3.11-abc", "onnx", "3.11", "layers/onnx.zip"),)
    one, other = Snapshot(models, (("default", "x"),), layers), Snapshot(models[::-1], (("default", "x"),), layers)
    assert one.digest == other.digest
    assert snapshot_to_json(snapshot_from_json(snapshot_to_json(one))) == snapshot_to_json(one)
    assert Snapshot(models).digest != one.digest


def test_the_projects_own_files_are_found() -> None:
    assert (project_root() / "runtime-images").is_dir()
