"""What the release before stored is read by this one: a row of every kind, and a bundle, as its code wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelcote.aws.rows import Row
from modelcote.bundle.inspect import inspect_bundle
from modelcote.bundle.read import unpack
from modelcote.control.views.models import version_detail
from modelcote.core.errors import RunNotProcessed, from_problem
from modelcote.core.flow import ModelType
from modelcote.core.inputs import inputs_from_dict
from modelcote.core.snapshot import Package
from modelcote.core.target import LAMBDA, Target
from modelcote.dialects.launch.store import LaunchEndpoint
from modelcote.flow.inputs import rows
from modelcote.identity.authenticate import authenticate
from modelcote.identity.records import JwtIssuer
from modelcote.registry.records import Deploy, Model, Version
from modelcote.runs.records import Attempt, Delivery, Run

BEFORE = Path(__file__).parent / "before"
ROWS: dict[str, dict[str, Any]] = json.loads((BEFORE / "rows.json").read_text(encoding="utf-8"))
RECORDS: dict[str, type[Row]] = {
    **{"model": Model, "version": Version, "deploy": Deploy, "delivery": Delivery, "attempt": Attempt},
    **dict.fromkeys(("run_queued", "run_succeeded", "run_not_worked_off"), Run),
    **{"jwt_issuer": JwtIssuer, "launch_endpoint": LaunchEndpoint},
}


@pytest.mark.parametrize("kind", RECORDS)
def test_a_row_has_the_same_key_and_values(kind: str) -> None:
    item = ROWS[kind]
    row = RECORDS[kind].from_item(item)
    assert row.key == (item["pk"], item["sk"])
    written = json.loads(json.dumps(row.to_item()))
    assert {name: value for name, value in written.items() if name in item} == {
        name: value for name, value in item.items() if name in written
    }


def test_a_model_and_its_version() -> None:
    model = Model.from_item(ROWS["model"])
    assert (model.state, model.current_version, model.timeout_s, model.mode) == ("READY", 1, 30, "sync")
    assert model.target == Target(LAMBDA, "dev_demo_line")
    deployed_since = Model.from_item({**ROWS["model"], "backend": "toy", "address": "new"})
    assert deployed_since.target == Target("toy", "new")
    version = Version.from_item(ROWS["version"])
    assert version.package == Package("xxxxxxxx", "packages/demo/line/1/aa.zip", ("onnx-py3.11-abc",))
    assert version.compiled_report == {"used": False, "reason": "not equal"}
    assert version_detail(version).input_schema is None
    spec = version.spec
    assert (spec.name, spec.cpu, spec.timeout, spec.min_replicas) == ("line", 2, 30, 1)
    assert spec.requirements == ("nltk==3.9",)
    assert [(stage.model_type, stage.file) for stage in spec.flow.stages] == [(ModelType.SKLEARN, "line.pkl")]
    assert Deploy.from_item(ROWS["deploy"]).finished


def test_a_run() -> None:
    queued = Run.from_item(ROWS["run_queued"])
    assert (queued.target, queued.dialect, queued.open) == (Target(LAMBDA, "local_demo_iris"), "conduit", True)
    assert json.loads(queued.input)["data"] == [[1, 2]]
    run = Run.from_item(ROWS["run_succeeded"])
    assert (run.state, run.attempt, run.points) == ("SUCCEEDED", 1, 1)
    assert run.result_key == str(run.result_object(1))
    error = from_problem(Run.from_item(ROWS["run_not_worked_off"]).error)
    assert isinstance(error, RunNotProcessed)


def test_a_key_is_still_accepted() -> None:
    item = ROWS["api_key"]
    caller = authenticate(f"Bearer {item['text']}", lambda *key: item if key == (item["pk"], item["sk"]) else None)
    assert (caller.project, caller.scopes, caller.key_id) == ("demo", ("predict",), item["key_id"])


@pytest.mark.parametrize(
    ("earlier", "data", "read"),
    [
        ({"kind": "matrix"}, [[1, None]], [[1.0, None]]),
        ({"kind": "mixed"}, [["a", None]], [["a", None]]),
        ({"kind": "frame", "columns": ["x", "y"], "texts": ["y"]}, [{"y": "b", "x": 1}], [[1.0, "b"]]),
    ],
)
def test_the_inputs_of_a_manifest(earlier: dict[str, Any], data: list[Any], read: list[Any]) -> None:
    """A compiled form has nothing else that says how its requests are read."""
    stored = {"n_features": 2, "columns": [], "categories": [], "texts": [], **earlier}
    table = np.asarray(rows(data, inputs_from_dict(stored)), dtype=object)
    assert [[None if value != value else value for value in row] for row in table.tolist()] == read


def test_a_bundle(tmp_path: Path) -> None:
    version = Version.from_item(ROWS["version"])
    manifest = inspect_bundle(BEFORE / "bundle.zip", version.spec)
    assert (manifest.name, manifest.flow) == ("line", version.spec.flow)
    unpack(BEFORE / "bundle.zip", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["conduit.json", "line.pkl", "requirements.txt"]
