"""`python -m modelcote.compile FOLDER`: the build step of an uncompiled bundle, in a process of its own.

FOLDER is an unpacked bundle. Prints the report, and `inputs`, as one JSON line; whatever the model itself prints
goes to stderr.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

from modelcote.compile import compile_flow
from modelcote.core.errors import ModelcoteError, to_problem
from modelcote.core.manifest import MANIFEST, parse_manifest
from modelcote.flow.inputs import schema_from_dict
from modelcote.flow.load import load_flow


def main(folder: Path) -> int:
    """The exit status: 0 with a report on stdout, 1 with `{"error": problem}` there for a bundle that cannot load."""
    with contextlib.redirect_stdout(sys.stderr):
        try:
            manifest = parse_manifest(json.loads((folder / MANIFEST).read_bytes()))
            known = manifest.inputs
            inputs = schema_from_dict(known) if known is not None else load_flow(folder, manifest).inputs
            report = compile_flow(folder, manifest.flow, inputs).to_dict()
            line, status = json.dumps({**report, "inputs": inputs.to_dict()}), 0
        except ModelcoteError as error:
            line, status = json.dumps({"error": to_problem(error)}), 1
    print(line)
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
