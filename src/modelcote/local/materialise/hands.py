"""The hands: a resource is made, updated, left alone, or, when the plan no longer holds it, taken away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelcote.core.errors import DeployFailed
from modelcote.core.snapshot import Snapshot
from modelcote.deploy.program.monitor import Resource
from modelcote.local.materialise import compute, data, events
from modelcote.local.materialise.context import Context, Maker
from modelcote.local.materialise.state import Record, State, digest, plain

MAKERS: dict[str, Maker] = {**data.MAKERS, **compute.MAKERS, **events.MAKERS}


class LocalHands:
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
        inputs = plain(resource.inputs)
        state, wanted = self.context.state, digest(inputs)
        before = state.resources.get(resource.urn)
        if before is not None and before.digest == wanted:
            return before.id, before.outputs
        made, outputs = maker.make(self.context, resource.urn, inputs, before)
        state.put(resource.urn, Record(resource.type, made, wanted, {"id": made, **outputs}, inputs))
        self.changed.append(resource.urn)
        return made, state.resources[resource.urn].outputs

    def call(self, token: str, _args: Mapping[str, Any]) -> Mapping[str, Any]:
        raise DeployFailed(f"the local cloud does not know the function {token}.", "Pass the value in the settings.")

    def remove_the_rest(self) -> list[str]:
        """Take away what earlier runs made and this one did not hold, the last made first."""
        state = self.context.state
        gone = [urn for urn in reversed(list(state.resources)) if urn not in self.held]
        for urn in gone:
            record = state.resources[urn]
            MAKERS[record.type].remove(self.context, record)
            state.remove(urn)
        return gone


def check_deletions(state: State, snapshot: Snapshot) -> None:
    """Raises `DeployFailed` unless every model that would go away has a tombstone: a partial read deletes nothing."""
    wanted = {(model.project, model.name) for model in snapshot.models}
    lost = {(project, name) for project, name in state.models} - wanted - set(snapshot.tombstones)
    if lost:
        raise DeployFailed(
            f"{len(lost)} models would be deleted without a tombstone, {'/'.join(sorted(lost)[0])} among them.",
            "Nothing was changed. The registry was read in part, or rows were removed from it by hand.",
        )
