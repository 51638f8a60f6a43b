"""The SDK's runs, both clients, through the gateway and the control API."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from modelcote import AsyncClient
from modelcote.core import errors
from modelcote.core.runs import new_run_id
from modelcote.flow.result import dumps
from modelcote.registry.records import model_key
from modelcote.sdk.client import RunHandle
from modelcote.webhooks.credentials import BasicAuth
from modelcote.webhooks.seal import unseal
from tests.contract.control.front import HOOK, MODEL, Front
from tests.contract.control.stand import PROJECT
from tests.support.runs_stand import fail

BASIC = {"kind": "basic", "username": "user", "password": "hunter2-canary"}


def test_submit_and_result(front: Front) -> None:
    with front.client() as client, front.working():
        run = client.submit(MODEL, [[1, 2]])
        assert run.accepted["state"] == "QUEUED"
        assert run.result() == [[2, 4]]
        assert run.done()
        assert run.status()["state"] == "SUCCEEDED"
        assert client.result(run.run_id) == client.handle(run.run_id).result(5) == [[2, 4]]
        (row,) = client.runs(model=MODEL, state="SUCCEEDED", since="1h")["runs"]
        assert row["run_id"] == run.run_id
        assert client.run(run.run_id, wait=1)["result"] == [[2, 4]]
        with pytest.raises(errors.Conflict):
            run.cancel()
    assert "hunter2" not in repr(run)


def test_a_run_has_the_submitted_options(front: Front) -> None:
    limits = {"queue_limit_s": 90, "run_limit_s": 12.5, "result_ttl_s": 7_200}
    with front.client() as client:
        run = client.submit(MODEL, [[1]], webhook=HOOK, webhook_auth=BASIC, idempotency_key="key-1", **limits)
        assert client.submit(MODEL, [[1]], idempotency_key="key-1").run_id == run.run_id
        with pytest.raises(errors.Invalid):
            client.submit(MODEL, [[2]], idempotency_key="key-1")
        assert client.submit(MODEL, [[1]]).run_id != client.submit(MODEL, [[1]]).run_id
        first = client.submit(MODEL, [[1]], files=[b"abc"], idempotency_key="files")
        assert client.submit(MODEL, [[1]], files=[b"abc"], idempotency_key="files").run_id == first.run_id
        with pytest.raises(errors.Invalid):
            client.submit(MODEL, [[1]], files=[b"abd"], idempotency_key="files")
    row = front.runs.run(run.run_id)
    assert row.queue_until_s - row.created_at_s == pytest.approx(90)
    assert (row.run_limit_s, row.result_ttl_s, row.webhook_url) == (12.5, 7_200, HOOK)
    assert unseal(front.runs.kms, row.webhook_auth, PROJECT, run.run_id) == BasicAuth("user", "hunter2-canary")


URLS = ("https://hooks.example.com/\r\nX-Evil: 1", "https://exämple.com/", "http://169.254.169.254/")
WRONG_OPTIONS: list[dict[str, Any]] = [
    *({"idempotency_key": key} for key in ("", "k" * 256, "a\r\nX-Evil: 1")),
    *({"webhook": url} for url in URLS),
    {"webhook_auth": BASIC},
    {"webhook": HOOK, "webhook_auth": {"kind": "digest"}},
    *({name: value} for name, value in (("queue_limit_s", -1), ("run_limit_s", 1e9), ("result_ttl_s", 0))),
]


def test_invalid_options_are_rejected(front: Front) -> None:
    for options in WRONG_OPTIONS:
        error = errors.BadRequest if "idempotency_key" in options else errors.Invalid
        with front.client() as client, pytest.raises(error) as caught:
            client.submit(MODEL, [[1]], **options)
        assert "hunter2" not in str(caught.value)
    assert front.runs.open_runs() == 0


def assert_ended(run: RunHandle, kind: type[errors.ModelcoteError], state: str) -> None:
    with pytest.raises(kind) as caught:
        run.result()
    assert not isinstance(caught.value, TimeoutError)
    assert (caught.value.extra["run_id"], caught.value.extra["state"]) == (run.run_id, state)


def test_a_run_s_own_error_is_raised(front: Front) -> None:
    front.runs.play = fail
    with front.client() as client, front.working():
        assert_ended(client.submit(MODEL, [[1]]), errors.ModelFailed, "FAILED")


def test_waiting_has_an_end(front: Front) -> None:
    with front.client() as client:
        run = client.submit(MODEL, [[1]])
        for kind, timeout in ((errors.WaitTimeout, 0.2), (TimeoutError, 0.2), (TimeoutError, 0)):
            with pytest.raises(kind):
                run.result(timeout=timeout)
        assert not run.done()
        assert run.cancel()["state"] == "CANCELED"
        assert_ended(run, errors.RunCanceled, "CANCELED")
        with pytest.raises(errors.NotFound):
            client.handle(new_run_id()).result()


@pytest.mark.parametrize("size", [300_000, 4_300_000])
def test_a_large_result_is_downloaded_and_checked(front: Front, size: int) -> None:
    front.runs.play = lambda _: dumps({"result": ["x" * size], "run_time_ms": 1.0, "points": 1})
    with front.client() as client, front.working():
        run = client.submit(MODEL, [[1]])
        assert run.result() == ["x" * size]
        assert client.result(run.run_id) == ["x" * size]
    row = front.runs.run(run.run_id)
    body = dumps({"result": ["y" * size], "run_time_ms": 1.0, "points": 1})
    front.runs.store.s3.put_object(Bucket=front.runs.store.bucket, Key=row.result_key, Body=body)
    with front.client() as client, pytest.raises(errors.BackendUnavailable):
        client.handle(run.run_id).result()


def test_predict_follows_what_became_a_run(front: Front) -> None:
    front.stand.registry.table.update(model_key(PROJECT, MODEL), {"mode": "async"})
    with front.client() as client, front.working():
        answer = client.predict(MODEL, [[1, 2], [3, 4]])
        assert set(answer) == {"result", "run_id", "run_time_ms", "prediction_ids"}
        assert (answer["result"], len(set(answer["prediction_ids"]))) == ([[2, 4], [6, 8]], 2)
        # A request with a webhook in the Conduit dialect is not followed.
        assert client.predict(MODEL, {"data": [[1]], "webhook_endpoint": HOOK})["webhook_endpoint"] == HOOK
    with front.client() as client, pytest.raises(TimeoutError):
        client.predict(MODEL, [[1]], timeout=0.1)


def test_deliveries_and_secrets(front: Front) -> None:
    with front.client("admin") as client:
        assert client.webhook_secret() == {"exists": False, "previous_until": None}
        assert all(client.rotate_webhook_secret(model).startswith("whsec_") for model in (None, MODEL))
        assert client.webhook_secret(MODEL)["exists"]
        client.delete_webhook_secret(MODEL)
        assert not client.webhook_secret(MODEL)["exists"]
        assert client.set_webhook(MODEL, HOOK, BASIC) == {"url": HOOK, "auth": "basic"} == client.webhook(MODEL)
        run = client.submit(MODEL, [[1]])
        front.runs.drain()
        assert client.deliveries()["deliveries"][0]["url"] == HOOK
        front.deliver(front.runs.run(run.run_id))
        assert client.delivery(run.run_id)["attempts"][0]["status"] == 200
        assert client.replay(run.run_id)["state"] == "PENDING"
        assert client.replay(since="1h") == {"replayed": 0}
        for wrong in ({}, {"since": "1h", "run_id": run.run_id}):
            with pytest.raises(errors.Invalid):
                client.replay(**wrong)
        client.delete_webhook(MODEL)
        with pytest.raises(errors.NotFound):
            client.webhook(MODEL)


def test_asyncio(front: Front) -> None:
    async def both() -> None:
        async with AsyncClient(front.target(), transport=front) as client:
            run = await client.submit(MODEL, [[1, 2]])
            with pytest.raises(TimeoutError):
                await run.result(timeout=0.1)
            assert not await run.done()
            many = [await client.submit(MODEL, [[value]]) for value in range(5)]
            with front.working():
                assert await run.result() == [[2, 4]]
                results = await asyncio.gather(*(each.result(30) for each in many))
            assert results == [[[2 * value]] for value in range(5)]
            assert (await run.status())["state"] == "SUCCEEDED"
            assert len((await client.runs())["runs"]) == 6
            assert (await client.run(run.run_id))["result"] == await client.result(run.run_id) == [[2, 4]]
            assert (await client.predict(MODEL, [[3]]))["result"] == [[6]]
            late = await client.submit(MODEL, [[1]])
            assert (await late.cancel())["state"] == "CANCELED"
            for again in (client.cancel_run(late.run_id), client.handle(late.run_id).cancel()):
                with pytest.raises(errors.Conflict):
                    await again

    asyncio.run(both())


class Watched(httpx.BaseTransport):
    """Remembers what is sent, and loses the server's first answers."""

    def __init__(self, front: Front, *failures: Any) -> None:
        self.front, self.failures = front, list(failures)
        self.seen: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer, failure = self.front.handle_request(request), self.failures.pop(0) if self.failures else None
        self.seen.append(request)
        if isinstance(failure, Exception):
            raise failure
        return httpx.Response(failure, json={}) if failure else answer


@pytest.mark.parametrize("failure", [httpx.ReadError("lost"), httpx.RemoteProtocolError("lost"), 500, 502, 503, 504])
def test_a_submission_whose_answer_was_lost_is_one_run(front: Front, failure: Any) -> None:
    broken = Watched(front, failure, failure)
    with front.client(transport=broken) as client:
        run = client.submit(MODEL, [[1]], files=[b"abc"])
    assert len(broken.seen) == 3
    assert len({(request.headers["idempotency-key"], request.read()) for request in broken.seen}) == 1
    assert front.runs.open_runs() == 1
    assert front.runs.run(run.run_id).state == "QUEUED"


def test_a_prediction_whose_answer_was_lost_is_not_sent_again(front: Front) -> None:
    broken = Watched(front, httpx.ReadError("lost"))
    with front.client(transport=broken) as client, pytest.raises(errors.BackendUnavailable):
        client.predict(MODEL, [[1]])
    assert len(broken.seen) == 1


def test_the_download_carries_no_key(front: Front) -> None:
    front.runs.play = lambda _: dumps({"result": ["x" * 300_000], "run_time_ms": 1.0, "points": 1})
    run, watched = front.runs.done(), Watched(front)
    with front.client(transport=watched) as client:
        client.handle(run.run_id).result()
    assert [("authorization" in request.headers) for request in watched.seen] == [True, False]
