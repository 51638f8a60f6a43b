"""Deliveries on the emulator, to real receivers: what is sent, when again, and when no more."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook as Verifier

from modelcote.core.policy import DAY
from modelcote.core.runs import CANCELED, FAILED
from modelcote.runs.accept import accept
from modelcote.runs.cancel import cancel
from modelcote.runs.listing import attempts
from modelcote.runs.records import DELIVERED, PENDING, Webhook
from modelcote.webhooks.credentials import BasicAuth, MtlsAuth
from modelcote.webhooks.deliver import Deliverer
from modelcote.webhooks.seal import seal, unseal
from tests.emulator.webhooks.delivering import delivered, delivery_of, ended, make_deliverer
from tests.support.authority import Authority, der
from tests.support.receivers import Receiver, answer
from tests.support.runs_stand import MODEL, PROJECT, RunsStand, fail


def test_a_delivery_is_signed_and_made_once(stand: RunsStand, deliverer: Deliverer) -> None:
    with Receiver(lambda _: answer(204)) as receiver:
        run = ended(stand, receiver.url, [[1, 2]])
        secret = deliverer.secrets.rotate(PROJECT)
        assert deliverer.attempt(PROJECT, run.run_id) == DELIVERED
        assert deliverer.attempt(PROJECT, run.run_id) == DELIVERED
    (seen,) = receiver.seen
    body = Verifier(secret).verify(seen.body, dict(seen.headers))
    assert body["type"] == seen.headers["modelcote-event"] == "run.succeeded"
    assert body["data"]["result"] == [[2, 4]]
    assert seen.headers["webhook-id"] == f"msg_{run.run_id}"
    (attempt,) = attempts(stand.store, delivery_of(stand, run))
    assert (attempt.number, attempt.status, attempt.answer, attempt.error) == (1, 204, "", "")


def test_the_conduit_shape(stand: RunsStand, deliverer: Deliverer) -> None:
    run, seen = delivered(stand, deliverer, [[1]], dialect="conduit")
    told = {"run_id": run.run_id, "message": f"Finished inference request with run_id: `{run.run_id}`"}
    assert json.loads(seen.body) == {**told, "result": [[2]], "status_code": 200, "run_time_ms": 1.5}


def test_the_launch_shape(stand: RunsStand, deliverer: Deliverer) -> None:
    stand.play = lambda _: b'{"result":[7],"run_time_ms":1.0,"points":1}'
    run, seen = delivered(stand, deliverer, dialect="launch")
    assert json.loads(seen.body) == {"task_id": run.run_id, "result": 7}


@pytest.mark.parametrize("dialect", ["native", "conduit", "launch"])
def test_a_failure_is_told_too(stand: RunsStand, deliverer: Deliverer, dialect: str) -> None:
    stand.play = fail
    run, seen = delivered(stand, deliverer, dialect=dialect)
    assert run.state == FAILED
    assert seen.headers["modelcote-event"] == "run.failed"
    body = json.loads(seen.body)
    told = {
        "native": lambda: body["data"]["error"]["detail"],
        "conduit": lambda: body["result"]["error"]["detail"] if body["status_code"] == 422 else "",
        "launch": lambda: body["traceback"] if body["status"] == "FAILURE" else "",
    }[dialect]()
    assert "ValueError: no" in told


def test_cancel_is_told(stand: RunsStand, deliverer: Deliverer) -> None:
    with Receiver() as receiver:
        run = stand.accept(webhook=Webhook(receiver.url))
        cancel(stand.store, stand.executions, PROJECT, run.run_id)
        deliverer.attempt(PROJECT, run.run_id)
    assert receiver.seen[0].headers["modelcote-event"] == "run.canceled"
    assert json.loads(receiver.seen[0].body)["data"]["state"] == CANCELED


def test_nothing_is_sent_before_the_end(stand: RunsStand, deliverer: Deliverer) -> None:
    with Receiver() as receiver:
        run = stand.accept(webhook=Webhook(receiver.url))
        assert deliverer.attempt(PROJECT, run.run_id) == "unknown"
    assert not receiver.connections


def test_the_outbox_is_written_with_the_end(stand: RunsStand, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker dies before it can announce: the watchdog does."""
    monkeypatch.setattr("modelcote.runs.complete._announce", lambda *_: None)
    run = ended(stand, "http://127.0.0.1:9/x")
    assert not stand.messages(stand.store.deliveries_queue)
    stand.later(61)
    assert stand.watch() == {"announced": 1}
    (record,) = stand.messages(stand.store.deliveries_queue)
    assert json.loads(record["body"]) == {"project": PROJECT, "run_id": run.run_id}


def test_rotation_signs_with_both_for_a_day(stand: RunsStand) -> None:
    first = make_deliverer(stand)
    old = first.secrets.rotate(PROJECT)
    new = first.secrets.rotate(PROJECT)
    with Receiver() as receiver:
        deliverers = [replace(first), first]
        for _ in deliverers:
            run = ended(stand, receiver.url)
            first.secrets._cache.clear()
            first.attempt(PROJECT, run.run_id)
            stand.later(DAY + 1)
    both, one = receiver.seen
    for secret in (old, new):
        Verifier(secret).verify(both.body, dict(both.headers))
    assert len(both.headers["webhook-signature"].split()) == 2
    assert len(one.headers["webhook-signature"].split()) == 1


def test_a_models_own_secret_signs_its_deliveries(stand: RunsStand, deliverer: Deliverer) -> None:
    deliverer.secrets.rotate(PROJECT)
    own = deliverer.secrets.rotate(PROJECT, MODEL)
    _, seen = delivered(stand, deliverer)
    Verifier(own).verify(seen.body, dict(seen.headers))


@pytest.mark.parametrize("dialect", ["native", "conduit", "launch"])
def test_a_large_result_goes_by_reference(stand: RunsStand, deliverer: Deliverer, dialect: str) -> None:
    run, seen = delivered(stand, deliverer, [[number] for number in range(60_000)], dialect=dialect)
    assert run.result_bytes > 256 * 1024
    body = json.loads(seen.body)
    told = body["data"] if dialect == "native" else body
    assert "result" not in told
    assert len(seen.body) < 4_000
    fetched = httpx.get(told["result_url"]).content
    assert (len(fetched), hashlib.sha256(fetched).hexdigest()) == (told["bytes"], told["sha256"])
    assert (json.loads(fetched)["result"][-1], told["content_type"]) == ([119_998], "application/json")


def test_basic_credentials_of_a_run(stand: RunsStand, deliverer: Deliverer) -> None:
    with Receiver() as receiver:
        submission = stand.submission()
        auth = seal(stand.light_kms, stand.key_arn, BasicAuth("user", "pass"), PROJECT, submission.run_id)
        assert "pass" not in auth
        run = accept(stand.light, replace(submission, webhook=Webhook(receiver.url, auth)))
        stand.drain()
        deliverer.attempt(PROJECT, run.run_id)
    assert receiver.seen[0].headers["authorization"] == "Basic " + base64.b64encode(b"user:pass").decode()


def test_what_is_sealed_for_one_run_opens_for_no_other(stand: RunsStand) -> None:
    sealed = seal(stand.light_kms, stand.key_arn, BasicAuth("user", "pass"), PROJECT, "1" * 32)
    assert unseal(stand.kms, sealed, PROJECT, "1" * 32) == BasicAuth("user", "pass")
    for project, run_id in ((PROJECT, "2" * 32), ("other", "1" * 32)):
        with pytest.raises(Exception):  # noqa: B017  KMS's own, or the text's
            unseal(stand.kms, sealed, project, run_id)


def test_the_models_own_client_certificate(stand: RunsStand, tmp_path: Path) -> None:
    authority = Authority()
    deliverer = make_deliverer(stand.with_policy(webhook_ca=str(authority.write_ca(tmp_path))))
    cert, key = authority.issue("client", client=True)
    with Receiver(tls=authority.server("127.0.0.1", ask_client=True)) as receiver:
        run = ended(stand, receiver.url, default_auth=True)
        without = ended(stand, receiver.url)
        deliverer.secrets.put_auth(PROJECT, MODEL, MtlsAuth(cert, key))
        assert deliverer.attempt(PROJECT, run.run_id) == DELIVERED
        assert deliverer.attempt(PROJECT, without.run_id) == PENDING
    assert [seen.peer_certificate for seen in receiver.seen] == [der(cert)]


def test_who_may_not_be_called_is_a_failed_attempt(stand: RunsStand) -> None:
    deliverer = make_deliverer(stand.with_policy(webhook_loopback=False, webhook_http=False))
    with Receiver() as trap:
        run = ended(stand, trap.url)
        assert deliverer.attempt(PROJECT, run.run_id) == PENDING
    assert not trap.connections
    (attempt,) = attempts(stand.store, delivery_of(stand, run))
    assert attempt.error == "invalid_url"


def test_credentials_for_the_next_receiver_do_not_go_to_the_one_before(stand: RunsStand, deliverer: Deliverer) -> None:
    with Receiver() as receiver:
        run = ended(stand, receiver.url, default_auth=True)
        deliverer.secrets.put_auth(PROJECT, MODEL, BasicAuth("user", "pass"), "https://next.example.com/hook")
        assert deliverer.attempt(PROJECT, run.run_id) == DELIVERED
    assert "authorization" not in receiver.seen[0].headers
