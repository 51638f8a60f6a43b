"""The model spec: every field of the Conduit constructor with its rule, checked before anything is sent."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from modelcote.core.errors import InvalidSpec
from modelcote.core.flow import Flow, flow_from_stored, flow_rows, parse_flow
from modelcote.core.hardware import Hardware, parse_hardware
from modelcote.core.names import check_model_name
from modelcote.core.runs import MODES, SYNC
from modelcote.core.runtimes import served_runtimes
from modelcote.core.texts import quoted, shortened

CPU = (1, 32, 2)  # low, high, default; whole vCPUs
MEMORY_GB = (2.0, 256.0, 8.0)
COOLDOWN_S = 60
TIMEOUT_S = (1, 900, 60)  # Lambda ends an invocation after 900 s.
MB_PER_VCPU = 1_769  # Lambda assigns one vCPU per 1,769 MB, at most 6.
LAMBDA_MAX_MB = 10_240


class python_version(StrEnum):  # noqa: N801  the Conduit interface's own spelling
    """`Conduit(python_version=...)`."""

    PYTHON_3_11 = "3.11"
    PYTHON_3_12 = "3.12"
    PYTHON_3_13 = "3.13"


PYTHON_VERSIONS = tuple(version.value for version in python_version)


@dataclass(frozen=True)
class ModelSpec:
    """A caller's wishes for a model. `None` for cpu, memory and max_replicas: the backend decides."""

    name: str
    flow: Flow
    hardware: Hardware = Hardware.CPU
    cpu: int | None = None
    memory: float | None = None  # GB
    python_version: str = "3.11"
    requirements: tuple[str, ...] = ()
    cooldown: int = COOLDOWN_S  # seconds
    min_replicas: int = 0
    max_replicas: int | None = None
    timeout: int = TIMEOUT_S[2]  # seconds per prediction
    mode: str = SYNC  # async: every predict call is accepted as a run
    compile: bool = True
    trusted: bool = False  # cloudpickled code allowed

    @property
    def lambda_memory_mb(self) -> int:
        """The function's memory in MB. Lambda sells CPU with memory, so the larger of the two wishes wins.

        With neither it is one whole vCPU: Conduit's own default of 8 GB would cost four and a half times as much and
        answer no sooner.
        """
        if self.cpu is None and self.memory is None:
            return MB_PER_VCPU
        return min(LAMBDA_MAX_MB, max(round((self.memory or MEMORY_GB[0]) * 1024), (self.cpu or 1) * MB_PER_VCPU))


def default_python_version() -> str:
    """Return the running interpreter's version where a runtime exists for it, else the newest one that has."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    return running if running in PYTHON_VERSIONS else PYTHON_VERSIONS[-1]


def check_spec(spec: ModelSpec) -> ModelSpec:
    """Return the spec; raise `InvalidSpec` that names the first field that breaks its rule, and the rule."""
    check_model_name(spec.name)
    low_cpu, high_cpu, _ = CPU
    low_gb, high_gb, _ = MEMORY_GB
    if spec.cpu is not None:
        _whole("cpu", spec.cpu, low_cpu, high_cpu)
    if spec.memory is not None and not (_is_number(spec.memory) and low_gb <= spec.memory <= high_gb):
        raise _broken("memory", spec.memory, f"a number of GB from {low_gb} to {high_gb}")
    if spec.python_version not in PYTHON_VERSIONS:
        raise _broken("python_version", spec.python_version, f"one of {', '.join(PYTHON_VERSIONS)}")
    _whole("cooldown", spec.cooldown, 1, 604_800)
    _whole("min_replicas", spec.min_replicas, 0, 1_000)
    if spec.max_replicas is not None:
        _whole("max_replicas", spec.max_replicas, max(1, spec.min_replicas), 1_000)
    _whole("timeout", spec.timeout, *TIMEOUT_S[:2])
    if spec.mode not in MODES:
        raise _broken("mode", spec.mode, f"one of {', '.join(MODES)}")
    _check_served(spec)
    return spec


def _check_served(spec: ModelSpec) -> None:
    runtime, served = spec.flow.runtime, served_runtimes()
    if runtime not in served:
        raise InvalidSpec(
            f"the {runtime} runtime is not in this version of modelcote.",
            f"Runtimes of this version: {', '.join(served)}. Export the model to ONNX where you can.",
            field="flow",
        )
    if spec.hardware.is_gpu:
        raise InvalidSpec(
            f"hardware {spec.hardware.name} needs a GPU backend, which is not in this version of modelcote.",
            "Use hardware.CPU.",
            field="hardware",
        )
    # One vCPU per 1,769 MB, at most 6, and at most 10,240 MB: more of either is a container's.
    if (spec.cpu or 0) > 6 or (spec.memory or 0) > 10:
        raise InvalidSpec(
            f"cpu={spec.cpu}, memory={spec.memory} is more than a Lambda function has (6 vCPUs, 10 GB).",
            "Set at most cpu=6 and memory=10.",
            field="memory",
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _whole(field: str, value: object, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _broken(field, value, f"a whole number from {low} to {high}")


def _broken(field: str, value: object, rule: str) -> InvalidSpec:
    return InvalidSpec(
        f"{field} must be {rule}, got {quoted(value)}.",
        f"Change {field}, or leave it out for its default.",
        field=field,
    )


def spec_to_dict(spec: ModelSpec) -> dict[str, Any]:
    """Return the spec as plain JSON values; the flow as in `conduit.json`."""
    rows, processors = flow_rows(spec.flow)
    values = {name: getattr(spec, name) for name in _FIELDS}
    plain = {"hardware": spec.hardware.value, "requirements": list(spec.requirements)}
    return {**values, **plain, "flow": rows, "processors": processors}


def spec_from_dict(data: object) -> ModelSpec:
    """Return the checked spec of plain JSON values; raise `InvalidSpec`, also for unknown fields and wrong types."""
    if not isinstance(data, Mapping):
        raise InvalidSpec("the spec is not an object.", "Send a JSON object.", field="spec")
    unknown = sorted(set(map(str, data)) - {*_FIELDS, "processors"})
    if unknown:
        raise InvalidSpec(
            f"the spec has unknown fields: {shortened(', '.join(unknown), 120)}.",
            f"Known fields: {', '.join((*_FIELDS, 'processors'))}.",
            field=unknown[0],
        )
    spec = ModelSpec(check_model_name(data.get("name")), parse_flow(data.get("flow"), data.get("processors")))
    values = {name: data[name] for name in _FIELDS if name not in ("name", "flow") and data.get(name) is not None}
    typed = {name: read(name, values[name]) for name, read in _READERS.items() if name in values}
    return check_spec(replace(spec, **{**values, **typed}))


def spec_from_stored(data: Mapping[str, Any]) -> ModelSpec:
    """Return the spec that `spec_to_dict` stored, as it was accepted.

    No rule is checked, so that a rule made stricter later leaves every old row readable: unknown fields are ignored,
    absent ones have their default.
    """
    values = {name: data[name] for name in _FIELDS if data.get(name) is not None}
    values["flow"] = flow_from_stored(data["flow"], data["processors"])
    values["hardware"] = Hardware(values.get("hardware", Hardware.CPU))
    values["requirements"] = tuple(values.get("requirements", ()))
    return ModelSpec(**values)


def _boolean(field: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise _broken(field, value, "true or false")


def _lines(field: str, value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple) and all(isinstance(line, str) for line in value):
        return tuple(value)
    raise _broken(field, value, "a list of requirement lines")


_FIELDS = tuple(field.name for field in fields(ModelSpec))
_READERS: dict[str, Callable[[str, Any], Any]] = {
    "hardware": lambda _field, value: parse_hardware(value),
    "requirements": _lines,
    "compile": _boolean,
    "trusted": _boolean,
}
