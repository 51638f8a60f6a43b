"""Columns of which nothing says whether they hold numbers or texts: your own code reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelcote.core.inputs import Column
from modelcote.core.texts import quoted
from modelcote.flow.cells import kind_of, read_cells, wrong_value

_EXACT = 1 << 53


def read_undecided(cells: Sequence[Any], place: int, kinds: tuple[type, ...] = (float, str, bool)) -> Any:
    """Return the values and their kind, one of `kinds`, or None where all are missing.

    Raises `InvalidInput` for a column that mixes them: what a number is must not depend on a text beside it.
    """
    kind = first = None
    for row, cell in enumerate(cells):
        if cell is None:
            continue
        this = bool if isinstance(cell, bool) and bool in kinds else str if isinstance(cell, str) else float
        if kind is None:
            kind, first = this, row
        elif this is not kind:
            problem = f"{kind_of(cell)} where row {first} has {kind_of(cells[first or 0])}"
            raise wrong_value(row, place, problem, "Send one kind of value per column.")
        if this is float and abs(cell) > _EXACT and isinstance(cell, int) and int(float(cell)) != cell:
            problem = f"{quoted(cell)}, which a double cannot hold, and nothing says that the model takes integers"
            raise wrong_value(row, place, problem, "Deploy with sample=, a DataFrame or an array of its dtype.")
    return read_cells(cells, place, Column()) if kind is float else list(cells), kind
