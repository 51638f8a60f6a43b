"""What `cote show` prints of a model's inputs."""

from __future__ import annotations

import pytest

from modelcote.cli.inputs import inputs_table
from modelcote.core.inputs import LISTS, MATRIX, NAT, NO_MISSING, TABLE, TEXTS, VALUES, Column, Inputs, json_schema

CELL, DAY = Column(dtype="undecided"), Column(dtype="datetime64[ns]", missing=NAT)
CODES = Column(dtype="category", missing=NO_MISSING, categories=tuple(range(9)))


@pytest.mark.parametrize(
    ("inputs", "lines"),
    [
        (Inputs(), []),
        (Inputs(MATRIX, 10_000), ["each of 10000|number|null"]),
        (Inputs(MATRIX), ["each value|number|null"]),
        (Inputs(TEXTS), ["each row|text|-"]),
        (Inputs(VALUES, cell=Column(dtype="bool", missing=NO_MISSING)), ["each row|true or false|-"]),
        (Inputs(LISTS, cell=Column(dtype="int64")), ["each value|whole number|null"]),
        (Inputs(TABLE, cell=CELL), ["each value|number, text, true or false|null"]),
        (Inputs(TABLE, 2, (DAY, CODES)), ["0|date|null", "1|0, 1, 2, 3, 4, 5, 6, 7, ...|-"]),
    ],
)
def test_a_line_per_column(inputs: Inputs, lines: list[str]) -> None:
    rows, table = inputs_table(json_schema(inputs))
    assert ["|".join(row[column] for column in table.columns) for row in rows] == lines


def test_many_columns_are_counted() -> None:
    rows, _ = inputs_table(json_schema(Inputs(TABLE, 700, (Column(),) * 700)))
    assert (len(rows), rows[-1]["type"]) == (21, "680 more columns")
