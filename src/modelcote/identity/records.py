"""The rows of API keys and of trusted token issuers, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass

from modelcote.aws.rows import Row, project_pk


@dataclass(frozen=True)
class ApiKey(Row):
    """An API key as stored: the sha256 of its secret, never the secret.

    `expires_at_s` and `revoked_at_s` are 0 for never.
    """

    key_id: str
    project: str
    name: str
    scopes: tuple[str, ...]
    secret_sha256: str
    prefix: str
    created_at: str = ""
    expires_at_s: int = 0
    revoked_at_s: int = 0

    @property
    def key(self) -> tuple[str, str]:
        return f"KEY#{self.key_id}", "KEY"

    @property
    def listed_key(self) -> tuple[str, str]:
        """The key of the row in the project's list, which carries no digest of the secret."""
        return project_pk(self.project), f"KEY#{self.key_id}"

    def active(self, at_s: float) -> bool:
        return not self.revoked_at_s and not (self.expires_at_s and at_s >= self.expires_at_s)


@dataclass(frozen=True)
class JwtIssuer(Row):
    """An issuer whose tokens a project accepts: issuer and audience exactly, a public key (PEM), the tokens' scopes."""

    issuer_id: str
    project: str
    issuer: str
    audience: str
    public_key: str
    algorithm: str
    scopes: tuple[str, ...]
    created_at: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return f"ISSUER#{self.issuer_id}", "ISSUER"

    @property
    def listed_key(self) -> tuple[str, str]:
        return project_pk(self.project), f"ISSUER#{self.issuer_id}"
