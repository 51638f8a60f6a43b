"""Backends: what serves a model's version. A new one is a module of this package and an entry in `BACKENDS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from modelcote.aws.http import aws_client
from modelcote.backends.lambda_ import LambdaBackend
from modelcote.core.errors import BackendUnavailable
from modelcote.core.names import function_name
from modelcote.core.runs import FAST, LONG
from modelcote.core.target import LAMBDA, Target


class Backend(Protocol):
    """A connection to what serves. It belongs to one thread."""

    def invoke(self, address: str, payload: bytes, timeout_s: float) -> bytes:
        """Return the model's answer to an event, or raise the error that its failure means.

        `timeout_s` is the caller's patience, not the model's limit: `NotYetAnswered` says that it has ended,
        `ModelTimeout` that the model has used up its own time.
        """


@dataclass(frozen=True)
class BackendSpec:
    """`connect` makes a connection from the environment; `address` names what serves a model, from the stack, the
    project and the model; `log_group` is where it logs; `lanes` are those in which its runs may be processed.
    """

    connect: Callable[[], Backend]
    address: Callable[[str, str, str], str]
    log_group: Callable[[str], str]
    lanes: tuple[str, ...] = (FAST, LONG)

    def lane(self, run_s: float, fast_limit_s: float) -> str:
        """Return the lane of a run that may last `run_s` seconds; the fast one holds up to `fast_limit_s`."""
        preferred = FAST if run_s <= fast_limit_s else LONG
        return preferred if preferred in self.lanes else self.lanes[0]


BACKENDS: dict[str, BackendSpec] = {
    LAMBDA: BackendSpec(
        connect=lambda: LambdaBackend(aws_client("lambda")),
        address=function_name,
        log_group=lambda address: f"/aws/lambda/{address}",
    ),
}


def spec_of(name: str, specs: Mapping[str, BackendSpec] = BACKENDS) -> BackendSpec:
    """Return the entry of a backend; raise `BackendUnavailable` for one that this platform does not have."""
    if name not in specs:
        raise BackendUnavailable(f"there is no backend {name} here.", "Update the platform.")
    return specs[name]


Invoke = Callable[[Target, bytes, float], bytes]


class Backends:
    """Every backend of a table, each connected when it is first called. For one thread."""

    def __init__(self, specs: Mapping[str, BackendSpec] = BACKENDS) -> None:
        self._specs = specs
        self._connected: dict[str, Backend] = {}

    def invoke(self, target: Target, payload: bytes, timeout_s: float) -> bytes:
        """Call the target's backend; see `Backend.invoke`."""
        backend = self._connected.get(target.backend)
        if backend is None:
            backend = self._connected[target.backend] = spec_of(target.backend, self._specs).connect()
        return backend.invoke(target.address, payload, timeout_s)
