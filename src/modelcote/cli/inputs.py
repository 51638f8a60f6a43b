"""A model's inputs as `cote show` prints them: a line per column, from the JSON Schema of its data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modelcote.cli.output import Table

_COLUMNS, _VALUES = 20, 8
_WORDS = {"string": "text", "boolean": "true or false", "integer": "whole number"}


def inputs_table(schema: Mapping[str, Any]) -> tuple[list[dict[str, str]], Table]:
    """Return a row per column, at most 20, and their table; no rows for a schema of anything."""
    cells = list(_cells(schema["items"]).items()) if "items" in schema else []
    rows = [{"column": name, "type": _type(cell), "missing": _missing(cell)} for name, cell in cells[:_COLUMNS]]
    if len(cells) > _COLUMNS:
        rows.append({"column": "...", "type": f"{len(cells) - _COLUMNS} more columns", "missing": ""})
    return rows, Table("inputs", dict, ("column", "type", "missing"))


def _cells(row: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the columns' schemas by name, or by position where they have none."""
    if "anyOf" in row:
        return _cells(next((each for each in row["anyOf"] if "properties" in each), row["anyOf"][0]))
    if "properties" in row:
        return dict(row["properties"])
    if "prefixItems" in row:
        return {str(place): cell for place, cell in enumerate(row["prefixItems"])}
    if row.get("type") == "array":
        return {f"each of {row['maxItems']}" if "maxItems" in row else "each value": row["items"]}
    return {"each row": row}


def _type(cell: Mapping[str, Any]) -> str:
    if "enum" in cell:
        values = [json.dumps(value, ensure_ascii=False) for value in cell["enum"] if value is not None]
        return f"{', '.join(values[:_VALUES])}{', ...' if len(values) > _VALUES else ''}"
    kinds = [kind for kind in _kinds(cell) if kind != "null"]
    return "date" if "pattern" in cell else ", ".join(_WORDS.get(kind, kind) for kind in kinds)


def _missing(cell: Mapping[str, Any]) -> str:
    return "null" if None in cell.get("enum", ()) or "null" in _kinds(cell) else "-"


def _kinds(cell: Mapping[str, Any]) -> list[str]:
    kinds = cell.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)
