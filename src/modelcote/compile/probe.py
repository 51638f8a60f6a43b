"""What the original refuses, found by asking it: one row at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from modelcote.compile.encoders import is_missing
from modelcote.compile.knowledge import Knowledge
from modelcote.compile.report import Unsupported
from modelcote.compile.rows import unseen_value
from modelcote.flow.limits import Limits

_LARGE = 1e30
_TOO_LARGE = float(np.finfo(np.float32).max) * 4


def find_limits(answer: Callable[[list[Any]], Any], row: Sequence[Any], knowledge: Knowledge) -> Limits:
    """The limits of the original, which `answer`s rows; `row` is one that it takes.

    Raises `Unsupported` where a column refuses values by a rule that `Limits` cannot tell.
    """

    def refused(value: Any, *columns: int) -> bool:
        changed = [value if column in columns else item for column, item in enumerate(row)]
        try:
            answer([changed])
        except Exception:  # whatever the model's code raises is a refusal
            return True
        return False

    def refusing(value: Any, columns: Sequence[int]) -> tuple[int, ...]:
        """Halves the columns until those are found that refuse: few questions where all take it, or few do not."""
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
    categories = [column for column in columns if knowledge.categories[column]]
    known = {}
    for column in categories:
        if refused(unseen_value(knowledge, column), column):
            known[column] = frozenset(item for item in knowledge.categories[column] if not is_missing(item))
    numbers = [column for column in columns if column not in categories]
    if any(refused(value, *numbers) for value in (0.0, -_LARGE, _LARGE)):
        raise Unsupported("a model that takes numbers of a certain range only")
    return Limits(refusing(None, columns), refusing(_TOO_LARGE, numbers), known)
