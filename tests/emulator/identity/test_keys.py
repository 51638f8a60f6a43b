"""API keys: shown once, two of a name, the same refusal for all that is wrong."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import Mock

import pytest

from modelcote.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthorized, to_problem
from modelcote.identity import keys
from modelcote.identity.authenticate import authenticate
from modelcote.identity.scopes import Caller
from modelcote.registry.store import Registry


def test_raw_and_bearer(registry: Registry) -> None:
    key, text = keys.create(registry.table, "demo", "laptop", ["deploy", "predict"])
    assert text.startswith(f"mc_{key.key_id}_")
    for header in (text, f"Bearer {text}", f"bearer  {text} "):
        assert authenticate(header, registry.table.get) == Caller("demo", ("predict", "deploy"), key.key_id)


def test_the_secret_is_stored_nowhere(registry: Registry) -> None:
    _, text = keys.create(registry.table, "demo", "laptop", ["predict"])
    secret = text.split("_", 2)[2]
    rows = registry.table.client.scan(TableName=registry.table.name)["Items"]
    assert len(rows) == 3
    assert secret not in str(rows)
    (listed,) = keys.all_of(registry.table, "demo")
    assert listed.secret_sha256 == ""


def wrong_headers(registry: Registry) -> dict[str, str | None]:
    key, text = keys.create(registry.table, "demo", "one", ["admin"])
    gone, gone_text = keys.create(registry.table, "demo", "two", ["admin"])
    keys.revoke(registry.table, "demo", gone.key_id)
    old, old_text = keys.create(registry.table, "demo", "three", ["admin"], expires_in_s=5)
    registry.table.update(old.key, {"expires_at_s": int(time.time()) - 1})
    return {
        "none": None,
        "empty": "",
        "only bearer": "Bearer",
        "basic": "Basic dXNlcjpwYXNz",
        "malformed": "mc_x",
        "not ascii": "mc_" + "\u0661" * 16 + "_" + "a" * 43,
        "unknown": f"mc_{'0' * 16}_{'a' * 43}",
        "another secret": f"mc_{key.key_id}_{'a' * 43}",
        "truncated": text[:-1],
        "longer": text + "a",
        "another's secret": f"mc_{key.key_id}_{gone_text.split('_', 2)[2]}",
        "revoked": gone_text,
        "expired": old_text,
        "very long": "a" * 100_000,
        "three dots": "a.b.c.d",
    }


def test_every_refusal_is_the_same_after_the_same_reads(registry: Registry) -> None:
    seen: list[Any] = []
    for case, header in wrong_headers(registry).items():
        get = Mock(wraps=registry.table.get)
        with pytest.raises(Unauthorized) as caught:
            authenticate(header, get)
        seen.append((to_problem(caught.value), [call.args[1] for call in get.call_args_list]))
        assert seen[-1] == (seen[0][0], ["KEY"]), case


def test_two_active_keys_of_a_name_for_rotation(registry: Registry) -> None:
    first, _ = keys.create(registry.table, "demo", "ci", ["deploy"])
    keys.create(registry.table, "demo", "ci", ["deploy"])
    with pytest.raises(Conflict):
        keys.create(registry.table, "demo", "ci", ["deploy"])
    keys.create(registry.table, "demo", "other", ["deploy"])
    keys.create(registry.table, "else", "ci", ["deploy"])
    keys.revoke(registry.table, "demo", first.key_id)
    third, _ = keys.create(registry.table, "demo", "ci", ["deploy"])
    registry.table.update(third.key, {"expires_at_s": 1})
    keys.create(registry.table, "demo", "ci", ["deploy"])


def test_concurrent_keys_of_a_name_stay_two(registry: Registry) -> None:
    def make(_: int) -> bool:
        try:
            keys.create(registry.table, "demo", "ci", ["deploy"])
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        successes = sum(pool.map(make, range(6)))
    assert 1 <= successes <= 2
    assert len(keys.all_of(registry.table, "demo")) == successes


def test_another_projects_key_is_not_revoked(registry: Registry) -> None:
    key, text = keys.create(registry.table, "demo", "one", ["predict"])
    for project, key_id in (("other", key.key_id), ("demo", "0" * 16)):
        with pytest.raises(NotFound):
            keys.revoke(registry.table, project, key_id)
    assert authenticate(text, registry.table.get).project == "demo"


@pytest.mark.parametrize(
    ("name", "scopes", "expires"),
    [
        *((name, ["predict"], None) for name in ("", "a" * 65, "a\nb")),
        *(("a", scopes, None) for scopes in ([], ["root"], "predict")),
        *(("a", ["predict"], seconds) for seconds in (0, -1, 10**10)),
    ],
)
def test_invalid_keys_are_refused(registry: Registry, name: str, scopes: Any, expires: int | None) -> None:
    with pytest.raises(Invalid):
        keys.create(registry.table, "demo", name, scopes, expires)
    assert keys.all_of(registry.table, "demo") == []


def test_scopes() -> None:
    Caller("p", ("predict",)).require("predict")
    Caller("p", ("admin",)).require("deploy")
    for scopes in (("deploy",), ()):
        with pytest.raises(Forbidden, match="predict"):
            Caller("p", scopes).require("predict")
