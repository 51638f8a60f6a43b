"""Versions and deploys: numbers are never shared, nothing is lost, the last request is what serves."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from modelcote.core.errors import Conflict, DeployFailed, ModelcoteError, NotFound
from modelcote.core.objects import upload_key
from modelcote.core.target import LAMBDA, Target
from modelcote.registry import deploys, models, outcomes, snapshots, versions
from modelcote.registry.store import Registry
from tests.support.registered import PROJECT, built, finished, ready, requested, running
from tests.support.specs import a_spec

TARGET, NO = Target(LAMBDA, "f"), DeployFailed("no.", "Try.")


def refused(registry: Registry, version: int, kind: str, error: type[ModelcoteError] = Conflict) -> None:
    with pytest.raises(error):
        deploys.request(registry, PROJECT, "iris", version, kind)


def states(registry: Registry, name: str = "iris") -> dict[int, str]:
    return {row.version: row.state for row in versions.all_of(registry, PROJECT, name)}


def served(registry: Registry) -> dict[str, int]:
    return {model.name: model.version for model in snapshots.read(registry).models}


def messages(registry: Registry) -> list[dict[str, object]]:
    got = registry.sqs.receive_message(QueueUrl=registry.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
    return [json.loads(message["Body"]) for message in got.get("Messages", [])]


def test_concurrent_versions_have_their_own_numbers(registry: Registry) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: versions.create(registry, PROJECT, a_spec())[0].version, range(24)))
    assert sorted(numbers) == list(range(1, 25))
    assert [row.version for row in versions.all_of(registry, PROJECT, "iris")] == list(range(24, 0, -1))
    assert [row["sk"] for row in registry.table.query("PROJECTS")] == [PROJECT]


def test_the_upload_url_accepts_a_zip(registry: Registry) -> None:
    version, url = versions.create(registry, PROJECT, a_spec())
    for place, status in ((url, 200), (url.replace("iris", "other"), 403)):
        answer = httpx.put(place, content=b"zip", headers={"content-type": "application/zip"})
        assert answer.status_code == status
    stored = registry.s3.get_object(Bucket=registry.bucket, Key=upload_key(PROJECT, "iris", version.version))
    assert stored["Body"].read() == b"zip"


def test_a_deploy_from_request_to_ready(registry: Registry) -> None:
    deploy = requested(registry)
    (message,) = messages(registry)
    asked = {"model": "iris", "version": 1, "kind": "deploy"}
    assert message == {**asked, "project": PROJECT, "deploy_id": deploy.deploy_id}
    assert served(registry) == {}
    started = built(registry, deploy)
    assert states(registry) == {1: "BUILDING"}
    assert served(registry) == {"iris": 1}
    outcomes.mark_ready(registry, started, TARGET)
    model = models.get(registry, PROJECT, "iris")
    assert (model.state, model.current_version, model.target) == ("READY", 1, TARGET)
    assert (model.runtime, model.compiled) == ("onnx", True)
    assert versions.get(registry, PROJECT, "iris", 1).compiled_report == {"used": True, "reason": ""}
    assert deploys.get(registry, PROJECT, deploy.deploy_id).state == "SUCCEEDED"
    outcomes.mark_ready(registry, started, TARGET)  # a message delivered twice
    assert outcomes.begin(registry, PROJECT, deploy.deploy_id) is None


def test_ten_deploys_keep_ten_versions(registry: Registry) -> None:
    for _ in range(10):
        ready(registry)
    assert states(registry) == {**dict.fromkeys(range(1, 10), "ARCHIVED"), 10: "READY"}
    model = models.get(registry, PROJECT, "iris")
    assert (model.current_version, model.previous_version) == (10, 9)


def test_of_deploys_queued_together_the_last_is_served_and_none_is_lost(registry: Registry) -> None:
    queue = [requested(registry) for _ in range(3)]
    assert len({deploy.deploy_id for deploy in queue}) == 3
    started = [built(registry, deploy) for deploy in queue]
    assert served(registry) == {"iris": 3}
    for deploy in started[:2]:
        outcomes.mark_superseded(registry, deploy)
    outcomes.mark_ready(registry, started[2], TARGET)
    assert states(registry) == {1: "ARCHIVED", 2: "ARCHIVED", 3: "READY"}
    assert deploys.request(registry, PROJECT, "iris", 1, "rollback").version == 1


def test_ready_while_a_later_deploy_waits(registry: Registry) -> None:
    first = built(registry, requested(registry))
    later = requested(registry)
    outcomes.mark_ready(registry, first, TARGET)
    model = models.get(registry, PROJECT, "iris")
    assert (model.state, model.current_version, model.wanted_version) == ("DEPLOYING", 1, 2)
    assert served(registry) == {"iris": 1}
    finished(registry, later)
    assert states(registry) == {1: "ARCHIVED", 2: "READY"}


def test_a_failed_deploy_leaves_the_old_version_serving(registry: Registry) -> None:
    ready(registry)
    started = running(registry, requested(registry))
    outcomes.mark_failed(registry, started, DeployFailed("no wheel for x.", "Pin another."))
    assert states(registry) == {1: "READY", 2: "FAILED"}
    model = models.get(registry, PROJECT, "iris")
    assert (model.state, model.wanted_version, model.current_version) == ("READY", 1, 1)
    assert served(registry) == {"iris": 1}
    deploy = deploys.get(registry, PROJECT, started.deploy_id)
    assert (deploy.state, (deploy.error or {})["detail"]) == ("FAILED", "no wheel for x.")
    refused(registry, 2, "rollback")


def test_a_first_deploy_that_fails_after_its_build(registry: Registry) -> None:
    started = built(registry, requested(registry))
    outcomes.mark_failed(registry, started, NO)
    assert models.get(registry, PROJECT, "iris").state == "FAILED"
    assert served(registry) == {}


def test_a_failure_does_not_undo_a_later_request(registry: Registry) -> None:
    first = built(registry, requested(registry))
    later = requested(registry)
    outcomes.mark_failed(registry, first, NO)
    assert models.get(registry, PROJECT, "iris").wanted_version == later.version
    finished(registry, later)
    assert states(registry) == {1: "FAILED", 2: "READY"}


def test_rollback_swaps_the_states_unless_it_fails(registry: Registry) -> None:
    for _ in range(2):
        ready(registry)
    failing = running(registry, deploys.request(registry, PROJECT, "iris", 1, "rollback"))
    outcomes.mark_failed(registry, failing, NO)
    assert states(registry) == {1: "ARCHIVED", 2: "READY"}
    assert served(registry) == {"iris": 2}
    started = running(registry, deploys.request(registry, PROJECT, "iris", 1, "rollback"))
    assert served(registry) == {"iris": 1}
    outcomes.mark_ready(registry, started, TARGET)
    assert states(registry) == {1: "READY", 2: "ARCHIVED"}
    assert models.get(registry, PROJECT, "iris").previous_version == 2


def test_repeated_requests_are_one_deploy(registry: Registry) -> None:
    deploy = requested(registry)
    assert deploys.request(registry, PROJECT, "iris", 1, "deploy") == deploy
    assert len(messages(registry)) == 1
    finished(registry, deploy)
    refused(registry, 1, "deploy")


def test_what_cannot_be_deployed(registry: Registry) -> None:
    versions.create(registry, PROJECT, a_spec())
    for kind in ("deploy", "rollback"):
        refused(registry, 1, kind)
        refused(registry, 9, kind, NotFound)
    with pytest.raises(NotFound):
        deploys.request(registry, PROJECT, "nothing", 0, "delete")
    assert messages(registry) == []


def test_deletion_from_request_to_nothing_left(registry: Registry) -> None:
    ready(registry)
    version = versions.get(registry, PROJECT, "iris", 1)
    registry.s3.put_object(Bucket=registry.bucket, Key=version.bundle_key, Body=b"x")
    waiting = requested(registry)
    deletion = deploys.request(registry, PROJECT, "iris", 0, "delete")
    assert deploys.request(registry, PROJECT, "iris", 0, "delete") == deletion
    assert models.get(registry, PROJECT, "iris").state == "DELETING"
    snapshot = snapshots.read(registry)
    assert (snapshot.models, snapshot.tombstones) == ((), ((PROJECT, "iris"),))
    with pytest.raises(Conflict):
        versions.create(registry, PROJECT, a_spec())
    assert outcomes.begin(registry, PROJECT, waiting.deploy_id) is None
    assert deploys.get(registry, PROJECT, waiting.deploy_id).state == "FAILED"

    started = running(registry, deletion)
    outcomes.forget(registry, started)
    assert deploys.get(registry, PROJECT, deletion.deploy_id).state == "SUCCEEDED"
    assert models.all_of(registry, PROJECT) == []
    assert snapshots.read(registry).tombstones == ()
    assert "Contents" not in registry.s3.list_objects_v2(Bucket=registry.bucket)
    assert versions.create(registry, PROJECT, a_spec())[0].version == 1


def test_a_model_deleted_while_it_became_ready_stays_deleted(registry: Registry) -> None:
    started = built(registry, requested(registry))
    deploys.request(registry, PROJECT, "iris", 0, "delete")
    outcomes.mark_ready(registry, started, TARGET)
    model = models.get(registry, PROJECT, "iris")
    assert (model.state, model.current_version) == ("DELETING", 0)
    assert deploys.get(registry, PROJECT, started.deploy_id).state == "SUCCEEDED"


def test_a_failed_deletion_may_be_requested_again(registry: Registry) -> None:
    ready(registry)
    first = running(registry, deploys.request(registry, PROJECT, "iris", 0, "delete"))
    outcomes.mark_failed(registry, first, NO)
    again = deploys.request(registry, PROJECT, "iris", 0, "delete")
    assert again.deploy_id != first.deploy_id
    assert snapshots.read(registry).tombstones == ((PROJECT, "iris"),)


def test_log_lines_in_order_and_without_a_gap(registry: Registry) -> None:
    deploy = requested(registry)
    for number in range(1, 5):
        deploys.append_log(registry, PROJECT, deploy.deploy_id, f"line {number}")
    status = deploys.status(registry, PROJECT, deploy.deploy_id)
    assert [line.text for line in status.lines] == ["line 1", "line 2", "line 3", "line 4"]
    after = deploys.status(registry, PROJECT, deploy.deploy_id, status.lines[1].n)
    assert ([line.n for line in after.lines], after.next) == ([3, 4], 4)
    assert deploys.status(registry, PROJECT, deploy.deploy_id, 4).next == 4

    registry.table.delete((f"LOG#{PROJECT}#{deploy.deploy_id}", "000002"))  # as if still on its way
    assert [line.n for line in deploys.status(registry, PROJECT, deploy.deploy_id).lines] == [1]
    with pytest.raises(NotFound):
        deploys.status(registry, "other", deploy.deploy_id)
