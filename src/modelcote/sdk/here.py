"""Whether this process may load a flow: only with the library versions that wrote its files."""

from __future__ import annotations

from importlib.util import find_spec

from modelcote.bundle.versions import needs_of, unmet, written_by
from modelcote.core.errors import VersionMismatch
from modelcote.core.manifest import Manifest
from modelcote.core.runtimes import LIBRARIES, RUNTIMES
from modelcote.flow.library_versions import library_versions


def missing_here(manifest: Manifest) -> str:
    """Return the first module that the flow needs and this process cannot import; empty where it has all."""
    named = (LIBRARIES[name].module for name in manifest.needs)
    modules = ("numpy", *RUNTIMES[manifest.flow.runtime].modules, *named)
    return next((name for name in modules if name and find_spec(name) is None), "")


def other_versions(manifest: Manifest) -> dict[str, str]:
    """Return distribution -> version here, of those whose version here does not load the files as written."""
    needs = needs_of(manifest)
    here = library_versions(needs)
    return {name: here[name] for name in unmet(needs, here) if name in here}


def why_not_here(manifest: Manifest) -> str:
    """Return in one line why the build loads the flow instead of this process; empty where this process may."""
    missing = missing_here(manifest)
    if missing:
        return f"{missing} is not installed here: the build loads and compiles the model instead"
    others = other_versions(manifest)
    if not others:
        return ""
    needs = needs_of(manifest)
    writer = written_by(needs) or " and ".join(f"{name}{needs[name]}" for name in others)
    here = " and ".join(f"{name} {version}" for name, version in others.items())
    return f"written by {writer}, this process has {here}: the build loads and compiles it with the writer's"


def check_here(manifest: Manifest) -> None:
    """Raise `VersionMismatch` where this process has other versions than the flow's files need."""
    others, needs = other_versions(manifest), needs_of(manifest)
    for name, version in others.items():
        raise VersionMismatch(
            f"the flow needs {name}{needs[name]}, and this process has {version}.",
            f"Install `{name}{needs[name]}` to run it here; `deploy` needs nothing: the build has those versions.",
            library=name,
            saved=needs[name],
            served=version,
        )
