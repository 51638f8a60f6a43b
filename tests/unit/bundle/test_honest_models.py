"""What fitted models really store is not refused: every estimator of scikit-learn, and how people configure them."""

from __future__ import annotations

import functools
import io
import operator
import pickle
import re
import warnings
from collections.abc import Callable
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import scipy.special
import scipy.stats
import sklearn.metrics
import xgboost
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectKBest, mutual_info_classif
from sklearn.gaussian_process import GaussianProcessRegressor, kernels
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import DistanceMetric, f1_score, fbeta_score, make_scorer
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV, RandomizedSearchCV
from sklearn.neighbors import BallTree, KDTree, KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, SplineTransformer, StandardScaler
from sklearn.utils import all_estimators
from sklearn.utils._test_common.instance_generator import _construct_instances

from modelcote.bundle.inspectors.sklearn import ALLOWED
from modelcote.bundle.pickles import inspect_pickle

ROWS = np.abs(np.random.default_rng(0).normal(size=(24, 4))) + 0.1
LABELS = np.tile([0, 1, 2, 1], 6)
TABLE = pd.DataFrame({"age": ROWS[:, 0], "fare": ROWS[:, 1], "plan": ["basic", "pro"] * 12, "seat": list("abcd") * 6})
TABLE["kind"] = pd.Categorical(TABLE["seat"])
# Estimators differ in what they accept as rows and target.
DATA: tuple[tuple[Any, ...], ...] = (
    (ROWS, LABELS),
    (ROWS,),
    (ROWS, LABELS > 0),
    (ROWS, np.eye(3)[LABELS]),
    (["one two", "two three"] * 12, LABELS),
    (ROWS[:, 0], LABELS),
    (ROWS, ROWS[:, :2]),
    (ROWS @ ROWS.T, LABELS),
    ([{"a": 1}] * 9,),
    (ROWS, ROWS[:, 0]),
    (LABELS, LABELS),
    (LABELS,),
)


def joblib_file(value: Any, compress: int = 0) -> bytes:
    file = io.BytesIO()
    joblib.dump(value, file, compress=compress)
    return file.getvalue()


def fitted(estimator: Any) -> Any:
    for data in DATA:
        try:
            return estimator.fit(*data)
        except Exception:
            continue
    return None


# A frozen estimator is another one in a shell, and a sparse coder is made with its dictionary.
ESTIMATORS = {name: kind for name, kind in all_estimators() if name not in ("FrozenEstimator", "SparseCoder")}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_of_scikit_learn(name: str) -> None:
    model = fitted(next(iter(_construct_instances(ESTIMATORS[name]))))
    assert model is not None
    inspect_pickle(pickle.dumps(make_pipeline(model) if hasattr(model, "transform") else model), ALLOWED)
    inspect_pickle(joblib_file(model), ALLOWED)


def search(kind: Callable[..., Any], *settings: Any, **options: Any) -> Any:
    return kind(LogisticRegression(), *settings, cv=2, **options).fit(ROWS, LABELS > 0)


def columns(*chosen: Any) -> Any:
    return ColumnTransformer([("n", StandardScaler(), chosen[0]), ("t", OneHotEncoder(), ["plan"])]).fit(TABLE)


MODELS: dict[str, Callable[[], Any]] = {
    "scoring by name": lambda: search(GridSearchCV, {"C": [1, 2]}, scoring="f1"),
    "scoring by several names": lambda: search(GridSearchCV, {"C": [1]}, scoring=["roc_auc", "f1"], refit="f1"),
    "scoring by an object": lambda: search(GridSearchCV, {"C": [1]}, scoring=make_scorer(fbeta_score, beta=2)),
    "loguniform": lambda: search(RandomizedSearchCV, {"C": scipy.stats.loguniform(0.1, 9)}, n_iter=1, random_state=0),
    "uniform": lambda: search(RandomizedSearchCV, {"C": scipy.stats.uniform(1, 9)}, n_iter=1, random_state=0),
    "randint": lambda: search(RandomizedSearchCV, {"max_iter": scipy.stats.randint(90, 99)}, n_iter=1),
    "halving over a distribution": lambda: search(
        HalvingRandomSearchCV, {"C": scipy.stats.expon(scale=2)}, random_state=np.random.RandomState(0)
    ),
    "columns by a selector": lambda: columns(make_column_selector(dtype_include=np.number, pattern="a|f")),
    "columns by an index": lambda: columns(TABLE.select_dtypes("number").columns),
    "columns by a slice": lambda: columns(slice(0, 2)),
    "columns by a mask": lambda: columns(np.array([True, True, False, False, False])),
    "columns by a series": lambda: columns(TABLE.dtypes == "float64"),
    "categories of pandas": lambda: OneHotEncoder(dtype=np.float32).fit(TABLE[["kind", "plan"]]),
    "output to pandas": lambda: StandardScaler().set_output(transform="pandas").fit(TABLE[["age"]]),
    "categories of histogram boosting": lambda: HistGradientBoostingRegressor(categorical_features="from_dtype").fit(
        TABLE[["kind", "age"]], LABELS
    ),
    "log1p": lambda: FunctionTransformer(np.log1p, inverse_func=np.expm1).fit(ROWS),
    "nan_to_num": lambda: FunctionTransformer(np.nan_to_num, kw_args={"nan": 0.0}).fit(ROWS),
    "an item getter": lambda: FunctionTransformer(operator.itemgetter(["age", "fare"])).fit(TABLE),
    "a partial score": lambda: SelectKBest(functools.partial(mutual_info_classif, random_state=0)).fit(ROWS, LABELS),
    "a tokenizer of str": lambda: CountVectorizer(tokenizer=str.split, token_pattern=None).fit(["a b"]),
    "a tokenizer of re": lambda: CountVectorizer(tokenizer=re.compile(r"\w+").findall, token_pattern=None).fit(["a"]),
    "a kernel": lambda: GaussianProcessRegressor(kernels.RBF() + kernels.WhiteKernel()).fit(ROWS, LABELS),
    "a distance": lambda: KNeighborsClassifier(metric=DistanceMetric.get_metric("minkowski", p=3)).fit(ROWS, LABELS),
    "calibrated": lambda: CalibratedClassifierCV(LogisticRegression(), cv=2).fit(ROWS, LABELS),
    "a transformed target": lambda: TransformedTargetRegressor(
        LinearRegression(), func=np.log, inverse_func=np.exp
    ).fit(ROWS, ROWS[:, 0]),
    "splines": lambda: SplineTransformer().fit(ROWS),
    "a memory": lambda: make_pipeline(StandardScaler(), LogisticRegression(), memory=joblib.Memory(None)),
    "xgboost in a pipeline": lambda: make_pipeline(
        StandardScaler(), xgboost.XGBClassifier(n_estimators=2, callbacks=[xgboost.callback.EarlyStopping(2)])
    ),
    "xgboost on categories": lambda: xgboost.XGBRegressor(n_estimators=2, enable_categorical=True).fit(
        TABLE[["age", "kind"]], ROWS[:, 0]
    ),
}
FORMS: dict[str, Callable[[Any], bytes]] = {
    **{f"protocol {number}": lambda value, number=number: pickle.dumps(value, number) for number in range(2, 6)},
    "joblib": joblib_file,
    "joblib, compressed": lambda value: joblib_file(value, 3),
    "cloudpickle": cloudpickle.dumps,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_what_people_configure(name: str) -> None:
    model = MODELS[name]()
    for form, write in FORMS.items():
        # cloudpickle writes the bound method in a discrete distribution as a call of what it makes of a name.
        if (form, name) != ("cloudpickle", "randint"):
            inspect_pickle(write(model), ALLOWED)


def distributions() -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = [getattr(scipy.stats, name) for name in dir(scipy.stats)]
    return [value for value in values if isinstance(value, scipy.stats.rv_continuous | scipy.stats.rv_discrete)]


VALUES: dict[str, Callable[[], list[Any]]] = {
    "scorers": lambda: [sklearn.metrics.get_scorer(name) for name in sklearn.metrics.get_scorer_names()],
    "distributions": distributions,
    "dtypes": lambda: (
        [
            np.dtype(text)
            for text in ("?", "i1", ">f8", "f2", "c16", "g", "O", "S5", "U7", "M8[ns]", "m8[s]", "V8", "f8,U3", "f8,O")
        ]
        + [np.dtype(("f8", (2, 3))), np.dtype([("a", "i1"), ("b", "f8", (2,))], align=True), np.dtypes.Float64DType]
    ),
    "arrays": lambda: [np.zeros(2, "f8,U3"), np.array([1, "x", None], dtype=object), np.ma.array([1, 2], mask=[0, 1])],
    "types": lambda: [np.float64, np.number, np.integer, bool, float, str, object],
    "randomness": lambda: [
        np.random.RandomState(0),
        np.random.SeedSequence(3),
        *(np.random.Generator(bits(1)) for bits in (np.random.PCG64, np.random.MT19937, np.random.Philox)),
    ],
    "columns of pandas": lambda: [
        part
        for values in (
            [1.5, 2.0],
            ["a", "b"],
            pd.Categorical(["a", "b"], ordered=True),
            pd.date_range("2020", periods=2),
            pd.date_range("2020", periods=2, tz="UTC"),
            pd.to_timedelta([1, 2], unit="s"),
            pd.period_range("2020", periods=2, freq="M"),
            pd.interval_range(0, 2),
            pd.array([1, None], dtype="Int64"),
            pd.array([1.5, None], dtype="Float64"),
            pd.array([True, None], dtype="boolean"),
            pd.array(["a", None], dtype="string"),
            pd.arrays.SparseArray([0.0, 1.0]),
        )
        for column in [pd.Series(values)]
        for part in (column, column.dtype, column.array, pd.Index(column), column.iloc[0], column.to_frame())
    ],
    "indexes": lambda: [pd.MultiIndex.from_product([[1, 2], ["a"]]), pd.RangeIndex(5), pd.NaT, pd.NA],
    "sparse matrices": lambda: [
        getattr(scipy.sparse, f"{form}_{kind}")(np.eye(2))
        for form in ("csr", "csc", "coo", "lil", "dok", "dia", "bsr")
        for kind in ("matrix", "array")
    ],
    "trees of neighbours": lambda: [KDTree(np.eye(3)), BallTree(np.eye(3), metric="manhattan")],
    "callables": lambda: [functools.partial(f1_score, average="macro"), scipy.special.expit, np.median],
    "python's": lambda: [frozenset("ab"), {1, 2}, slice(1, 2), range(3), 1j, ..., {"a": 1, 2: "b"}, b"x", bytearray(2)],
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", VALUES)
def test_what_models_keep(name: str) -> None:
    values = VALUES[name]()
    assert values
    for form in ("protocol 2", "protocol 5", "joblib"):
        for value in values:
            inspect_pickle(FORMS[form](value), ALLOWED)
