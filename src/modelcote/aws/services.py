"""The calls to DynamoDB, SQS, KMS and S3 that accepting a run needs, without boto3.

Each client has boto3's methods with boto3's parameters, as far as they are used, and raises `AwsError` with boto3's
`response`, so that `modelcote.aws.table.Table` and `modelcote.runs` work with either. Throttles and failures of
the service are tried again, as botocore's standard mode does.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlencode

from modelcote.aws.http import Answer, AwsClient, Post
from modelcote.core.backoff import pause_s

_TIMEOUT_S = 5.0
_TRIES = 4
_PAUSE_S = 0.05
_THROTTLED = ("Throttl", "ProvisionedThroughputExceeded", "RequestLimitExceeded", "TooManyRequests", "SlowDown")


class AwsError(Exception):
    """A service's refusal, in botocore's shape."""

    def __init__(self, code: str, message: str, **members: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.response: dict[str, Any] = {"Error": {"Code": code, "Message": message}, **members}


class AwsUnreachable(AwsError):
    """No answer arrived: the service may have processed the request or not."""


def _patiently(call: Callable[[], Answer], refusal: Callable[[Answer], AwsError]) -> Answer:
    error: AwsError = AwsUnreachable("Unreachable", "never called")
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(pause_s(2 * attempt, _PAUSE_S, spread=1))
        try:
            answer = call()
        except OSError as failure:
            error = AwsUnreachable("Unreachable", str(failure))
            continue
        if answer.status < 300:
            return answer
        error = refusal(answer)
        if answer.status < 500 and not error.response["Error"]["Code"].startswith(_THROTTLED):
            raise error
    raise error


class _Json:
    """A service of AWS's JSON protocol: a header names the operation."""

    target = ""
    version = "1.0"

    def __init__(self, client: AwsClient) -> None:
        self.client = client

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        headers = {
            "content-type": f"application/x-amz-json-{self.version}",
            "x-amz-target": f"{self.target}.{operation}",
        }
        post = Post("/", "", headers, json.dumps(parameters).encode())
        answer = _patiently(lambda: self.client.post(post, _TIMEOUT_S), _json_refusal)
        members: dict[str, Any] = json.loads(answer.body or b"{}")
        return members


def _json_refusal(answer: Answer) -> AwsError:
    try:
        members = json.loads(answer.body or b"{}")
    except ValueError:
        members = {}
    if not isinstance(members, dict):
        members = {}
    code = str(members.pop("__type", "") or answer.headers.get("x-amzn-errortype", "") or answer.status)
    message = str(members.pop("message", "") or members.pop("Message", ""))
    return AwsError(code.rpartition("#")[2].partition(":")[0], message, **members)


class DynamoDb(_Json):
    """The operations of `modelcote.aws.table.Table` that a request needs."""

    target = "DynamoDB_20120810"

    def get_item(self, **parameters: Any) -> dict[str, Any]:
        return self.call("GetItem", parameters)

    def put_item(self, **parameters: Any) -> dict[str, Any]:
        return self.call("PutItem", parameters)

    def update_item(self, **parameters: Any) -> dict[str, Any]:
        return self.call("UpdateItem", parameters)

    def transact_write_items(self, **parameters: Any) -> dict[str, Any]:
        return self.call("TransactWriteItems", parameters)


class Sqs(_Json):
    target = "AmazonSQS"

    def send_message(self, **parameters: Any) -> dict[str, Any]:
        return self.call("SendMessage", parameters)


class Kms(_Json):
    target = "TrentService"
    version = "1.1"

    def generate_data_key(self, **parameters: Any) -> dict[str, Any]:
        answer = self.call("GenerateDataKey", parameters)
        return {name: base64.b64decode(answer[name]) for name in ("Plaintext", "CiphertextBlob")}


class S3:
    """Objects of one bucket's path, addressed by path."""

    def __init__(self, client: AwsClient) -> None:
        self.client = client

    def put_object(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        ContentType: str = "application/octet-stream",  # noqa: N803
        Metadata: Mapping[str, str] | None = None,  # noqa: N803
        Tagging: str = "",  # noqa: N803
    ) -> dict[str, Any]:
        headers = {"content-type": ContentType}
        headers.update({f"x-amz-meta-{name}": value for name, value in (Metadata or {}).items()})
        if Tagging:
            headers["x-amz-tagging"] = Tagging
        self._send(Post(f"/{Bucket}/{quote(Key)}", "", headers, Body, "PUT"))
        return {}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        answer = self._send(Post(f"/{Bucket}/{quote(Key)}", "", {}, b"", "GET"))
        metadata = {
            name.removeprefix("x-amz-meta-"): value
            for name, value in answer.headers.items()
            if name.startswith("x-amz-meta-")
        }
        return {"Body": BytesIO(answer.body), "ContentLength": len(answer.body), "Metadata": metadata}

    def _send(self, post: Post) -> Answer:
        return _patiently(lambda: self.client.post(post, _TIMEOUT_S), _s3_refusal)


def _s3_refusal(answer: Answer) -> AwsError:
    code = answer.body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode() or str(answer.status)
    return AwsError(code, f"S3 answered {answer.status}")


def tagging(**tags: object) -> str:
    """Return the value of the header `x-amz-tagging`."""
    return urlencode({name.replace("_", "-"): str(value) for name, value in tags.items()})
