"""scikit-learn: a pickle, a cloudpickle or a joblib file of its estimators, XGBoost's among them."""

from __future__ import annotations

import re

from modelcote.bundle.allow_list import CLASS, PYTHON_AND_NUMPY, AllowList
from modelcote.bundle.inspectors import Artifact
from modelcote.bundle.pickles import inspect_pickle

NAMES: dict[str, frozenset[str]] = {
    **PYTHON_AND_NUMPY,
    "xgboost.core": frozenset({"Booster"}),
    "scipy.special._ufuncs": frozenset({"expit", "logit"}),
    "sklearn._loss.link": frozenset({"Interval"}),
    "sklearn.utils._bunch": frozenset({"Bunch"}),
    "sklearn.metrics._dist_metrics": frozenset({"newObj"}),
    "sklearn.neighbors._kd_tree": frozenset({"newObj"}),
    "sklearn.neighbors._ball_tree": frozenset({"newObj"}),
    "sklearn.feature_extraction.text": frozenset({"strip_accents_unicode", "strip_accents_ascii"}),
    "sklearn.feature_selection._univariate_selection": frozenset(
        {"f_classif", "f_regression", "chi2", "r_regression", "f_oneway"}
    ),
    "sklearn.feature_selection._mutual_info": frozenset({"mutual_info_classif", "mutual_info_regression"}),
}
# A class, or Cython's way of making an extension type: it checks the type it is given, and makes nothing else.
ESTIMATORS = re.compile(rf"{CLASS.pattern}|__pyx_unpickle_[A-Za-z0-9_]+", re.ASCII)
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
        "xgboost.sklearn.": CLASS,
    },
    NEVER,
)


def inspect(artifact: Artifact) -> dict[str, str]:
    """Check every pickle of the file and return its needs; raise `UnsafePickle` or `InvalidBundle`."""
    return inspect_pickle(artifact.data, ALLOWED, trusted=artifact.trusted)
