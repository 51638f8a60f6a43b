"""`make demo`: two models, deployed on a local cloud, called over HTTP, compared row by row with this process."""

from __future__ import annotations

import pickle
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from xgboost import XGBClassifier

from modelcote import Conduit, model_type
from modelcote.local import cloud

TOLERANCE = 1e-5
WARM_CALLS = 50


@dataclass(frozen=True)
class Outcome:
    """The result of one model's comparison; times in milliseconds."""

    name: str
    first: str
    rows: int
    difference: float
    cold_ms: float
    warm_ms: float
    compiled: bool


def main() -> int:
    """Run the demo; return 0 if every row of every model is answered as in this process."""
    console = Console()
    data = load_breast_cancer()
    train, test, labels, _ = train_test_split(data.data, data.target, random_state=0)
    with tempfile.TemporaryDirectory(prefix="modelcote-demo-") as scratch:
        folder = Path(scratch)
        console.print("starting the local cloud (the first start installs its runtimes)")
        running = cloud.up(folder / "home")
        try:
            with httpx.Client(headers={"Authorization": running.api_key}, timeout=60) as http:
                outcomes = [
                    deploy_and_compare(name, kind, save(folder), running, http, test)
                    for name, kind, save in models(train, labels)
                ]
        finally:
            cloud.down(folder / "home")
    console.print(report(outcomes))
    equal = all(outcome.difference <= TOLERANCE for outcome in outcomes)
    console.print("every row is equal" if equal else "[red]rows differ[/red]")
    return 0 if equal else 1


Save = Callable[[Path], tuple[str, Any]]


def models(train: Any, labels: Any) -> list[tuple[str, model_type, Save]]:
    """Return name, model type, and a function that trains, saves, and returns the path and the model."""

    def forest(folder: Path) -> tuple[str, Any]:
        model = RandomForestClassifier(100, random_state=0).fit(train, labels)
        (folder / "forest.pkl").write_bytes(pickle.dumps(model))
        return str(folder / "forest.pkl"), model

    def boosted(folder: Path) -> tuple[str, Any]:
        model = XGBClassifier(n_estimators=60, max_depth=4, random_state=0).fit(train, labels)
        model.save_model(folder / "boosted.json")
        return str(folder / "boosted.json"), model

    return [
        ("forest", model_type.SKLEARN_CLASSIFIER, forest),
        ("boosted", model_type.XGBOOST_CLASSIFIER, boosted),
    ]


def deploy_and_compare(
    name: str, kind: model_type, saved: tuple[str, Any], running: cloud.Status, http: httpx.Client, test: Any
) -> Outcome:
    """Deploy a saved model and compare its answers over HTTP with those of this process."""
    path, model = saved
    url = Conduit(name, running.api_key, flow=(kind, path), endpoint=running.url).deploy()
    one = test[:1].tolist()
    _, cold_ms = call(http, url, one)
    result, _ = call(http, url, test.tolist())
    warm_ms = statistics.median(call(http, url, one)[1] for _ in range(WARM_CALLS))
    expected = model.predict_proba(test)
    shown = http.get(f"{running.url}/v1/projects/{running.project}/models/{name}").raise_for_status().json()
    return Outcome(
        name,
        ", ".join(f"{value:.4f}" for value in result[0]),
        len(result),
        float(np.abs(np.array(result) - expected).max()) if len(result) == len(expected) else float("inf"),
        cold_ms,
        warm_ms,
        shown["compiled"],
    )


def call(http: httpx.Client, url: str, rows: Any) -> tuple[Any, float]:
    """Call once; return the result and the milliseconds."""
    start = time.perf_counter()
    answer = http.post(url, json=rows).raise_for_status().json()
    return answer["result"], (time.perf_counter() - start) * 1000


def report(outcomes: list[Outcome]) -> Table:
    """Format the outcomes as a table."""
    table = Table("model", "first row", "rows", "largest difference", "cold ms", "warm ms", "compiled")
    for outcome in outcomes:
        table.add_row(
            outcome.name,
            outcome.first,
            str(outcome.rows),
            f"{outcome.difference:.1e}",
            f"{outcome.cold_ms:.0f}",
            f"{outcome.warm_ms:.1f}",
            "yes" if outcome.compiled else "no",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
