"""DynamoDB's GetItem, the one read that the gateway does, behind a cache of five seconds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from modelcote.aws.http import AwsClient, Post
from modelcote.aws.items import GetItem, decode_item
from modelcote.core.errors import BackendUnavailable

_HEADERS = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.GetItem"}
_TIMEOUT_S = 3.0
_KEPT_S = 5.0
_MAX_KEPT = 10_000


class ItemReader:
    """Reads items of one table by key, consistently."""

    def __init__(self, client: AwsClient, table: str) -> None:
        self.client = client
        self.table = table

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        """One item, or None; raises `BackendUnavailable` when the table cannot be read."""
        request = {"TableName": self.table, "Key": {"pk": {"S": pk}, "sk": {"S": sk}}, "ConsistentRead": True}
        try:
            answer = self.client.post(Post("/", "", _HEADERS, json.dumps(request).encode()), _TIMEOUT_S)
        except OSError as error:
            raise _unavailable() from error
        if answer.status != 200:
            raise _unavailable()
        item = json.loads(answer.body).get("Item")
        return decode_item(item) if item else None


class CachedReader:
    """Another reader's items for five seconds. What is not there is never remembered: it may come at any moment.

    So a revoked key is taken, and a rolled back model served, for five seconds longer at most.
    """

    def __init__(self, read: GetItem, clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[float, Mapping[str, Any]]] = {}

    def get(self, pk: str, sk: str) -> Mapping[str, Any] | None:
        """One item, or None."""
        at = self._clock()
        kept = self._kept.get((pk, sk))
        if kept is not None and at < kept[0]:
            return kept[1]
        item = self._read(pk, sk)
        if item is None:
            self._kept.pop((pk, sk), None)
            return None
        if len(self._kept) >= _MAX_KEPT:
            self._kept.clear()
        self._kept[pk, sk] = (at + _KEPT_S, item)
        return item

    def forget(self, pk: str, sk: str) -> None:
        """Reads this item anew the next time."""
        self._kept.pop((pk, sk), None)


def _unavailable() -> BackendUnavailable:
    return BackendUnavailable("the registry cannot be read at the moment.", "Try again in a moment.")
