"""The whole program on the emulator: made, left alone, healed, and a model taken away."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.config import Settings, settings_to_json
from modelcote.core.errors import DeployFailed
from modelcote.core.names import function_name
from modelcote.core.snapshot import DeployedModel, Layer, Package, Snapshot
from modelcote.local.engine import LocalEngine
from modelcote.local.functions import read_definition
from modelcote.local.host.settings import ACCOUNT, HOST_VARIABLE, REGION
from modelcote.local.materialise.state import STATE, load_state
from tests.support.emulator import Emulator


def zipped(text: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("code.py", text)
    return out.getvalue()


def layer(folder: Path, runtime: str) -> Layer:
    (folder / runtime / "bin").mkdir(parents=True)
    return Layer(f"{runtime}-py3.11-0123456789ab", runtime, "3.11", str(folder / runtime))


@pytest.fixture
def engine(aws: Emulator, tmp_path: Path) -> LocalEngine:
    """An engine on an empty home; its functions have code that nobody runs."""
    archive = tmp_path / "platform.zip"
    archive.write_bytes(zipped("platform"))
    settings = Settings("local", REGION, ACCOUNT, str(archive), layer(tmp_path, "platform"))
    (tmp_path / "settings.json").write_text(settings_to_json(settings))
    environment = {**os.environ, **aws.environment, HOST_VARIABLE: "http://127.0.0.1:9"}
    return LocalEngine(tmp_path, tmp_path / "settings.json", environment)


def changed(engine: LocalEngine, before: dict[str, Any]) -> set[str]:
    """The resources that the last run made or took away."""
    after = load_state(engine.home / STATE).resources
    return {urn for urn in {*before, *after} if before.get(urn) != after.get(urn)}


def test_a_models_life_touches_its_own_resources_alone(engine: LocalEngine, aws: Emulator, tmp_path: Path) -> None:
    outputs = engine.up(Snapshot())
    before = load_state(tmp_path / STATE).resources
    code = zipped("model")
    aws.clients.s3.put_object(Bucket=outputs["bucket"], Key="packages/m.zip", Body=code)
    onnx = layer(tmp_path, "onnx")
    digest = base64.b64encode(hashlib.sha256(code).digest()).decode()
    package = Package(sha256=digest, s3_key="packages/m.zip", layers=(onnx.key,))
    model = DeployedModel("default", "m", 1, package, "bundles/m.zip", "0" * 64, "3.11", 512, 30)
    with_model = Snapshot(models=(model,), layers=(onnx,))

    assert engine.up(with_model)["url"] == outputs["url"]
    made = changed(engine, before)
    assert made
    assert all("default" in urn or "onnx" in urn for urn in made), made

    before = load_state(tmp_path / STATE).resources
    engine.up(with_model)
    assert changed(engine, before) == set()

    # Lost, as by a crash before it was written: everything is found where it is.
    (tmp_path / STATE).unlink()
    healed = engine.up(with_model)
    assert {key: healed[key] for key in ("url", "bucket", "registry_table", "deploy_queue_url")} == {
        key: outputs[key] for key in ("url", "bucket", "registry_table", "deploy_queue_url")
    }
    assert len(aws.session.client("apigatewayv2", endpoint_url=aws.url).get_apis()["Items"]) == 1
    name = function_name("local", "default", "m")
    definition = read_definition(tmp_path / "functions", name)
    assert definition is not None
    served = definition.resolve("live")
    assert served is not None
    assert (served.memory_mb, served.timeout_s) == (512, 30)
    assert served.environment["MODELCOTE_MODEL"] == "m"

    with pytest.raises(DeployFailed, match="without a tombstone"):
        engine.up(Snapshot())
    assert read_definition(tmp_path / "functions", name) == definition

    engine.up(replace(with_model, models=(), tombstones=(("default", "m"),)))
    assert read_definition(tmp_path / "functions", name) is None
    functions = aws.session.client("lambda", endpoint_url=aws.url)
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.get_function(FunctionName=name)
