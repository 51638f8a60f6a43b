"""What tests do with a running local cloud."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from modelcote import Conduit
from modelcote.core.errors import DeployFailed
from tests.support.waiting import until

# What the tests' cloud has in its policy: a change is seen at once.
CACHES = {"registry_cache_s": 0.2, "secret_cache_s": 0.2}


@dataclass(frozen=True)
class Cloud:
    """A running local cloud and a client of it."""

    url: str
    key: str
    project: str
    home: Path
    http: httpx.Client

    @property
    def environment(self) -> dict[str, str]:
        """The variables that `cote local env` sets."""
        return {"MODELCOTE_URL": self.url, "MODELCOTE_API_KEY": self.key, "MODELCOTE_PROJECT": self.project}

    def conduit(self, name: str, flow: Any, **fields: Any) -> Conduit:
        return Conduit(name, self.key, flow=flow, endpoint=self.url, project=self.project, **fields)

    def anonymous(self) -> httpx.Client:
        """A client that sends no key."""
        return httpx.Client(timeout=60)

    def predict_url(self, model: str) -> str:
        return f"{self.url}/v1/{self.project}/{model}/predict"

    def predict(self, model: str, data: Any) -> httpx.Response:
        return self.http.post(self.predict_url(model), json=data)

    def get(self, path: str) -> httpx.Response:
        return self.http.get(self.control(path))

    def post(self, path: str, body: Any) -> httpx.Response:
        return self.http.post(self.control(path), json=body)

    def delete(self, path: str) -> httpx.Response:
        return self.http.delete(self.control(path))

    def control(self, path: str) -> str:
        return f"{self.url}/v1/projects/{self.project}{path}"

    def finish(self, accepted: httpx.Response) -> None:
        """Wait until the deploy request that was accepted has succeeded."""
        assert accepted.status_code == 202, accepted.text
        path = f"/deploys/{accepted.json()['deploy_id']}"
        row = until(lambda: self.get(path).json(), lambda row: row["state"] in ("SUCCEEDED", "FAILED"))
        if row["state"] == "FAILED":
            raise DeployFailed(str(row["error"]))
