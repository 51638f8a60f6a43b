"""The registry as the gateway reads it: DynamoDB's GetItem behind a cache of a few seconds."""

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
_MAX_ITEMS = 10_000


class ItemReader:
    """Consistent reads of one table, by key."""

    def __init__(self, client: AwsClient, table: str) -> None:
        self.client = client
        self.table = table

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        """Return one item, or None; raise `BackendUnavailable` when the table cannot be read."""
        request = {"TableName": self.table, "Key": {"pk": {"S": pk}, "sk": {"S": sk}}, "ConsistentRead": True}
        try:
            answer = self.client.post(Post("/", "", _HEADERS, json.dumps(request).encode()), _TIMEOUT_S)
        except OSError as error:
            raise _unavailable() from error
        if answer.status != 200:
            raise _unavailable()
        item = json.loads(answer.body).get("Item")
        return decode_item(item) if item else None


class RegistryCache:
    """Another reader's items for `kept_s` seconds. A missing item is never remembered: it may be written at any moment.

    So a revoked key, or a rolled-back model, may keep working for up to `kept_s` seconds (`Policy.registry_cache_s`).
    """

    def __init__(self, read: GetItem, kept_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._kept_s = kept_s
        self._clock = clock
        self._items: dict[tuple[str, str], tuple[float, Mapping[str, Any]]] = {}

    def get(self, pk: str, sk: str) -> Mapping[str, Any] | None:
        """Return one item, or None."""
        at = self._clock()
        entry = self._items.get((pk, sk))
        if entry is not None and at < entry[0]:
            return entry[1]
        item = self._read(pk, sk)
        if item is None:
            self._items.pop((pk, sk), None)
            return None
        if len(self._items) >= _MAX_ITEMS:
            self._items.clear()
        self._items[pk, sk] = (at + self._kept_s, item)
        return item

    def forget(self, pk: str, sk: str) -> None:
        """Read this item from the table again the next time."""
        self._items.pop((pk, sk), None)


def _unavailable() -> BackendUnavailable:
    return BackendUnavailable("the registry cannot be read at the moment.", "Try again in a moment.")
