"""Models that have a converter which does not compute what they do, and the trait that it neglects.

No comparison decides about these: what differs shows on few rows. Each entry was found by `make search`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from modelcote.compile.report import Unsupported

_TRAINING_ROWS = 300  # of which ties among neighbours are looked for


def _has_ties(model: Any) -> bool:
    """Tell whether training rows have neighbours equally far away: a search tree's own order then decides."""
    rows = model._fit_X[:: max(1, len(model._fit_X) // _TRAINING_ROWS)]
    count = min(getattr(model, "n_neighbors_", model.n_neighbors) + 2, model.n_samples_fit_)
    away = np.sort(model.kneighbors(rows, count)[0], axis=1)
    return bool((np.diff(away, axis=1) == 0).any())


def _weighted(model: Any) -> bool:
    return not isinstance(model.weights, str) or model.weights != "uniform"


def _without_shares(model: Any) -> bool:
    return not all(hasattr(member, "predict_proba") for member in model.estimators_)


def _isotonic(model: Any) -> bool:
    inner = [calibrator for each in model.calibrated_classifiers_ for calibrator in each.calibrators]
    return any(type(calibrator).__name__ == "IsotonicRegression" for calibrator in inner)


_WEIGHTED = (_weighted, "neighbours weighted by distance or by a function")
_TIED = (_has_ties, "neighbours that are equally far away, of which the order of a search tree chooses")
_VOTES = (_without_shares, "votes of models without probabilities")

# class -> (whether a model of it has the trait, the trait), as often as it has one
_EXCLUDED: dict[str, tuple[tuple[Callable[[Any], bool], str], ...]] = {
    **dict.fromkeys(("KNeighborsClassifier", "KNeighborsRegressor"), (_WEIGHTED, _TIED)),
    **dict.fromkeys(("RadiusNeighborsClassifier", "RadiusNeighborsRegressor"), (_WEIGHTED,)),
    "LocalOutlierFactor": (_TIED,),
    **dict.fromkeys(("VotingClassifier", "BaggingClassifier"), (_VOTES,)),
    "CalibratedClassifierCV": ((_isotonic, "isotonic calibration, whose steps are converted without their slopes"),),
}


def check_models(models: Sequence[Any]) -> None:
    """Raise `Unsupported` for the first model, or model inside one, that is not converted as it computes."""
    for model in _all_parts(models):
        for has_trait, trait in _EXCLUDED.get(type(model).__name__, ()):
            if hasattr(model, "n_features_in_") and has_trait(model):
                raise Unsupported(trait)


def _all_parts(models: Sequence[Any]) -> Iterator[Any]:
    """Yield the models and all estimators that their attributes hold, at any depth."""
    waiting, seen = list(models), set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, list | tuple):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, np.ndarray):
            waiting += part.ravel().tolist() if part.dtype == object else []
        elif hasattr(part, "get_params") and not isinstance(part, type):
            yield part
            waiting += vars(part).values()
