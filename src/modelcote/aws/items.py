"""DynamoDB items as plain Python values, without boto3: the gateway reads with this alone.

An item is a dict of `str`, `int`, `float`, `bool`, `None`, lists and dicts of these. Whole numbers are
read as `int`, so no `Decimal` appears.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

# Reads one item by its partition and sort key, or None.
GetItem = Callable[[str, str], Mapping[str, Any] | None]


def encode(value: object) -> dict[str, Any]:
    """Return one value in DynamoDB's typed form; raises `TypeError` for a type that an item cannot hold."""
    match value:
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | float():
            return {"N": repr(value)}
        case None:
            return {"NULL": True}
        case list() | tuple():
            return {"L": [encode(part) for part in value]}
        case Mapping():
            return {"M": encode_item(value)}
    raise TypeError(f"an item cannot hold a {type(value).__name__}")


def encode_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a whole item in DynamoDB's typed form."""
    return {name: encode(value) for name, value in item.items()}


def decode(typed: Mapping[str, Any]) -> Any:
    """Invert `encode`; raises `TypeError` for a kind that this table never holds."""
    ((kind, value),) = typed.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return int(value) if value.lstrip("-").isdigit() else float(value)
        case "NULL":
            return None
        case "L":
            return [decode(part) for part in value]
        case "M":
            return decode_item(value)
    raise TypeError(f"cannot read an item of kind {kind}")


def decode_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Invert `encode_item`."""
    return {name: decode(value) for name, value in item.items()}
