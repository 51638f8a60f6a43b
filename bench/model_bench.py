"""(a) Cold start under awslambdaric and warm cost per row: each model compiled, beside the same model's own file."""

from __future__ import annotations

import json
import pickle
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier

from bench.lambda_process import make_task_root, started
from modelcote.compile import compile_flow
from modelcote.core.flow import Flow, Stage
from modelcote.core.manifest import MANIFEST, Manifest, manifest_to_dict
from modelcote.core.runtimes import ModelType
from modelcote.deploy.artifacts.runtimes import committed
from modelcote.flow.load import load_flow
from modelcote.local.runtimes import python_for

STARTS = 7  # fresh processes per model and form
_WARM = """
import json, sys, time
from pathlib import Path
from modelcote.serving.predictor import Predictor
event = json.loads(sys.argv[2])
predict = Predictor.from_folder(Path(sys.argv[1])).predict
for _ in range(20): predict(event)
took = []
for _ in range(int(sys.argv[3])):
    start = time.perf_counter(); predict(event); took.append(time.perf_counter() - start)
print(sorted(took)[len(took) // 2] * 1e6)
"""


def run() -> dict[str, Any]:
    """Per model: `{"compiled" | "original": {cold_ms, warm_us, rss_mb}, "cold_ratio", "warm_ratio"}`, medians."""
    rows, labels = load_breast_cancer(return_X_y=True)
    event = {"data": rows[:1].tolist(), "run_id": "bench"}
    models = {
        "logistic_regression": (ModelType.SKLEARN_CLASSIFIER, LogisticRegression(max_iter=5000)),
        "random_forest_100": (ModelType.SKLEARN_CLASSIFIER, RandomForestClassifier(100, random_state=0)),
        "xgboost_json": (ModelType.XGBOOST_CLASSIFIER, XGBClassifier()),
    }
    return {name: _model(kind, model.fit(rows, labels), event) for name, (kind, model) in models.items()}


def _model(kind: ModelType, model: Any, event: Mapping[str, Any]) -> dict[str, Any]:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    with tempfile.TemporaryDirectory() as name:
        forms = {
            form: (python_for(committed(runtime, version)), Path(name) / form)
            for form, runtime in (("compiled", "onnx"), ("original", Flow((Stage(kind, ""),)).runtime))
        }
        roots = {}
        for form, (python, folder) in forms.items():
            _bundle(folder / "bundle", kind, model, compiled=form == "compiled")
            roots[form] = make_task_root(folder, folder / "bundle", python)
        cold: dict[str, list[float]] = {form: [] for form in forms}
        rss: dict[str, list[float]] = {form: [] for form in forms}
        for _ in range(STARTS + 1):  # turn by turn, so that both meet the same machine; the first fills its caches
            for form, (python, _folder) in forms.items():
                with started(python, roots[form], event) as function:
                    cold[form].append(function.cold_ms)
                    rss[form].append(function.rss_mb)
        measured = {
            form: {
                "cold_ms": round(statistics.median(cold[form][1:]), 1),
                "warm_us": round(_warm(forms[form][0], roots[form], event), 1),
                "rss_mb": round(statistics.median(rss[form]), 1),
            }
            for form in forms
        }
    one, other = measured["compiled"], measured["original"]
    ratios = {f"{what}_ratio": round(other[f"{what}_{unit}"] / one[f"{what}_{unit}"], 1) for what, unit in _RATIOS}
    return {**measured, **ratios}


_RATIOS = (("cold", "ms"), ("warm", "us"))


def _bundle(folder: Path, kind: ModelType, model: Any, *, compiled: bool) -> None:
    folder.mkdir(parents=True)
    file = "model.json" if kind is ModelType.XGBOOST_CLASSIFIER else "model.pkl"
    if file == "model.json":
        model.save_model(folder / file)
    else:
        (folder / file).write_bytes(pickle.dumps(model))
    manifest = Manifest("bench", Flow((Stage(kind, file),)))
    if compiled:
        inputs = load_flow(folder, manifest).inputs
        report = compile_flow(folder, manifest.flow, inputs)
        assert report.used, report.reason
        manifest = replace(manifest, inputs=inputs.to_dict(), compiled=report.to_dict())
    (folder / MANIFEST).write_text(json.dumps(manifest_to_dict(manifest)))


def _warm(python: Path, root: Path, event: Mapping[str, Any]) -> float:
    """Median microseconds of `Predictor.predict` on one row, in the runtime's own interpreter."""
    warm = subprocess.run(
        [python, "-c", _WARM, root / "bundle", json.dumps(event), "1000"],
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(warm.stdout)
