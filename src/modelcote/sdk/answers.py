"""The shapes of the API's answers, under the names that docs/openapi/openapi.json has for them; a test compares both.

Times are texts in ISO 8601 (UTC).
"""

# ruff: noqa: UP013  A shape of one or two members fits on one line.

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class ModelView(TypedDict):
    name: str
    state: str
    current_version: int
    wanted_version: int
    runtime: str
    compiled: bool
    predict_url: str
    updated_at: str


ModelList = TypedDict("ModelList", {"models": list[ModelView]})


class VersionView(TypedDict):
    version: int
    state: str
    sha256: str
    bytes: int
    runtime: str
    compiled: bool
    compile_report: dict[str, Any] | None
    message: str
    spec: dict[str, Any]
    created_at: str
    updated_at: str


class VersionDetail(VersionView):
    input_schema: dict[str, Any] | None


VersionList = TypedDict("VersionList", {"versions": list[VersionView]})
LogEvent = TypedDict("LogEvent", {"at": str, "text": str})
LogLines = TypedDict("LogLines", {"lines": list[LogEvent]})


class Upload(TypedDict):
    url: str
    method: str
    headers: dict[str, str]


CreatedVersion = TypedDict("CreatedVersion", {"version": int, "upload": Upload})
Accepted = TypedDict("Accepted", {"deploy_id": str, "status_url": str})


class Line(TypedDict):
    n: int
    at: str
    text: str


class DeployView(TypedDict):
    deploy_id: str
    model: str
    version: int
    kind: str
    state: str
    lines: list[Line]
    next: int
    predict_url: str
    error: dict[str, Any] | None


class KeyView(TypedDict):
    key_id: str
    name: str
    prefix: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None


KeyList = TypedDict("KeyList", {"keys": list[KeyView]})


class CreatedKey(KeyView):
    key: str


SecretView = TypedDict("SecretView", {"key": str, "updated_at": str})
SecretList = TypedDict("SecretList", {"secrets": list[SecretView]})


class RunView(TypedDict):
    run_id: str
    model: str
    version: int
    state: str
    attempt: int
    created_at: str
    started_at: str | None
    ended_at: str | None
    queue_until: str
    run_limit_s: float
    run_time_ms: float
    points: int
    result_until: str | None
    error: dict[str, Any] | None
    webhook_endpoint: str | None
    webhook_auth: bool


RunList = TypedDict("RunList", {"runs": list[RunView], "cursor": str | None})


class RunDetail(RunView):
    result: NotRequired[Any]
    result_url: NotRequired[str | None]
    sha256: NotRequired[str | None]
    bytes: NotRequired[int | None]
    content_type: NotRequired[str | None]


class DeliveryView(TypedDict):
    run_id: str
    model: str
    webhook_id: str
    event: str
    url: str
    state: str
    reason: str
    attempts_made: int
    replays: int
    created_at: str
    next_at: str | None
    delivered_at: str | None


DeliveryList = TypedDict("DeliveryList", {"deliveries": list[DeliveryView], "cursor": str | None})


class AttemptView(TypedDict):
    number: int
    at: str
    status: int | None
    error: str | None
    answer: str
    took_ms: float


class DeliveryDetail(DeliveryView):
    attempts: list[AttemptView]


WebhookView = TypedDict("WebhookView", {"url": str, "auth": str | None})
SigningSecretView = TypedDict("SigningSecretView", {"exists": bool, "previous_until": str | None})
SigningSecret = TypedDict("SigningSecret", {"secret": str})


class Prediction(TypedDict):
    """The answer to a predict call (200)."""

    result: Any
    run_id: str
    run_time_ms: float
    prediction_ids: list[str]


class AcceptedRun(TypedDict):
    """The answer to a predict call that became a run (202); `state` is absent in the Conduit dialect."""

    run_id: str
    webhook_endpoint: str | None
    message: str
    state: NotRequired[str]


class ReplayCount(TypedDict):
    """The number of deliveries that `Client.replay(since=...)` sent again, over all pages."""

    replayed: int
