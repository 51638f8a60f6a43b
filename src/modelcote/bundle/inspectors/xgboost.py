"""XGBoost: a pickle of its estimators, or its own JSON, as text or binary (UBJ)."""

from __future__ import annotations

import json
from typing import Any

from modelcote.bundle.inspectors import Artifact
from modelcote.bundle.inspectors.sklearn import ALLOWED
from modelcote.bundle.pickles import inspect_pickle
from modelcote.bundle.refusals import not_a, truncated
from modelcote.bundle.ubjson import Truncated, read_ubjson
from modelcote.bundle.written import xgboost_version
from modelcote.core.contents import XGBOOST, content_of
from modelcote.core.errors import InvalidBundle
from modelcote.core.runtimes import ModelType, suffix_of
from modelcote.core.texts import quoted

_REMEDY = "Save it with `model.save_model(...)`, or with pickle."


def inspect(artifact: Artifact) -> dict[str, str]:
    """Check the file by what it contains, and return its needs; raise `UnsafePickle` or `InvalidBundle`."""
    if content_of(artifact.head) != XGBOOST:
        if suffix_of(artifact.name) in (".json", ".ubj"):
            raise not_a(XGBOOST, artifact.head, _REMEDY)
        return inspect_pickle(artifact.data, ALLOWED, trusted=artifact.trusted)
    _check_model(artifact)
    # XGBoost reads what its earlier versions wrote ("Introduction to Model IO"), not what later ones did.
    version = xgboost_version(artifact.data)
    return {"xgboost": f">={version}" if version else ""}


def _check_model(artifact: Artifact) -> None:
    learner = _read(artifact.data).get("learner")
    if not isinstance(learner, dict) or not {"gradient_booster", "learner_model_param", "objective"} <= set(learner):
        raise not_a(XGBOOST, artifact.head, _REMEDY)
    objective = str((learner["objective"] or {}).get("name", "")) if isinstance(learner["objective"], dict) else ""
    classifies = objective.startswith(("binary:", "multi:"))
    if objective and classifies != (artifact.model_type is ModelType.XGBOOST_CLASSIFIER):
        raise InvalidBundle(
            f"has the objective {quoted(objective, 40)}, which does not fit {artifact.model_type.name}.",
            "Choose the other XGBoost model type.",
        )


def _read(data: bytes) -> dict[str, Any]:
    try:
        # In the binary form, the length of the first member's name follows the brace.
        model = json.loads(data) if data.lstrip()[1:].lstrip()[:1] in (b'"', b"}", b"") else read_ubjson(data)
    except Truncated as error:
        raise truncated() from error
    except json.JSONDecodeError as error:
        if error.pos >= len(error.doc.rstrip()) - 1 or error.msg.startswith("Unterminated"):
            raise truncated() from error
        raise not_a(XGBOOST, data[:512], _REMEDY) from error
    except (ValueError, RecursionError) as error:
        raise not_a(XGBOOST, data[:512], _REMEDY) from error
    return model if isinstance(model, dict) else {}
