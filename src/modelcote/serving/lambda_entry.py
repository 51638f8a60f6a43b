"""The model's Lambda function: direct invocation, no web framework. The flow is loaded while the function inits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

_BUNDLE = Path(os.environ["LAMBDA_TASK_ROOT"]) / "bundle"
if (_BUNDLE / "compiled.onnx").exists():
    # numpy's import starts threads for linear algebra, which a compiled model does none of: a third of that import.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from modelcote.serving.predictor import Predictor, respond  # noqa: E402

_predict = Predictor.from_folder(_BUNDLE).predict


def handler(event: dict[str, Any], _context: object) -> bytes:
    """Return the answer's JSON. The Lambda runtime sends bytes as they are; anything else it would encode again."""
    return respond(_predict, event)
