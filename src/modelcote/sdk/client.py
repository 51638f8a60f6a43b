"""A client of the control API and of predict, one method per route; raises the server's errors as their own classes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar, Unpack, cast, overload

import httpx

from modelcote.core.errors import BackendUnavailable, DeployFailed, Invalid, from_problem, to_problem
from modelcote.core.runs import OPEN
from modelcote.core.spec import ModelSpec, spec_to_dict
from modelcote.sdk import answers
from modelcote.sdk.config import Target, find_target
from modelcote.sdk.run_calls import RunCalls, RunFilter, SubmitOptions, part, query_of
from modelcote.sdk.wire import TIMEOUT_S, Steps, perform

# Each read of a deploy's progress is an invocation on AWS: the longer it has taken, the longer is the pause.
POLL_S, POLL_MAX_S, _POLL_SHARE = 0.1, 2.0, 0.08
_CHUNK = 256 * 1024
Result = TypeVar("Result")


@dataclass(frozen=True)
class Progress:
    """A deploy's state, and the log lines since the previous `Progress`."""

    state: str
    lines: tuple[str, ...]
    predict_url: str


class Client:
    """The API of one project; by default of the target that the environment or a local cloud names.

    `transport` is httpx's: the network by default, anything else in a test.
    """

    def __init__(self, target: Target | None = None, transport: httpx.BaseTransport | None = None) -> None:
        self.target = target or find_target()
        self._calls = RunCalls(self.target)
        self._http = httpx.Client(
            headers={"Authorization": self.target.api_key, "User-Agent": "modelcote"},
            timeout=TIMEOUT_S,
            transport=transport,
        )
        self._transport = transport

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # Models -----------------------------------------------------------------------------------------------------

    def models(self) -> answers.ModelList:
        return self._call(answers.ModelList, "GET", "/models")

    def model(self, name: str) -> answers.ModelView:
        return self._call(answers.ModelView, "GET", f"/models/{part(name)}")

    def versions(self, name: str) -> answers.VersionList:
        return self._call(answers.VersionList, "GET", f"/models/{part(name)}/versions")

    def version(self, name: str, version: int) -> answers.VersionDetail:
        return self._call(answers.VersionDetail, "GET", f"/models/{part(name)}/versions/{version}")

    def logs(self, name: str, since: str = "", limit: int = 200) -> answers.LogLines:
        query = {"limit": str(limit), **({"since": since} if since else {})}
        return self._call(answers.LogLines, "GET", f"/models/{part(name)}/logs", params=query)

    # Deploys: the answer to each request holds the `deploy_id` to follow -------------------------------------------

    def create_version(self, spec: ModelSpec, sha256: str, size: int) -> answers.CreatedVersion:
        body = {"spec": spec_to_dict(spec), "bundle": {"sha256": sha256, "bytes": size}}
        return self._call(answers.CreatedVersion, "POST", f"/models/{part(spec.name)}/versions", json=body)

    def upload(self, upload: answers.Upload, path: Path, sent: Callable[[int], None] = lambda _: None) -> None:
        """Upload a bundle as `create_version` answered; call `sent` with the number of bytes of each chunk."""
        headers = {**upload["headers"], "content-length": str(path.stat().st_size)}
        with path.open("rb") as file, httpx.Client(timeout=TIMEOUT_S, transport=self._transport) as http:
            answer = http.request(upload["method"], upload["url"], headers=headers, content=_chunks(file, sent))
        if not answer.is_success:
            raise BackendUnavailable(
                f"the upload was answered with {answer.status_code}.",
                "Deploy again; an upload link expires in 15 minutes.",
            )

    def deploy_version(self, name: str, version: int) -> answers.Accepted:
        return self._call(answers.Accepted, "POST", f"/models/{part(name)}/versions/{version}/deploy", json={})

    def rollback(self, name: str, version: int | None = None) -> answers.Accepted:
        return self._call(answers.Accepted, "POST", f"/models/{part(name)}/rollback", json={"version": version})

    def delete(self, name: str) -> answers.Accepted:
        return self._call(answers.Accepted, "DELETE", f"/models/{part(name)}")

    def follow(self, deploy_id: str) -> Iterator[Progress]:
        """Yield the deploy's progress until it ends; raise the error it failed with."""
        after, started = 0, time.monotonic()
        while True:
            row = self._call(answers.DeployView, "GET", f"/deploys/{part(deploy_id)}", params={"after": str(after)})
            after = row["next"] or after
            yield Progress(row["state"], tuple(line["text"] for line in row["lines"]), row["predict_url"])
            if row["state"] == "FAILED":
                problem = row["error"] or to_problem(DeployFailed("the deploy failed.", "Read its log lines above."))
                raise from_problem(problem)
            if row["state"] == "SUCCEEDED":
                return
            time.sleep(min(POLL_MAX_S, max(POLL_S, _POLL_SHARE * (time.monotonic() - started))))

    def finish(self, accepted: answers.Accepted, say: Callable[[str], None] = lambda _: None) -> str:
        """Follow an accepted request to its end, pass each log line to `say`, and return the predict URL."""
        url = ""
        for progress in self.follow(accepted["deploy_id"]):
            url = progress.predict_url
            for line in progress.lines:
                say(line)
        return url

    # Keys and secrets -----------------------------------------------------------------------------------------------

    def keys(self) -> answers.KeyList:
        return self._call(answers.KeyList, "GET", "/keys")

    def create_key(self, name: str, scopes: list[str], expires_in_s: int | None = None) -> answers.CreatedKey:
        """Create an API key. Only this answer ever holds its text."""
        expiry = {"expires_in_s": expires_in_s} if expires_in_s else {}
        return self._call(answers.CreatedKey, "POST", "/keys", json={"name": name, "scopes": scopes, **expiry})

    def revoke_key(self, key_id: str) -> None:
        self._call(dict, "DELETE", f"/keys/{part(key_id)}")

    def secrets(self) -> answers.SecretList:
        return self._call(answers.SecretList, "GET", "/secrets")

    def put_secret(self, key: str, value: str) -> None:
        self._call(dict, "PUT", f"/secrets/{part(key)}", json={"value": value})

    def delete_secret(self, key: str) -> None:
        self._call(dict, "DELETE", f"/secrets/{part(key)}")

    # Runs -----------------------------------------------------------------------------------------------------------

    def submit(self, name: str, data: Any, **options: Unpack[SubmitOptions]) -> RunHandle:
        """Submit a prediction to run in the background; return once it is accepted.

        `webhook`: the URL to notify when the run ends; `webhook_auth`: `{"kind": "basic", "username", "password"}` or
        `{"kind": "mtls", "cert", "key"}`. `queue_limit_s`: how long it may wait in the queue (10 to 259,200 seconds);
        `run_limit_s`: how long each attempt may take (1 to the model's timeout); `result_ttl_s`: how long the result
        can be read (3,600 to 7,776,000). `files`: as in `predict`. Two submissions with the same `idempotency_key`
        and data are one run; by default each call has a key of its own, so that it is safe to send again when the
        connection breaks.
        """
        accepted = self._do(self._calls.submit(name, data, **options))
        return RunHandle(self, accepted["run_id"], accepted)

    def handle(self, run_id: str) -> RunHandle:
        """Return the handle of a run that was submitted earlier, without a request."""
        return RunHandle(self, run_id)

    def runs(self, **filters: Unpack[RunFilter]) -> answers.RunList:
        """List runs, newest first, 50 at a time unless `limit` says otherwise; `cursor` continues a list."""
        return self._do(self._calls.runs(**filters))

    def run(self, run_id: str, wait: float = 0) -> answers.RunDetail:
        """Read a run with its result, or the link to a large one; `wait` up to 20 s for it to end."""
        return self._do(self._calls.run(run_id, wait))

    def result(self, run_id: str) -> Any:
        """Read the result of a run that succeeded, of any size; raise `Conflict` if there is none."""
        return self._do(self._calls.result(run_id))

    def cancel_run(self, run_id: str) -> answers.RunView:
        """Cancel a run; raise `Conflict` if it has ended."""
        return self._do(self._calls.cancel(run_id))

    # Webhooks -------------------------------------------------------------------------------------------------------

    def deliveries(self, **filters: Unpack[RunFilter]) -> answers.DeliveryList:
        """List deliveries, newest run first; `state` is PENDING, DELIVERED or EXHAUSTED."""
        return self._call(answers.DeliveryList, "GET", "/deliveries", params=query_of(filters))

    def delivery(self, run_id: str) -> answers.DeliveryDetail:
        """Read a run's delivery with every attempt."""
        return self._call(answers.DeliveryDetail, "GET", f"/deliveries/{part(run_id)}")

    @overload
    def replay(self, run_id: str) -> answers.DeliveryView: ...

    @overload
    def replay(
        self, *, since: str | float, state: str | None = "EXHAUSTED", model: str = ""
    ) -> answers.ReplayCount: ...

    def replay(
        self, run_id: str = "", *, since: str | float = "", state: str | None = "EXHAUSTED", model: str = ""
    ) -> answers.DeliveryView | answers.ReplayCount:
        """Send one run's delivery again, or all since a time that are in `state` (None: in any but PENDING)."""
        if bool(run_id) == bool(since):
            raise Invalid("replay needs either run_id or since.", "Give exactly one of them.", field="since")
        if run_id:
            path = f"/deliveries/{part(run_id)}/replay"
            return self._call(answers.DeliveryView, "POST", path, again=True)
        return self._do(self._calls.replay_since(since, state, model))

    def webhook_secret(self, model: str | None = None) -> answers.SigningSecretView:
        """Return whether the project, or the model, has a signing secret; never the secret itself."""
        return self._call(answers.SigningSecretView, "GET", f"{_signer(model)}/webhooks/secret")

    def rotate_webhook_secret(self, model: str | None = None) -> str:
        """Create the first or the next signing secret. Only this answer ever holds it."""
        return self._call(answers.SigningSecret, "POST", f"{_signer(model)}/webhooks/secret/rotate")["secret"]

    def delete_webhook_secret(self, model: str) -> None:
        """Delete the model's own secret: the project's signs its webhooks again."""
        self._call(dict, "DELETE", f"{_signer(model)}/webhooks/secret")

    def webhook(self, name: str) -> answers.WebhookView:
        """Read the model's own webhook; raise `NotFound` if it has none."""
        return self._call(answers.WebhookView, "GET", f"/models/{part(name)}/webhook")

    def set_webhook(self, name: str, url: str, auth: Mapping[str, str] | None = None) -> answers.WebhookView:
        """Set the model's own webhook, for runs that name none; credentials that are not repeated are dropped."""
        return self._call(answers.WebhookView, "PUT", f"/models/{part(name)}/webhook", json={"url": url, "auth": auth})

    def delete_webhook(self, name: str) -> None:
        """Remove the model's own webhook."""
        self._call(dict, "DELETE", f"/models/{part(name)}/webhook")

    # Predict --------------------------------------------------------------------------------------------------------

    def predict_url(self, name: str) -> str:
        return self._calls.predict_url(name)

    def predict(
        self, name: str, data: Any, files: list[Any] | None = None, *, timeout: float | None = None
    ) -> answers.Prediction:
        """Call a model; `data`: lists, dicts, arrays or tensors; `files`: paths, bytes or open binary files.

        A call that became a run, because the model is asynchronous or took longer than an HTTP answer may, is
        followed to its end, for at most `timeout` seconds (None: without a limit); then `WaitTimeout` is raised.
        """
        return self._do(self._calls.predict(name, data, files, timeout))

    def _call(self, _shape: type[Result], method: str, path: str, **options: Any) -> Result:
        """Call a route; `_shape` is the type of its answer."""
        return cast(Result, self._do(self._calls.call(method, path, **options)))

    def _do(self, steps: Steps[Result]) -> Result:
        return perform(self._http, steps)


@dataclass(frozen=True, eq=False)
class RunHandle:
    """A submitted run. `accepted` is the answer that accepted it, empty for a run that was looked up."""

    _client: Client = field(repr=False)
    run_id: str
    accepted: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def result(self, timeout: float | None = None) -> Any:
        """Wait until the run has ended and return its result.

        Raises the run's own error (`modelcote.errors`, with `run_id` and `state` in its `extra`), and `WaitTimeout`,
        a `TimeoutError`, when it has not ended in `timeout` seconds; None waits without a limit.
        """
        return self._client._do(self._client._calls.wait_result(self.run_id, timeout))

    def status(self) -> answers.RunDetail:
        """Read the run as it is now: `state`, `attempt`, `error`, its times and, if there is one, its result."""
        return self._client.run(self.run_id)

    def done(self) -> bool:
        """Return whether the run has ended, successfully or not."""
        return self.status()["state"] not in OPEN

    def cancel(self) -> answers.RunView:
        """Cancel the run; raise `Conflict` if it has ended."""
        return self._client.cancel_run(self.run_id)


def _signer(model: str | None) -> str:
    return f"/models/{part(model)}" if model else ""


def _chunks(file: IO[bytes], sent: Callable[[int], None]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
        sent(len(chunk))
