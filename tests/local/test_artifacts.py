"""Bundles that must not be served are refused at the running cloud's door, and the honest ones are not."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import pickle
import re
import zipfile
from typing import Any

import httpx
import pytest

from tests.local.cloud import Cloud
from tests.local.test_versions import constant_model
from tests.unit.bundle.test_pickles import REACHES, WRAPS, forms

pytestmark = pytest.mark.local


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], manifest: bytes | None = None) -> bytes:
    """Return a zip of these members and a manifest, by default of `m.pkl`; an empty one is left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        if manifest != b"":
            archive.writestr("conduit.json", manifest or manifest_of("sklearn", "m.pkl"))
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def manifest_of(model_type: str, file: str) -> bytes:
    flow = [[model_type, file, {"pre": None, "post": None}]]
    return json.dumps({"name": "artifact", "flow": flow, "processors": [{}]}).encode()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return constant_model(tmp_path_factory.mktemp("model"), 1).read_bytes()


def create(cloud: Cloud, sha256: str = "0" * 64, size: int = 3, flow: Any = None) -> Any:
    """Return a version that waits for its upload."""
    spec = {"name": "artifact", "flow": flow or [["sklearn", "m.pkl"]]}
    created = cloud.post("/models/artifact/versions", {"spec": spec, "bundle": {"sha256": sha256, "bytes": size}})
    assert created.status_code == 201, created.text
    return created.json()


def deploy(cloud: Cloud, bundle: bytes, *, sha256: str | None = None, flow: Any = None) -> httpx.Response:
    """Upload such a bundle, request its deploy, and return what the control API answers."""
    digest = sha256 or hashlib.sha256(bundle).hexdigest()
    created = create(cloud, digest, len(bundle), flow)
    upload = created["upload"]
    assert httpx.put(upload["url"], content=bundle, headers=upload["headers"]).status_code == 200
    return cloud.post(f"/models/artifact/versions/{created['version']}/deploy", {})


def assert_refused(answer: httpx.Response, code: str) -> None:
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == code, answer.text
    assert answer.json()["remedy"]


# Every way out of a pickle, and every way to wrap one; all pairs are tried where the inspection is tested.
@pytest.mark.parametrize(("reach", "wrap"), [*zip(REACHES.split(), itertools.cycle(WRAPS), strict=False)])
def test_pickles(cloud: Cloud, reach: str, wrap: str) -> None:
    module, _, name = reach.rpartition(".")
    assert_refused(deploy(cloud, zipped(("m.pkl", WRAPS[wrap](forms(module, name)[0])))), "unsafe_pickle")


@pytest.mark.parametrize("member", ["../m.pkl", "/m.pkl", "C:\\m.pkl", "a/../../m.pkl", "..\\m.pkl"])
def test_names_that_leave_the_folder(cloud: Cloud, member: str, good: bytes) -> None:
    assert_refused(deploy(cloud, zipped(("m.pkl", good), (member, b"x"))), "invalid_bundle")


@pytest.mark.parametrize("kind", [0o120000, 0o020000, 0o010000])
def test_links_and_devices(cloud: Cloud, kind: int) -> None:
    info = zipfile.ZipInfo("m.pkl")
    info.external_attr = (kind | 0o644) << 16
    assert_refused(deploy(cloud, zipped((info, b"/etc/passwd"))), "invalid_bundle")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicates_and_a_bomb(cloud: Cloud, good: bytes) -> None:
    assert_refused(deploy(cloud, zipped(("m.pkl", good), ("m.pkl", good))), "invalid_bundle")
    assert_refused(deploy(cloud, zipped(("m.pkl", b"\0" * 200_000_000))), "invalid_bundle")


ONE = pickle.dumps([1])
WRONG = {
    "not a zip": (b"nonsense", None),
    "empty zip": (zipped(manifest=b""), None),
    "no manifest": (zipped(("m.pkl", ONE), manifest=b""), None),
    "manifest is not json": (zipped(("m.pkl", ONE), manifest=b"{"), None),
    "file missing": (zipped(), None),
    "empty file": (zipped(("m.pkl", b"")), None),
    "text as pickle": (zipped(("m.pkl", b"hello")), None),
    "truncated pickle": (zipped(("m.pkl", pickle.dumps([1.5] * 50)[:-9])), None),
    **{
        f"{content!r} as {kind}": (zipped((file, content), manifest=manifest_of(kind, file)), [[kind, file]])
        for kind, file, content in (("onnx", "m.onnx", ONE), ("xgboost_classifier", "m.json", b"{}"))
    },
}


@pytest.mark.parametrize("case", WRONG)
def test_content_that_is_not_its_type(cloud: Cloud, case: str) -> None:
    bundle, flow = WRONG[case]
    answer = deploy(cloud, bundle, flow=flow)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] in {"invalid_bundle", "unsafe_pickle"}


def test_digest_mismatch(cloud: Cloud, good: bytes) -> None:
    assert_refused(deploy(cloud, zipped(("m.pkl", good)), sha256="0" * 64), "invalid_bundle")


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
def test_requirements(cloud: Cloud, line: str, good: bytes) -> None:
    assert deploy(cloud, zipped(("m.pkl", good), ("requirements.txt", line.encode()))).status_code == 422


def test_an_upload_with_another_signature_is_deploy(cloud: Cloud) -> None:
    upload = create(cloud)["upload"]
    signature = re.search(r"X-Amz-Signature=([0-9a-f]{64})", upload["url"])
    assert signature
    forged = upload["url"].replace(signature.group(1), signature.group(1)[::-1])
    assert httpx.put(forged, content=b"abc", headers=upload["headers"]).status_code == 403


def test_a_deploy_without_its_upload_is_a_conflict(cloud: Cloud) -> None:
    answer = cloud.post(f"/models/artifact/versions/{create(cloud)['version']}/deploy", {})
    assert answer.status_code in (409, 422)
    assert answer.json()["remedy"]
