"""A toy runtime's runner and inspector: a `.line` file is JSON, `{"slope": number}`."""

from __future__ import annotations

import json
from pathlib import Path

from modelcote.bundle.inspectors import Artifact
from modelcote.core.errors import InvalidBundle
from modelcote.core.inputs import MATRIX, Inputs
from modelcote.core.runtimes import BaseModelType
from modelcote.flow.runners import Runner


class ToyType(BaseModelType):
    LINE = "line", "toy", (".line",), "predict"


def load(path: Path, _model_type: BaseModelType) -> Runner:
    slope = json.loads(path.read_bytes())["slope"]
    return Runner(Inputs(MATRIX, 1), lambda rows: rows[:, 0] * slope, slope)


def inspect(artifact: Artifact) -> None:
    if not artifact.data.startswith(b'{"slope": '):
        raise InvalidBundle("has no slope.", "Save a line.")
