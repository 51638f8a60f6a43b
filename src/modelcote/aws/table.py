"""One DynamoDB table: reads that are consistent and whole, and writes that carry their condition.

Conditions are DynamoDB's own text, with `#name` for an attribute and `:name` for a value; the two dictionaries that
DynamoDB requires beside them are built here. What an update changes is a mapping of attributes: a value sets one,
None removes it, and `add`, `default` and `plus` compute the new value inside the table. The client is boto3's, or
`modelcote.aws.services.DynamoDb`, which has the same methods without importing boto3: an error is recognised by its
`response`, which both have.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from modelcote.aws.items import decode_item, encode, encode_item
from modelcote.core.backoff import pause_s
from modelcote.core.errors import BackendUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

Result = TypeVar("Result")
_NAME = re.compile(r"#(\w+)")
_ATTEMPTS = 6
_RETRIED = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_BATCH = 100  # DynamoDB's limit for BatchGetItem, and for the actions of one transaction.


class ConditionFailed(Exception):
    """A write's condition did not hold; the caller of the table turns it into an answer.

    `failed` holds the places of the failed actions, in the transaction's order.
    """

    def __init__(self, failed: tuple[int, ...] = (0,)) -> None:
        super().__init__(f"the conditions {failed} did not hold")
        self.failed = failed


def _expression(values: Mapping[str, Any], **texts: str) -> dict[str, Any]:
    request: dict[str, Any] = {key: text for key, text in texts.items() if text}
    names = {f"#{name}": name for text in texts.values() for name in _NAME.findall(text)}
    if names:
        request["ExpressionAttributeNames"] = names
    if values:
        request["ExpressionAttributeValues"] = {f":{name}": encode(value) for name, value in values.items()}
    return request


def put(item: Mapping[str, Any], condition: str = "", **values: Any) -> dict[str, Any]:
    """Return a transaction's action that puts an item."""
    return {"Put": {"Item": encode_item(item), **_expression(values, ConditionExpression=condition)}}


@dataclass(frozen=True)
class Change:
    """An attribute's part of an update: a clause, and its text with `{}` for the attribute's name."""

    clause: str
    text: str
    value: Any = None


_REMOVE = Change("REMOVE", "#{0}")


def add(amount: int) -> Change:
    """Add to a number; a missing one counts as 0."""
    return Change("ADD", "#{0} :new_{0}", amount)


def default(value: Any) -> Change:
    """Set the attribute only where the item lacks it."""
    return Change("SET", "#{0} = if_not_exists(#{0}, :new_{0})", value)


def plus(other: str, amount: float) -> Change:
    """Set the attribute to the item's number `other` plus `amount`."""
    return Change("SET", f"#{{0}} = #{other} + :new_{{0}}", amount)


def update(key: tuple[str, str], changes: Mapping[str, Any], condition: str = "", **values: Any) -> dict[str, Any]:
    """Return a transaction's action that changes attributes of an item (see the module's docstring)."""
    clauses: dict[str, list[str]] = {}
    for name, value in changes.items():
        if isinstance(value, Change):
            change = value
        else:
            change = _REMOVE if value is None else Change("SET", "#{0} = :new_{0}", value)
        if change is not _REMOVE:
            values[f"new_{name}"] = change.value
        clauses.setdefault(change.clause, []).append(change.text.format(name))
    text = " ".join(f"{clause} {', '.join(parts)}" for clause, parts in clauses.items())
    return {"Update": {"Key": _key(key), **_expression(values, UpdateExpression=text, ConditionExpression=condition)}}


def check(key: tuple[str, str], condition: str, **values: Any) -> dict[str, Any]:
    """Return a transaction's action that only checks an item."""
    return {"ConditionCheck": {"Key": _key(key), **_expression(values, ConditionExpression=condition)}}


def delete(key: tuple[str, str], condition: str = "", **values: Any) -> dict[str, Any]:
    """Return a transaction's action that deletes an item."""
    return {"Delete": {"Key": _key(key), **_expression(values, ConditionExpression=condition)}}


def _key(key: tuple[str, str]) -> dict[str, Any]:
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def _response(error: Exception) -> Mapping[str, Any]:
    """Return the service's answer; raise the error again if it is not the service's."""
    response: Mapping[str, Any] | None = getattr(error, "response", None)
    if response is None:
        raise error
    return response


def _code(error: Exception) -> str:
    return str(_response(error).get("Error", {}).get("Code", ""))


class Table:
    """One DynamoDB table with string keys `pk` and `sk`."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self.client = client
        self.name = name

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        """Return one item, read consistently, or None."""
        answer = self.client.get_item(TableName=self.name, Key=_key((pk, sk)), ConsistentRead=True)
        return decode_item(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the items of these keys that exist; raises `BackendUnavailable` rather than return a part of them."""
        items: dict[tuple[str, str], dict[str, Any]] = {}
        for start in range(0, len(keys), _BATCH):
            unread: Any = [_key(key) for key in keys[start : start + _BATCH]]
            for attempt in range(_ATTEMPTS):
                request: Any = {self.name: {"Keys": unread, "ConsistentRead": True}}
                answer = self.client.batch_get_item(RequestItems=request)
                for raw in answer["Responses"].get(self.name, []):
                    item = decode_item(raw)
                    items[item["pk"], item["sk"]] = item
                unprocessed: Any = answer.get("UnprocessedKeys", {})
                if not unprocessed:
                    break
                unread = unprocessed[self.name]["Keys"]
                _pause(attempt)
            else:
                raise BackendUnavailable("the table could not be read whole.", "Try again in a moment.")
        return items

    def query(
        self, pk: str, prefix: str = "", *, after: str = "", before: str = "", newest_first: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Yield every item of a partition whose sort key starts with `prefix`, or is greater than `after`; all pages.

        With `before`, those from `prefix` on that are smaller than it.
        """
        condition, values = "#pk = :pk", {"pk": pk}
        if before:
            # BETWEEN includes its upper end; the caller skips that one.
            condition, values = f"{condition} AND #sk BETWEEN :low AND :high", {**values, "low": prefix, "high": before}
        elif after:
            condition, values = f"{condition} AND #sk > :after", {**values, "after": after}
        elif prefix:
            condition, values = f"{condition} AND begins_with(#sk, :prefix)", {**values, "prefix": prefix}
        request: dict[str, Any] = {
            "TableName": self.name,
            "ConsistentRead": True,
            "ScanIndexForward": not newest_first,
            **_expression(values, KeyConditionExpression=condition),
        }
        yield from self._pages(request)

    def due(self, due_pk: str, until_s: float) -> Iterator[dict[str, Any]]:
        """Yield the keys of the index `due` that are due by `until_s`, the longest due first; eventually consistent."""
        values = {"due_pk": due_pk, "until": until_s}
        condition = "#due_pk = :due_pk AND #due_at_s <= :until"
        expression = _expression(values, KeyConditionExpression=condition)
        yield from self._pages({"TableName": self.name, "IndexName": "due", **expression})

    def _pages(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        while True:
            page = self.client.query(**request)
            yield from map(decode_item, page["Items"])
            if not page.get("LastEvaluatedKey"):
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def put(self, item: Mapping[str, Any], condition: str = "", **values: Any) -> None:
        """Put an item; raises `ConditionFailed`."""
        action: Any = put(item, condition, **values)["Put"]
        self._write(lambda: self.client.put_item(TableName=self.name, **action))

    def update(
        self, key: tuple[str, str], changes: Mapping[str, Any], condition: str = "", **values: Any
    ) -> dict[str, Any]:
        """Change attributes of an item and return it as it is then; raises `ConditionFailed`."""
        action: Any = update(key, changes, condition, **values)["Update"]
        answer = self._write(lambda: self.client.update_item(TableName=self.name, ReturnValues="ALL_NEW", **action))
        return decode_item(answer["Attributes"])

    def delete(self, key: tuple[str, str], condition: str = "", **values: Any) -> None:
        """Delete an item, if there is one; raises `ConditionFailed`."""
        action: Any = delete(key, condition, **values)["Delete"]
        self._write(lambda: self.client.delete_item(TableName=self.name, **action))

    def transact(self, *actions: dict[str, Any]) -> None:
        """Do all of the actions or none; raises `ConditionFailed`. Retries a conflict with another transaction."""
        items: Any = [{kind: {"TableName": self.name, **body}} for action in actions for kind, body in action.items()]
        self._write(lambda: self.client.transact_write_items(TransactItems=items))

    def _write(self, write: Callable[[], Result]) -> Result:
        for attempt in range(_ATTEMPTS):
            try:
                return write()
            except Exception as error:
                if _code(error) == "ConditionalCheckFailedException":
                    raise ConditionFailed from error
                if not _conflict(error):
                    raise
                _pause(attempt)
        raise BackendUnavailable("the table is busy with this item.", "Try again in a moment.")


def _conflict(error: Exception) -> bool:
    """Return whether another transaction interfered; raises `ConditionFailed` when a condition did not hold."""
    if _code(error) == "TransactionConflictException":
        return True
    if _code(error) != "TransactionCanceledException":
        return False
    reasons = [reason.get("Code") for reason in _response(error).get("CancellationReasons", [])]
    failed = tuple(place for place, reason in enumerate(reasons) if reason == "ConditionalCheckFailed")
    if failed:
        raise ConditionFailed(failed) from error
    return bool(_RETRIED.intersection(reasons))


def _pause(attempt: int) -> None:
    time.sleep(pause_s(attempt, 0.05, spread=1))
