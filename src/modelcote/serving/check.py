"""`python -m modelcote.serving.check FOLDER`: loads a bundle where it will be served, before any traffic reaches it.

Prints one JSON line: `{"ok": true}`, or `{"error": problem}` with exit status 1.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

from modelcote.core.errors import InvalidBundle, ModelcoteError, to_problem
from modelcote.serving.predictor import Predictor


def main(folder: Path) -> int:
    """The exit status."""
    with contextlib.redirect_stdout(sys.stderr):
        try:
            Predictor.from_folder(folder)
            line: dict[str, object] = {"ok": True}
        except ModelcoteError as error:
            line = {"error": to_problem(error)}
        except Exception as error:  # whatever a model does while it loads would end its function the same way
            line = {
                "error": to_problem(
                    InvalidBundle(f"the model does not load: {type(error).__name__}: {error}"[:500], "Load it locally.")
                )
            }
    print(json.dumps(line))
    return 0 if "ok" in line else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
