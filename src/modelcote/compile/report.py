"""The report on compiling a flow; in a manifest, how the compiled form is fed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from modelcote.flow.column_limits import ColumnLimits
from modelcote.flow.compiled import Feed


class Unsupported(Exception):
    """A model that cannot be written exactly; the message says which trait is in the way. Ends in a report."""


@dataclass(frozen=True)
class Report:
    """`used`: the compiled form serves. `reason`: one line on why not, or on how it was found equal.

    `rows`: how many were compared. `max_difference`: the largest difference found, absolute for probabilities,
    relative for other numbers. `seconds`: the time that loading, converting and comparing took.
    """

    used: bool
    reason: str
    rows: int = 0
    max_difference: float = 0.0
    seconds: float = 0.0
    feeds: tuple[Feed, ...] = ()
    limits: ColumnLimits = field(default_factory=ColumnLimits)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, as a manifest's `compiled` holds them."""
        return {**asdict(self), "feeds": [asdict(feed) for feed in self.feeds], "limits": self.limits.to_dict()}
