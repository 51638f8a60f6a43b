"""The versions of libraries in this process."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from modelcote.core.runtimes import LIBRARIES, Library


def library_versions(distributions: Iterable[str]) -> dict[str, str]:
    """Return distribution -> version here, of those that are installed, and `python`."""
    versions = {name: _version(LIBRARIES.get(name) or Library(name)) for name in distributions}
    return {"python": platform.python_version(), **{name: text for name, text in versions.items() if text}}


def _version(library: Library) -> str:
    for distribution in (library.distribution, *library.aliases):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return ""
