"""XGBoost: a pickle of its estimators, or its own JSON."""

from __future__ import annotations

import json

from modelcote.bundle.allow_list import CLASS, AllowList
from modelcote.bundle.inspectors import Artifact
from modelcote.bundle.inspectors.sklearn import ESTIMATORS, NAMES, NEVER
from modelcote.bundle.pickles import inspect_pickle
from modelcote.core.errors import InvalidBundle
from modelcote.core.runtimes import ModelType

ALLOWED = AllowList(NAMES, {"sklearn.": ESTIMATORS, "xgboost.sklearn.": CLASS}, NEVER)


def inspect(artifact: Artifact) -> None:
    """Check the file; raise `UnsafePickle` or `InvalidBundle`."""
    if artifact.suffix == ".json":
        _check_json(artifact)
    else:
        inspect_pickle(artifact.data, ALLOWED, trusted=artifact.trusted)


def _check_json(artifact: Artifact) -> None:
    wrong = InvalidBundle(f"{artifact.name} is not an XGBoost model in JSON.", "Save it with `model.save_model(...)`.")
    try:
        model = json.loads(artifact.data)
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
