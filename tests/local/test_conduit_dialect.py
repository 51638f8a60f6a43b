"""A client of the Conduit REST interface deploys without changing a byte of what it sends."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.local.cloud import Cloud
from tests.local.test_versions import constant_model
from tests.support.equal import difference
from tests.support.waiting import until

pytestmark = pytest.mark.local

CANARY = "foreign-api-key-canary"


def foreign_bundle(model: Path) -> bytes:
    manifest = {
        "name": "foreign",
        "flow": [["sklearn", "model.pkl", {"pre": None, "post": "first"}]],
        "processors": [{"pre": None, "post": "def first(result):\n    return [result[0]]\n"}],
        "hardware": "CPU",
        "python_version": "3.11",
        "cpu": 2,
        "memory": 8.0,
        "version": "1.0",
        "api_key": CANARY,
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.write(model, "model.pkl")
        archive.writestr("conduit.json", json.dumps(manifest))
    return out.getvalue()


def deploy(cloud: Cloud, bundle: bytes, **fields: Any) -> tuple[str, list[str], str]:
    """The three calls of the interface: (final status, log lines, predict URL)."""
    body = {
        "name": "foreign",
        "cerebrium_version": "1.0",
        "hardware": "CPU",
        "source": "conduit",
        "cooldown": 60,
        "min_replicas": 0,
        "max_replicas": 2,
        "python_version": "3.11",
        "cpu": 2,
        "memory": 8.0,
        "force_rebuild": False,
        **fields,
    }
    with httpx.Client(headers={"Authorization": cloud.key}, timeout=60) as http:
        accepted = http.post(f"{cloud.url}/deploy", content=json.dumps(body).encode())
        assert "content-type" not in accepted.request.headers
        assert accepted.status_code == 200, accepted.text
        answer = accepted.json()
        assert {"uploadUrl", "projectId", "buildId", "internalEndpoint"} <= set(answer)
        uploaded = httpx.put(answer["uploadUrl"], content=bundle, headers={"Content-Type": "application/zip"})
        assert uploaded.status_code == 200
        assert not uploaded.content or uploaded.json() is not None

        def poll() -> Any:
            polled = http.get(f"{cloud.url}/streamBuildLogs", params={"buildId": answer["buildId"]})
            assert polled.status_code == 200, polled.text
            state = polled.json()
            assert state["logs"]
            assert all(line.endswith("\n") for line in state["logs"])
            return state

        state = until(poll, lambda state: state["status"] in ("success", "failed"))
    return state["status"], state["logs"], answer["internalEndpoint"]


def test_deploy_and_predict(cloud: Cloud, tmp_path: Path) -> None:
    status, logs, endpoint = deploy(cloud, foreign_bundle(constant_model(tmp_path, 5)))
    assert status == "success", logs
    answer = cloud.http.post(endpoint, json=[[1.0], [2.0]])
    assert answer.status_code == 200, answer.text
    assert answer.json()["result"] == [5.0]
    assert cloud.predict("foreign", [[1.0]]).json()["result"] == [5.0]
    v3 = cloud.http.post(f"{cloud.url}/v3/{cloud.project}/foreign/predict", json=[[1.0]])
    assert v3.json()["result"] == [5.0]


def test_a_foreign_key_in_the_bundle_is_dropped(cloud: Cloud, tmp_path: Path) -> None:
    status, logs, _ = deploy(cloud, foreign_bundle(constant_model(tmp_path, 6)))
    assert status == "success", logs
    assert CANARY not in "".join(logs)
    found = [path for path in cloud.home.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert found == []


def test_an_uncompiled_bundle_is_compiled_in_its_build(cloud: Cloud, tmp_path: Path) -> None:
    import pickle

    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    rows, labels = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500).fit(rows, labels)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.write(tmp_path / "model.pkl", "model.pkl")
        archive.writestr(
            "conduit.json",
            json.dumps(
                {
                    "name": "late",
                    "flow": [["sklearn_classifier", "model.pkl", {"pre": None, "post": None}]],
                    "processors": [{"pre": None, "post": None}],
                }
            ),
        )
    status, logs, endpoint = deploy(cloud, out.getvalue(), name="late")
    assert status == "success", logs
    assert cloud.get("/models/late").json()["compiled"] is True
    got = cloud.http.post(endpoint, json=rows[:5].tolist()).json()["result"]
    assert difference(got, model.predict_proba(rows[:5]).tolist()) <= 1e-5


def test_errors_keep_the_interfaces_shape(cloud: Cloud) -> None:
    bad_key = httpx.post(f"{cloud.url}/deploy", content=b"{}", headers={"Authorization": "nonsense"})
    assert bad_key.status_code == 401
    bad_name = cloud.http.post(f"{cloud.url}/deploy", content=json.dumps({"name": "NOT A NAME"}).encode())
    assert 400 <= bad_name.status_code < 500
    assert bad_name.json()["message"]
    unknown = cloud.http.get(f"{cloud.url}/streamBuildLogs", params={"buildId": "nothing"})
    assert 400 <= unknown.status_code < 500
