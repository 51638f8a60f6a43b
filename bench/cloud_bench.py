"""(c) predict through the whole local cloud; (d) from `deploy()` to the first answer."""

from __future__ import annotations

import pickle
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

CALLS = 400
CLIENTS = 8


def run() -> dict[str, Any]:
    """Return `{"predict": {"clients_1": {p50, p99}, "clients_8": {...}}, "deploy_to_first_answer_s": s}`, in ms."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import RandomForestClassifier

    from modelcote import Conduit, model_type
    from modelcote.local import cloud

    rows, labels = load_breast_cancer(return_X_y=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        model = Path(folder) / "forest.pkl"
        model.write_bytes(pickle.dumps(RandomForestClassifier(100, random_state=0).fit(rows, labels)))
        status = cloud.up(home)
        try:
            first = time.perf_counter()
            url = Conduit(
                "forest", status.api_key, flow=(model_type.SKLEARN_CLASSIFIER, str(model)), endpoint=status.url
            ).deploy()
            headers = {"Authorization": status.api_key}
            httpx.post(url, json=rows[:1].tolist(), headers=headers, timeout=30).raise_for_status()
            to_first_answer = time.perf_counter() - first
            body = rows[:1].tolist()
            return {
                "predict_ms": {
                    "clients_1": _load(url, headers, body, clients=1),
                    f"clients_{CLIENTS}": _load(url, headers, body, clients=CLIENTS),
                },
                "deploy_to_first_answer_s": round(to_first_answer, 2),
            }
        finally:
            cloud.down(home)


def _load(url: str, headers: dict[str, str], body: Any, clients: int) -> dict[str, float]:
    def client(_: int) -> list[float]:
        took = []
        with httpx.Client(headers=headers, timeout=30) as http:
            for _ in range(CALLS // clients):
                start = time.perf_counter()
                http.post(url, json=body).raise_for_status()
                took.append((time.perf_counter() - start) * 1000)
        return took

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(client, range(clients)))  # every client's process is warm before anything counts
        start = time.perf_counter()
        took = sorted(sample for samples in pool.map(client, range(clients)) for sample in samples)
        elapsed = time.perf_counter() - start
    return {
        "p50": round(statistics.median(took), 2),
        "p99": round(took[int(len(took) * 0.99) - 1], 2),
        "requests_per_second": round(len(took) / elapsed, 1),
    }
