"""Callbacks: the URL that a task's result is sent to, and the credentials.

An endpoint's default credentials are in Secrets Manager, under a new name for each value: an edit takes effect in
every process with the write of its row, and a refused one has changed nothing. A task's credentials, its own or the
endpoint's at that moment, are sealed for its run.
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


def read_url(services: Services, url: str | None, field: str) -> str:
    """Return the URL as it is called, empty for none; raise `Invalid` with `field`."""
    return "" if url is None else check_url(url, allowed(services.runs.policy), field).url


def read_auth(auth: dict[str, Any] | None, field: str) -> Auth | None:
    """Return the credentials, if any; raise `Invalid` with `field`."""
    return None if auth is None else parse_auth(auth, datetime.now(UTC), field)


@contextmanager
def stored_auth(services: Services, project: str, endpoint_id: str, auth: Auth | None) -> Iterator[str]:
    """Store default credentials while the endpoint's row is written, and yield their name; empty for none.

    If the block refuses the change, they are deleted again; after any other failure they stay, since the row may have
    been written.
    """
    if auth is None:
        yield ""
        return
    name = f"{endpoint_id}.{secrets.token_hex(8)}"
    services.webhook_secrets.put_auth(project, name, auth)
    try:
        yield name
    except ModelcoteError:
        drop_auth(services, project, name)
        raise


def drop_auth(services: Services, project: str, name: str) -> None:
    """Delete default credentials that no row names any more."""
    if name:
        services.webhook_secrets.remove_auth(project, name)


def callback_of(services: Services, endpoint: LaunchEndpoint, task: CreateAsyncTask, run_id: str) -> Webhook:
    """Return a task's callback.

    Both are validated even if the endpoint has no callback hook. Raise `Invalid`.
    """
    url = read_url(services, task.callback_url, "callback_url") or endpoint.callback_url
    auth = read_auth(task.callback_auth, "callback_auth")
    if CALLBACK not in endpoint.hooks:
        return Webhook()
    if not url:
        if auth is not None:
            raise Invalid("callback_auth without a URL to call.", "Send callback_url too.", field="callback_auth")
        return Webhook()
    auth = auth or _default_auth(services, endpoint)
    return Webhook(url, seal(services.kms, services.key_arn, auth, endpoint.project, run_id) if auth else "")


def _default_auth(services: Services, endpoint: LaunchEndpoint) -> Auth | None:
    if not endpoint.callback_auth:
        return None
    auth = services.webhook_secrets.auth(endpoint.project, endpoint.callback_auth)
    if auth is None:
        # Read between the write of a row that names other credentials and the deletion of these.
        raise BackendUnavailable("the endpoint's credentials were changed at this moment.", "Send the task again.")
    return auth
