"""What is recorded of a local cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STACK = "local"
DEFAULT_PROJECT = "default"


@dataclass(frozen=True)
class Status:
    """A local cloud. `pids` and `ports` by process: emulator, host, deployer. `note`: what `up` has to say."""

    home: str
    url: str = ""
    api_key: str = ""
    project: str = DEFAULT_PROJECT
    registry_table: str = ""
    bucket: str = ""
    deploy_queue_url: str = ""
    ports: Mapping[str, int] = field(default_factory=dict)
    pids: Mapping[str, int] = field(default_factory=dict)
    running: bool = False
    note: str = ""

    def __repr__(self) -> str:
        return f"Status(home={self.home!r}, url={self.url!r}, running={self.running})"

    @property
    def emulator_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['emulator']}"

    @property
    def host_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['host']}"
