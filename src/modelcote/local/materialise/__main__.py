"""`python -m modelcote.local.materialise`: one run of the program, in a process of its own.

The Pulumi SDK keeps its state in module globals, so a process can run one program. The task and the answer are those
of `materialise`; see `modelcote.core.processes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from modelcote.core.processes import answer
from modelcote.core.snapshot import snapshot_from_json
from modelcote.local.materialise.maker import Context
from modelcote.local.materialise.materialiser import Materialiser, check_deletions
from modelcote.local.materialise.state import STATE, load_state


def materialise(task: Mapping[str, str]) -> dict[str, object]:
    """Run the program on the task's snapshot; return `outputs`, `changed` and `removed`.

    The task holds `home`, `emulator`, `host`, and `snapshot` and `settings` as JSON texts. Raises `ModelcoteError`.
    """
    from infra.config import settings_from_json
    from infra.program import program
    from modelcote.deploy.program.monitor import run

    home, snapshot = Path(task["home"]), snapshot_from_json(task["snapshot"])
    settings = settings_from_json(task["settings"])
    state = load_state(home / STATE)
    check_deletions(state, snapshot)
    hands = Materialiser(Context(home, task["emulator"], task["host"], state))
    try:
        outputs = run(lambda: program(snapshot, settings, "all"), hands, stack=settings.stack)
    finally:
        state.save()
    removed = hands.remove_the_rest()
    state.set_models([[model.project, model.name] for model in snapshot.models])
    return {"outputs": outputs, "changed": sorted(hands.changed), "removed": removed}


if __name__ == "__main__":
    answer(materialise)
