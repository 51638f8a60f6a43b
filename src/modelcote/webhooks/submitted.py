"""A webhook as a caller submits it, checked before anything is accepted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_network

from modelcote.core.errors import Invalid
from modelcote.core.policy import Policy
from modelcote.registry.records import Model
from modelcote.runs.records import Webhook
from modelcote.webhooks.credentials import BasicAuth, MtlsAuth, parse_auth
from modelcote.webhooks.guard import Allowed, check_url
from modelcote.webhooks.secrets import origin

Seal = Callable[[BasicAuth | MtlsAuth], str]


def allowed(policy: Policy) -> Allowed:
    """Return which URLs and addresses the operator's policy allows."""
    return Allowed(
        http=policy.webhook_http,
        loopback=policy.webhook_loopback,
        ports=frozenset({443, *policy.webhook_ports}),
        blocked=tuple(ip_network(text) for text in policy.webhook_blocked),
    )


def read_webhook(policy: Policy, model: Model, url: object, auth: object, seal: Seal) -> Webhook:
    """Return the webhook of a run: the one requested, else (`url` is None) the model's own. Raise `Invalid`.

    The model's credentials are sent to the model's own URL and its origin only, since a caller with the scope
    `predict` may name any other.
    """
    if url is None:
        if auth is not None:
            raise Invalid("webhook_auth requires webhook_endpoint.", "Send both.", field="webhook_auth")
        return models_webhook(model)
    target = check_url(url, allowed(policy))
    if auth is not None:
        return Webhook(target.url, seal(parse_auth(auth, datetime.now(UTC))))
    own = bool(model.webhook_url) and origin(model.webhook_url) == origin(target.url)
    return Webhook(target.url, default_auth=own and bool(model.webhook_auth))


def models_webhook(model: Model) -> Webhook:
    """Return the webhook of a run that names none: the model's own, if it has one."""
    return Webhook(model.webhook_url, default_auth=bool(model.webhook_url and model.webhook_auth))
