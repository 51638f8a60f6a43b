"""A client of the control API and of predict, one method per route; errors come back as the classes they were."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import httpx

from modelcote.core.errors import BackendUnavailable, DeployFailed, Invalid, ModelcoteError, from_problem
from modelcote.core.spec import ModelSpec, spec_to_dict
from modelcote.sdk.config import Target, find_target
from modelcote.sdk.run_calls import RunCalls, part
from modelcote.sdk.runs import RunHandle
from modelcote.sdk.wire import TIMEOUT_S, Steps, perform

POLL_S = 0.1
_CHUNK = 256 * 1024
Result = TypeVar("Result")


@dataclass(frozen=True)
class Progress:
    """A deploy as it goes on: the log lines since the last one, and its state."""

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

    def models(self) -> dict[str, Any]:
        return self._call("GET", "/models")

    def model(self, name: str) -> dict[str, Any]:
        return self._call("GET", f"/models/{part(name)}")

    def versions(self, name: str) -> dict[str, Any]:
        return self._call("GET", f"/models/{part(name)}/versions")

    def logs(self, name: str, since: str = "", limit: int = 200) -> dict[str, Any]:
        query = {"limit": str(limit), **({"since": since} if since else {})}
        return self._call("GET", f"/models/{part(name)}/logs", params=query)

    # Deploys: each gives the accepted request's `deploy_id`, to be followed ----------------------------------------

    def create_version(self, spec: ModelSpec, sha256: str, size: int) -> dict[str, Any]:
        """`{"version": n, "upload": {"url", "method", "headers"}}`."""
        body = {"spec": spec_to_dict(spec), "bundle": {"sha256": sha256, "bytes": size}}
        return self._call("POST", f"/models/{part(spec.name)}/versions", json=body)

    def upload(self, upload: Mapping[str, Any], path: Path, sent: Callable[[int], None] = lambda _: None) -> None:
        """Send a bundle to where `create_version` said; `sent` is told the bytes of each chunk."""
        headers = {**upload["headers"], "content-length": str(path.stat().st_size)}
        with path.open("rb") as file, httpx.Client(timeout=TIMEOUT_S, transport=self._transport) as http:
            answer = http.request(upload["method"], upload["url"], headers=headers, content=_chunks(file, sent))
        if not answer.is_success:
            raise BackendUnavailable(
                f"the upload was answered with {answer.status_code}.", "Deploy again; the link is good for 15 minutes."
            )

    def deploy_version(self, name: str, version: int) -> dict[str, Any]:
        return self._call("POST", f"/models/{part(name)}/versions/{version}/deploy", json={})

    def rollback(self, name: str, version: int | None = None) -> dict[str, Any]:
        return self._call("POST", f"/models/{part(name)}/rollback", json={"version": version})

    def delete(self, name: str) -> dict[str, Any]:
        return self._call("DELETE", f"/models/{part(name)}")

    def follow(self, deploy_id: str) -> Iterator[Progress]:
        """The deploy's progress until it is done; raises the error it failed with."""
        after = 0
        while True:
            row = self._call("GET", f"/deploys/{part(deploy_id)}", params={"after": str(after)})
            after = row["next"] or after
            yield Progress(row["state"], tuple(line["text"] for line in row["lines"]), row.get("predict_url") or "")
            if row["state"] == "FAILED":
                raise _deploy_error(row.get("error"))
            if row["state"] == "SUCCEEDED":
                return
            time.sleep(POLL_S)

    def finish(self, accepted: Mapping[str, Any], say: Callable[[str], None] = lambda _: None) -> str:
        """Follow an accepted request to its end, saying each log line; gives the predict URL."""
        url = ""
        for progress in self.follow(accepted["deploy_id"]):
            url = progress.predict_url
            for line in progress.lines:
                say(line)
        return url

    # Keys and secrets -----------------------------------------------------------------------------------------------

    def keys(self) -> dict[str, Any]:
        return self._call("GET", "/keys")

    def create_key(self, name: str, scopes: list[str], expires_in_s: int | None = None) -> dict[str, Any]:
        """The only answer that ever holds the key's text."""
        body: dict[str, Any] = {"name": name, "scopes": scopes}
        return self._call("POST", "/keys", json={**body, **({"expires_in_s": expires_in_s} if expires_in_s else {})})

    def revoke_key(self, key_id: str) -> None:
        self._call("DELETE", f"/keys/{part(key_id)}")

    def secrets(self) -> dict[str, Any]:
        return self._call("GET", "/secrets")

    def put_secret(self, key: str, value: str) -> None:
        self._call("PUT", f"/secrets/{part(key)}", json={"value": value})

    def delete_secret(self, key: str) -> None:
        self._call("DELETE", f"/secrets/{part(key)}")

    # Runs -----------------------------------------------------------------------------------------------------------

    def submit(
        self,
        name: str,
        data: Any,
        *,
        webhook: str | None = None,
        webhook_auth: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        queue_limit_s: float | None = None,
        run_limit_s: float | None = None,
        result_ttl_s: float | None = None,
        files: list[Any] | None = None,
    ) -> RunHandle:
        """A prediction in the background, once it is accepted.

        `webhook` is told of its end; `webhook_auth` is `{"kind": "basic", "username", "password"}` or
        `{"kind": "mtls", "cert", "key"}`. Limits are seconds: in the queue (10 to 259,200), per attempt (1 to the
        model's timeout), and for how long the result can be read (3,600 to 7,776,000). Two submissions with one
        `idempotency_key` and the same data are one run; by default each call has a key of its own, so that it can be
        sent again when the connection breaks.
        """
        accepted = self._do(
            self._calls.submit(
                name,
                data,
                webhook=webhook,
                webhook_auth=webhook_auth,
                idempotency_key=idempotency_key,
                queue_limit_s=queue_limit_s,
                run_limit_s=run_limit_s,
                result_ttl_s=result_ttl_s,
                files=files,
            )
        )
        return RunHandle(self._calls, self._do, accepted["run_id"], accepted)

    def handle(self, run_id: str) -> RunHandle:
        """A run that was submitted earlier; nothing is asked."""
        return RunHandle(self._calls, self._do, run_id)

    def runs(
        self,
        *,
        model: str = "",
        state: str = "",
        since: str | float = "",
        until: str | float = "",
        limit: int = 50,
        cursor: str = "",
    ) -> dict[str, Any]:
        """`{"runs": [...], "cursor"}`, the newest first; times in ISO 8601, epoch seconds, or as a span (`2h`)."""
        return self._do(
            self._calls.runs(model=model, state=state, since=since, until=until, limit=limit, cursor=cursor)
        )

    def run(self, run_id: str, wait: float = 0) -> dict[str, Any]:
        """The run with its result, or the reference to a large one; with `wait` (at most 20 s) as soon as it ends."""
        return self._do(self._calls.run(run_id, wait))

    def result(self, run_id: str) -> Any:
        """The result of a run that has succeeded, however large; raises `Conflict` for a run without one."""
        return self._do(self._calls.result(run_id))

    def cancel_run(self, run_id: str) -> dict[str, Any]:
        """The canceled run; raises `Conflict` for one that has ended."""
        return self._do(self._calls.cancel(run_id))

    # Webhooks -------------------------------------------------------------------------------------------------------

    def deliveries(
        self,
        *,
        model: str = "",
        state: str = "",
        since: str | float = "",
        until: str | float = "",
        limit: int = 50,
        cursor: str = "",
    ) -> dict[str, Any]:
        """`{"deliveries": [...], "cursor"}`, the newest first; `state` is PENDING, DELIVERED or EXHAUSTED."""
        return self._do(
            self._calls.deliveries(model=model, state=state, since=since, until=until, limit=limit, cursor=cursor)
        )

    def delivery(self, run_id: str) -> dict[str, Any]:
        """The delivery with every attempt at it."""
        return self._do(self._calls.delivery(run_id))

    def replay(
        self, run_id: str = "", *, since: str | float = "", state: str | None = "EXHAUSTED", model: str = ""
    ) -> dict[str, Any]:
        """Sends one delivery again, or all since then that are in the state (None: in any but PENDING).

        The delivery, or `{"replayed": n}`.
        """
        if bool(run_id) == bool(since):
            raise Invalid("replay takes either run_id or since.", "Give one of them.", field="since")
        if run_id:
            return self._do(self._calls.replay(run_id))
        return self._do(self._calls.replay_since(since, state, model))

    def webhook_secret(self, model: str | None = None) -> dict[str, Any]:
        """`{"exists", "previous_until"}` of the project's signing secret, or of the model's own; never the secret."""
        return self._call("GET", f"{_signed(model)}/webhooks/secret")

    def rotate_webhook_secret(self, model: str | None = None) -> str:
        """A new signing secret, the first or the next: the only answer that ever holds it."""
        return str(self._call("POST", f"{_signed(model)}/webhooks/secret/rotate")["secret"])

    def delete_webhook_secret(self, model: str) -> None:
        """The model's webhooks are signed with the project's secret again."""
        self._call("DELETE", f"{_signed(model)}/webhooks/secret")

    def webhook(self, name: str) -> dict[str, Any]:
        """`{"url", "auth"}` of the model's own webhook; raises `NotFound` where it has none."""
        return self._call("GET", f"/models/{part(name)}/webhook")

    def set_webhook(self, name: str, url: str, auth: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The model's own webhook, for runs that name none; credentials that are not given again are dropped."""
        return self._call("PUT", f"/models/{part(name)}/webhook", json={"url": url, "auth": auth})

    def delete_webhook(self, name: str) -> None:
        """The model has no webhook of its own any more."""
        self._call("DELETE", f"/models/{part(name)}/webhook")

    # Predict --------------------------------------------------------------------------------------------------------

    def predict_url(self, name: str) -> str:
        return self._calls.predict_url(name)

    def predict(
        self, name: str, data: Any, files: list[Any] | None = None, *, timeout: float | None = None
    ) -> dict[str, Any]:
        """The whole answer: `result, run_id, run_time_ms, prediction_ids`.

        A call that was accepted as a run, since the model is asynchronous or took longer than an HTTP answer may, is
        followed to its end, for `timeout` seconds at most (None: for as long as it takes; else `WaitTimeout`).
        """
        return self._do(self._calls.predict(name, data, files, timeout))

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        return self._do(self._calls.call(method, path, **options))

    def _do(self, steps: Steps[Result]) -> Result:
        return perform(self._http, steps)


def _deploy_error(problem: object) -> ModelcoteError:
    if isinstance(problem, dict):
        return from_problem(problem)
    return DeployFailed("the deploy failed.", "Read its log lines above.")


def _signed(model: str | None) -> str:
    return f"/models/{part(model)}" if model else ""


def _chunks(file: IO[bytes], sent: Callable[[int], None]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
        sent(len(chunk))
