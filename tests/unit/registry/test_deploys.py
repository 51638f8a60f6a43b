"""Versions and deploys: numbers are never shared, nothing is lost, the last request is what serves."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from modelcote.core.errors import Conflict, DeployFailed, NotFound
from modelcote.core.objects import upload_key
from modelcote.registry.records import ARCHIVED, BUILDING, DELETING, FAILED, READY, SUCCEEDED, Deploy, Version
from modelcote.registry.store import Registry
from tests.support.specs import a_package, a_spec

PROJECT = "demo"


def uploaded(registry: Registry, name: str = "iris") -> Version:
    version, _ = registry.create_version(PROJECT, a_spec(name), "0" * 64, 10)
    return registry.mark_uploaded(version, "0" * 64, 10)


def requested(registry: Registry, name: str = "iris") -> Deploy:
    return registry.request_deploy(PROJECT, name, uploaded(registry, name).version, "deploy")


def built(registry: Registry, deploy: Deploy) -> Deploy:
    begun = registry.begin(PROJECT, deploy.deploy_id)
    assert begun is not None
    registry.mark_built(begun, a_package(str(deploy.version)), "onnx", {"used": True, "reason": ""})
    return begun


def ready(registry: Registry, name: str = "iris") -> Deploy:
    deploy = built(registry, requested(registry, name))
    registry.mark_ready(deploy, f"function-{name}")
    return deploy


def states(registry: Registry, name: str = "iris") -> dict[int, str]:
    return {row.version: row.state for row in registry.list_versions(PROJECT, name)}


def served(registry: Registry) -> dict[str, int]:
    return {model.name: model.version for model in registry.snapshot().models}


def messages(registry: Registry) -> list[dict[str, object]]:
    got = registry.sqs.receive_message(QueueUrl=registry.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
    return [json.loads(message["Body"]) for message in got.get("Messages", [])]


def test_versions_made_at_once_get_numbers_of_their_own(registry: Registry) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: registry.create_version(PROJECT, a_spec())[0].version, range(24)))
    assert sorted(made) == list(range(1, 25))
    assert [row.version for row in registry.list_versions(PROJECT, "iris")] == list(range(24, 0, -1))
    assert registry.projects() == [PROJECT]


def test_the_upload_url_takes_a_zip(registry: Registry) -> None:
    version, url = registry.create_version(PROJECT, a_spec())
    answer = httpx.put(url, content=b"zip", headers={"content-type": "application/zip"})
    assert answer.status_code == 200
    stored = registry.s3.get_object(Bucket=registry.bucket, Key=upload_key(PROJECT, "iris", version.version))
    assert stored["Body"].read() == b"zip"
    other = httpx.put(url.replace("iris", "other"), content=b"zip", headers={"content-type": "application/zip"})
    assert other.status_code == 403


def test_a_deploy_from_request_to_ready(registry: Registry) -> None:
    deploy = requested(registry)
    (message,) = messages(registry)
    assert message == {
        "project": PROJECT,
        "model": "iris",
        "version": 1,
        "kind": "deploy",
        "deploy_id": deploy.deploy_id,
    }
    assert served(registry) == {}
    begun = built(registry, deploy)
    assert states(registry) == {1: BUILDING}
    assert served(registry) == {"iris": 1}
    registry.mark_ready(begun, "local_demo_iris")
    model = registry.get_model(PROJECT, "iris")
    assert (model.state, model.current_version, model.function_name) == (READY, 1, "local_demo_iris")
    assert (model.runtime, model.compiled) == ("onnx", True)
    assert registry.get_version(PROJECT, "iris", 1).compiled_report == {"used": True, "reason": ""}
    assert registry.get_deploy(PROJECT, deploy.deploy_id).state == SUCCEEDED
    registry.mark_ready(begun, "local_demo_iris")  # a message that came twice
    assert registry.begin(PROJECT, deploy.deploy_id) is None


def test_ten_deploys_keep_ten_versions(registry: Registry) -> None:
    for _ in range(10):
        ready(registry)
    assert states(registry) == {**dict.fromkeys(range(1, 10), ARCHIVED), 10: READY}
    model = registry.get_model(PROJECT, "iris")
    assert (model.current_version, model.previous_version) == (10, 9)


def test_of_deploys_queued_together_the_last_is_served_and_none_is_lost(registry: Registry) -> None:
    queue = [requested(registry) for _ in range(3)]
    assert len({deploy.deploy_id for deploy in queue}) == 3
    begun = [built(registry, deploy) for deploy in queue]
    assert served(registry) == {"iris": 3}
    for deploy in begun[:2]:
        registry.mark_superseded(deploy)
    registry.mark_ready(begun[2], "f")
    assert states(registry) == {1: ARCHIVED, 2: ARCHIVED, 3: READY}
    assert registry.request_deploy(PROJECT, "iris", 1, "rollback").version == 1


def test_ready_while_a_later_deploy_waits(registry: Registry) -> None:
    first = built(registry, requested(registry))
    later = requested(registry)
    registry.mark_ready(first, "f")
    model = registry.get_model(PROJECT, "iris")
    assert (model.state, model.current_version, model.wanted_version) == ("DEPLOYING", 1, 2)
    assert served(registry) == {"iris": 1}
    registry.mark_ready(built(registry, later), "f")
    assert states(registry) == {1: ARCHIVED, 2: READY}


def test_a_failed_deploy_leaves_the_old_version_serving(registry: Registry) -> None:
    ready(registry)
    broken = requested(registry)
    begun = registry.begin(PROJECT, broken.deploy_id)
    assert begun
    registry.mark_failed(begun, DeployFailed("no wheel for x.", "Pin another."))
    assert states(registry) == {1: READY, 2: FAILED}
    model = registry.get_model(PROJECT, "iris")
    assert (model.state, model.wanted_version, model.current_version) == (READY, 1, 1)
    assert served(registry) == {"iris": 1}
    deploy = registry.get_deploy(PROJECT, broken.deploy_id)
    assert deploy.state == FAILED
    assert deploy.error is not None
    assert deploy.error["detail"] == "no wheel for x."
    with pytest.raises(Conflict):
        registry.request_deploy(PROJECT, "iris", 2, "rollback")


def test_a_first_deploy_that_fails_after_its_build(registry: Registry) -> None:
    begun = built(registry, requested(registry))
    registry.mark_failed(begun, DeployFailed("no.", "Try."))
    assert registry.get_model(PROJECT, "iris").state == FAILED
    assert served(registry) == {}


def test_a_failure_does_not_undo_a_later_request(registry: Registry) -> None:
    first = built(registry, requested(registry))
    later = requested(registry)
    registry.mark_failed(first, DeployFailed("no.", "Try."))
    assert registry.get_model(PROJECT, "iris").wanted_version == later.version
    registry.mark_ready(built(registry, later), "f")
    assert states(registry) == {1: FAILED, 2: READY}


def test_rollback_swaps_the_states(registry: Registry) -> None:
    ready(registry)
    ready(registry)
    begun = registry.begin(PROJECT, registry.request_deploy(PROJECT, "iris", 1, "rollback").deploy_id)
    assert begun
    assert served(registry) == {"iris": 1}
    registry.mark_ready(begun, "f")
    assert states(registry) == {1: READY, 2: ARCHIVED}
    assert registry.get_model(PROJECT, "iris").previous_version == 2


def test_a_failed_rollback_keeps_both_versions(registry: Registry) -> None:
    ready(registry)
    ready(registry)
    begun = registry.begin(PROJECT, registry.request_deploy(PROJECT, "iris", 1, "rollback").deploy_id)
    assert begun
    registry.mark_failed(begun, DeployFailed("no.", "Try."))
    assert states(registry) == {1: ARCHIVED, 2: READY}
    assert served(registry) == {"iris": 2}


def test_repeated_requests_are_one_deploy(registry: Registry) -> None:
    deploy = requested(registry)
    assert registry.request_deploy(PROJECT, "iris", 1, "deploy") == deploy
    assert len(messages(registry)) == 1
    registry.mark_ready(built(registry, deploy), "f")
    with pytest.raises(Conflict):
        registry.request_deploy(PROJECT, "iris", 1, "deploy")


def test_what_cannot_be_deployed(registry: Registry) -> None:
    registry.create_version(PROJECT, a_spec())
    with pytest.raises(Conflict):
        registry.request_deploy(PROJECT, "iris", 1, "deploy")
    with pytest.raises(Conflict):
        registry.request_deploy(PROJECT, "iris", 1, "rollback")
    for version, kind in ((9, "deploy"), (9, "rollback")):
        with pytest.raises(NotFound):
            registry.request_deploy(PROJECT, "iris", version, kind)
    with pytest.raises(NotFound):
        registry.request_deploy(PROJECT, "nothing", 0, "delete")
    assert messages(registry) == []


def test_deletion_from_request_to_nothing_left(registry: Registry) -> None:
    ready(registry)
    version = registry.get_version(PROJECT, "iris", 1)
    registry.s3.put_object(Bucket=registry.bucket, Key=version.bundle_key, Body=b"x")
    waiting = requested(registry)
    deletion = registry.request_deploy(PROJECT, "iris", 0, "delete")
    assert registry.request_deploy(PROJECT, "iris", 0, "delete") == deletion
    assert registry.get_model(PROJECT, "iris").state == DELETING
    snapshot = registry.snapshot()
    assert snapshot.models == ()
    assert snapshot.tombstones == ((PROJECT, "iris"),)
    with pytest.raises(Conflict):
        registry.create_version(PROJECT, a_spec())
    assert registry.begin(PROJECT, waiting.deploy_id) is None
    assert registry.get_deploy(PROJECT, waiting.deploy_id).state == FAILED

    begun = registry.begin(PROJECT, deletion.deploy_id)
    assert begun
    registry.forget(begun)
    assert registry.get_deploy(PROJECT, deletion.deploy_id).state == SUCCEEDED
    assert registry.list_models(PROJECT) == []
    assert registry.snapshot().tombstones == ()
    assert "Contents" not in registry.s3.list_objects_v2(Bucket=registry.bucket)
    assert registry.create_version(PROJECT, a_spec())[0].version == 1


def test_a_model_deleted_while_it_became_ready_stays_deleted(registry: Registry) -> None:
    begun = built(registry, requested(registry))
    registry.request_deploy(PROJECT, "iris", 0, "delete")
    registry.mark_ready(begun, "f")
    model = registry.get_model(PROJECT, "iris")
    assert (model.state, model.current_version) == (DELETING, 0)
    assert registry.get_deploy(PROJECT, begun.deploy_id).state == SUCCEEDED


def test_a_failed_deletion_may_be_asked_for_again(registry: Registry) -> None:
    ready(registry)
    first = registry.begin(PROJECT, registry.request_deploy(PROJECT, "iris", 0, "delete").deploy_id)
    assert first
    registry.mark_failed(first, DeployFailed("no.", "Try."))
    again = registry.request_deploy(PROJECT, "iris", 0, "delete")
    assert again.deploy_id != first.deploy_id
    assert registry.snapshot().tombstones == ((PROJECT, "iris"),)


def test_log_lines_in_order_and_without_a_gap(registry: Registry) -> None:
    deploy = requested(registry)
    for number in range(1, 5):
        registry.append_log(PROJECT, deploy.deploy_id, f"line {number}")
    status = registry.deploy_status(PROJECT, deploy.deploy_id)
    assert [line.text for line in status.lines] == ["line 1", "line 2", "line 3", "line 4"]
    after = registry.deploy_status(PROJECT, deploy.deploy_id, status.lines[1].n)
    assert ([line.n for line in after.lines], after.next) == ([3, 4], 4)
    assert registry.deploy_status(PROJECT, deploy.deploy_id, 4).next == 4

    registry.table.delete((f"LOG#{PROJECT}#{deploy.deploy_id}", "000002"))  # as if still on its way
    assert [line.n for line in registry.deploy_status(PROJECT, deploy.deploy_id).lines] == [1]
    with pytest.raises(NotFound):
        registry.deploy_status("other", deploy.deploy_id)
