"""Which values the original model refuses, found by sending it one row at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from modelcote.compile.encoders import is_missing
from modelcote.compile.generate_rows import unseen_value
from modelcote.compile.input_profile import InputProfile
from modelcote.compile.report import Unsupported
from modelcote.flow.column_limits import ColumnLimits

_LARGE = 1e30
_TOO_LARGE = float(np.finfo(np.float32).max) * 4


def find_limits(answer: Callable[[list[Any]], Any], row: Sequence[Any], profile: InputProfile) -> ColumnLimits:
    """Return the limits of the original, which `answer`s rows; `row` is one that it accepts.

    Raises `Unsupported` where a column refuses values by a rule that `ColumnLimits` cannot express.
    """

    def refused(value: Any, *columns: int) -> bool:
        changed = [value if column in columns else item for column, item in enumerate(row)]
        try:
            answer([changed])
        except Exception:  # whatever the model's code raises is a refusal
            return True
        return False

    def refusing(value: Any, columns: Sequence[int]) -> tuple[int, ...]:
        """Halve the columns until those that refuse the value remain: few calls where few of them do."""
        if not columns or not refused(value, *columns):
            return ()
        if len(columns) == 1:
            return (columns[0],)
        middle = len(columns) // 2
        return refusing(value, columns[:middle]) + refusing(value, columns[middle:])

    try:
        answer([[*row]])
    except Exception as error:
        raise Unsupported(f"the model refuses an ordinary row: {type(error).__name__}: {error}") from error
    columns = range(len(row))
    categories = [column for column in columns if profile.categories[column]]
    allowed = {}
    for column in categories:
        if refused(unseen_value(profile, column), column):
            allowed[column] = frozenset(item for item in profile.categories[column] if not is_missing(item))
    numbers = [column for column in columns if column not in categories]
    if any(refused(value, *numbers) for value in (0.0, -_LARGE, _LARGE)):
        raise Unsupported("a model that accepts numbers of a certain range only")
    return ColumnLimits(refusing(None, columns), refusing(_TOO_LARGE, numbers), allowed)
