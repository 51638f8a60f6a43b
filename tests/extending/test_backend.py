"""A new backend is a class and an entry in `BACKENDS`: calls, runs and deploys find it there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from modelcote.backends import BACKENDS, Backends, BackendSpec
from modelcote.core.errors import BackendUnavailable
from modelcote.core.event import answer_members
from modelcote.core.runs import FAST, RunLimits
from modelcote.core.snapshot import DeployedModel
from modelcote.core.target import Target
from modelcote.flow.result import dumps
from modelcote.registry import models, snapshots
from modelcote.registry.store import Registry
from modelcote.serving.predictor import respond
from tests.emulator.deploy.deploying import PROJECT, Stand
from tests.emulator.gateway.stand import standing
from tests.support.emulator import aws, emulator, registry
from tests.support.runs_stand import RunsStand, runs_standing

__all__ = ["aws", "emulator", "registry"]

ADDRESS = "https://toy.example/demo/iris"


class ToyBackend:
    """Answers with the address that it was called at."""

    def invoke(self, address: str, payload: bytes, timeout_s: float) -> bytes:
        return respond(lambda _: dumps(answer_members([address], 1.0, 1)), json.loads(payload))


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = BackendSpec(
        connect=ToyBackend,
        address=lambda stack, project, model: f"https://toy.example/{project}/{model}",
        log_group=lambda address: f"/toy/{address}",
        lanes=(FAST,),
    )
    monkeypatch.setitem(BACKENDS, "toy", spec)


@pytest.fixture
def stand(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunsStand]:
    with runs_standing(registry, monkeypatch) as stand:
        stand.backends = Backends()
        yield stand


def test_a_predict_call_is_answered(registry: Registry) -> None:
    with standing(registry, target=Target("toy", ADDRESS)) as stand:
        stand.gateway.invoke = Backends().invoke
        status, _, body = stand.send()
    assert (status, body["result"], stand.door.seen) == (200, [ADDRESS], [])


def test_a_run_is_answered_in_a_lane_of_the_backend(stand: RunsStand) -> None:
    run = stand.accept(target=Target("toy", ADDRESS), limits=RunLimits(3_600, 900, 86_400))
    assert (run.lane, run.target) == (FAST, Target("toy", ADDRESS))
    stand.drain()
    assert stand.result(stand.run(run.run_id)) == [ADDRESS]


def test_a_deployed_model_gets_its_address_from_the_backend(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(snapshots, "DeployedModel", partial(DeployedModel, backend="toy"))
    stand = Stand(registry, tmp_path)
    stand.request("iris")
    stand.run()
    assert models.get(registry, PROJECT, "iris").target == Target("toy", ADDRESS)


def test_a_run_on_a_backend_that_is_not_in_the_table_is_503(stand: RunsStand) -> None:
    with pytest.raises(BackendUnavailable):
        stand.accept(target=Target("other", ADDRESS))
