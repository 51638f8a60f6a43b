"""The materialiser: each resource of the program is created, updated, left alone or, when it is gone, removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelcote.core.errors import DeployFailed
from modelcote.core.snapshot import Snapshot
from modelcote.deploy.program.monitor import Resource
from modelcote.local.materialise import access, data, events, http_api, lambdas
from modelcote.local.materialise.maker import Context, Maker, Order
from modelcote.local.materialise.state import Record, State, digest, plain

MAKERS: dict[str, Maker] = {**access.MAKERS, **data.MAKERS, **lambdas.MAKERS, **http_api.MAKERS, **events.MAKERS}


class Materialiser:
    """`modelcote.deploy.program.monitor.Hands` on the emulator; remembers which resources this run holds."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.held: set[str] = set()
        self.changed: list[str] = []

    def create(self, resource: Resource) -> tuple[str, Mapping[str, Any]]:
        if not resource.custom:
            return resource.name, {}
        maker = MAKERS.get(resource.type)
        if maker is None:
            raise DeployFailed(
                f"the local cloud cannot make a {resource.type}.", "Add a maker for it in modelcote/local/materialise."
            )
        self.held.add(resource.urn)
        inputs, state = plain(resource.inputs), self.context.state
        before, inputs_digest = state.resources.get(resource.urn), digest(inputs)
        if before is None or before.digest != inputs_digest:
            order = Order(self.context, resource.urn, inputs, before.id if before is not None else "")
            identity, outputs = maker.make(order)
            before = Record(resource.type, identity, inputs_digest, {"id": identity, **outputs}, inputs)
            state.put(resource.urn, before)
            self.changed.append(resource.urn)
        return before.id, before.outputs

    def call(self, token: str, _args: Mapping[str, Any]) -> Mapping[str, Any]:
        raise DeployFailed(f"the local cloud does not know the function {token}.", "Pass the value in the settings.")

    def remove_the_rest(self) -> list[str]:
        """Remove what earlier runs made and this one did not hold, the newest first; return the URNs."""
        state = self.context.state
        gone = [urn for urn in reversed(list(state.resources)) if urn not in self.held]
        for urn in gone:
            record = state.resources[urn]
            MAKERS[record.type].remove(self.context, record)
            state.remove(urn)
        return gone


def check_deletions(state: State, snapshot: Snapshot) -> None:
    """Raise `DeployFailed` unless every model that would go away has a tombstone: a partial read deletes nothing."""
    remaining = {(model.project, model.name) for model in snapshot.models} | set(snapshot.tombstones)
    lost = {(project, name) for project, name in state.models} - remaining
    if lost:
        raise DeployFailed(
            f"{len(lost)} models would be deleted without a tombstone, {'/'.join(sorted(lost)[0])} among them.",
            "Nothing was changed. The registry was read in part, or rows were removed from it by hand.",
        )
