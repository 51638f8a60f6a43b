"""What was made: one JSON file, URN -> type, id, digest of the inputs and outputs, in the order of making.

It is written after every change, so a crash costs at most one repeated call, and every maker finds what exists.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from modelcote.deploy.monitor import Archive, Asset
from modelcote.local.functions import write_atomically


@dataclass(frozen=True)
class Record:
    """One resource as it was made."""

    type: str
    id: str
    digest: str
    outputs: Mapping[str, Any]
    inputs: Mapping[str, Any]


@dataclass
class State:
    """The file's content; methods may be called from several threads."""

    path: Path
    resources: dict[str, Record] = field(default_factory=dict)
    models: list[list[str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def put(self, urn: str, record: Record) -> None:
        with self._lock:
            self.resources[urn] = record
            self._save()

    def remove(self, urn: str) -> None:
        with self._lock:
            del self.resources[urn]
            self._save()

    def set_models(self, models: list[list[str]]) -> None:
        with self._lock:
            self.models = models
            self._save()

    def archive_of(self, layer_arn: str) -> str:
        """The folder behind a layer version."""
        return next(
            str(record.outputs["archive"])
            for record in list(self.resources.values())
            if record.type == LAYER and record.outputs["arn"] == layer_arn
        )

    def _save(self) -> None:
        rows = {urn: asdict(record) for urn, record in self.resources.items()}
        write_atomically(self.path, json.dumps({"resources": rows, "models": self.models}), mode=0o600)


LAYER = "aws:lambda/layerVersion:LayerVersion"


def load_state(path: Path) -> State:
    """The stored state, or an empty one."""
    if not path.is_file():
        return State(path)
    data = json.loads(path.read_text(encoding="utf-8"))
    return State(path, {urn: Record(**row) for urn, row in data["resources"].items()}, data["models"])


def plain(value: Any) -> Any:
    """Inputs as JSON values; an archive by its path, and by its content where it is a file."""
    if isinstance(value, Archive | Asset):
        path = Path(value.path)
        content = hashlib.sha256(path.read_bytes()).hexdigest() if value.path and path.is_file() else ""
        return {"path": value.path, "sha256": content}
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


def digest(inputs: Any) -> str:
    """Changes when any input does."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
