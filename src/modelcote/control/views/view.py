"""What all views share, and the one for errors."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel

from modelcote.core.times import instant


class View(BaseModel):
    """An answer's body."""

    @classmethod
    def from_row(cls, row: object, **members: Any) -> Self:
        """Return the view of a record; `members` are those that the record has not, or has otherwise.

        A time such as `ended_at` may be the record's `ended_at_s`, seconds since the epoch: 0 becomes null.
        """
        names = [name for name in cls.model_fields if name not in members]
        return cls(**{name: _member(row, name) for name in names}, **members)


class Problem(BaseModel):
    """Every error (RFC 9457), as `application/problem+json`."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    remedy: str
    request_id: str


def _member(row: object, name: str) -> Any:
    if hasattr(row, name):
        return getattr(row, name)
    at_s = getattr(row, f"{name}_s")
    return instant(at_s) if at_s else None
