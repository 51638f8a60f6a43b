"""The versions of a flow's libraries in the process that makes its bundle."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from modelcote.core.flow import Flow
from modelcote.core.inputs import FRAME, Inputs
from modelcote.core.runtimes import RUNTIMES, Library


def library_versions(flow: Flow, inputs: Inputs) -> dict[str, str]:
    """Return distribution -> version here, for the libraries that the flow depends on and `python`."""
    libraries = (*RUNTIMES[flow.runtime].libraries, *((Library("pandas"),) if inputs.kind == FRAME else ()))
    versions = {library.distribution: _version(library) for library in libraries}
    return {"python": platform.python_version(), **{name: text for name, text in versions.items() if text}}


def _version(library: Library) -> str:
    for distribution in (library.distribution, *library.aliases):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return ""
