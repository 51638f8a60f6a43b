"""What earlier runs made: one JSON file, URN -> type, id, digest of the inputs and outputs, oldest first.

It is written during a run, so a crash costs a few repeated calls; every maker then updates what exists.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from modelcote.core.digests import file_sha256
from modelcote.deploy.program.monitor import Archive, Asset
from modelcote.local.functions import write_atomically

# Its name in the local cloud's folder.
STATE = "state.json"
LAYER = "aws:lambda/layerVersion:LayerVersion"
_PAUSE_S = 0.2


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
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _saved_at: float = 0.0

    def put(self, urn: str, record: Record) -> None:
        with self._lock:
            self.resources[urn] = record
            # Writing takes longer the longer the file is: once per resource would be quadratic.
            if time.monotonic() - self._saved_at > _PAUSE_S:
                self.save()

    def remove(self, urn: str) -> None:
        with self._lock:
            del self.resources[urn]
            self.save()

    def set_models(self, models: list[list[str]]) -> None:
        with self._lock:
            self.models = models
            self.save()

    def save(self) -> None:
        with self._lock:
            content = json.dumps({"resources": self.resources, "models": self.models}, default=vars)
            write_atomically(self.path, content, mode=0o600)
            self._saved_at = time.monotonic()

    def archive_of(self, layer_arn: str) -> str:
        """Return the folder behind a layer version."""
        return next(
            str(record.outputs["archive"])
            for record in list(self.resources.values())
            if record.type == LAYER and record.outputs["arn"] == layer_arn
        )


def load_state(path: Path) -> State:
    """Return the stored state, or an empty one."""
    if not path.is_file():
        return State(path)
    data = json.loads(path.read_text(encoding="utf-8"))
    return State(path, {urn: Record(**row) for urn, row in data["resources"].items()}, data["models"])


def distrust(path: Path, *, forget_models: bool) -> list[str]:
    """Have the next run make every resource again, since the emulator may not hold what this file says.

    `forget_models`: the registry alone says which models there are. Return the models as `project/name`.
    """
    state = load_state(path)
    models = [f"{project}/{name}" for project, name in state.models]
    state.resources = {urn: replace(record, digest="") for urn, record in state.resources.items()}
    state.set_models([] if forget_models else state.models)
    return models


def plain(value: Any) -> Any:
    """Return inputs as JSON values; an archive by its path, and by its content where it is a file."""
    if isinstance(value, Archive | Asset):
        is_file = bool(value.path) and Path(value.path).is_file()
        return {"path": value.path, "sha256": file_sha256(Path(value.path)) if is_file else ""}
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


def digest(inputs: Any) -> str:
    """Return a text that changes when any input does."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
