"""Pauses between tries."""

from __future__ import annotations

import math
import random


def pause_s(tries: int, first_s: float, longest_s: float = math.inf, *, spread: float = 0) -> float:
    """Return `first_s` doubled `tries` times, at most `longest_s`; of that, up to the share `spread` is cut at random.

    The spread keeps what failed together from being tried again together.
    """
    pause = min(longest_s, math.ldexp(first_s, min(tries, 30)))
    return pause * random.uniform(1 - spread, 1)  # noqa: S311  no secret
