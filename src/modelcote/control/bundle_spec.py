"""Bundles that another client made: their zip holds the flow, and may hold things that must not be stored."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from modelcote.bundle.inspect import requirements_of
from modelcote.bundle.zips import Content, write_zip
from modelcote.core.errors import InvalidBundle
from modelcote.core.manifest import MANIFEST, Manifest, manifest_to_dict
from modelcote.core.spec import ModelSpec, check_spec, spec_from_dict

# A manifest's members, and those of a Conduit client's; all others (an API key among them) are dropped.
_KNOWN = frozenset(
    {"name", "flow", "processors", "libraries", "inputs", "compiled", "trusted", "hints"}
    | {"hardware", "python_version", "cpu", "memory", "version"}
)


def complete_spec(fields: Mapping[str, Any], manifest: Manifest, zip_path: Path) -> ModelSpec:
    """Return the spec of a version that was created without a flow: flow and requirements come from the bundle.

    Raises `InvalidSpec`, `InvalidBundle`.
    """
    if manifest.trusted:
        raise InvalidBundle(
            "a bundle marked as trusted cannot be deployed here.", "Deploy it with `cote deploy --trusted`."
        )
    rows = manifest_to_dict(manifest)
    fields = {**fields, "flow": rows["flow"], "processors": rows["processors"]}
    with zipfile.ZipFile(zip_path) as archive:
        requirements = requirements_of(archive)
    return check_spec(replace(spec_from_dict(fields), requirements=requirements))


def without_unknown_members(zip_path: Path, out: Path) -> Path:
    """Return the bundle, or a copy at `out` without the members of its manifest that are unknown.

    The bundle has been inspected: its size and names are harmless.
    """
    with zipfile.ZipFile(zip_path) as archive:
        data = json.loads(archive.read(MANIFEST))
        members = {name: value for name, value in data.items() if name in _KNOWN}
        if members == data:
            return zip_path
        files: dict[str, Content] = {
            entry.filename: partial(archive.open, entry) for entry in archive.infolist() if not entry.is_dir()
        }
        return write_zip(out, {**files, MANIFEST: json.dumps(members).encode()}.items())
