"""Versions: none is lost, each can serve again, and no caller notices a redeploy."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path

import pytest
from sklearn.tree import DecisionTreeRegressor

from modelcote import model_type
from modelcote.core.errors import ModelcoteError
from tests.local.cloud import Cloud

pytestmark = pytest.mark.local


def constant_model(folder: Path, value: int) -> Path:
    """A regressor of one feature that answers `value` whatever it is asked."""
    path = folder / f"constant-{value}.pkl"
    path.write_bytes(pickle.dumps(DecisionTreeRegressor().fit([[0.0], [1.0]], [value, value])))
    return path


def answer_of(cloud: Cloud, name: str) -> int:
    answer = cloud.predict(name, [[1.0]])
    assert answer.status_code == 200, answer.text
    return round(answer.json()["result"][0])


def test_ten_deploys_keep_ten_versions_and_rollback_serves_an_old_one(cloud: Cloud, tmp_path: Path) -> None:
    for value in range(1, 11):
        cloud.conduit("ten", (model_type.SKLEARN, str(constant_model(tmp_path, value)))).deploy()
    versions = cloud.get("/models/ten/versions").json()["versions"]
    assert sorted(row["version"] for row in versions) == list(range(1, 11))
    states = {row["version"]: row["state"] for row in versions}
    assert states == {**dict.fromkeys(range(1, 10), "ARCHIVED"), 10: "READY"}
    assert answer_of(cloud, "ten") == 10

    cloud.finish(cloud.post("/models/ten/rollback", {"version": 3}))
    assert answer_of(cloud, "ten") == 3
    cloud.finish(cloud.post("/models/ten/rollback", {}))
    assert answer_of(cloud, "ten") != 3

    cloud.finish(cloud.delete("/models/ten"))
    assert cloud.predict("ten", [[1.0]]).status_code == 404


def test_calls_during_a_redeploy_never_fail(cloud: Cloud, tmp_path: Path) -> None:
    cloud.conduit("busy", (model_type.SKLEARN, str(constant_model(tmp_path, 1)))).deploy()
    done, seen, failures = threading.Event(), [], []

    def call() -> None:
        while not done.is_set():
            answer = cloud.predict("busy", [[1.0]])
            if answer.status_code == 200:
                seen.append(round(answer.json()["result"][0]))
            else:
                failures.append(answer.text)

    caller = threading.Thread(target=call)
    caller.start()
    try:
        for value in (2, 3, 4):
            cloud.conduit("busy", (model_type.SKLEARN, str(constant_model(tmp_path, value)))).deploy()
    finally:
        done.set()
        caller.join()
    assert failures == []
    assert seen == sorted(seen)
    assert set(seen) >= {1, 2, 3}
    assert answer_of(cloud, "busy") == 4


def test_a_version_that_cannot_be_served_leaves_the_old_one_serving(cloud: Cloud, tmp_path: Path) -> None:
    cloud.conduit("steady", (model_type.SKLEARN, str(constant_model(tmp_path, 1)))).deploy()
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("no-such-distribution-modelcote==9.9.9\n")
    flow = (model_type.SKLEARN, str(constant_model(tmp_path, 2)))
    with pytest.raises(ModelcoteError, match="no-such-distribution-modelcote"):
        cloud.conduit("steady", flow, requirements_file=str(requirements), compile=False).deploy()
    assert answer_of(cloud, "steady") == 1
