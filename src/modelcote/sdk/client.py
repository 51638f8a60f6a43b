"""A client of the control API and of predict, one method per route; errors come back as the classes they were."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import httpx
import orjson

from modelcote.core.errors import BackendUnavailable, DeployFailed, ModelcoteError, from_problem
from modelcote.core.spec import ModelSpec, spec_to_dict
from modelcote.sdk.config import Target

TIMEOUT_S = 60.0
POLL_S = 0.1
_CHUNK = 256 * 1024
# Nothing was done when these are answered, or when no connection was made: such a call may be sent again.
_RETRY_STATUS = frozenset({429, 503})
_ATTEMPTS = 4


@dataclass(frozen=True)
class Progress:
    """A deploy as it goes on: the log lines since the last one, and its state."""

    state: str
    lines: tuple[str, ...]
    predict_url: str


class Client:
    """The API of one project. `transport` is httpx's: the network by default, anything else in a test."""

    def __init__(self, target: Target, transport: httpx.BaseTransport | None = None) -> None:
        self.target = target
        self._http = httpx.Client(
            headers={"Authorization": target.api_key, "User-Agent": "modelcote"}, timeout=TIMEOUT_S, transport=transport
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
        return self._call("GET", f"/models/{_part(name)}")

    def versions(self, name: str) -> dict[str, Any]:
        return self._call("GET", f"/models/{_part(name)}/versions")

    def logs(self, name: str, since: str = "", limit: int = 200) -> dict[str, Any]:
        query = {"limit": str(limit), **({"since": since} if since else {})}
        return self._call("GET", f"/models/{_part(name)}/logs", params=query)

    # Deploys: each gives the accepted request's `deploy_id`, to be followed ----------------------------------------

    def create_version(self, spec: ModelSpec, sha256: str, size: int) -> dict[str, Any]:
        """`{"version": n, "upload": {"url", "method", "headers"}}`."""
        body = {"spec": spec_to_dict(spec), "bundle": {"sha256": sha256, "bytes": size}}
        return self._call("POST", f"/models/{_part(spec.name)}/versions", json=body)

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
        return self._call("POST", f"/models/{_part(name)}/versions/{version}/deploy", json={})

    def rollback(self, name: str, version: int | None = None) -> dict[str, Any]:
        return self._call("POST", f"/models/{_part(name)}/rollback", json={"version": version})

    def delete(self, name: str) -> dict[str, Any]:
        return self._call("DELETE", f"/models/{_part(name)}")

    def follow(self, deploy_id: str) -> Iterator[Progress]:
        """The deploy's progress until it is done; raises the error it failed with."""
        after = 0
        while True:
            row = self._call("GET", f"/deploys/{_part(deploy_id)}", params={"after": str(after)})
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
        self._call("DELETE", f"/keys/{_part(key_id)}")

    def secrets(self) -> dict[str, Any]:
        return self._call("GET", "/secrets")

    def put_secret(self, key: str, value: str) -> None:
        self._call("PUT", f"/secrets/{_part(key)}", json={"value": value})

    def delete_secret(self, key: str) -> None:
        self._call("DELETE", f"/secrets/{_part(key)}")

    # Predict --------------------------------------------------------------------------------------------------------

    def predict_url(self, name: str) -> str:
        return f"{self.target.url}/v1/{self.target.project}/{_part(name)}/predict"

    def predict(self, name: str, data: Any, files: list[Any] | None = None) -> dict[str, Any]:
        """The whole answer: `result, run_id, run_time_ms, prediction_ids`."""
        return send_predict(self._http, self.predict_url(name), data, files)

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        url = f"{self.target.url}/v1/projects/{self.target.project}{path}"
        return read_answer(_send(self._http, method, url, **options))


def send_predict(http: httpx.Client, url: str, data: Any, files: list[Any] | None = None) -> dict[str, Any]:
    """One predict call; `files` are paths, bytes or open binary files, sent as multipart parts named `files`."""
    body = orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY, default=to_plain)
    if not files:
        return read_answer(_send(http, "POST", url, content=body, headers={"Content-Type": "application/json"}))
    parts = [("files", _file_part(index, file)) for index, file in enumerate(files)]
    return read_answer(_send(http, "POST", url, data={"data": body.decode()}, files=parts))


def to_plain(value: Any) -> Any:
    """A tensor, an array or a frame as lists, for `orjson`; raises `TypeError` for anything else."""
    for method in ("tolist", "to_numpy"):
        if callable(getattr(value, method, None)):
            return getattr(value, method)()
    raise TypeError(f"{type(value).__name__} is not JSON")


def read_answer(answer: httpx.Response) -> dict[str, Any]:
    """The body of a success (`{}` where there is none), or the error that the answer stands for."""
    if answer.is_success:
        body: dict[str, Any] = orjson.loads(answer.content) if answer.content else {}
        return body
    try:
        problem = orjson.loads(answer.content)
    except ValueError:
        problem = None
    if isinstance(problem, dict) and "code" in problem:
        raise from_problem(problem)
    raise BackendUnavailable(
        f"the server answered {answer.status_code}, which is not an answer of modelcote.",
        "Check the URL with `cote doctor`.",
    )


def _send(http: httpx.Client, method: str, url: str, **options: Any) -> httpx.Response:
    for attempt in range(_ATTEMPTS):
        try:
            answer = http.request(method, url, **options)
        except httpx.ConnectError as error:
            if attempt == _ATTEMPTS - 1:
                raise BackendUnavailable(
                    f"nothing answers at {url.split('/v1/', maxsplit=1)[0]}.",
                    "Start it with `cote local up`, or check the URL.",
                ) from error
        except httpx.TimeoutException as error:
            raise BackendUnavailable(f"no answer within {TIMEOUT_S:.0f} s.", "Try again in a moment.") from error
        except httpx.HTTPError as error:
            raise BackendUnavailable(f"the call broke off: {error}.", "Try again in a moment.") from error
        else:
            if answer.status_code not in _RETRY_STATUS or attempt == _ATTEMPTS - 1:
                return answer
        time.sleep(0.2 * 2**attempt)
    raise AssertionError("unreachable")


def _deploy_error(problem: object) -> ModelcoteError:
    if isinstance(problem, dict):
        return from_problem(problem)
    return DeployFailed("the deploy failed.", "Read its log lines above.")


def _part(text: str) -> str:
    return quote(text, safe="")


def _chunks(file: IO[bytes], sent: Callable[[int], None]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
        sent(len(chunk))


def _file_part(index: int, file: Any) -> tuple[str, bytes]:
    if isinstance(file, bytes):
        return f"file{index}", file
    if isinstance(file, str | Path):
        path = Path(file)
        return path.name, path.read_bytes()
    return Path(getattr(file, "name", f"file{index}")).name, file.read()
