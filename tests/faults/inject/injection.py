"""Faults in the AWS calls of this process, as the plan has them. Standard library, and what the function has.

The plan is a folder: `plan.json` (jobs and their faults), `runs/<run id>` (the number of its job), `claims/` (one
file for each time a fault has struck), `calls` and `struck` (one line each), `history` (one line for each terminal
state written, and for each webhook attempt recorded).
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

_FOLDER = Path(os.environ["FAULTS_FOLDER"])
_ROLE = os.environ["FAULTS_ROLE"]
_RUN = re.compile(rb"(?<![0-9a-f])[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}(?![0-9a-f])")
_JOB = re.compile(rb'"job\\*":\s*(\d+)')
_STATE = re.compile(rb'":state":\s*\{"S":\s*"(\w+)"\}')
_TOKEN = re.compile(rb'"ClientRequestToken":\s*"([^"]+)"')
_SKEW_S = float(os.environ.get("FAULTS_SKEW_S", "0"))
_THROTTLES = {
    "dynamodb": (400, b'{"__type":"ProvisionedThroughputExceededException","message":"slow down"}'),
    "lambda": (429, b'{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","message":"busy"}'),
}
_plan: dict[int, Any] = {}


class Lost(ConnectionError):
    """The answer did not come."""


def _note(name: str, text: bytes = b".") -> None:
    descriptor = os.open(_FOLDER / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, text)
    finally:
        os.close(descriptor)


def _run_of(text: bytes) -> str:
    found = _RUN.search(text)
    return found[0].decode() if found else ""


def _job_of(run_id: str, text: bytes) -> int | None:
    known = _FOLDER / "runs" / run_id
    if known.exists():
        return int(known.read_text())
    found = _JOB.search(text) if _ROLE == "gateway" else None
    if found is None:
        return None
    temporary = known.with_name(f".{run_id}.{os.getpid()}")
    temporary.write_bytes(found[1])
    temporary.replace(known)
    return int(found[1])


def _claim(job: int, number: int, times: int) -> bool:
    for n in range(times):
        try:
            os.close(os.open(_FOLDER / "claims" / f"{job}-{number}-{n}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        return True
    return False


def _faults(point: str, text: bytes) -> list[tuple[str, int]]:
    """The faults that strike at this call, each with its number of times."""
    if not _plan:
        _plan.update({row["number"]: row for row in json.loads((_FOLDER / "plan.json").read_text())})
    run_id = _run_of(text)
    job = _job_of(run_id, text) if run_id else None
    if job is None:
        return []
    _note("calls", point.encode() + b"\n")
    rows = enumerate(_plan[job]["faults"])
    struck = [
        (fault["kind"], fault["times"])
        for number, fault in rows
        # Copies and lateness are of one message; everything else may strike as often as its number says.
        if fault["point"] == point and _claim(job, number, 1 if fault["kind"] in ("copies", "late") else fault["times"])
    ]
    for kind, _ in struck:
        _note("struck", f"{point}: {kind}\n".encode())
    return struck


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _call(service: str, operation: str, text: bytes, make: Any, fake: Any, change: Any, cut: Any) -> Any:
    """Makes the call as the plan has it. `make(text)` makes it, `fake(status, body)` makes up an answer."""
    kinds = dict(_faults(f"{_ROLE} {service}.{operation}", text))
    if "kill before" in kinds:
        _kill()
    if "slow" in kinds:
        time.sleep(0.7)
    if "throttle" in kinds:
        return fake(*_THROTTLES.get(service, (503, b"<Error><Code>SlowDown</Code></Error>")))
    if "error" in kinds:
        return fake(500, b'{"__type":"InternalServerError","message":"down"}')
    answer = make(change(text, kinds) if kinds.keys() & {"late"} else text)
    for _ in range(kinds.get("copies", 1) - 1):
        make(text)
    if operation == "TransactWriteItems" and b"ended_at_s" in text and cut.status(answer) == 200:
        found, token = _STATE.search(text), _TOKEN.search(text)
        if found:
            # One token is one transaction, however often it was sent.
            line = {"run": _run_of(text), "state": found[1].decode(), "by": _ROLE, "token": str(token and token[1])}
            _note("history", json.dumps(line).encode() + b"\n")
    if "kill after" in kinds:
        _kill()
    if "lose" in kinds:
        cut.close()
        raise Lost("the answer was lost")
    return cut(answer) if "truncate" in kinds else answer


def _later(text: bytes, kinds: Any) -> bytes:
    """The message with a delay of some seconds: it arrives after others that were sent later."""
    del kinds
    members = json.loads(text)
    members["DelaySeconds"] = 3
    return json.dumps(members).encode()


def install() -> None:
    if _SKEW_S and os.getpid() % 6 == 0:
        real = time.time
        time.time = lambda: real() + _SKEW_S  # type: ignore[assignment]
    _light()
    if _ROLE != "model":
        _botocore()


def _light() -> None:
    from dataclasses import replace

    from modelcote.aws.http import Answer, AwsClient

    send = AwsClient.post

    class Cut:
        def __init__(self, client: AwsClient) -> None:
            self.client = client

        def __call__(self, answer: Answer) -> Answer:
            self.client.close()
            raise Lost("the answer broke off")

        def status(self, answer: Answer) -> int:
            return answer.status

        def close(self) -> None:
            self.client.close()

    def post(self: AwsClient, post: Any, timeout_s: float) -> Answer:
        service = self.door.service
        operation = post.headers.get("x-amz-target", "").rpartition(".")[2]
        if service == "lambda":
            operation = "Invoke"
        elif service == "s3":
            operation = post.method
        text = post.body if service != "s3" else post.path.encode() + b" " + post.body[:2_000]

        def make(body: bytes) -> Answer:
            return send(self, post if service == "s3" else replace(post, body=body), timeout_s)

        def fake(status: int, body: bytes) -> Answer:
            return Answer(status, {}, body)

        return _call(service, operation, text, make, fake, _later, Cut(self))

    AwsClient.post = post  # type: ignore[method-assign]


def _botocore() -> None:
    from botocore.awsrequest import AWSResponse
    from botocore.exceptions import ConnectionClosedError
    from botocore.httpsession import URLLib3Session

    send = URLLib3Session.send

    class Raw:
        def __init__(self, body: bytes) -> None:
            self.body = body

        def stream(self, *_: Any, **__: Any) -> Any:
            yield self.body

        def read(self, *_: Any) -> bytes:
            body, self.body = self.body, b""
            return body

    def patched(self: Any, request: Any) -> Any:
        header = request.headers.get("X-Amz-Target", b"")
        target = header.decode() if isinstance(header, bytes) else header
        body = request.body or b""
        body = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else b""
        prefix, _, operation = target.partition(".")
        services = {"DynamoDB_20120810": "dynamodb", "AmazonSQS": "sqs", "AWSStepFunctions": "states"}
        service = services.get(prefix, prefix or "s3")
        text = body if target else request.url.encode()

        class Cut:
            def __call__(self, answer: Any) -> Any:
                raise ConnectionClosedError(endpoint_url=request.url)

            def status(self, answer: Any) -> int:
                return int(answer.status_code)

            def close(self) -> None:
                return

        def make(changed: bytes) -> Any:
            if target and changed != body:
                request.body = changed
                request.headers["Content-Length"] = str(len(changed))
            return send(self, request)

        def fake(status: int, content: bytes) -> Any:
            return AWSResponse(request.url, status, {"content-type": "application/json"}, Raw(content))

        try:
            return _call(service, operation or request.method, text, make, fake, _later, Cut())
        except Lost as error:
            raise ConnectionClosedError(endpoint_url=request.url, error=error) from error

    URLLib3Session.send = patched
