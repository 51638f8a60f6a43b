"""`python -m modelcote.compile`: the build step of an uncompiled bundle, in a process of its own.

The task is the folder of an unpacked bundle; see `modelcote.core.processes`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from modelcote.compile import compile_flow
from modelcote.core.manifest import MANIFEST, SAMPLE, parse_manifest
from modelcote.core.processes import answer
from modelcote.flow.load import load_flow


def compile_bundle(path: str) -> dict[str, Any]:
    """Compile the bundle's flow; return the report and `inputs`. Raises `ModelcoteError` if it cannot be loaded."""
    folder = Path(path)
    manifest = parse_manifest(json.loads((folder / MANIFEST).read_bytes()))
    inputs = load_flow(folder, manifest).inputs
    rows = folder / SAMPLE
    sample = [json.loads(line) for line in rows.read_bytes().splitlines()] if rows.is_file() else None
    return {**compile_flow(folder, manifest.flow, inputs, sample).to_dict(), "inputs": inputs.to_dict()}


if __name__ == "__main__":
    answer(compile_bundle)
