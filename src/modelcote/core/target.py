"""Where a version is called: a backend, and an address that this backend understands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LAMBDA: Final = "lambda"
# Fields of rows that an earlier version wrote, when Lambda was the only backend.
RENAMED: Final = {"function_name": "address"}


@dataclass(frozen=True)
class Target:
    """`backend` is a name in `modelcote.backends.BACKENDS`; on Lambda, `address` is the function's name."""

    backend: str
    address: str
