"""Callbacks that authenticate, and where their secrets are not to be found."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import boto3
import pytest

from modelcote.local import cloud as local
from tests.local.cloud import CACHES, Cloud
from tests.local.waiting import ended
from tests.support.authority import Authority, der
from tests.support.receivers import Receiver
from tests.support.waiting import until


@pytest.fixture
def session(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    status = local.read(cloud.home)
    assert status
    monkeypatch.setenv("AWS_ENDPOINT_URL", status.emulator_url)
    return boto3.Session("test", "test", region_name="us-east-1")


def submit(cloud: Cloud, model: str, url: str, auth: Any = None, **headers: str) -> str:
    body = {"rows": [[1.0]], "webhook_endpoint": url, **({"webhook_auth": auth} if auth else {})}
    answered = cloud.http.post(cloud.predict_url(model), json=body, headers=headers)
    assert answered.status_code == 202, answered.text
    run_id: str = answered.json()["run_id"]
    return run_id


def test_a_receiver_that_demands_a_client_certificate(cloud: Cloud, runner: str, authority: Authority) -> None:
    cert, key = authority.issue("caller", client=True)
    with Receiver(tls=authority.server("127.0.0.1", ask_client=True)) as receiver:
        submit(cloud, runner, receiver.url, {"kind": "mtls", "cert": cert, "key": key})
        without = submit(cloud, runner, receiver.url)
        until(lambda: list(receiver.seen), bool)
        refused = until(lambda: cloud.get(f"/deliveries/{without}").json(), lambda row: bool(row.get("attempts")))
    assert [seen.peer_certificate for seen in receiver.seen] == [der(cert)]
    assert refused["state"] == "PENDING"


def test_the_models_own_credentials_and_a_runs_own(cloud: Cloud, runner: str) -> None:
    with Receiver() as receiver:
        auth = {"kind": "basic", "username": "model", "password": "one"}
        path = f"/models/{runner}/webhook"
        put = cloud.http.put(cloud.control(path), json={"url": receiver.url, "auth": auth})
        assert put.json() == {"url": receiver.url, "auth": "basic"}
        time.sleep(CACHES["registry_cache_s"])  # The gateway knows a model as it was at most so long ago.
        try:
            headers = {"Prefer": "respond-async", "x-modelcote-run-limit": "20"}
            cloud.http.post(cloud.predict_url(runner), json=[[1.0]], headers=headers)
            until(lambda: list(receiver.seen), bool)
            submit(cloud, runner, receiver.url, {"kind": "basic", "username": "run", "password": "two"})
            until(lambda: len(receiver.seen), lambda number: number == 2)
        finally:
            assert cloud.delete(path).status_code == 204
    assert [seen.headers["authorization"] for seen in receiver.seen] == [
        "Basic " + base64.b64encode(text).decode() for text in (b"model:one", b"run:two")
    ]


def test_no_secret_is_anywhere_to_be_read(
    cloud: Cloud, runner: str, authority: Authority, session: boto3.Session
) -> None:
    """Canaries in queues, execution histories, logs, rows and answers."""
    started = int(time.time() * 1000) - 1_000
    secret = cloud.post("/webhooks/secret/rotate", {}).json()["secret"]
    cert, key = authority.issue("caller", client=True)
    auths = [{"kind": "basic", "username": "u", "password": "canary-pass-8472"}]
    auths.append({"kind": "mtls", "cert": cert, "key": key})
    canaries = ["canary-pass-8472", secret.removeprefix("whsec_"), key.splitlines()[1]]
    # The queues give their messages to the test rather than to the functions, for as long as it looks.
    sources = session.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    _switch(session, sources, on=False)
    try:
        with Receiver(tls=authority.server("127.0.0.1", ask_client=True)) as receiver:
            runs = [
                submit(cloud, runner, receiver.url, auth, **limit)
                for auth in auths
                for limit in ({"x-modelcote-run-limit": "20"}, {})
            ]
            messages = _peek(session, "runs", len(runs))
            _switch(session, sources, on=True)
            for run_id in runs:
                assert ended(cloud, run_id)["state"] == "SUCCEEDED"
            until(lambda: len(receiver.seen), lambda number: number >= 2)
            paths = ["/runs", "/deliveries", "/webhooks/secret", f"/models/{runner}", "/models"]
            paths += [f"/{kind}/{run_id}" for run_id in runs for kind in ("runs", "deliveries")]
            files = list((cloud.home / "logs").rglob("*"))
            places = {
                "messages": messages,
                "executions": _executions(session),
                "answers": [cloud.get(path).text for path in paths],
                "logs": _logs(session, started),
                "files": [path.read_text(errors="replace") for path in files if path.is_file()],
                "runs table": session.client("dynamodb").scan(TableName="modelcote-local-runs")["Items"],
            }
    finally:
        _switch(session, sources, on=True)
    assert len(places["messages"]) == len(runs)
    assert places["executions"]
    assert places["logs"]
    for name, texts in places.items():
        for canary in canaries:
            assert canary not in json.dumps(texts, default=str), name


def _switch(session: boto3.Session, sources: list[Any], *, on: bool) -> None:
    for source in sources:
        session.client("lambda").update_event_source_mapping(UUID=source["UUID"], Enabled=on)
    time.sleep(0 if on else 1.5)


def _peek(session: boto3.Session, queue: str, number: int) -> list[Any]:
    sqs = session.client("sqs")
    url = sqs.get_queue_url(QueueName=f"modelcote-local-{queue}")["QueueUrl"]
    found: dict[str, Any] = {}
    for _ in range(20):
        answered = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=1, MessageAttributeNames=["All"], WaitTimeSeconds=1
        )
        found.update({message["MessageId"]: message for message in answered.get("Messages", [])})
        if len(found) >= number:
            break
    return list(found.values())


def _executions(session: boto3.Session) -> list[Any]:
    states = session.client("stepfunctions")
    (machine,) = states.list_state_machines()["stateMachines"]
    arns = [
        row["executionArn"] for row in states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
    ]
    return [
        [states.describe_execution(executionArn=arn), states.get_execution_history(executionArn=arn)["events"]]
        for arn in arns
    ]


def _logs(session: boto3.Session, since_ms: int) -> list[str]:
    logs = session.client("logs")
    return [
        event["message"]
        for group in logs.describe_log_groups()["logGroups"]
        for event in logs.filter_log_events(logGroupName=group["logGroupName"], startTime=since_ms)["events"]
    ]
