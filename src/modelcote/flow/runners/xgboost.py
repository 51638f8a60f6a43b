"""XGBOOST_CLASSIFIER, XGBOOST_REGRESSOR: a pickle, or XGBoost's own JSON."""

from __future__ import annotations

from pathlib import Path

from modelcote.core.errors import InvalidBundle
from modelcote.core.runtimes import BaseModelType, ModelType
from modelcote.flow.runners import Runner
from modelcote.flow.runners import sklearn as pickled


def load(path: Path, model_type: BaseModelType) -> Runner:
    """Return the runner of an XGBoost model; raise `InvalidBundle` and `VersionMismatch`."""
    if path.suffix.lower() == ".pkl":
        return pickled.load(path, model_type)
    import xgboost

    model = xgboost.XGBClassifier() if model_type is ModelType.XGBOOST_CLASSIFIER else xgboost.XGBRegressor()
    try:
        model.load_model(path)
    except (xgboost.core.XGBoostError, ValueError, TypeError, KeyError) as error:
        raise InvalidBundle(
            f"{path.name} cannot be read as {model_type.name}: {str(error).splitlines()[0][:200]}.",
            "Save it with `model.save_model(...)` and choose the type that fits.",
        ) from error
    return pickled.runner_of(model, model_type, path)
