"""The committed OpenAPI document: written from the code, and compared with it.

`python -m modelcote.dialects.openapi --check` fails when `docs/openapi/openapi.json` is not what the code says;
`--write` writes it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from modelcote.control.app import openapi_document
from modelcote.core.project import project_root
from modelcote.dialects import DIALECTS

FILE = Path("docs/openapi/openapi.json")


def text() -> str:
    """Return the document as it is committed."""
    return json.dumps(openapi_document(DIALECTS), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Do `--check` or `--write`, and return the exit status."""
    path = project_root() / FILE
    if arguments == ["--write"]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(), encoding="utf-8")
        return 0
    if arguments == ["--check"]:
        if path.exists() and path.read_text(encoding="utf-8") == text():
            return 0
        print(f"{FILE} is not what the code says: run make fmt", file=sys.stderr)
        return 1
    print("usage: python -m modelcote.dialects.openapi --check | --write", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
