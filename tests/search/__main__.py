"""`python -m tests.search [--shard 0/2] [--only TEXT] [--seconds 600] [--out FILE]`: judge each shape, print the table.

The verdicts in `--out` are kept: a search that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import warnings
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import Any

import orjson

from tests.search.judge import Verdict, judge
from tests.search.shapes import shapes

_LONGEST_S = 60  # for one shape


def main() -> int:
    """Judge the shapes without a verdict; return 1 if a compiled form differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.search")
    parser.add_argument("--shard", default="0/1")
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--out", type=Path, default=Path("build/search.jsonl"))
    asked = parser.parse_args()
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    verdicts = _read(asked.out)
    place, count = map(int, asked.shard.split("/"))
    todo = [shape for shape in shapes()[place::count] if asked.only in shape.name and shape.name not in verdicts]
    start = monotonic()
    warnings.simplefilter("ignore")
    with asked.out.open("ab") as file:
        for shape in todo:
            if monotonic() - start > asked.seconds:
                break
            verdict = _within(shape)
            file.write(verdict.to_json() + b"\n")
            file.flush()
            verdicts[shape.name] = verdict
    return report(list(verdicts.values()))


def _within(shape: Any) -> Verdict:
    def stop(*_: Any) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(_LONGEST_S)
    try:
        return judge(shape)
    except TimeoutError:
        return Verdict(shape.name, "none", reason=f"took more than {_LONGEST_S} s")
    finally:
        signal.alarm(0)


def _read(path: Path) -> dict[str, Verdict]:
    lines = path.read_bytes().splitlines() if path.exists() else []
    return {row["shape"]: Verdict(**row) for row in map(orjson.loads, lines)}


def report(verdicts: list[Verdict]) -> int:
    """Print one line per estimator and form, then the sums; return 1 if a compiled form differs."""
    for verdict in sorted(verdicts, key=lambda one: one.shape):
        mark = "" if verdict.form != "compiled" else "equal" if verdict.equal else "UNEQUAL"
        sys.stdout.write(f"{verdict.shape:75.75} {verdict.form:9} {verdict.rows:5} {mark:8} {verdict.reason}\n")
    forms = Counter(one.form for one in verdicts)
    wrong = [one for one in verdicts if not one.equal]
    served = len(verdicts) - forms["none"]
    sys.stdout.write(
        f"{served} shapes: {forms['compiled']} compiled, {forms['original']} served as they are, {len(wrong)} unequal; "
        f"{sum(one.rows for one in verdicts)} rows compared; {forms['none']} that cannot be trained\n"
    )
    return int(bool(wrong))


if __name__ == "__main__":
    # One thread per library: the search is one of several processes.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
