"""A model type and its runtime can be added from outside: two rows of tables, a runner and an inspector."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelcote import Conduit
from modelcote.bundle.inspect import inspect_bundle
from modelcote.bundle.make import make_bundle
from modelcote.bundle.versions import check_versions
from modelcote.core.errors import InvalidBundle, InvalidSpec, VersionMismatch
from modelcote.core.manifest import Manifest
from modelcote.core.runtimes import MODEL_TYPES, RUNTIMES, Library, Runtime
from modelcote.core.spec import spec_from_dict, spec_from_stored, spec_to_dict
from tests.extending.toy import ToyType

SPEC = {"name": "toy", "flow": [["line", "model.line"]]}


@pytest.fixture
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    here = "tests.extending.toy"
    row = Runtime("toy", 9, here, here, (Library("toylib", digits=1),), (".line",))
    monkeypatch.setitem(RUNTIMES, row.name, row)
    monkeypatch.setitem(MODEL_TYPES, ToyType.LINE, ToyType.LINE)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.line"
    path.write_text(json.dumps({"slope": 3.0}))
    return path


@pytest.mark.usefixtures("_toy")
def test_a_new_model_type_answers(model: Path) -> None:
    assert Conduit("toy", flow=[("LINE", str(model))]).run([[1], [2.5]]) == [3.0, 7.5]


@pytest.mark.usefixtures("_toy")
def test_its_bundle_is_inspected(model: Path, tmp_path: Path) -> None:
    spec = spec_from_dict(SPEC)
    assert spec_from_stored(spec_to_dict(spec)) == spec
    manifest = Manifest("toy", spec.flow, {"toylib": "1.9"})
    bundle = make_bundle(spec, manifest, {"model.line": model}, tmp_path / "bundle.zip")
    inspected = inspect_bundle(bundle.path, spec)
    assert (inspected, inspected.runtime, inspected.flow.compilable) == (manifest, "toy", False)
    check_versions(inspected, {"toylib": "1.2"})
    with pytest.raises(VersionMismatch, match=r"needs toylib==1\.\*, and its runtime has 2\.0"):
        check_versions(inspected, {"toylib": "2.0"})
    model.write_text("os.system('x')")
    bad = make_bundle(spec, manifest, {"model.line": model}, tmp_path / "bad.zip")
    with pytest.raises(InvalidBundle, match=r"model\.line has no slope"):
        inspect_bundle(bad.path, spec)


def test_without_its_rows_it_is_unknown() -> None:
    with pytest.raises(InvalidSpec, match="unknown model type 'line'"):
        spec_from_dict(SPEC)
