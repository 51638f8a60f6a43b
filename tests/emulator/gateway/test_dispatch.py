"""Predict through the gateway: the answer's form, the caches, and what becomes of the model's failures."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from modelcote.core.errors import InvalidInput, to_problem
from modelcote.identity import issuers, keys
from modelcote.registry import deploys, outcomes, versions
from tests.emulator.gateway.stand import FUNCTION, MODEL, PROJECT, Stand, echo
from tests.support.lambda_door import Reply, failing
from tests.support.registered import ready, running
from tests.support.specs import a_spec
from tests.support.tokens import AUDIENCE, ISSUER, pem, private_key, signed


def answers(text: str) -> Any:
    return lambda _: (200, {}, text.encode())


def test_the_answer(stand: Stand) -> None:
    status, headers, body = stand.send(b"[[1.10, null],[3,4]]")
    assert set(body) == {"result", "run_id", "run_time_ms", "prediction_ids"}
    assert (status, body["result"], body["run_time_ms"]) == (200, [[1.1, None], [3, 4]], 0.5)
    run_id, *points = ids = [uuid.UUID(one) for one in [body["run_id"], *body["prediction_ids"]]]
    assert len(set(ids)) == 3
    assert run_id.version == 7
    assert {one.version for one in points} == {4}
    assert {one.variant for one in ids} == {uuid.RFC_4122}
    assert headers["content-type"] == "application/json"
    assert headers["x-request-id"]


def test_the_models_event_holds_the_body_as_it_was_sent(stand: Stand) -> None:
    _, _, body = stand.send(b' [[1.10,  "\\u00e9"]]\n')
    ((path, _, payload),) = stand.door.seen
    assert path == f"/2015-03-31/functions/{FUNCTION}/invocations?Qualifier=live"
    head = b'{"data": [[1.10,  "\\u00e9"]]\n,"run_id":"' + body["run_id"].encode() + b'","store":'
    assert payload.startswith(head)
    # Where the model's function leaves what takes longer than ten seconds.
    key = f"detached/demo/iris/{body['run_id']}/1"
    assert json.loads(payload)["store"] == {"key": key, "keep_days": 7, "after_s": 10.0}


@pytest.mark.parametrize("path", ["/v1/demo/iris/predict", "/v3/demo/iris/predict", "/stage/v1/demo/iris/predict"])
def test_paths(stand: Stand, path: str) -> None:
    assert stand.send(path=path)[0] == 200


def test_content_types(stand: Stand) -> None:
    for kind in (None, "application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.x+json"):
        assert stand.send(headers={"content-type": kind})[0] == 200, kind


def test_an_object_is_one_input(stand: Stand) -> None:
    _, _, body = stand.send(b'{"text": "hello"}')
    assert body["result"] == {"text": "hello"}
    assert len(body["prediction_ids"]) == 1


def test_bearer_and_token(stand: Stand) -> None:
    assert stand.send(key=f"Bearer {stand.key}")[0] == 200
    issuers.register(stand.registry.table, PROJECT, ISSUER, AUDIENCE, pem(private_key("ES256")), ["predict"])
    assert stand.send(key="Bearer " + signed(private_key("ES256"), "ES256"))[0] == 200


@pytest.mark.parametrize(("answer", "result"), [
    ('{"points":2,"run_time_ms":1.5,"result":[7,8]}', [7, 8]),
    ('{"result":[7,8],"run_time_ms":1.5,"points":2}\n', [7, 8]),
    ('{"result": [7, 8], "run_time_ms": 1.5, "points": 2}', [7, 8]),
    ('{"points":1,"run_time_ms":1.5,"result":[{"a":1,"points":3}]}', [{"a": 1, "points": 3}]),
])  # fmt: skip
def test_the_order_in_the_models_answer_does_not_matter(stand: Stand, answer: str, result: list[Any]) -> None:
    """And points within a result are the result's own."""
    stand.door.reply = answers(answer)
    status, _, body = stand.send()
    found = (status, body["result"], body["run_time_ms"], len(body["prediction_ids"]))
    assert found == (200, result, 1.5, len(result))
    assert "points" not in body


def test_the_models_error_keeps_its_status_and_members(stand: Stand) -> None:
    problem = to_problem(InvalidInput("2 columns, 4 expected.", "Send 4.", field="data", expected=4))
    stand.door.reply = answers(json.dumps({"error": problem}))
    status, headers, body = stand.send()
    assert status == 422
    assert headers["content-type"] == "application/problem+json"
    assert {name: body[name] for name in problem} == problem
    assert body["request_id"] == headers["x-request-id"]


def test_an_answer_that_is_none_is_the_models_fault(stand: Stand) -> None:
    half = ['{"result":[1]}', '{"result":1,"run_time_ms":1,"points":"x"}']
    for answer in ("", "null", "[]", "7", "{}", "oops", *half):
        stand.door.reply = answers(answer)
        assert stand.send()[0] == 502, answer


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (failing("Sandbox.Timedout"), 504),
        (failing("Runtime.ExitError"), 502),
        ((429, {}, b"{}"), 429),
        ((500, {}, b""), 503),
        ((404, {}, b"{}"), 503),
    ],
)
def test_the_backends_failures(stand: Stand, reply: Reply, status: int) -> None:
    stand.door.reply = lambda _: reply
    got, headers, body = stand.send()
    assert (got, body["status"]) == (status, status)
    assert all((body["detail"], body["remedy"]))
    assert ("retry-after" in headers) == (status in (429, 503))
    stand.door.reply = echo
    assert stand.send()[0] == 200


def test_an_answer_too_large_for_the_way_back(stand: Stand) -> None:
    stand.door.reply = answers('{"result":["' + '"'.join(["\\"] * 1_600_000) + '"],"run_time_ms":1,"points":1}')
    assert stand.send()[0] == 413
    stand.door.reply = answers('{"result":[],"run_time_ms":1,"points":300000}')
    assert stand.send()[0] == 413


def test_registry_reads_are_kept_for_five_seconds(stand: Stand) -> None:
    assert stand.send()[0] == 200
    (key,) = keys.all_of(stand.registry.table, PROJECT)
    keys.revoke(stand.registry.table, PROJECT, key.key_id)
    stand.now = 4.9
    assert stand.send()[0] == 200
    stand.now = 5.1
    assert stand.send()[0] == 401


def test_a_new_model_answers_at_once_though_it_was_unknown(stand: Stand) -> None:
    assert stand.send(path="/v1/demo/later/predict")[0] == 404
    ready(stand.registry, "later")
    assert stand.send(path="/v1/demo/later/predict")[0] == 200


def test_a_model_that_has_no_version_yet_is_404(stand: Stand) -> None:
    versions.create(stand.registry, PROJECT, a_spec("early"))
    status, _, body = stand.send(path="/v1/demo/early/predict")
    assert (status, "serves yet" in body["detail"]) == (404, True)


def test_a_deleted_model_is_404_at_once(stand: Stand) -> None:
    assert stand.send()[0] == 200
    deploy = running(stand.registry, deploys.request(stand.registry, PROJECT, MODEL, 0, "delete"))
    stand.door.reply = lambda _: (404, {}, b"{}")
    assert stand.send()[0] == 404
    outcomes.forget(stand.registry, deploy)
    assert stand.send()[0] == 404


def test_the_log_says_who_and_how_long_but_no_secret(stand: Stand, capsys: pytest.CaptureFixture[str]) -> None:
    stand.send(b'[["private"]]')
    line = json.loads(capsys.readouterr().out.strip())
    assert (line["project"], line["model"], line["version"], line["status"]) == (PROJECT, MODEL, 1, 200)
    assert line["ms"] >= line["model_ms"] > 0
    assert stand.key.split("_", 2)[2] not in str(line)
    assert "private" not in str(line)


def test_a_fault_of_our_own_is_a_500_without_its_trace(stand: Stand, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: object) -> bytes:
        raise RuntimeError("secret detail")

    stand.gateway.invoke = broken
    status, headers, body = stand.send()
    assert status == 500
    assert "secret detail" not in json.dumps(body)
    assert body["request_id"] == headers["x-request-id"]
    assert "secret detail" in capsys.readouterr().err


def test_the_registry_out_of_reach_is_503(stand: Stand) -> None:
    stand.registry.table.client.delete_table(TableName=stand.registry.table.name)
    assert stand.send()[0] == 503
