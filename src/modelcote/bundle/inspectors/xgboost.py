"""XGBoost: a pickle of its estimators, or its own JSON or UBJSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from modelcote.bundle.allow_list import CLASS, AllowList
from modelcote.bundle.inspectors import Artifact
from modelcote.bundle.inspectors.sklearn import ESTIMATORS, NAMES, NEVER
from modelcote.bundle.pickles import inspect_pickle
from modelcote.bundle.ubjson import read_ubjson
from modelcote.bundle.written import xgboost_version
from modelcote.core.errors import InvalidBundle
from modelcote.core.runtimes import ModelType

ALLOWED = AllowList(NAMES, {"sklearn.": ESTIMATORS, "xgboost.sklearn.": CLASS}, NEVER)
_READERS: dict[str, tuple[str, Callable[[bytes], Any]]] = {
    ".json": ("JSON", json.loads),
    ".ubj": ("UBJSON", read_ubjson),
}


def inspect(artifact: Artifact) -> dict[str, str]:
    """Check the file and return its needs; raise `UnsafePickle` or `InvalidBundle`."""
    if artifact.suffix in _READERS:
        _check_model(artifact, *_READERS[artifact.suffix])
        # XGBoost reads what its earlier versions wrote ("Introduction to Model IO"), not what later ones did.
        version = xgboost_version(artifact.data)
        return {"xgboost": f">={version}" if version else ""}
    return inspect_pickle(artifact.data, ALLOWED, trusted=artifact.trusted)


def _check_model(artifact: Artifact, form: str, read: Callable[[bytes], Any]) -> None:
    wrong = InvalidBundle(
        f"{artifact.name} is not an XGBoost model in {form}.", "Save it with `model.save_model(...)`."
    )
    try:
        model = read(artifact.data)
    except (ValueError, RecursionError) as error:
        raise wrong from error
    learner = model.get("learner") if isinstance(model, dict) else None
    if not isinstance(learner, dict) or not {"gradient_booster", "learner_model_param", "objective"} <= set(learner):
        raise wrong
    objective = str((learner["objective"] or {}).get("name", "")) if isinstance(learner["objective"], dict) else ""
    classifies = objective.startswith(("binary:", "multi:"))
    if objective and classifies != (artifact.model_type is ModelType.XGBOOST_CLASSIFIER):
        raise InvalidBundle(
            f"the objective {ascii(objective)[:40]} of {artifact.name} does not fit {artifact.model_type.name}.",
            "Choose the other XGBoost model type.",
        )
