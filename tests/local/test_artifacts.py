"""Bundles that must not be served are refused at the running cloud's door, and the honest ones are not."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.local.cloud import Cloud
from tests.local.test_versions import constant_model
from tests.unit.bundle.test_pickles import REACHES, WRAPS, forms

pytestmark = pytest.mark.local


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def manifest(model_type: str = "sklearn", file: str = "m.pkl", **members: Any) -> bytes:
    data = {
        "name": "artifact",
        "flow": [[model_type, file, {"pre": None, "post": None}]],
        "processors": [{}],
        **members,
    }
    return json.dumps(data).encode()


def deploy(cloud: Cloud, bundle: bytes, *, sha256: str | None = None, flow: Any = None, **spec: Any) -> httpx.Response:
    """Upload such a bundle, request its deploy, and return what the control API answers."""
    body = {"name": "artifact", "flow": flow or [["sklearn", "m.pkl"]], **spec}
    digest = sha256 or hashlib.sha256(bundle).hexdigest()
    created = cloud.post(
        "/models/artifact/versions", {"spec": body, "bundle": {"sha256": digest, "bytes": len(bundle)}}
    )
    assert created.status_code == 201, created.text
    upload = created.json()["upload"]
    assert httpx.put(upload["url"], content=bundle, headers=upload["headers"]).status_code == 200
    return cloud.post(f"/models/artifact/versions/{created.json()['version']}/deploy", {})


def assert_refused(answer: httpx.Response, code: str) -> None:
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == code, answer.text
    assert answer.json()["remedy"]


# Every way out of a pickle, and every way to wrap one; all pairs are tried where the inspection is tested.
@pytest.mark.parametrize(("reach", "wrap"), [*zip(REACHES.split(), itertools.cycle(WRAPS), strict=False)])
def test_pickles(cloud: Cloud, reach: str, wrap: str) -> None:
    module, _, name = reach.rpartition(".")
    members = {"conduit.json": manifest(), "m.pkl": WRAPS[wrap](forms(module, name)[0])}
    assert_refused(deploy(cloud, zipped(members)), "unsafe_pickle")


@pytest.mark.parametrize("member", ["../m.pkl", "/m.pkl", "C:\\m.pkl", "a/../../m.pkl", "..\\m.pkl"])
def test_names_that_leave_the_folder(cloud: Cloud, member: str, tmp_path: Path) -> None:
    good = constant_model(tmp_path, 1).read_bytes()
    assert_refused(deploy(cloud, zipped({"conduit.json": manifest(), "m.pkl": good, member: b"x"})), "invalid_bundle")


def special(kind: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("conduit.json", manifest())
        info = zipfile.ZipInfo("m.pkl")
        info.external_attr = (kind | 0o644) << 16
        archive.writestr(info, "/etc/passwd")
    return out.getvalue()


@pytest.mark.parametrize("kind", [0o120000, 0o020000, 0o010000])
def test_links_and_devices(cloud: Cloud, kind: int) -> None:
    assert_refused(deploy(cloud, special(kind)), "invalid_bundle")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicates(cloud: Cloud, tmp_path: Path) -> None:
    good = constant_model(tmp_path, 1).read_bytes()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("conduit.json", manifest())
        archive.writestr("m.pkl", good)
        archive.writestr("m.pkl", good)
    assert_refused(deploy(cloud, out.getvalue()), "invalid_bundle")


def test_bomb(cloud: Cloud) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conduit.json", manifest())
        archive.writestr("m.pkl", b"\0" * 200_000_000)
    assert_refused(deploy(cloud, out.getvalue()), "invalid_bundle")


WRONG = {
    "not a zip": (b"nonsense", None),
    "empty zip": (zipped({}), None),
    "no manifest": (zipped({"m.pkl": pickle.dumps([1])}), None),
    "manifest is not json": (zipped({"conduit.json": b"{", "m.pkl": pickle.dumps([1])}), None),
    "file missing": (zipped({"conduit.json": manifest()}), None),
    "empty file": (zipped({"conduit.json": manifest(), "m.pkl": b""}), None),
    "text as pickle": (zipped({"conduit.json": manifest(), "m.pkl": b"hello"}), None),
    "truncated pickle": (zipped({"conduit.json": manifest(), "m.pkl": pickle.dumps([1.5] * 50)[:-9]}), None),
    "pickle as onnx": (
        zipped({"conduit.json": manifest("onnx", "m.onnx"), "m.onnx": pickle.dumps([1])}),
        [["onnx", "m.onnx"]],
    ),
    "text as xgboost": (
        zipped({"conduit.json": manifest("xgboost_classifier", "m.json"), "m.json": b"{}"}),
        [["xgboost_classifier", "m.json"]],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_content_that_is_not_its_type(cloud: Cloud, case: str) -> None:
    bundle, flow = WRONG[case]
    answer = deploy(cloud, bundle, flow=flow)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] in {"invalid_bundle", "unsafe_pickle"}


def test_digest_mismatch(cloud: Cloud, tmp_path: Path) -> None:
    good = zipped({"conduit.json": manifest(), "m.pkl": constant_model(tmp_path, 1).read_bytes()})
    assert_refused(deploy(cloud, good, sha256="0" * 64), "invalid_bundle")


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "git+https://example.com/x.git",
        "--index-url https://example.com",
        "--extra-index-url=https://example.com",
        "-r other.txt",
        "https://example.com/x.whl",
        "x @ file:///tmp/x.whl",
        "./local",
        "/tmp/x.whl",
        "x; import os",
    ],
)
def test_requirements(cloud: Cloud, line: str, tmp_path: Path) -> None:
    members = {
        "conduit.json": manifest(),
        "m.pkl": constant_model(tmp_path, 1).read_bytes(),
        "requirements.txt": line.encode(),
    }
    assert deploy(cloud, zipped(members)).status_code == 422


def test_an_upload_with_another_signature_is_deploy(cloud: Cloud) -> None:
    spec = {"name": "artifact", "flow": [["sklearn", "m.pkl"]]}
    made = cloud.post("/models/artifact/versions", {"spec": spec, "bundle": {"sha256": "0" * 64, "bytes": 3}})
    upload = made.json()["upload"]
    signature = re.search(r"X-Amz-Signature=([0-9a-f]{64})", upload["url"])
    assert signature
    forged = upload["url"].replace(signature.group(1), signature.group(1)[::-1])
    assert httpx.put(forged, content=b"abc", headers=upload["headers"]).status_code == 403


def test_a_deploy_without_its_upload_is_a_conflict(cloud: Cloud) -> None:
    spec = {"name": "artifact", "flow": [["sklearn", "m.pkl"]]}
    made = cloud.post("/models/artifact/versions", {"spec": spec, "bundle": {"sha256": "0" * 64, "bytes": 3}})
    answer = cloud.post(f"/models/artifact/versions/{made.json()['version']}/deploy", {})
    assert answer.status_code in (409, 422)
    assert answer.json()["remedy"]
