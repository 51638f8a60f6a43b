"""Which versions of which libraries read a bundle's files as they were written, and whether a process has them.

A need is a distribution and a version specifier, empty where any version does. What a file says of itself
(`modelcote.bundle.written`) decides; where it says nothing, the process that made the bundle does.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelcote.core.errors import InvalidBundle, VersionMismatch
from modelcote.core.manifest import Manifest
from modelcote.core.runtimes import LIBRARIES, RUNTIMES, Library, suffix_of
from modelcote.core.texts import quoted


def needs_of(manifest: Manifest) -> dict[str, str]:
    """Return distribution -> specifier of what loads this bundle; of a compiled one, what runs its graph.

    Raises `InvalidBundle` where the manifest names something other than a version.
    """
    if manifest.compiled is not None:
        return {library.distribution: "" for library in RUNTIMES["onnx"].libraries}
    needs: dict[str, str] = {}
    # What XGBoost saves itself is read by any later version: the process that saved it binds nothing.
    portable = manifest.needs.get("xgboost", "").startswith(">=")
    for stage in manifest.flow.stages:
        runtime = RUNTIMES[stage.model_type.runtime]
        bound = suffix_of(stage.file) in runtime.version_bound and not portable
        for library in runtime.libraries:
            needs[library.distribution] = needs.get(library.distribution) or (
                _claim(manifest, library) if bound else ""
            )
    for name, specifier in manifest.needs.items():
        needs[name] = specifier or needs.get(name) or _claim(manifest, LIBRARIES[name])
        if name == "lightgbm" and _meets(manifest.libraries.get(name, ""), specifier):
            # The file tells its major version, and the process that saved it the rest.
            needs[name] = _claim(manifest, LIBRARIES[name])
    return needs


def never_compiled(manifest: Manifest) -> str:
    """Return in one line why no flow with these libraries is compiled; empty where one may be."""
    names = [name for name in manifest.needs if not LIBRARIES[name].compiled]
    return f"models of {names[0]} are served by {names[0]} itself" if names else ""


def _claim(manifest: Manifest, library: Library) -> str:
    """Return the specifier for the version in the process that made the bundle, by the digits that matter."""
    from packaging.version import InvalidVersion, Version

    text = manifest.libraries.get(library.distribution, "")
    if not text or not library.digits:
        return ""
    try:
        release = Version(text).release
    except InvalidVersion as error:
        raise InvalidBundle(
            f"the manifest names {quoted(text, 40)} as the version of {library.distribution}.", "Deploy again."
        ) from error
    return f"=={'.'.join(map(str, release[: library.digits]))}.*"


def unmet(needs: Mapping[str, str], versions: Mapping[str, str]) -> dict[str, str]:
    """Return the needs that these versions (distribution -> version) do not meet, those without a version included."""
    return {name: specifier for name, specifier in needs.items() if not _meets(versions.get(name, ""), specifier)}


def _meets(version: str, specifier: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return bool(version) and (not specifier or SpecifierSet(specifier).contains(version, prereleases=True))


def check_versions(manifest: Manifest, versions: Mapping[str, str]) -> None:
    """Raise `VersionMismatch` where one of these versions does not load the bundle's files as they were written.

    `versions`: distribution -> version in the process; one that it does not have is another check's.
    """
    needs = needs_of(manifest)
    for name in unmet(needs, versions):
        if name in versions:
            raise VersionMismatch(
                f"the model needs {name}{needs[name]}, and its runtime has {versions[name]}.",
                f"Leave {name} out of requirements_file, or put `{name}{needs[name]}` there.",
                library=name,
                saved=needs[name],
                served=versions[name],
            )


def check_writers(file: str, needs: Mapping[str, str]) -> None:
    """Raise `VersionMismatch` for a file that no version with wheels for a supported Python reads."""
    from packaging.version import Version

    for name, specifier in needs.items():
        version, oldest = specifier.removeprefix("=="), LIBRARIES[name].oldest
        if oldest and version != specifier and Version(version) < Version(oldest):
            raise VersionMismatch(
                f"{file} was written by {name} {version}; the oldest version that is served is {oldest}.",
                f"Run `cote convert {file}`: it writes a file that can be deployed.",
                library=name,
                saved=version,
            )


def written_by(needs: Mapping[str, str]) -> str:
    """Return who wrote the files, such as `scikit-learn 1.2.2 and xgboost 1.7.6`; empty where they do not say."""
    return " and ".join(
        f"{name} {text[2:]}" for name, text in needs.items() if text.startswith("==") and "*" not in text
    )
