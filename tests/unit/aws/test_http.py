"""The signed client: the same signature as botocore's, and a connection that is kept and mended."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from modelcote.aws.http import AwsClient, Credentials, Door, Post, sign
from tests.support.emulator import free_port
from tests.support.lambda_door import Reply, lambda_door

TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


@given(
    body=st.binary(max_size=200),
    value=TEXT,
    token=st.one_of(st.just(""), TEXT),
    name=st.from_regex(r"[a-zA-Z0-9_:-]{1,20}", fullmatch=True),
)
def test_the_signature_is_botocores(body: bytes, value: str, token: str, name: str) -> None:
    at = datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC)
    path, query = f"/2015-03-31/functions/{name}/invocations", "Qualifier=live"
    headers = {"content-type": "application/json", "x-amz-test": value}
    ours = sign(
        Post(path, query, headers, body),
        Door("lambda", "eu-west-1", "example.com"),
        Credentials("id", "key", token),
        at,
    )
    request = AWSRequest("POST", f"https://example.com{path}?{query}", headers, body)
    request.context["timestamp"] = ours["x-amz-date"]
    request.headers["X-Amz-Date"] = ours["x-amz-date"]
    if token:
        request.headers["X-Amz-Security-Token"] = token
    auth = SigV4Auth(BotoCredentials("id", "key", token or None), "lambda", "eu-west-1")
    canonical = auth.canonical_request(request)
    theirs = auth.signature(auth.string_to_sign(request, canonical), request)
    assert ours["authorization"].endswith(f"Signature={theirs}")


def ok(_: bytes) -> Reply:
    return 200, {}, b"{}"


def post(client: AwsClient, timeout_s: float = 5.0) -> Any:
    return client.post(Post("/x", "", {}, b"body"), timeout_s)


def test_one_connection_for_many_calls() -> None:
    with lambda_door(ok) as door:
        client = door.client()
        post(client)
        first = client._connection
        post(client)
        assert first is not None
        assert client._connection is first


def test_a_kept_connection_that_was_closed_is_made_anew() -> None:
    with lambda_door(ok) as door:
        client = door.client()
        post(client)
        seen = iter([(0, {}, b""), (200, {}, b"again")])  # the first closes without an answer
        door.reply = lambda _: next(seen)
        assert post(client).body == b"again"


def test_a_new_connection_that_gives_no_answer_is_an_error() -> None:
    with lambda_door(lambda _: (0, {}, b"")) as door:
        with pytest.raises(ConnectionError):
            post(door.client())
        assert len(door.seen) == 1


def test_nobody_listens() -> None:
    client = AwsClient(
        Door("lambda", "us-east-1", f"127.0.0.1:{free_port()}", secure=False), lambda: Credentials("a", "b")
    )
    with pytest.raises(ConnectionRefusedError):
        post(client)


def test_an_answer_that_comes_too_late_is_never_taken_for_the_next_one() -> None:
    answers = iter([b"late", b"next"])

    def reply(_: bytes) -> Reply:
        answer = next(answers)
        if answer == b"late":
            time.sleep(0.3)
        return 200, {}, answer

    with lambda_door(reply) as door:
        client = door.client()
        with pytest.raises(TimeoutError):
            post(client, 0.1)
        assert post(client).body == b"next"
