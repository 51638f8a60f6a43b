"""API keys. The key's text is shown once and stored only as a digest.

A key reads `mc_<16 hexadecimal digits>_<43 characters>`: its id, and 256 random bits. At most two active keys of
a project share a name, so that one can be rotated while the other still works.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict

from modelcote.aws.rows import project_pk
from modelcote.aws.table import ConditionFailed, Table, put, update
from modelcote.core.errors import Conflict, Invalid, NotFound
from modelcote.core.times import now
from modelcote.identity.records import ApiKey
from modelcote.identity.scopes import check_scopes

MAX_ACTIVE = 2
_NAME_LENGTH = 64


def create(
    table: Table, project: str, name: str, scopes: Sequence[str], expires_in_s: int | None = None
) -> tuple[ApiKey, str]:
    """Create a key; return it and its text, which is not stored.

    Raises `Invalid`, and `Conflict` when two of this name are active already.
    """
    if not 1 <= len(name) <= _NAME_LENGTH or not name.isprintable():
        raise Invalid(
            f"a key's name must have 1 to {_NAME_LENGTH} printable characters.", "Choose another.", field="name"
        )
    if expires_in_s is not None and not 0 < expires_in_s <= 10 * 366 * 86_400:
        raise Invalid(
            "expires_in_s must be from 1 second to 10 years.", "Leave it out for never.", field="expires_in_s"
        )
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    key = ApiKey(
        key_id,
        project,
        name,
        check_scopes(scopes),
        hashlib.sha256(secret.encode()).hexdigest(),
        f"mc_{key_id}",
        created_at=now(),
        expires_at_s=int(time.time()) + expires_in_s if expires_in_s else 0,
    )
    slot_key = (project_pk(project), f"KEYNAME#{name}")
    slot = table.get(*slot_key) or {"revision": 0, "ids": []}
    active = [key_id for key_id in slot["ids"] if _active(table, key_id)]
    if len(active) >= MAX_ACTIVE:
        raise Conflict(f"there are {MAX_ACTIVE} active keys named {name!a} already.", "Revoke one of them first.")
    new_slot = {"pk": slot_key[0], "sk": slot_key[1], "revision": slot["revision"] + 1, "ids": [*active, key_id]}
    listed_key = key.listed_key
    try:
        table.transact(
            put(new_slot, "attribute_not_exists(#pk) OR #revision = :seen", seen=slot["revision"]),
            put(key.to_item(), "attribute_not_exists(#pk)"),
            put({**asdict(key), "secret_sha256": "", "pk": listed_key[0], "sk": listed_key[1]}),
        )
    except ConditionFailed:
        raise Conflict("another key of this name was created at the same moment.", "Try again.") from None
    return key, f"mc_{key_id}_{secret}"


def _active(table: Table, key_id: str) -> bool:
    key = ApiKey.read(table.get, (f"KEY#{key_id}", "KEY"))
    return key is not None and key.active(time.time())


def all_of(table: Table, project: str) -> list[ApiKey]:
    """Return the project's keys, revoked and expired ones too, without the digests."""
    return [ApiKey.from_item(item) for item in table.query(project_pk(project), "KEY#")]


def revoke(table: Table, project: str, key_id: str) -> None:
    """End a key; a gateway may accept it for five seconds more (its cache). Raises `NotFound`."""
    change = {"revoked_at_s": int(time.time())}
    try:
        table.transact(
            update((f"KEY#{key_id}", "KEY"), change, "#project = :project", project=project),
            update((project_pk(project), f"KEY#{key_id}"), change, "attribute_exists(#pk)"),
        )
    except ConditionFailed:
        raise NotFound("there is no such key in this project.", "List them with `cote keys ls`.") from None
