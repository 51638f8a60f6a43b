"""Runtimes: one lock each, which makes the layer on AWS and the virtual environment on a laptop.

A runtime's key names its packages by content, so that equal ones are built once and shared.
"""

from __future__ import annotations

import hashlib
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from modelcote.core.errors import InvalidSpec
from modelcote.core.manifest import Manifest
from modelcote.core.project import project_root
from modelcote.core.runtimes import RUNTIMES, served_runtimes

# Locks that serve no model: the isolated build step's, and the gateway's and control's own.
_OTHER_LOCKS = ("compiler", "platform")
# Changes when a layer is built in another way from the same lock.
_LAYOUT = "1"
_KEY = re.compile(r"([a-z]+)-py(\d+\.\d+)-([0-9a-f]{12})")
_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*==\s*([A-Za-z0-9.+!_-]+)\s*(?:;\s*(.+))?")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CLAUSE = re.compile(r"(\w+)\s*(==|!=|<=|>=|<|>)\s*['\"]([^'\"]*)['\"]")


def locks() -> tuple[str, ...]:
    """Return the names of all locks: one per runtime that is served, and those that serve no model."""
    return (*served_runtimes(), *_OTHER_LOCKS)


def lock_path(runtime: str) -> Path:
    """Return the runtime's lock; raise `InvalidSpec` for a runtime that this version has not."""
    if runtime not in locks():
        raise InvalidSpec(f"unknown runtime {ascii(runtime)[:40]}.", f"Use one of: {', '.join(locks())}.")
    return project_root() / "runtime-images" / runtime / "requirements.lock"


@cache
def _lock(runtime: str) -> str:
    return lock_path(runtime).read_text(encoding="utf-8")


def runtime_key(runtime: str, python_version: str, requirements: Sequence[str] = ()) -> str:
    """`<runtime>-py<version>-<12 hexadecimal digits>` of the lock and of what is installed on top."""
    content = "\n".join((_LAYOUT, _lock(runtime), *sorted(requirements)))
    return f"{runtime}-py{python_version}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def parse_key(key: str) -> tuple[str, str]:
    """The runtime and the Python version of a key."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise InvalidSpec(f"{ascii(key)[:60]} is no runtime key.", "Deploy the model again.")
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
    """Distribution -> version in the runtime; a requirement that pins one replaces the lock's.

    A library is also named by its main distribution: `xgboost-cpu` as `xgboost`.
    """
    where = {"python_version": python_version, "python_full_version": f"{python_version}.99", "sys_platform": platform}
    found = dict(_pins(_lock(runtime).splitlines(), where))
    found.update(_pins(requirements, where))
    for library in (library for one in RUNTIMES.values() for library in one.libraries):
        for alias in found.keys() & set(library.aliases):
            found.setdefault(library.distribution, found[alias])
    return {**found, "python": python_version}


def _pins(lines: Sequence[str], where: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        match = _PIN.match(line.removesuffix("\\").rstrip())
        if match and _holds(match[3] or "", where):
            yield re.sub(r"[-_.]+", "-", match[1]).lower(), match[2]


def _holds(marker: str, where: Mapping[str, str]) -> bool:
    """Whether an environment marker of `and`s and `or`s holds; a variable that is not known does not decide."""
    return any(all(_clause(clause, where) for clause in group.split(" and ")) for group in marker.split(" or "))


def _clause(text: str, where: Mapping[str, str]) -> bool:
    match = _CLAUSE.search(text)
    if match is None or match[1] not in where:
        return True
    left, right = where[match[1]], match[3]
    compare = _COMPARE[match[2]]
    if match[1].startswith("python"):
        return compare(_numbers(left), _numbers(right))
    return compare(left, right)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
