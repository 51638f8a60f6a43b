"""Function definitions: what the materialiser writes and the function host reads, one JSON file per function.

A definition holds the published versions with everything needed to start a process, and the aliases. A file is
replaced atomically, so that the host, which looks at its time stamp before every call, never sees half of one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

LATEST = "$LATEST"


@dataclass(frozen=True)
class FunctionVersion:
    """One version as a process: interpreter, code folder, limits (MB, seconds) and the function's own variables."""

    version: str
    handler: str
    python: str
    code: str
    memory_mb: int
    timeout_s: int
    environment: Mapping[str, str] = field(default_factory=dict)
    provisioned: int = 0

    @property
    def digest(self) -> str:
        """A text that changes when a running process of this version would no longer be right."""
        facts = [self.handler, self.python, self.code, self.memory_mb, self.timeout_s, sorted(self.environment.items())]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class FunctionDefinition:
    """A function. `reserved` is its reserved concurrency, None for none."""

    name: str
    arn: str
    versions: Mapping[str, FunctionVersion]
    aliases: Mapping[str, str] = field(default_factory=dict)
    reserved: int | None = None

    def resolve(self, qualifier: str) -> FunctionVersion | None:
        """Return the version behind a version number, an alias, or an empty qualifier (the latest)."""
        name = qualifier or LATEST
        return self.versions.get(self.aliases.get(name, name))

    def is_current(self, version: str) -> bool:
        """Return whether callers reach this version without naming its number."""
        return version == LATEST or version in self.aliases.values()


def definition_path(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"


def read_definition(folder: Path, name: str) -> FunctionDefinition | None:
    """Return the stored definition, or None when there is no such function."""
    try:
        row: dict[str, Any] = json.loads(definition_path(folder, name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    versions = {number: FunctionVersion(**fields) for number, fields in row["versions"].items()}
    return FunctionDefinition(**{**row, "versions": versions})


def write_definition(folder: Path, definition: FunctionDefinition) -> None:
    """Store it atomically; an unchanged one is left alone, so that the host does not read it again."""
    write_atomically(definition_path(folder, definition.name), json.dumps(asdict(definition), sort_keys=True, indent=1))


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace a text file in one step, unless it already holds this text."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
