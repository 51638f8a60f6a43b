"""`python -m bench.counting`: the local cloud's emulator, which also counts the AWS calls that functions make.

`GET /_bench` returns `{"calls": {call: number}, "units": {kind: number}}` since the last `POST /_bench`. Counted are
requests as they arrive, and what the emulator does itself in the place of Lambda's pollers: a batch that is received,
a batch that is deleted. Not counted are CloudWatch Logs, the watchdog's and the deployer's own looking, Lambda's
Invoke (the functions' logs have each call), and requests of a client that calls itself `modelcote-bench`.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ministack.services import sqs

from bench import CLIENT
from modelcote.local import emulator_main

_NOT_A_RUN_S = ("Query", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
_S3 = {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject"}

calls: Counter[str] = Counter()
# DynamoDB: writes of a run's row, of other rows (each below 1 KB) and of the index, twice for a transaction's; reads.
units: Counter[str] = Counter()


def counted(scope: Mapping[str, Any], body: bytes) -> str:
    """Return the call's name, or an empty string for one that belongs to no run."""
    headers = dict(scope["headers"])
    credential = emulator_main._CREDENTIAL.search(headers.get(b"authorization", b""))
    service = credential.group(1).decode() if credential else ""
    if service in ("", "logs", "lambda") or CLIENT.encode() in headers.get(b"user-agent", b""):
        return ""
    operation = headers.get(b"x-amz-target", b"").decode().rpartition(".")[2]
    if operation in _NOT_A_RUN_S:
        return ""
    if service == "s3":
        folder = scope["path"].removeprefix("/").partition("/")[2].partition("/")[0]
        return f"s3 {_S3.get(scope['method'], scope['method'])} {folder}/"
    if service == "dynamodb":
        return f"dynamodb {operation} {_noted(operation, json.loads(body))}"
    if service == "sqs":
        return f"sqs {operation} {json.loads(body).get('QueueUrl', '').rpartition('-')[2]}"
    return f"{service} {operation}"


def _noted(operation: str, request: Mapping[str, Any]) -> str:
    """Add up the units; return what is read or changed first: the kind of row in the table `runs`, or another table."""
    actions = [next(iter(action.values())) for action in request.get("TransactItems", [])] or [request]
    first = actions[0]
    table = str(first.get("TableName", "")).rpartition("-")[2]
    if operation == "GetItem":
        units[f"reads {table}"] += 1
    elif operation in ("TransactWriteItems", "UpdateItem", "PutItem"):
        twice = 2 if operation == "TransactWriteItems" else 1
        for action in actions:
            _note_write(action, twice)
    if table != "runs" or not ("Item" in first or "Key" in first):
        return table
    row = (first.get("Item") or first["Key"])["sk"]["S"].partition("#")[0]
    return f"{row} new" if "Item" in first else row


def _note_write(action: Mapping[str, Any], twice: int) -> None:
    key = action.get("Item") or action["Key"]
    units["writes of a run's row" if key["sk"]["S"].startswith("RUN#") else "writes of other rows"] += twice
    change = action.get("UpdateExpression", "")
    if re.search(r"REMOVE [^=]*#due_pk\b", change) or "due_pk" in action.get("Item", {}):
        units["writes of the index"] += twice  # an entry is added or removed
    elif "#due_at_s =" in change:
        units["writes of the index"] += 2 * twice  # the old entry is removed, the new one added


class Counting:
    """The emulator's ASGI application, with a count of requests."""

    def __init__(self, application: emulator_main.Asgi) -> None:
        self._application = application

    async def __call__(self, scope: emulator_main.Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
        elif scope["path"] == "/_bench":
            await _answer(scope["method"], send)
        else:
            messages = [await receive()]
            while messages[-1].get("more_body"):
                messages.append(await receive())
            name = counted(scope, b"".join(message.get("body", b"") for message in messages))
            if name:
                calls[name] += 1
            await self._application(scope, _again(messages, receive), send)


async def _answer(method: str, send: Any) -> None:
    body = json.dumps({"calls": calls, "units": units}).encode()
    if method == "POST":
        calls.clear()
        units.clear()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})


def _again(messages: Iterable[Any], receive: Callable[[], Any]) -> Callable[[], Any]:
    first = iter(messages)

    async def read() -> Any:
        for message in first:
            return message
        return await receive()

    return read


def _poller(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the emulator's own function for Lambda's poller: each batch of a queue is counted."""

    def call(queue_url: str, what: Any) -> Any:
        batch = original(queue_url, what)
        if batch or (name == "DeleteMessageBatch" and what):
            calls[f"sqs {name} {queue_url.rpartition('-')[2]}"] += 1
        return batch

    return call


def main() -> None:
    del sys.argv[1:]  # The emulator's own; ours only name the module that this replaces.
    sqs._receive_messages_for_esm = _poller("ReceiveMessage", sqs._receive_messages_for_esm)
    sqs._delete_messages_for_esm = _poller("DeleteMessageBatch", sqs._delete_messages_for_esm)
    emulator_main.ministack.app = Counting(emulator_main.ministack.app)
    emulator_main.main()


if __name__ == "__main__":
    main()
