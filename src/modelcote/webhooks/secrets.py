"""Signing secrets and the models' own callback credentials, in Secrets Manager.

Names are `modelcote-webhooks/<stack>/<project>/signing`, `.../signing/<model>` and `.../auth/<model>`: the prefix
is not that of the secrets that models read, so no model's role can read these.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from modelcote.core.policy import Policy
from modelcote.webhooks.credentials import BasicAuth, MtlsAuth, auth_from_dict, auth_to_dict
from modelcote.webhooks.sign import new_secret


def origin(url: str) -> str:
    """Return the scheme and the host with its port; empty for an empty URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if url else ""


class WebhookSecrets:
    """One project's and model's secrets. `client` is boto3's for Secrets Manager.

    Values are cached for `Policy.secret_cache_s`. `key_arn` is the KMS key that encrypts new secrets.
    """

    def __init__(
        self, client: Any, stack: str, key_arn: str, policy: Policy, clock: Callable[[], float] = time.time
    ) -> None:
        self.client = client
        self.key_arn = key_arn
        self.stack = stack
        self.policy = policy
        self.clock = clock
        self._cache: dict[str, tuple[float, dict[str, Any] | None]] = {}

    def rotate(self, project: str, model: str = "") -> str:
        """Return a new signing secret of the project, or of one model; the one before it signs too for 24 hours.

        It is never returned again.
        """
        name = self._signing(project, model)
        before = self._read(name)
        secret = {"current": new_secret(), "previous": "", "previous_until_s": 0.0}
        if before is not None:
            secret["previous"] = before["current"]
            secret["previous_until_s"] = self.clock() + self.policy.secret_overlap_s
        self._write(name, secret, new=before is None)
        return str(secret["current"])

    def remove(self, project: str, model: str) -> None:
        """Sign the model's deliveries with the project's secret again."""
        self._delete(self._signing(project, model))

    def signing(self, project: str, model: str) -> list[str]:
        """Return the secrets that sign a delivery of the model, the newest first: its own, else the project's.

        Create one for a project that has none; its owner sees one by rotating.
        """
        for name in (self._signing(project, model), self._signing(project)):
            secret = self._cached(name)
            if secret is not None:
                break
        else:
            self.rotate(project)
            secret = self._read(self._signing(project)) or {}
        overlaps = secret["previous"] and secret["previous_until_s"] > self.clock()
        return [secret["current"], secret["previous"]] if overlaps else [secret["current"]]

    def described(self, project: str, model: str = "") -> dict[str, Any] | None:
        """Return when the secret before the last rotation stops signing (None: it has); None if there is no secret."""
        secret = self._read(self._signing(project, model))
        if secret is None:
            return None
        until = secret["previous_until_s"]
        return {"previous_until_s": until if secret["previous"] and until > self.clock() else None}

    def put_auth(self, project: str, model: str, auth: BasicAuth | MtlsAuth, url: str = "") -> None:
        """Store the credentials of the model's own webhook, which is at `url`."""
        name = self._auth(project, model)
        secret = {"auth": auth_to_dict(auth), "origin": origin(url)}
        self._write(name, secret, new=self._read(name) is None)

    def auth(self, project: str, model: str, url: str = "") -> BasicAuth | MtlsAuth | None:
        """Return the credentials of the model's own webhook, or None.

        None also where `url` has another origin than the one they are for: a delivery to the model's previous receiver
        must not carry the credentials for its next one.
        """
        secret = self._cached(self._auth(project, model))
        if secret is None or (url and secret["origin"] and secret["origin"] != origin(url)):
            return None
        return auth_from_dict(secret["auth"])

    def remove_auth(self, project: str, model: str) -> None:
        self._delete(self._auth(project, model))

    def _signing(self, project: str, model: str = "") -> str:
        return f"modelcote-webhooks/{self.stack}/{project}/signing" + (f"/{model}" if model else "")

    def _auth(self, project: str, model: str) -> str:
        return f"modelcote-webhooks/{self.stack}/{project}/auth/{model}"

    def _cached(self, name: str) -> dict[str, Any] | None:
        at = time.monotonic()
        entry = self._cache.get(name)
        if entry is None or at >= entry[0]:
            entry = self._cache[name] = (at + self.policy.secret_cache_s, self._read(name))
        return entry[1]

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            text = self.client.get_secret_value(SecretId=name)["SecretString"]
        except self.client.exceptions.ResourceNotFoundException:
            return None
        secret: dict[str, Any] = json.loads(text)
        return secret

    def _write(self, name: str, value: dict[str, Any], *, new: bool) -> None:
        text = json.dumps(value)
        self._cache.pop(name, None)
        if new:
            try:
                self.client.create_secret(Name=name, SecretString=text, KmsKeyId=self.key_arn)
            except self.client.exceptions.ResourceExistsException:
                pass  # Created by another caller meanwhile, whose value becomes the previous version.
            else:
                return
        self.client.put_secret_value(SecretId=name, SecretString=text)

    def _delete(self, name: str) -> None:
        self._cache.pop(name, None)
        try:
            self.client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        except self.client.exceptions.ResourceNotFoundException:
            return
