"""Trusted JWT issuers of a project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from modelcote.aws.rows import project_pk
from modelcote.aws.table import ConditionFailed, Table, delete, put
from modelcote.core.errors import Conflict, Invalid, NotFound
from modelcote.core.times import now
from modelcote.identity.records import JwtIssuer
from modelcote.identity.scopes import check_scopes

_MAX_TEXT = 512


def register(
    table: Table, project: str, issuer: str, audience: str, public_key: str, scopes: Sequence[str]
) -> JwtIssuer:
    """Register a pair of issuer and audience, or replace its key and scopes.

    Raises `Invalid`, and `Conflict` when the pair belongs to another project.
    """
    from modelcote.identity.tokens import algorithm_of, issuer_id

    for field, text in (("issuer", issuer), ("audience", audience)):
        if not 1 <= len(text) <= _MAX_TEXT or not text.isprintable():
            raise Invalid(f"{field} must have 1 to {_MAX_TEXT} printable characters.", "Choose another.", field=field)
    algorithm, scopes = algorithm_of(public_key), check_scopes(scopes)
    row = JwtIssuer(issuer_id(issuer, audience), project, issuer, audience, public_key, algorithm, scopes, now())
    pk, sk = row.listed_key
    try:
        table.transact(
            put(row.to_item(), "attribute_not_exists(#pk) OR #project = :project", project=project),
            put({**asdict(row), "pk": pk, "sk": sk}),
        )
    except ConditionFailed:
        raise Conflict("this issuer and audience belong to another project.", "Use an audience of your own.") from None
    return row


def all_of(table: Table, project: str) -> list[JwtIssuer]:
    """Return the project's issuers."""
    return [JwtIssuer.from_item(item) for item in table.query(project_pk(project), "ISSUER#")]


def remove(table: Table, project: str, issuer_id: str) -> None:
    """Stop accepting the issuer's tokens; raises `NotFound`."""
    try:
        table.transact(
            delete((f"ISSUER#{issuer_id}", "ISSUER"), "#project = :project", project=project),
            delete((project_pk(project), f"ISSUER#{issuer_id}")),
        )
    except ConditionFailed:
        raise NotFound(
            "there is no such issuer in this project.", "List them with GET /v1/projects/{project}/jwt-issuers."
        ) from None
