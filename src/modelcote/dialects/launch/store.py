"""Endpoints of the launch interface: rows of the registry's table, each for one of the project's models.

Besides the endpoint's row (`LAUNCHENDPOINT#id`) a second one keeps its name unique (`LAUNCHNAME#name`).
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from modelcote.aws.rows import Row, project_pk
from modelcote.aws.table import ConditionFailed, Table, delete, put
from modelcote.core.errors import Conflict, NotFound
from modelcote.core.times import now
from modelcote.registry.records import Model, model_key

_PREFIX = "LAUNCHENDPOINT#"
_ID = re.compile(r"end_[0-9a-f]{20}", re.ASCII)


@dataclass(frozen=True)
class LaunchEndpoint(Row):
    """A name for one model.

    `settings_json` holds the caller's settings as JSON, to be shown again. `callback_auth` names the entry of Secrets
    Manager with the default credentials of its callbacks; empty for none. `revision` counts the changes: a change
    applies only to the revision that was read.
    """

    project: str
    endpoint_id: str
    name: str
    model: str
    endpoint_type: str
    hooks: tuple[str, ...] = ()
    callback_url: str = ""
    callback_auth: str = ""
    settings_json: str = "{}"
    revision: int = 1
    created_at: str = ""
    updated_at: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return project_pk(self.project), f"{_PREFIX}{self.endpoint_id}"

    @property
    def name_key(self) -> tuple[str, str]:
        return _name_key(self.project, self.name)

    @property
    def settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = json.loads(self.settings_json)
        return settings


def new_endpoint_id() -> str:
    return f"end_{secrets.token_hex(10)}"


def create_endpoint(table: Table, row: LaunchEndpoint) -> LaunchEndpoint:
    """Store a new endpoint; raise `Conflict` if the project has one of this name."""
    at = now()
    row = replace(row, created_at=at, updated_at=at)
    pk, sk = row.name_key
    try:
        table.transact(
            put({"pk": pk, "sk": sk, "endpoint_id": row.endpoint_id}, "attribute_not_exists(#pk)"),
            put(row.to_item(), "attribute_not_exists(#pk)"),
        )
    except ConditionFailed:
        raise Conflict("there is a model endpoint of this name.", "Edit that one, or use another name.") from None
    return row


def get_endpoint(table: Table, project: str, endpoint_id: str) -> LaunchEndpoint:
    """Return one endpoint; raise `NotFound` for an id that is malformed, unknown, or another project's."""
    item = table.get(project_pk(project), f"{_PREFIX}{endpoint_id}") if _ID.fullmatch(endpoint_id) else None
    if item is None:
        raise NotFound("there is no such model endpoint in this project.", "List them with GET /v1/model-endpoints.")
    return LaunchEndpoint.from_item(item)


def find_endpoint(table: Table, project: str, name: str) -> LaunchEndpoint | None:
    """Return the endpoint of a name, or None."""
    named = table.get(*_name_key(project, name))
    return LaunchEndpoint.read(table.get, (project_pk(project), f"{_PREFIX}{named['endpoint_id']}")) if named else None


def list_endpoints(table: Table, project: str) -> list[LaunchEndpoint]:
    """Return the project's endpoints by name."""
    rows = [LaunchEndpoint.from_item(item) for item in table.query(project_pk(project), _PREFIX)]
    return sorted(rows, key=lambda row: row.name)


def change_endpoint(table: Table, row: LaunchEndpoint) -> LaunchEndpoint:
    """Store a changed endpoint, whose revision is the one that was read.

    Raise `Conflict` if it was changed meanwhile, `NotFound` if it was deleted.
    """
    changed = replace(row, revision=row.revision + 1, updated_at=now())
    try:
        table.put(changed.to_item(), "#revision = :seen", seen=row.revision)
    except ConditionFailed:
        # Perhaps the answer was lost, and the same write was sent again.
        if get_endpoint(table, row.project, row.endpoint_id) != changed:
            raise _overtaken() from None
    return changed


def delete_endpoint(table: Table, row: LaunchEndpoint) -> None:
    """Delete an endpoint and free its name; raise as `change_endpoint` does."""
    try:
        table.transact(delete(row.key, "#revision = :seen", seen=row.revision), delete(row.name_key))
    except ConditionFailed:
        get_endpoint(table, row.project, row.endpoint_id)
        raise _overtaken() from None


def models_of(table: Table, rows: Iterable[LaunchEndpoint]) -> dict[str, Model]:
    """Return the models of these endpoints by name, without those that were deleted."""
    keys = {model_key(row.project, row.model) for row in rows}
    return {item["name"]: Model.from_item(item) for item in table.get_many(sorted(keys)).values()}


def _overtaken() -> Conflict:
    return Conflict("the endpoint was changed by another request at the same moment.", "Read it, then try again.")


def _name_key(project: str, name: str) -> tuple[str, str]:
    return project_pk(project), f"LAUNCHNAME#{name}"
