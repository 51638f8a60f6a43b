"""What a key or a token may do. `admin` may do everything; the other scopes include no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelcote.core.errors import Forbidden, Invalid, Unauthorized

PREDICT, DEPLOY, ADMIN = "predict", "deploy", "admin"
SCOPES = (PREDICT, DEPLOY, ADMIN)


@dataclass(frozen=True)
class Caller:
    """The project of the caller's credential and its scopes. `key_id` is empty for a token."""

    project: str
    scopes: tuple[str, ...]
    key_id: str = ""

    def require(self, scope: str) -> None:
        """Raise `Forbidden` unless the credential has the scope, or `admin`."""
        if scope not in self.scopes and ADMIN not in self.scopes:
            raise Forbidden(
                f"this credential lacks the scope {scope}.",
                f"Use a key with the scope {scope}; `cote keys create` makes one.",
                scope=scope,
            )


def refused() -> Unauthorized:
    """Return the error for any rejected credential: the same for all, so that it reveals nothing."""
    return Unauthorized(
        "The API key or token is missing or not valid.",
        "Send the header `Authorization: <API key>`; `cote keys create` makes a key.",
    )


def check_scopes(scopes: Sequence[str]) -> tuple[str, ...]:
    """Return the scopes in their order, each once; raises `Invalid` for none or an unknown one."""
    if not scopes or isinstance(scopes, str) or not set(scopes) <= set(SCOPES):
        raise Invalid(
            "scopes must be a list of known scopes.", f"Use one or more of: {', '.join(SCOPES)}.", field="scopes"
        )
    return tuple(scope for scope in SCOPES if scope in scopes)
