"""Runtimes: one lock each, which makes the layer on AWS and the virtual environment on a laptop.

A runtime's key names its packages by content, so that equal ones are built once and shared.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from modelcote.bundle.requirements import CONSTRAINT
from modelcote.core.errors import InvalidSpec
from modelcote.core.manifest import Manifest
from modelcote.core.project import project_root
from modelcote.core.runtimes import RUNTIMES, served_runtimes
from modelcote.core.texts import quoted

# Locks that serve no model: the isolated build step's, and the gateway's and control's own.
_OTHER_LOCKS = ("compiler", "platform")
# Changes when a layer is built in another way from the same lock.
_LAYOUT = "1"
_KEY = re.compile(r"([a-z]+)-py(\d+\.\d+)-([0-9a-f]{12})")


def locks() -> tuple[str, ...]:
    """Return the names of all locks: one per runtime that is served, and those that serve no model."""
    return (*served_runtimes(), *_OTHER_LOCKS)


def lock_path(runtime: str) -> Path:
    """Return the runtime's lock; raise `InvalidSpec` for an unknown runtime."""
    if runtime not in locks():
        raise InvalidSpec(f"unknown runtime {quoted(runtime, 40)}.", f"Use one of: {', '.join(locks())}.")
    return project_root() / "runtime-images" / runtime / "requirements.lock"


@cache
def _lock(runtime: str) -> str:
    return lock_path(runtime).read_text(encoding="utf-8")


def runtime_key(runtime: str, python_version: str, requirements: Sequence[str] = ()) -> str:
    """Return `<runtime>-py<version>-<12 hexadecimal digits>`: a hash of the lock and of the requirements on top."""
    content = "\n".join((_LAYOUT, _lock(runtime), *sorted(requirements)))
    return f"{runtime}-py{python_version}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


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


def extra_requirements(manifest: Manifest) -> tuple[str, ...]:
    """Return the libraries of the stages that the lock of the bundle's runtime lacks, as their own locks pin them."""
    if manifest.compiled is not None:
        return ()
    pins = {
        name: version for stage in manifest.flow.stages for name, version in _library_pins(stage.model_type.runtime)
    }
    return tuple(f"{name}=={pins[name]}" for name in sorted(pins.keys() - runtime_versions(manifest.runtime).keys()))


def _library_pins(runtime: str) -> Iterator[tuple[str, str]]:
    versions = runtime_versions(runtime)
    return ((library.distribution, versions[library.distribution]) for library in RUNTIMES[runtime].libraries)


def runtime_versions(
    runtime: str, python_version: str = "3.11", requirements: Sequence[str] = (), platform: str = "linux"
) -> dict[str, str]:
    """Return distribution -> version in the runtime; a requirement that pins one replaces the lock's.

    A library is also named by its main distribution: `xgboost-cpu` as `xgboost`.
    """
    environment = {
        "python_version": python_version,
        "python_full_version": f"{python_version}.99",
        "sys_platform": platform,
        "platform_system": platform.capitalize(),
    }
    versions = dict(_pins([*_lock(runtime).splitlines(), *requirements], environment))
    for library in (library for one in RUNTIMES.values() for library in one.libraries):
        for alias in versions.keys() & set(library.aliases):
            versions.setdefault(library.distribution, versions[alias])
    return {**versions, "python": python_version}


def _pins(lines: Sequence[str], environment: dict[str, str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if not line[:1].isalnum():  # A comment, or the hash of the line before.
            continue
        requirement = Requirement(line.partition(" --hash")[0].removesuffix("\\").rstrip())
        pins = [row.version for row in requirement.specifier if row.operator == "==" and "*" not in row.version]
        if pins and (requirement.marker is None or requirement.marker.evaluate(environment)):
            yield canonicalize_name(requirement.name), pins[0]
