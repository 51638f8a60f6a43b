"""Which libraries a model's file needs, and which versions wrote it: read from the file, nothing of it is loaded.

scikit-learn stores `_sklearn_version` beside the state of each estimator; XGBoost `version` in its JSON, its UBJSON
and the buffer inside its pickles. LightGBM stores no version, but its boosters' `handle` is `_handle` since 4.0, which
cannot use the pickles of before, nor the other way round. numpy's pickles name `numpy.core` before numpy 2 and
`numpy._core` since.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelcote.core.runtimes import LIBRARIES

# `"version":[3,2,0]` as JSON, and as UBJSON: an array of three integers of one to eight bytes each.
_JSON_VERSION = re.compile(rb'"version"\s*:\s*\[\s*(\d{1,5})\s*,\s*(\d{1,5})\s*,\s*(\d{1,5})\s*\]')
_INTEGER = rb"(?:[iU](.)|I(..)|l(.{4})|L(.{8}))"
_UBJSON_VERSION = re.compile(rb"\x07version\[#(?:L\0{7}|[iU])\x03" + 3 * _INTEGER, re.DOTALL)
_MODULES = {library.module: library.distribution for library in LIBRARIES.values() if library.module}


@dataclass
class Traces:
    """Notes of the reader of opcodes: every module that a stream names, and versions beside states."""

    modules: set[str] = field(default_factory=set)
    versions: dict[str, set[str]] = field(default_factory=dict)
    lightgbm: str = ""

    def note_state(self, state: Any) -> None:
        """Note the versions in the state of an object."""
        if not isinstance(state, dict):
            return
        self._note("scikit-learn", state.get("_sklearn_version"))
        if "xgboost.core" in self.modules:
            self._note("xgboost", xgboost_version(_bytes(state.get("handle"))))
        if "lightgbm.basic" in self.modules and "pandas_categorical" in state:
            self.lightgbm = ">=4" if "_handle" in state else "<4"

    def _note(self, distribution: str, version: Any) -> None:
        if isinstance(version, str) and version:
            self.versions.setdefault(distribution, set()).add(version)

    def needs(self) -> dict[str, str]:
        """Return distribution -> version specifier of what loads the file; an empty one where any version does.

        Several versions of one library in a file: the newest, which wrote the whole.
        """
        roots = {module.partition(".")[0] for module in self.modules}
        needs = {_MODULES[root]: "" for root in roots & _MODULES.keys()}
        for distribution, versions in self.versions.items():
            newest = newest_of(versions)
            needs[distribution] = f"=={newest}" if newest else ""
        if self.lightgbm:
            needs["lightgbm"] = self.lightgbm
        if any(module.startswith("numpy._core") for module in self.modules):
            needs["numpy"] = ">=2"
        elif any(module.startswith("numpy.core") for module in self.modules):
            needs["numpy"] = "<2"
        return needs


def xgboost_version(data: bytes) -> str:
    """Return the newest version that XGBoost has written into a model or a buffer; empty where there is none."""
    texts = {".".join(str(int(part)) for part in match.groups()) for match in _JSON_VERSION.finditer(data)}
    for match in _UBJSON_VERSION.finditer(data):
        numbers = [int.from_bytes(part, "big") for part in match.groups() if part is not None]
        texts.add(".".join(map(str, numbers)))
    return newest_of(texts)


def newest_of(versions: Iterable[str]) -> str:
    """Return the newest of these texts without its local part; empty where none is a version."""
    from packaging.version import InvalidVersion, Version

    read = []
    for text in versions:
        try:
            read.append(Version(text))
        except InvalidVersion:
            continue
    return max(read).public if read else ""


def merged(parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the needs of several files together: their specifiers joined."""
    needs: dict[str, str] = {}
    for part in parts:
        for distribution, specifier in part.items():
            specifiers = {*needs.get(distribution, "").split(","), *specifier.split(",")} - {""}
            needs[distribution] = ",".join(sorted(specifiers))
    return needs


def _bytes(value: Any) -> bytes:
    """Return the bytes of a value of the stream; older protocols write them as a call with bytes or a text inside."""
    for _ in range(3):
        arguments = getattr(value, "arguments", None)
        if isinstance(arguments, tuple) and arguments:
            value = arguments[0]
    if isinstance(value, str):
        return value.encode("latin-1", "ignore")
    return bytes(value) if isinstance(value, bytes | bytearray) else b""
