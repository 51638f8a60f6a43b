"""The hardware names of the Conduit interface."""

from __future__ import annotations

from enum import StrEnum

from modelcote.core.errors import InvalidSpec
from modelcote.core.texts import quoted


class Hardware(StrEnum):
    """A hardware name. `A100` is an alias of `AMPERE_A100`."""

    CPU = "CPU"
    GPU = "GPU"
    A10 = "A10"
    TURING_4000 = "TURING_4000"
    TURING_5000 = "TURING_5000"
    AMPERE_A4000 = "AMPERE_A4000"
    AMPERE_A5000 = "AMPERE_A5000"
    AMPERE_A6000 = "AMPERE_A6000"
    AMPERE_A100 = "AMPERE_A100"
    A100 = "AMPERE_A100"
    L4 = "L4"
    L40S = "L40S"
    H100 = "H100"

    @property
    def is_gpu(self) -> bool:
        return self is not Hardware.CPU


def parse_hardware(value: object) -> Hardware:
    """Return the hardware of a name in any case, or of an alias; raise `InvalidSpec` that lists the names."""
    name = value.value if isinstance(value, Hardware) else str(value).upper()
    members = Hardware.__members__
    if name not in members:
        raise InvalidSpec(
            f"unknown hardware {quoted(value)}.", f"Use one of: {', '.join(sorted(members))}.", field="hardware"
        )
    return members[name]
