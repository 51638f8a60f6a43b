"""The model's Lambda function: direct invocation, no web framework. The flow is loaded while the function inits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from modelcote.serving.predictor import Predictor

_predict = Predictor.from_folder(Path(os.environ["LAMBDA_TASK_ROOT"]) / "bundle").predict


def handler(event: dict[str, Any], _context: object) -> bytes:
    """The answer's JSON. The Lambda runtime sends bytes as they are; anything else it would encode again."""
    return _predict(event)
