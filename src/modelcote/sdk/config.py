"""The target of a process: from arguments first, then the environment, then a running local cloud.

| what | argument | environment | local cloud |
|---|---|---|---|
| base URL | `endpoint` | `MODELCOTE_URL` | `url` of `.modelcote/local.json` |
| API key | `api_key` | `MODELCOTE_API_KEY` | `api_key` |
| project | `project` | `MODELCOTE_PROJECT` | `project` |
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modelcote.core.errors import InvalidSpec, LocalCloudError
from modelcote.core.names import check_project_name

HOME_NAME = ".modelcote"
DEFAULT_PROJECT = "default"


@dataclass(frozen=True)
class Target:
    """A base URL without a trailing slash, an API key and a project."""

    url: str
    api_key: str
    project: str

    def __repr__(self) -> str:
        return f"Target(url={self.url!r}, project={self.project!r})"


def local_home(start: Path | None = None) -> Path:
    """Find the local cloud's folder: `$MODELCOTE_HOME`, else the nearest `.modelcote` upwards, else here."""
    if os.environ.get("MODELCOTE_HOME"):
        return Path(os.environ["MODELCOTE_HOME"])
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / HOME_NAME / "local.json").is_file():
            return folder / HOME_NAME
    return start / HOME_NAME


def find_target(
    api_key: str = "", endpoint: str = "", project: str = "", environment: Mapping[str, str] | None = None
) -> Target:
    """Find the target, each part from the first place that names it; raise `LocalCloudError` if none names a URL."""
    environment = os.environ if environment is None else environment
    url = endpoint or environment.get("MODELCOTE_URL", "")
    key = api_key or environment.get("MODELCOTE_API_KEY", "")
    name = project or environment.get("MODELCOTE_PROJECT", "")
    local = _local_cloud() if not (url and key) else {}
    url, key = url or local.get("url", ""), key or local.get("api_key", "")
    if not url:
        raise LocalCloudError(
            "no endpoint is configured: MODELCOTE_URL is not set and no local cloud is running here.",
            'Run `cote local up`, or `eval "$(cote local env)"`, or set MODELCOTE_URL to your stack\'s URL.',
        )
    if not url.startswith(("https://", "http://")):
        raise InvalidSpec(
            f"the endpoint {url[:60]!r} is not a URL.", "Start it with https:// or http://.", field="endpoint"
        )
    if not key:
        raise InvalidSpec(
            "no API key is configured.",
            "Pass api_key or set MODELCOTE_API_KEY; `cote keys create` creates a key.",
            field="api_key",
        )
    return Target(url.rstrip("/"), key, check_project_name(name or local.get("project", "") or DEFAULT_PROJECT))


def _local_cloud() -> Mapping[str, str]:
    path = local_home() / "local.json"
    if not path.is_file():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LocalCloudError(f"{path} is not valid JSON.", "Run `cote local reset`, then `cote local up`.") from error
    return {name: value for name, value in data.items() if isinstance(value, str)}
