"""`cote` for models, runs, webhooks, keys and secrets, on the control API and the gateway in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelcote.cli.main import app
from modelcote.registry import models
from modelcote.runs.records import Webhook
from modelcote.sdk import client as sdk
from tests.contract.control.front import HOOK, MODEL, Front
from tests.contract.control.stand import PROJECT, URL
from tests.support.runs_stand import fail


class Shell:
    def run(self, *words: str, status: int = 0, typed: str | None = None) -> str:
        result = CliRunner().invoke(app, words, typed, catch_exceptions=False)
        assert result.exit_code == status, result.output
        return result.output

    def json(self, *words: str, status: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", status=status))


@pytest.fixture
def shell(front: Front, monkeypatch: pytest.MonkeyPatch) -> Shell:
    class Local(sdk.Client):
        def __init__(self, target: Any) -> None:
            super().__init__(target, transport=front)

    monkeypatch.setattr(sdk, "Client", Local)
    target = {"URL": URL, "API_KEY": front.stand.keys["admin"], "PROJECT": PROJECT}
    for name, value in {**{f"MODELCOTE_{name}": value for name, value in target.items()}, "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)
    return Shell()


def run_id_of(text: str) -> str:
    return next(line for line in text.splitlines() if len(line) == 32)


def test_runs(shell: Shell, front: Front) -> None:
    run_id = run_id_of(shell.run("predict", MODEL, "[[1, 2]]", "--async"))
    assert shell.json("runs", "show", run_id)["state"] == "QUEUED"
    assert shell.json("runs", "wait", run_id, "--timeout", "0.1", status=1)["code"] == "wait_timeout"
    front.runs.drain()
    assert shell.json("runs", "wait", run_id) == {"run_id": run_id, "result": [[2, 4]]}
    assert shell.run("runs", "wait", run_id).strip() == "[[2, 4]]"
    assert shell.json("runs", "cancel", run_id, status=1)["code"] == "conflict"
    (row,) = shell.json("runs", "ls", "--model", MODEL, "--state", "SUCCEEDED")["runs"]
    assert row["run_id"] == run_id
    assert shell.json("runs", "ls", "--since", "1h", "--limit", "1")["runs"]
    assert shell.json("runs", "ls", "--state", "NOTHING", status=1)["code"] == "invalid"
    assert run_id in shell.run("runs", "ls")
    assert "[[2, 4]]" in shell.run("runs", "show", run_id)
    other = run_id_of(shell.run("predict", MODEL, "[[1]]", "--async", "--webhook", HOOK))
    assert "canceled" in shell.run("runs", "cancel", other)
    with front.working():
        assert '"result": [[6]]' in shell.run("predict", MODEL, "[[3]]", "--async", "--wait", "--json")
    assert "--async" in shell.run("predict", MODEL, "[[3]]", "--wait", status=1)
    assert "Send null" in shell.run("predict", MODEL, "[[NaN]]", status=1)


def test_a_model_and_its_inputs(shell: Shell) -> None:
    lines = [line.split() for line in shell.run("show", MODEL).splitlines()]
    assert lines[-3:] == [
        ["column", "type", "missing"],
        ["size", "number", "null"],
        ["plan", '"pro",', '"basic"', "null"],
    ]
    assert shell.json("show", MODEL)["input_schema"]["type"] == "array"


def test_a_failed_run_says_what_was_wrong(shell: Shell, front: Front) -> None:
    front.runs.play = fail
    run = front.runs.done()
    assert "ValueError" in shell.run("runs", "wait", run.run_id, status=1)
    assert shell.json("runs", "wait", run.run_id, status=1)["code"] == "model_failed"


def test_deliveries(shell: Shell, front: Front) -> None:
    run = front.runs.done(webhook=Webhook(HOOK))
    assert front.deliver(run, 500) == "PENDING"
    assert shell.json("deliveries", "ls", "--state", "PENDING")["deliveries"][0]["run_id"] == run.run_id
    assert run.run_id in shell.run("deliveries", "ls")
    assert shell.json("deliveries", "show", run.run_id)["attempts"][0]["status"] == 500
    assert "an answer" in shell.run("deliveries", "show", run.run_id)
    assert shell.json("deliveries", "replay", run.run_id)["replays"] == 1
    front.deliver(run)
    assert shell.json("deliveries", "replay", "--since", "1h") == {"replayed": 0}
    assert shell.run("deliveries", "replay", "--since", "1h", "--state", "all").strip() == "sent again: 1"
    assert shell.json("deliveries", "replay", status=1)["field"] == "since"


def test_webhooks(shell: Shell, front: Front, tmp_path: Path) -> None:
    assert "--rotate" in shell.run("webhooks", "secret")
    secret = shell.run("webhooks", "secret", "--rotate").strip()
    assert secret.startswith("whsec_")
    assert shell.run("webhooks", "secret").strip() == "a signing secret exists"
    assert shell.json("webhooks", "secret", "--model", MODEL, "--rotate")["secret"] != secret
    assert "until" in shell.run("webhooks", "secret", "--rotate") + shell.run("webhooks", "secret")
    auth = tmp_path / "auth.json"
    auth.write_text(json.dumps({"kind": "basic", "username": "user", "password": "hunter2-canary"}))
    assert shell.json("webhooks", "set", MODEL, HOOK, "--auth-file", str(auth)) == {"url": HOOK, "auth": "basic"}
    auth.write_text('{"kind": "basic", "password": "hunter2-canary"')
    assert "hunter2" not in shell.run("webhooks", "set", MODEL, HOOK, "--auth-file", str(auth), status=1)
    assert "does not exist" in shell.run("webhooks", "set", MODEL, HOOK, "--auth-file", str(tmp_path / "x"), status=1)
    assert "https" in shell.run("webhooks", "set", MODEL, "ftp://example.com", status=1)
    shell.run("webhooks", "rm", MODEL)
    assert models.get(front.stand.registry, PROJECT, MODEL).webhook_url == ""


def test_keys_and_secrets(shell: Shell) -> None:
    key = shell.json("keys", "create", "ci", "--scope", "predict", "--scope", "deploy", "--expires-in-s", "3600")
    shell.json("keys", "revoke", key["key_id"])
    row = next(row for row in shell.json("keys", "ls")["keys"] if row["key_id"] == key["key_id"])
    line = next(line for line in shell.run("keys", "ls").splitlines() if line.startswith(key["key_id"]))
    times = [row["created_at"], row["expires_at"], row["revoked_at"]]
    assert all(times)
    assert line.split()[1:] == ["ci", "predict,", "deploy", *times]
    shell.run("secrets", "set", "TOKEN", typed="hunter2-canary\n")
    assert shell.run("secrets", "ls").split()[2] == "TOKEN"
    assert "hunter2" not in shell.run("secrets", "ls")


def test_listen_says_what_it_needs(shell: Shell) -> None:
    cert = f"--secret whsec_{'a' * 44} --tls-cert x"
    needs = {"": "secret", "--secret nonsense": "whsec_", cert: "--tls-key", f"{cert} --tls-key y": "PEM"}
    for words, message in needs.items():
        assert message in shell.run("webhooks", "listen", *words.split(), status=1)
