"""`python -m modelcote.local.materialise`: one run of the program, in a process of its own.

The Pulumi SDK keeps its state in module globals, so a process can run one program. Prints one JSON line:
`{"outputs", "changed", "removed"}`, or `{"error": problem}` with exit status 1.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from pathlib import Path

from modelcote.core.errors import ModelcoteError, to_problem
from modelcote.core.snapshot import Snapshot, snapshot_from_json
from modelcote.local.materialise.context import Context
from modelcote.local.materialise.hands import LocalHands, check_deletions
from modelcote.local.materialise.state import STATE, load_state


def materialise(home: Path, emulator: str, host: str, snapshot: Snapshot, settings: str) -> dict[str, object]:
    """Run the program on the snapshot; raises `ModelcoteError`."""
    from infra.config import settings_from_json
    from infra.program import program
    from modelcote.deploy.program.monitor import run

    parsed = settings_from_json(settings)
    state = load_state(home / STATE)
    check_deletions(state, snapshot)
    hands = LocalHands(Context(home, emulator, host, state))
    try:
        outputs = run(lambda: program(snapshot, parsed, "all"), hands, stack=parsed.stack)
    finally:
        state.save()
    removed = hands.remove_the_rest()
    state.set_models([[model.project, model.name] for model in snapshot.models])
    return {"outputs": outputs, "changed": sorted(hands.changed), "removed": removed}


def main() -> int:
    parser = argparse.ArgumentParser(prog="modelcote.local.materialise")
    for name in ("--home", "--snapshot", "--settings"):
        parser.add_argument(name, type=Path, required=True)
    for name in ("--emulator", "--host"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):
        try:
            snapshot = snapshot_from_json(given.snapshot.read_text(encoding="utf-8"))
            settings = given.settings.read_text(encoding="utf-8")
            said = materialise(given.home, given.emulator, given.host, snapshot, settings)
        except ModelcoteError as error:
            said = {"error": to_problem(error)}
    print(json.dumps(said))
    return 1 if "error" in said else 0


if __name__ == "__main__":
    sys.exit(main())
