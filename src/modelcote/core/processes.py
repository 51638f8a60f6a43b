"""Steps in a process of their own: the task is JSON on stdin, the answer is the last line of stdout.

`ask` runs such a process; `answer` is the whole `main` of one.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelcote.core.errors import DeployFailed, ModelcoteError, from_problem, to_problem


def ask(
    command: Sequence[str],
    task: object,
    *,
    what: str,
    remedy: str,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stderr: int | None = subprocess.PIPE,
) -> Any:
    """Return what the step of `command` answers to `task`, or raise the `ModelcoteError` that it reports.

    `what` names the step in the `DeployFailed` for one that takes longer than `timeout_s` or ends without an answer;
    `remedy` is its remedy. `stderr=None` lets the process write to this one's.
    """
    try:
        ended = subprocess.run(  # noqa: S603 (our own modules, checked arguments)
            command,
            input=json.dumps(task),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            timeout=timeout_s,
            env=env,
            cwd=cwd,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DeployFailed(f"{what} took longer than {timeout_s} s.", remedy) from error
    try:
        line = json.loads(ended.stdout.strip().splitlines()[-1])
        if "problem" not in line:
            return line["answer"]
    except (IndexError, KeyError, TypeError, ValueError) as error:
        last = (ended.stderr or "").strip()[-600:]
        raise DeployFailed(f"{what} ended with status {ended.returncode}: {last}", remedy) from error
    raise from_problem(line["problem"])


def answer(step: Callable[[Any], object]) -> None:
    """Run `step` on the task from stdin and print what it returns, or the problem of the error it raises.

    The exit status is 1 after a problem. What the step itself prints goes to stderr.
    """
    with contextlib.redirect_stdout(sys.stderr):
        try:
            line = {"answer": step(json.load(sys.stdin))}
        except ModelcoteError as error:
            line = {"problem": to_problem(error)}
    print(json.dumps(line))
    sys.exit("problem" in line)
