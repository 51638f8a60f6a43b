"""`python -m bench [a b c e]`: runs these benches, or all; prints a table, writes bench/out/results.json."""

from __future__ import annotations

import json
import platform
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

# By letter: title, and a module with `run() -> dict` that is imported only when it is run.
BENCHES = {
    "a": ("cold start and warm cost, compiled beside the original", "bench.model_bench"),
    "b": ("overhead of the Lambda entry, microseconds per call", "bench.entry_bench"),
    "c": ("through the local cloud, and (d) from deploy() to the first answer", "bench.cloud_bench"),
    "e": ("runs: acceptance, both lanes, AWS calls and dollars per run", "bench.runs_bench"),
}
OUT = Path(__file__).parent / "out" / "results.json"


def main(letters: list[str]) -> int:
    """Run the benches of these letters and return the exit status, 2 if a letter is unknown."""
    console = Console()
    unknown = sorted(set(letters) - set(BENCHES))
    if unknown:
        console.print(f"Unknown bench {', '.join(unknown)}; there are {', '.join(BENCHES)}.")
        return 2
    results: dict[str, Any] = json.loads(OUT.read_text()) if OUT.exists() else {}
    results["machine"] = {"python": platform.python_version(), "system": platform.platform()}
    for letter in letters or BENCHES:
        title, module = BENCHES[letter]
        console.print(f"({letter}) {title} ...")
        bench = import_module(module)
        results[module.removeprefix("bench.")] = result = bench.run()
        # A bench with much to compare brings tables of its own.
        for table in bench.tables(result) if hasattr(bench, "tables") else [_table(title, result)]:
            console.print(table)
        OUT.parent.mkdir(parents=True, exist_ok=True)
        OUT.write_text(json.dumps(results, indent=2) + "\n")
    console.print(f"written: {OUT}")
    return 0


def _table(title: str, result: dict[str, Any]) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in ("measure", "value"):
        table.add_column(heading, justify="left" if heading == "measure" else "right")
    for name, value in _leaves(result):
        table.add_row(name, str(value))
    return table


def _leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        return [(path, value)]
    return [leaf for key, inner in value.items() for leaf in _leaves(inner, f"{path} {key}".strip())]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
