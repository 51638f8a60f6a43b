"""Signing secrets and the models' own callback credentials, in Secrets Manager.

Names are `modelcote-webhooks/<stack>/<project>/signing`, `.../signing/<model>` and `.../auth/<model>`: another prefix
than the secrets that models read, so that no model's role reaches them.
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

_KEPT_S = 30.0


def origin(url: str) -> str:
    """The scheme and the host with its port; empty for an empty URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if url else ""


class WebhookSecrets:
    """One project's and model's secrets. `client` is boto3's for Secrets Manager; what is read is kept for 30 s.

    `key_arn` is the KMS key that new secrets are kept under.
    """

    def __init__(
        self, client: Any, stack: str, key_arn: str, policy: Policy, clock: Callable[[], float] = time.time
    ) -> None:
        self.client = client
        self.key_arn = key_arn
        self.stack = stack
        self.policy = policy
        self.clock = clock
        self._kept: dict[str, tuple[float, dict[str, Any] | None]] = {}

    def rotate(self, project: str, model: str = "") -> str:
        """A new signing secret of the project, or of one model; the one before it signs too for 24 hours.

        The only answer that ever holds it.
        """
        name = self._signing(project, model)
        before = self._read(name)
        made = {"current": new_secret(), "previous": "", "previous_until_s": 0.0}
        if before is not None:
            made["previous"] = before["current"]
            made["previous_until_s"] = self.clock() + self.policy.secret_overlap_s
        self._write(name, made, new=before is None)
        return str(made["current"])

    def remove(self, project: str, model: str) -> None:
        """The model's deliveries are signed with the project's secret again."""
        self._delete(self._signing(project, model))

    def signing(self, project: str, model: str) -> list[str]:
        """What signs a delivery of the model, the newest first: its own secrets, else the project's.

        A project that has none gets one; its owner sees one by rotating.
        """
        for name in (self._signing(project, model), self._signing(project)):
            found = self._cached(name)
            if found is not None:
                break
        else:
            self.rotate(project)
            found = self._read(self._signing(project)) or {}
        secrets = [found["current"]]
        if found["previous"] and found["previous_until_s"] > self.clock():
            secrets.append(found["previous"])
        return secrets

    def described(self, project: str, model: str = "") -> dict[str, Any] | None:
        """When the secret before the last rotation stops signing (None: it has); None where there is no secret."""
        found = self._read(self._signing(project, model))
        if found is None:
            return None
        until = found["previous_until_s"]
        return {"previous_until_s": until if found["previous"] and until > self.clock() else None}

    def put_auth(self, project: str, model: str, auth: BasicAuth | MtlsAuth, url: str = "") -> None:
        """The credentials of the model's own webhook, which is at `url`."""
        name = self._auth(project, model)
        kept = {"auth": auth_to_dict(auth), "origin": origin(url)}
        self._write(name, kept, new=self._read(name) is None)

    def auth(self, project: str, model: str, url: str = "") -> BasicAuth | MtlsAuth | None:
        """The credentials of the model's own webhook, or None.

        None also where `url` has another origin than they were given for: a delivery to a receiver that the model had
        before does not carry what was made for the next one.
        """
        found = self._cached(self._auth(project, model))
        if found is None or (url and found["origin"] and found["origin"] != origin(url)):
            return None
        return auth_from_dict(found["auth"])

    def remove_auth(self, project: str, model: str) -> None:
        self._delete(self._auth(project, model))

    def _signing(self, project: str, model: str = "") -> str:
        return f"modelcote-webhooks/{self.stack}/{project}/signing" + (f"/{model}" if model else "")

    def _auth(self, project: str, model: str) -> str:
        return f"modelcote-webhooks/{self.stack}/{project}/auth/{model}"

    def _cached(self, name: str) -> dict[str, Any] | None:
        at = time.monotonic()
        kept = self._kept.get(name)
        if kept is None or at >= kept[0]:
            kept = self._kept[name] = (at + _KEPT_S, self._read(name))
        return kept[1]

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads(self.client.get_secret_value(SecretId=name)["SecretString"])
        except self.client.exceptions.ResourceNotFoundException:
            return None
        return found

    def _write(self, name: str, value: dict[str, Any], *, new: bool) -> None:
        text = json.dumps(value)
        self._kept.pop(name, None)
        if new:
            try:
                self.client.create_secret(Name=name, SecretString=text, KmsKeyId=self.key_arn)
            except self.client.exceptions.ResourceExistsException:
                pass  # Another was quicker: what it wrote becomes the version before this one.
            else:
                return
        self.client.put_secret_value(SecretId=name, SecretString=text)

    def _delete(self, name: str) -> None:
        self._kept.pop(name, None)
        try:
            self.client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        except self.client.exceptions.ResourceNotFoundException:
            return
