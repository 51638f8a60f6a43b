"""A model's inputs as data: written and read, also as an earlier version wrote them, and as a JSON Schema."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelcote.core.inputs import (
    ANY,
    DATE,
    FEED,
    FRAME,
    LISTS,
    MATRIX,
    NAT,
    NO_MISSING,
    NONE,
    TABLE,
    TEXTS,
    UNDECIDED,
    VALUES,
    Column,
    Inputs,
    inputs_from_dict,
    json_schema,
)

CATEGORY = Column("plan", "category", categories=("b", "a"), of="str", ordered=True)
FRAMED = Inputs(FRAME, 3, (Column("size"), CATEGORY, Column("day", "datetime64[ns]", NAT)))


@pytest.mark.parametrize(
    "inputs",
    [
        Inputs(),
        Inputs(MATRIX, 4),
        Inputs(MATRIX, 4, sparse=True),
        Inputs(TABLE, 2, (Column(dtype="str", missing=NONE), Column()), Column(dtype="object")),
        Inputs(VALUES, cell=Column(dtype="int64", missing=NO_MISSING)),
        FRAMED,
    ],
)
def test_what_is_written_is_read(inputs: Inputs) -> None:
    assert inputs_from_dict(json.loads(json.dumps(inputs.to_dict()))) == inputs


def test_a_wide_matrix_is_written_in_a_few_bytes() -> None:
    assert Inputs(MATRIX, 10_000).to_dict() == {"kind": "matrix", "width": 10_000}


@pytest.mark.parametrize(
    ("kind", "columns", "read"),
    [
        ("matrix", [], Inputs(MATRIX, 2)),
        ("mixed", [], Inputs(TABLE, 2, cell=Column(dtype=UNDECIDED))),
        ("text", [], Inputs(TEXTS, 2)),
        ("any", [], Inputs(ANY, 2)),
        ("feed", [], Inputs(FEED, 2)),
        ("frame", ["a", "b"], Inputs(FRAME, 2, (Column("a", "str"), Column("b", "category")))),
    ],
)
def test_an_earlier_version_s_form_is_read(kind: str, columns: list[str], read: Inputs) -> None:
    stored = {"kind": kind, "n_features": 2, "columns": columns, "categories": ["b"], "texts": ["a"]}
    assert inputs_from_dict(stored) == read


def _rows(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": items}


@pytest.mark.parametrize(
    ("inputs", "schema"),
    [
        (Inputs(ANY), {}),
        (Inputs(FEED), {}),
        (Inputs(TEXTS), _rows({"type": "string"})),
        (Inputs(VALUES, cell=Column(dtype="bool", missing=NO_MISSING)), _rows({"type": "boolean"})),
        (
            Inputs(LISTS, cell=Column(dtype="int64", missing=NO_MISSING)),
            _rows({"type": "array", "items": {"type": "integer"}}),
        ),
        (
            Inputs(MATRIX, 4),
            _rows({"type": "array", "minItems": 4, "maxItems": 4, "items": {"type": ["number", "null"]}}),
        ),
        (
            Inputs(TABLE, 1, (Column(dtype="Int64", missing="NA"),)),
            _rows({"type": "array", "minItems": 1, "maxItems": 1, "prefixItems": [{"type": ["integer", "null"]}]}),
        ),
    ],
)
def test_the_schema_says_what_a_request_may_hold(inputs: Inputs, schema: dict[str, Any]) -> None:
    assert json_schema(inputs) == schema


def test_a_frame_s_rows_are_lists_or_objects() -> None:
    cells = [
        {"type": ["number", "null"]},
        {"enum": ["b", "a", None]},
        {"type": ["string", "null"], "pattern": f"^{DATE}$"},
    ]
    as_list, as_object = json_schema(FRAMED)["items"]["anyOf"]
    assert as_list == {"type": "array", "minItems": 3, "maxItems": 3, "prefixItems": cells}
    assert as_object["properties"] == dict(zip(("size", "plan", "day"), cells, strict=True))
    assert as_object["required"] == ["size", "plan", "day"]
    assert as_object["additionalProperties"] is False
