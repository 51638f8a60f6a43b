"""From what a model's files need to a lock: a committed one that has it all, or one resolved once and kept.

The package index decides what fits: wheels only, for the place where they run, so that a version without one for a
Python leads to another Python and not to a build from source.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from packaging.requirements import Requirement

from modelcote.bundle.versions import needs_of, unmet
from modelcote.core.errors import DeployFailed
from modelcote.core.manifest import Manifest
from modelcote.core.runtimes import LIBRARIES, RUNTIMES, served_runtimes
from modelcote.core.spec import PYTHON_VERSIONS, ModelSpec
from modelcote.deploy.artifacts.runtimes import LockedRuntime, committed, wishes


@dataclass(frozen=True)
class Recipe:
    """What to lock: the committed lock `name`, or `lines` resolved, whose runtime then has that name.

    `fixed`: only this Python version will do.
    """

    name: str
    python_version: str
    lines: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    fixed: bool = False


# What the wheels of a minor version need besides what their metadata says: the other libraries of their time. Those of
# scikit-learn before 1.4.2 are built for numpy 1; XGBoost before 2.1.4 does not know the tags of scikit-learn 1.6.
# Release notes of the two name the versions that they were tested with.
_ERAS: dict[str, dict[str, str]] = {
    "scikit-learn": {
        "1.1": "numpy<2 scipy<1.11 pandas<2.1",
        "1.2": "numpy<2 scipy<1.12 pandas<2.2",
        "1.3": "numpy<2 scipy<1.12 pandas<2.2",
        "1.4": "numpy<2.1 scipy<1.14 pandas<2.3",
        "1.5": "numpy<2.2 scipy<1.15 pandas<3",
        "1.6": "numpy<2.3 scipy<1.16 pandas<3",
        "1.7": "numpy<2.4 scipy<1.17 pandas<3",
        "1.8": "numpy<2.5 scipy<1.18 pandas<3.1",
    },
    "xgboost": {
        "1.7": "numpy<2 scipy<1.12 pandas<2.2 scikit-learn<1.4",
        "2.0": "numpy<2 scipy<1.14 pandas<2.3 scikit-learn<1.5",
        "2.1": "numpy<2.3 scipy<1.16 pandas<3 scikit-learn<1.6",
        "3.0": "numpy<2.4 scipy<1.17 pandas<3 scikit-learn<1.8",
        "3.1": "numpy<2.5 scipy<1.18 pandas<3.1 scikit-learn<1.9",
    },
    # LightGBM before 4.6 calls scikit-learn's checks by the name that they had before 1.6.
    "lightgbm": {
        **dict.fromkeys(("<4", "3.2", "3.3"), "numpy<2 scipy<1.12 pandas<2.2 scikit-learn<1.4"),
        **dict.fromkeys(("4.0", "4.1", "4.2", "4.3"), "numpy<2 scipy<1.14 pandas<2.3 scikit-learn<1.6"),
        **dict.fromkeys(("4.4", "4.5"), "scikit-learn<1.6"),
    },
}
# scikit-learn 1.4.0 and 1.4.1 are of before numpy 2, as 1.3 is; 1.4.2 is the release for it.
_NUMPY_1 = re.compile(r"==1\.4\.(?:0|1)\b")
_MINOR = re.compile(r"==(\d+\.\d+)\b")
# The first version of xgboost-cpu, which is xgboost without its CUDA libraries; there is none for macOS.
_XGBOOST_CPU = "2.1.1"


def serving(manifest: Manifest, spec: ModelSpec) -> Recipe:
    """Return the recipe of what serves a bundle, with the requirements of its spec unless it is compiled."""
    requirements = () if manifest.compiled is not None else spec.requirements
    own = RUNTIMES[manifest.runtime]
    names = [name for name in served_runtimes() if RUNTIMES[name].rank >= own.rank or name == own.name]
    return _recipe(manifest, spec, names, tuple(requirements), wishes("sklearn"))


def compiling(manifest: Manifest, spec: ModelSpec) -> Recipe:
    """Return the recipe of the build step that loads and compiles a bundle: its libraries, and the converter."""
    return _recipe(manifest, spec, ["compiler"], (), wishes("compiler"))


def _recipe(
    manifest: Manifest, spec: ModelSpec, names: list[str], requirements: tuple[str, ...], base: list[str]
) -> Recipe:
    needs = needs_of(manifest)
    # Code inside a trusted pickle is that of one Python version.
    fixed = manifest.trusted and manifest.compiled is None
    for name in names:
        if not unmet(needs, committed(name, spec.python_version).versions()):
            return Recipe(name, spec.python_version, (), requirements, fixed)
    name = "xgboost" if "xgboost" in needs and len(names) > 1 else names[0]
    return Recipe(name, spec.python_version, tuple(sorted(_lines(needs, base))), requirements, fixed)


def _lines(needs: Mapping[str, str], base: list[str]) -> Iterator[str]:
    """Yield the requirements of these needs and of a runtime's other libraries."""
    bounds = dict(_bounds(needs))
    yield from (line for line in base if (name := Requirement(line).name) in ("numpy", "pandas") or not _is_model(name))
    for name, specifier in needs.items():
        if name == "xgboost" and not _older(specifier, _XGBOOST_CPU):
            yield f"xgboost-cpu{specifier}; sys_platform != 'darwin'"
            yield f"xgboost{specifier}; sys_platform == 'darwin'"
        else:
            yield f"{name}{specifier}"
    # A bound is for what the files leave open.
    yield from (line for name, line in bounds.items() if not needs.get(name, "").startswith("=="))


def _is_model(name: str) -> bool:
    """Tell whether a distribution is one of the libraries whose version a model's files decide."""
    return name in ("scikit-learn", "xgboost", *LIBRARIES["xgboost"].aliases)


def _bounds(needs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for library in (
        "lightgbm",
        "xgboost",
        "scikit-learn",
    ):
        # The later overrides: scikit-learn's wheels are the pickier ones.
        specifier = needs.get(library, "")
        minor = _MINOR.match(specifier)
        for bound in _ERAS[library].get(minor[1] if minor else specifier, "").split():
            yield Requirement(bound).name, bound
        if library == "scikit-learn" and _NUMPY_1.match(specifier):
            yield "numpy", "numpy<2"


def _older(specifier: str, version: str) -> bool:
    from packaging.version import Version

    return specifier.startswith("==") and "*" not in specifier and Version(specifier[2:]) < Version(version)


def lock(
    recipe: Recipe,
    *,
    place: str,
    read: Callable[[str], str | None],
    write: Callable[[str, str], None],
    resolve: Callable[[str, str], str],
) -> LockedRuntime:
    """Return the recipe locked: from what was resolved before, or resolved now and kept.

    `place`: the platform that it is for, in the lock's name. `read` and `write`: the store of locks, by name.
    `resolve(requirements, python_version)` returns a lock or raises `DeployFailed`; the Python versions are tried from
    the recipe's own to the furthest. Raises the first one's error where none has wheels for it all.
    """
    if not recipe.lines:
        return committed(recipe.name, recipe.python_version, recipe.requirements)
    text, failure = "\n".join(recipe.lines), None
    for python_version in [recipe.python_version] if recipe.fixed else _nearest(recipe.python_version):
        name = hashlib.sha256(f"{place}\n{python_version}\n{text}".encode()).hexdigest()[:24]
        resolved = read(name)
        if resolved is None:
            try:
                resolved = resolve(text, python_version)
            except DeployFailed as error:
                failure = failure or error
                continue
            write(name, resolved)
        return LockedRuntime(recipe.name, python_version, resolved, recipe.requirements)
    raise failure or DeployFailed("no Python version is supported.", "Install modelcote again.")


def _nearest(python_version: str) -> list[str]:
    minor = {version: int(version.split(".")[1]) for version in (*PYTHON_VERSIONS, python_version)}
    return sorted(PYTHON_VERSIONS, key=lambda version: (abs(minor[version] - minor[python_version]), minor[version]))


def compile_words(python_version: str, platform: str = "") -> list[str]:
    """Return uv's arguments that resolve the requirements on its stdin: wheels only, pinned by hash.

    `platform`: uv's name for the machine that they are for, if it is another than this one.
    """
    words = ["pip", "compile", "-", "--quiet", "--python-version", python_version, "--only-binary", ":all:"]
    words += ["--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    return [*words, *(["--python-platform", platform] if platform else [])]


def unresolved(stderr: str, recipe_lines: str) -> DeployFailed:
    """Return the error for requirements that have no common solution in wheels."""
    return DeployFailed(
        f"there are no wheels for {', '.join(recipe_lines.splitlines())[:300]}: {' '.join(stderr.split())[-600:]}",
        "Save the model with a published version, or deploy it compiled from a process that has its version.",
    )
