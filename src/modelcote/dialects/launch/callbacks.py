"""Callbacks: where a task's result goes, and with what credentials.

An endpoint's default credentials lie in Secrets Manager, under a new name for each value: an edit holds from the
write of its row on, in every process, and one that is refused has changed nothing. A task's credentials, its own or
the endpoint's at that moment, are sealed for its run.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from modelcote.control.services import Services
from modelcote.core.errors import BackendUnavailable, Invalid, ModelcoteError
from modelcote.dialects.launch.bodies import CALLBACK, CreateAsyncTask
from modelcote.dialects.launch.store import LaunchEndpoint
from modelcote.runs.records import Webhook
from modelcote.webhooks.credentials import BasicAuth, MtlsAuth, parse_auth
from modelcote.webhooks.guard import check_url
from modelcote.webhooks.seal import seal
from modelcote.webhooks.submitted import allowed

Auth = BasicAuth | MtlsAuth


def read_url(parts: Services, url: str | None, field: str) -> str:
    """The URL as it is called, empty for none; raises `Invalid` with `field`."""
    return "" if url is None else check_url(url, allowed(parts.runs.policy), field).url


def read_auth(auth: dict[str, Any] | None, field: str) -> Auth | None:
    """The credentials, if any; raises `Invalid` with `field`."""
    return None if auth is None else parse_auth(auth, datetime.now(UTC), field)


@contextmanager
def kept_auth(parts: Services, project: str, endpoint_id: str, auth: Auth | None) -> Iterator[str]:
    """Keeps default credentials while the endpoint's row is written with the name that is given here.

    The name is empty for none. Where the block refuses, they are dropped again; after any other failure they stay,
    since the row may have been written.
    """
    if auth is None:
        yield ""
        return
    name = f"{endpoint_id}.{secrets.token_hex(8)}"
    parts.webhook_secrets.put_auth(project, name, auth)
    try:
        yield name
    except ModelcoteError:
        drop_auth(parts, project, name)
        raise


def drop_auth(parts: Services, project: str, name: str) -> None:
    """Deletes default credentials that no row names any more."""
    if name:
        parts.webhook_secrets.remove_auth(project, name)


def callback_of(parts: Services, endpoint: LaunchEndpoint, task: CreateAsyncTask, run_id: str) -> Webhook:
    """Return a task's callback.

    Checked is also what an endpoint without the hook will not use. Raises `Invalid`.
    """
    url = read_url(parts, task.callback_url, "callback_url") or endpoint.callback_url
    auth = read_auth(task.callback_auth, "callback_auth")
    if CALLBACK not in endpoint.hooks:
        return Webhook()
    if not url:
        if auth is not None:
            raise Invalid(
                "callback_auth is given, and there is no URL to call.", "Give callback_url.", field="callback_auth"
            )
        return Webhook()
    auth = auth or _default_auth(parts, endpoint)
    return Webhook(url, seal(parts.kms, parts.key_arn, auth, endpoint.project, run_id) if auth else "")


def _default_auth(parts: Services, endpoint: LaunchEndpoint) -> Auth | None:
    if not endpoint.callback_auth:
        return None
    auth = parts.webhook_secrets.auth(endpoint.project, endpoint.callback_auth)
    if auth is None:
        # Read between the write of the row that names others and the deletion of these.
        raise BackendUnavailable("the endpoint's credentials were changed at this moment.", "Send the task again.")
    return auth
