"""The control API on a real registry, called over HTTP."""

from __future__ import annotations

import hashlib
import json
import pickle
import zipfile
from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO
from typing import Any

import httpx
from fastapi import FastAPI

from modelcote.aws.table import Table
from modelcote.control.app import create_app
from modelcote.control.services import Services
from modelcote.core.policy import Policy
from modelcote.core.spec import ModelSpec, spec_to_dict
from modelcote.dialects import DIALECTS
from modelcote.identity import keys
from modelcote.registry import deploys, models
from modelcote.registry.records import Deploy
from modelcote.registry.store import Registry
from modelcote.runs.executions import StateMachine
from modelcote.runs.store import RunStore
from modelcote.webhooks.secrets import WebhookSecrets
from tests.support.asgi import AppTransport
from tests.support.emulator import Emulator
from tests.support.registered import PROJECT, finished, running
from tests.support.specs import a_spec
from tests.support.tables import make_table

URL = "https://api.example"


@dataclass
class Stand:
    """The API, and keys of every kind. `log` holds what it has logged."""

    http: httpx.Client
    registry: Registry
    services: Services
    keys: dict[str, str]
    log: list[tuple[str, dict[str, Any]]]
    app: FastAPI

    def use(self, **changes: Any) -> None:
        """Exchanges services of the API."""
        self.services = self.app.state.services = replace(self.services, **changes)

    def call(self, method: str, path: str, *, key: str | None = "deploy", **options: Any) -> httpx.Response:
        """A call below the project, with the key of that name (or that text, or none)."""
        return self.raw(method, f"/v1/projects/{PROJECT}{path}", key=key, **options)

    def raw(self, method: str, path: str, *, key: str | None = "deploy", **options: Any) -> httpx.Response:
        headers = {**({} if key is None else {"authorization": self.keys.get(key, key)}), **options.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **options)

    def create(self, spec: ModelSpec | None = None, bundle: bytes | None = None) -> httpx.Response:
        """Request a new version."""
        spec, bundle = spec or a_spec(), bundle if bundle is not None else a_bundle()
        content = {"sha256": hashlib.sha256(bundle).hexdigest(), "bytes": len(bundle)}
        body = {"spec": spec_to_dict(spec), "bundle": content}
        return self.call("POST", f"/models/{spec.name}/versions", json=body)

    def upload(self, created: httpx.Response, bundle: bytes | None = None) -> int:
        """Send the bundle as the answer says, and return the version."""
        upload = created.json()["upload"]
        content = bundle if bundle is not None else a_bundle()
        sent = httpx.request(upload["method"], upload["url"], headers=upload["headers"], content=content)
        assert sent.status_code == 200, sent.text
        version: int = created.json()["version"]
        return version

    def deploy(self, name: str = "iris") -> Deploy:
        """Create and upload a version, and request its deploy."""
        version = self.upload(self.create(a_spec(name)))
        requested = self.ok("POST", f"/models/{name}/versions/{version}/deploy", 202, json={})
        return deploys.get(self.registry, PROJECT, requested["deploy_id"])

    def ready(self, name: str = "iris") -> Deploy:
        """Deploy, and play the deployer until the model is ready."""
        return finished(self.registry, self.deploy(name))

    def begin(self, deploy_id: str) -> Deploy:
        """Play the deployer that begins."""
        return running(self.registry, deploys.get(self.registry, PROJECT, deploy_id))

    def ok(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """The body of a call's answer."""
        answer = self.call(method, path, **options)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def refused(self, status: int, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The problem of a call that is refused."""
        return check_problem(self.call(method, path, **options), status)


def stand_on(emulator: Emulator) -> Stand:
    """An API with an empty registry."""
    registry = emulator.registry()
    models.ensure_project(registry, PROJECT)
    texts = {scope: keys.create(registry.table, PROJECT, scope, [scope])[1] for scope in ("predict", "deploy", "admin")}
    app = the_app()
    app.state.services, app.state.log = services_on(emulator, registry), []
    http = httpx.Client(transport=AppTransport(app), base_url=URL)
    return Stand(http, registry, app.state.services, texts, app.state.log, app)


@cache
def the_app() -> FastAPI:
    """The application, whose services and log each test replaces: its routes take longer to make than most tests."""
    app = create_app(None, DIALECTS, lambda event, **members: app.state.log.append((event, members)))
    return app


def services_on(emulator: Emulator, registry: Registry) -> Services:
    """What the API works with; runs have a table and queues of their own."""
    name, secrets = registry.table.name, emulator.client("secretsmanager")
    make_table(registry.table.client, "runs", f"{name}-runs")
    queues = [registry.sqs.create_queue(QueueName=f"{name}-{kind}")["QueueUrl"] for kind in ("runs", "deliveries")]
    table = Table(registry.table.client, f"{name}-runs")
    runs = RunStore(table, registry.s3, registry.sqs, registry.bucket, *queues, Policy())
    key_arn = f"arn:aws:kms:us-east-1:000000000000:key/{name}"
    machine = f"arn:aws:states:us-east-1:000000000000:stateMachine:{name}"
    return Services(
        registry=registry,
        logs=emulator.client("logs"),
        secrets=secrets,
        stack=name,
        public_url=URL,
        runs=runs,
        executions=StateMachine(emulator.client("stepfunctions"), machine),
        webhook_secrets=WebhookSecrets(secrets, name, key_arn, runs.policy),
        kms=emulator.client("kms"),
        key_arn=key_arn,
    )


@cache
def a_pickle() -> bytes:
    """A trained classifier."""
    from sklearn.linear_model import LogisticRegression

    return pickle.dumps(LogisticRegression().fit([[0.0], [1.0]], [0, 1]))


@cache
def a_bundle(name: str = "iris", **more: Any) -> bytes:
    """The bundle of `a_spec`; `more` goes into its manifest."""
    manifest = {
        "name": name,
        "flow": [["sklearn_classifier", "model.pkl", {"pre": None, "post": None}]],
        "processors": [{"pre": None, "post": None}],
        **more,
    }
    return a_zip({"model.pkl": a_pickle(), "conduit.json": json.dumps(manifest).encode()})


def a_zip(files: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def check_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Check what all errors share, and return the problem."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert (problem["status"], problem["request_id"]) == (status, answer.headers["x-request-id"])
    assert all(problem[member] for member in ("detail", "remedy", "code"))
    assert "Traceback" not in answer.text
    return problem
