"""The host's HTTP side, as boto3, the emulator and the local cloud use it."""

from __future__ import annotations

import base64
import json
import signal
import socket
import threading
import urllib.request
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.local.conftest import HostProcess
from tests.emulator.local.materialising import ROLE_ARN, zipped
from tests.support.waiting import until
from tests.unit.local.hosting import define, runs


def post(url: str, body: Any) -> int:
    request = urllib.request.Request(url, data=json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=60) as response:
        return int(response.status)


def status(host: HostProcess) -> Any:
    with urllib.request.urlopen(f"{host.url}/status", timeout=60) as response:
        return json.load(response)


def test_boto3_invokes_by_name_and_alias_and_any_reference(host: HostProcess) -> None:
    define(host.home, "handlers.echo")
    answer = host.client().invoke(FunctionName="f", Qualifier="live", Payload=b'{"a": 1}', LogType="Tail")
    assert json.load(answer["Payload"]) == {"a": 1}
    assert answer["ExecutedVersion"] == "1"
    assert "FunctionError" not in answer
    assert b"REPORT RequestId" in base64.b64decode(answer["LogResult"])
    for reference in ("f:live", "arn:aws:lambda:us-east-1:000000000000:function:f", "000000000000:function:f:1"):
        assert json.load(host.client().invoke(FunctionName=reference, Payload=b"5")["Payload"]) == 5, reference


def test_an_error_is_a_function_error_and_what_is_not_there_is_not_found(host: HostProcess) -> None:
    define(host.home, "handlers.fail")
    answer = host.client().invoke(FunctionName="f", Payload=b'{"why": "x"}')
    assert answer["FunctionError"] == "Unhandled"
    told = json.load(answer["Payload"])
    assert (told["errorType"], told["errorMessage"]) == ("ValueError", "no good: x")
    with pytest.raises(host.client().exceptions.ResourceNotFoundException):
        host.client().invoke(FunctionName="nope", Payload=b"{}")


def test_a_throttled_call_is_too_many_requests(host: HostProcess) -> None:
    define(host.home, "handlers.echo", reserved=0)
    with pytest.raises(ClientError) as caught:
        host.client().invoke(FunctionName="f", Payload=b"{}")
    answer: Any = caught.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("TooManyRequestsException", 429)
    assert answer["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_a_payload_above_six_megabytes_is_refused(host: HostProcess) -> None:
    define(host.home, "handlers.echo")
    with pytest.raises(ClientError) as caught:
        host.client().invoke(FunctionName="f", Payload=json.dumps("x" * 6_300_000).encode())
    assert caught.value.response["Error"]["Code"] == "RequestTooLargeException"


def test_prewarmed_functions_answer_warm(host: HostProcess) -> None:
    define(host.home, "handlers.count")
    assert post(f"{host.url}/prewarm", {"functions": ["f"], "qualifier": "live"}) == 200
    assert [row["function"] for row in status(host)["processes"]] == ["f"]


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"POST /x HTTP/1.1\r\nContent-Length: minus\r\n\r\n",
        b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n",
        b"GET /" + b"x" * 70_000,
    ],
)
def test_bad_http_is_refused_and_the_host_lives_on(host: HostProcess, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", int(host.url.rsplit(":", 1)[1])), 60) as connection:
        connection.sendall(raw)
        assert connection.recv(1000).startswith(b"HTTP/1.1 4")
    assert status(host)["processes"] == []


def test_a_call_whose_caller_has_gone_is_not_made(host: HostProcess) -> None:
    define(host.home, "handlers.echo")
    call = b"POST /2015-03-31/functions/f/invocations?Qualifier=live HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
    with socket.create_connection(("127.0.0.1", int(host.url.rsplit(":", 1)[1])), 60) as connection:
        connection.sendall(call)
    until(lambda: any(row["init_ms"] for row in status(host)["processes"]))  # It has loaded, though no one calls.
    assert [row["calls"] for row in status(host)["processes"]] == [0]
    assert json.load(host.client().invoke(FunctionName="f", Qualifier="live", Payload=b'"next"')["Payload"]) == "next"


def emulated(host: HostProcess, name: str, timeout_s: int = 5) -> Any:
    """The function of that name on the emulator, bound to the host; its Lambda client."""
    client = host.client(endpoint=host.emulator.url)
    client.create_function(
        FunctionName=name,
        Timeout=timeout_s,
        **{"Role": ROLE_ARN, "Runtime": "python3.11", "Handler": "x.y", "Code": {"ZipFile": zipped("elsewhere")}},
        Environment={"Variables": {"MINISTACK_LAMBDA_PROXY_URL": f"{host.url}/forwarded"}},
    )
    return client


def unique() -> str:
    return f"f-{uuid.uuid4().hex[:8]}"


def test_the_emulator_forwards_calls(host: HostProcess) -> None:
    name = unique()
    define(host.home, "handlers.echo", name=name)
    answer = emulated(host, name).invoke(FunctionName=name, Payload=b'{"a": 1}')
    assert json.load(answer["Payload"]) == {"a": 1}


def test_a_timeout_keeps_its_type_through_the_emulator(host: HostProcess) -> None:
    name = unique()
    define(host.home, "handlers.nap", name=name, timeout_s=1)
    answer = emulated(host, name, 1).invoke(FunctionName=name, Payload=b'{"s": 20}')
    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"])["errorType"] == "Sandbox.Timedout"


def test_loading_does_not_count_against_the_emulators_timer(host: HostProcess, tmp_path: Path) -> None:
    name = unique()
    code = tmp_path / "code"
    code.mkdir()
    (code / "late.py").write_text("import time\ntime.sleep(2.5)\n\ndef handler(event, context):\n    return 'late'\n")
    define(host.home, "late.handler", name=name, timeout_s=2, code=str(code))
    answer = emulated(host, name, 2).invoke(FunctionName=name, Payload=b"{}")
    assert json.load(answer["Payload"]) == "late"


def test_an_asynchronous_call_is_passed_on_to_the_emulator(host: HostProcess, tmp_path: Path) -> None:
    name, inside = unique(), tmp_path / "inside"
    (release := tmp_path / "release").touch()
    define(host.home, "handlers.hold", name=name)
    emulated(host, name)
    event = json.dumps({"inside": str(inside), "release": str(release)}).encode()
    assert host.client().invoke(FunctionName=name, InvocationType="Event", Payload=event)["StatusCode"] == 202
    until(inside.exists)


def test_output_reaches_cloudwatch_logs(host: HostProcess) -> None:
    name = unique()
    define(host.home, "handlers.chatter", name=name)
    host.client().invoke(FunctionName=name, Payload=b"{}")
    logs = host.client("logs", host.emulator.url)

    def read() -> list[str]:
        with suppress(logs.exceptions.ResourceNotFoundException):
            return [row["message"] for row in logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]]
        return []

    messages = until(read, lambda lines: len(lines) >= 5)
    assert [message.split()[0] for message in messages] == ["START", "one", "another", "END", "REPORT"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left_when_the_host_ends(host: HostProcess, number: signal.Signals) -> None:
    define(host.home, "handlers.whoami")
    define(host.home, "handlers.nap", name="busy", timeout_s=60)
    pid = json.load(host.client().invoke(FunctionName="f", Payload=b"{}")["Payload"])["pid"]
    caller = threading.Thread(target=_ignore, args=(host, "busy", b'{"s": 60}'))
    caller.start()
    busy = until(lambda: [row["pid"] for row in status(host)["processes"] if row["busy"]])
    host.process.send_signal(number)
    host.process.wait(60)
    caller.join(60)
    until(lambda: [one for one in (pid, *busy) if runs(one)], lambda left: not left)


def _ignore(host: HostProcess, name: str, payload: bytes) -> None:
    from botocore.exceptions import BotoCoreError

    with pytest.raises((BotoCoreError, ClientError)):
        answer = host.client().invoke(FunctionName=name, Payload=payload)
        raise ClientError({"Error": {"Code": answer.get("FunctionError", "")}}, "Invoke")
