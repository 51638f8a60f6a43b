"""Runtimes: one lock each, which makes the layer on AWS and the virtual environment on a laptop.

A lock is committed (`runtime-images`), or resolved once from the versions that a model needs and kept
(`modelcote.deploy.artifacts.recipes` says which). A runtime's key names its packages by content, so that equal ones
are built once and shared.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from modelcote.bundle.requirements import CONSTRAINT
from modelcote.core.errors import InvalidSpec
from modelcote.core.project import project_root
from modelcote.core.runtimes import LIBRARIES, served_runtimes
from modelcote.core.texts import quoted

# Locks that serve no model: the isolated build step's, and the gateway's and control's own.
_OTHER_LOCKS = ("compiler", "platform")
# Changes when a layer is built in another way from the same lock.
_LAYOUT = "1"
_KEY = re.compile(r"([a-z]+)-py(\d+\.\d+)-([0-9a-f]{12})")


@dataclass(frozen=True)
class LockedRuntime:
    """A set of distributions, each at one version: `lock` is the text that pins them by hash.

    `requirements`: a model's own, installed on top.
    """

    name: str
    python_version: str
    lock: str
    requirements: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """`<name>-py<version>-<12 hexadecimal digits>`: a hash of the lock and of the requirements on top."""
        content = "\n".join((_LAYOUT, self.lock, *sorted(self.requirements)))
        return f"{self.name}-py{self.python_version}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"

    def versions(self, platform: str = "linux") -> dict[str, str]:
        """Return distribution -> version; a requirement that pins one replaces the lock's.

        A library is also named by its main distribution: `xgboost-cpu` as `xgboost`.
        """
        environment = {
            "python_version": self.python_version,
            "python_full_version": f"{self.python_version}.99",
            "sys_platform": platform,
            "platform_system": platform.capitalize(),
        }
        versions = dict(_pins([*self.lock.splitlines(), *self.requirements], environment))
        for library in LIBRARIES.values():
            for alias in versions.keys() & set(library.aliases):
                versions.setdefault(library.distribution, versions[alias])
        return {**versions, "python": self.python_version}


def locks() -> tuple[str, ...]:
    """Return the names of all committed locks: one per runtime that is served, and those that serve no model."""
    return (*served_runtimes(), *_OTHER_LOCKS)


def lock_path(name: str) -> Path:
    """Return a committed lock; raise `InvalidSpec` for an unknown name."""
    if name not in locks():
        raise InvalidSpec(f"unknown runtime {quoted(name, 40)}.", f"Use one of: {', '.join(locks())}.")
    return project_root() / "runtime-images" / name / "requirements.lock"


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def committed(name: str, python_version: str, requirements: Sequence[str] = ()) -> LockedRuntime:
    """Return the runtime of a committed lock; raise `InvalidSpec` for an unknown name."""
    return LockedRuntime(name, python_version, _text(lock_path(name)), tuple(requirements))


def wishes(name: str) -> list[str]:
    """Return the requirements that a committed lock was resolved from."""
    lines = _text(lock_path(name).with_name("requirements.in")).splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@contextmanager
def requirement_options(requirements: Sequence[str]) -> Iterator[list[str]]:
    """Yield uv's options that install checked requirement lines: a file of them, and one of their constraints."""
    with tempfile.TemporaryDirectory(prefix="modelcote-requirements-") as folder:
        options: list[str] = []
        for option, chosen in (("-r", False), ("-c", True)):
            lines = [one.removeprefix(CONSTRAINT) for one in requirements if one.startswith(CONSTRAINT) is chosen]
            if lines:
                file = Path(folder) / f"{option[1]}.txt"
                file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
                options += [option, str(file)]
        yield options


def parse_key(key: str) -> tuple[str, str]:
    """Return the runtime and the Python version of a key."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise InvalidSpec(f"{quoted(key)} is not a runtime key.", "Deploy the model again.")
    return match[1], match[2]


def _pins(lines: Sequence[str], environment: dict[str, str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if not line[:1].isalnum():  # A comment, or the hash of the line before.
            continue
        requirement = Requirement(line.partition(" --hash")[0].removesuffix("\\").rstrip())
        pins = [row.version for row in requirement.specifier if row.operator == "==" and "*" not in row.version]
        if pins and (requirement.marker is None or requirement.marker.evaluate(environment)):
            yield canonicalize_name(requirement.name), pins[0]
