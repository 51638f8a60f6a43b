"""The model's Lambda function: direct invocation, no web framework. The flow is loaded while the function inits."""

from __future__ import annotations

import os
from pathlib import Path
from time import perf_counter
from typing import Any

_BUNDLE = Path(os.environ["LAMBDA_TASK_ROOT"]) / "bundle"
if (_BUNDLE / "compiled.onnx").exists():
    # numpy's import starts threads for linear algebra, which a compiled model does none of: a third of that import.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from modelcote.serving.predictor import Predictor  # noqa: E402

_predict = Predictor.from_folder(_BUNDLE).predict


def handler(event: dict[str, Any], _context: object) -> bytes:
    """The answer's JSON. The Lambda runtime sends bytes as they are; anything else it would encode again."""
    wish = event.get("store")
    if wish is None:
        return _predict(event)
    started = perf_counter()
    answer = _predict(event) if "after_s" in wish else b""
    if answer and perf_counter() - started <= wish["after_s"]:
        return answer
    # Only for what is kept: a cold start need not wait for this import.
    from modelcote.serving.stored import keep, predict_and_store

    return keep(wish, answer) if answer else predict_and_store(_predict, event)
