"""The hardware names of the Conduit interface, and the AWS capacity behind each.

The catalogue is `hardware.json`: ordered instance types per name (GPU capacity runs out), prices in dollars per
hour on the day it names. AWS sells no single A100, so `AMPERE_A100` is an L40S first and one H100 when asked
for faster; the eight-GPU machine is never picked silently.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from modelcote.core.errors import InvalidSpec

LAMBDA_MEMORY_MB = (128, 10_240)
MB_PER_VCPU = 1_769  # Lambda gives one vCPU per 1,769 MB, at most 6.


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


@dataclass(frozen=True)
class Capacity:
    """What serves a name: instance types in order of preference, GPU memory in GB per GPU."""

    instances: tuple[str, ...]
    gpu_memory_gb: int


@cache
def catalogue() -> dict[Hardware, Capacity]:
    """The capacity of every hardware name, read once."""
    data = json.loads(Path(__file__).with_name("hardware.json").read_text(encoding="utf-8"))
    return {
        Hardware(name): Capacity(tuple(row["instances"]), row["gpu_memory_gb"]) for name, row in data["names"].items()
    }


def parse_hardware(value: object) -> Hardware:
    """A hardware name in any case, or an alias; raises `InvalidSpec` naming the known ones."""
    name = value.value if isinstance(value, Hardware) else str(value).upper()
    known = Hardware.__members__
    if name not in known:
        raise InvalidSpec(
            f"hardware {value!r} is not known.", f"Use one of: {', '.join(sorted(known))}.", field="hardware"
        )
    return known[name]


def lambda_memory_mb(cpu: int, memory_gb: float) -> int:
    """The Lambda memory in MB that gives `memory_gb` and `cpu` vCPUs, within Lambda's bounds.

    Lambda sells CPU with memory, so the larger of the two wishes wins; above six vCPUs or 10,240 MB the bound
    is returned and the caller decides whether a container is needed.
    """
    low, high = LAMBDA_MEMORY_MB
    return max(low, min(high, max(round(memory_gb * 1024), cpu * MB_PER_VCPU)))
