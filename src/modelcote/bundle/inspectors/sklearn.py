"""scikit-learn: a pickle, a cloudpickle or a joblib file of its estimators, XGBoost's and LightGBM's among them."""

from __future__ import annotations

import re

from modelcote.bundle.allow_list import CLASS, PYTHON_AND_NUMPY, AllowList, words
from modelcote.bundle.inspectors import Artifact
from modelcote.bundle.library_names import PANDAS, SCIKIT_LEARN_AND_SCIPY
from modelcote.bundle.pickles import inspect_pickle

NAMES: dict[str, frozenset[str]] = {
    **PYTHON_AND_NUMPY,
    **SCIKIT_LEARN_AND_SCIPY,
    **PANDAS,
    "xgboost.core": frozenset({"Booster"}),
    "xgboost.sklearn": words(
        "XGBClassifier XGBModel XGBRFClassifier XGBRFRegressor XGBRanker XGBRegressor _SciKitLearnMetric"
    ),
    "xgboost.callback": frozenset({"EarlyStopping", "EvaluationMonitor"}),
    "lightgbm.basic": frozenset({"Booster"}),
    "lightgbm.sklearn": words("LGBMClassifier LGBMModel LGBMRanker LGBMRegressor"),
}
# A class, or Cython's way of making an extension type: it checks the type it is given, and makes nothing else.
ESTIMATORS = re.compile(rf"{CLASS.pattern}|__pyx_unpickle_[A-Za-z0-9_]+", re.ASCII)
DISTRIBUTION = re.compile(r"[a-z0-9_]+_gen", re.ASCII)
NEVER = (
    *("sklearn.externals", "sklearn.datasets", "sklearn._build_utils", "sklearn.conftest", "sklearn.utils._testing"),
    *("sklearn.utils.discovery", "sklearn.utils.parallel", "sklearn.utils._joblib", "sklearn.tests"),
    *("sklearn.inspection", "scipy.sparse.tests"),
)
ALLOWED = AllowList(
    NAMES,
    {
        "sklearn.": ESTIMATORS,
        "scipy.sparse.": re.compile(r"[a-z]{3}_(?:matrix|array)"),
        "scipy.interpolate.": CLASS,
        "scipy.stats._continuous_distns.": DISTRIBUTION,
        "scipy.stats._discrete_distns.": DISTRIBUTION,
    },
    NEVER,
)


def inspect(artifact: Artifact) -> dict[str, str]:
    """Check every pickle of the file and return its needs; raise `UnsafePickle` or `InvalidBundle`."""
    return inspect_pickle(artifact.data, ALLOWED, trusted=artifact.trusted)
