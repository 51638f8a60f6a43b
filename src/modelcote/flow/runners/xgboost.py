"""XGBOOST_CLASSIFIER, XGBOOST_REGRESSOR: a pickle, or XGBoost's own JSON, as text or binary."""

from __future__ import annotations

from pathlib import Path

from modelcote.core.contents import XGBOOST, content_of
from modelcote.core.errors import InvalidBundle
from modelcote.core.runtimes import BaseModelType, ModelType
from modelcote.core.texts import first_line
from modelcote.flow.runners import Runner
from modelcote.flow.runners import sklearn as pickled


def load(path: Path, model_type: BaseModelType) -> Runner:
    """Return the runner of an XGBoost model; raise `InvalidBundle` and `VersionMismatch`."""
    with path.open("rb") as file:
        head = file.read(512)
    if content_of(head) != XGBOOST:
        return pickled.load(path, model_type)
    import xgboost

    model = xgboost.XGBClassifier() if model_type is ModelType.XGBOOST_CLASSIFIER else xgboost.XGBRegressor()
    try:
        # From memory, XGBoost tells its formats apart by their content, from a file by its name.
        model.load_model(bytearray(path.read_bytes()))
    except (xgboost.core.XGBoostError, ValueError, TypeError, KeyError) as error:
        raise InvalidBundle(
            f"{path.name} cannot be read as {model_type.name}: {first_line(error, 200)}.",
            "Save it with `model.save_model(...)` and choose the type that fits.",
        ) from error
    return pickled.runner_of(model, model_type, path)
