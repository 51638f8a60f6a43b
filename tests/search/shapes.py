"""The shapes of the search: every estimator, each option that changes its mathematics, behind steps, at many scales."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils import all_estimators
from xgboost import XGBClassifier, XGBRegressor, XGBRFClassifier, XGBRFRegressor

from modelcote.core.runtimes import ModelType
from tests.search.parameters import PARAMETERS

ROWS = 120
SCALES = (1.0, 1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9)
OFFSETS = (0.0, 0.0, 1e3, 1e6)  # in units of the scale
CHAINS: dict[str, list[Any]] = {
    "": [],
    "standard": [StandardScaler()],
    "minmax": [MinMaxScaler()],
    "robust": [RobustScaler()],
    "maxabs": [MaxAbsScaler()],
    "select": [SelectKBest(k=3)],
    "variance+standard": [VarianceThreshold(), StandardScaler()],
    "standard+pca": [StandardScaler(), PCA(3)],
    "poly+standard": [PolynomialFeatures(2), StandardScaler()],
    "quantile": [QuantileTransformer(n_quantiles=30)],
    "power": [StandardScaler(), PowerTransformer()],
    "bins": [KBinsDiscretizer(4, encode="onehot-dense", quantile_method="averaged_inverted_cdf")],
    "standard+binarizer": [StandardScaler(), Binarizer(threshold=0.1)],
    "gaps": [SimpleImputer()],
    "table": [],
    "codes": [],
}
LABELS = ("numbers", "two", "texts", "booleans", "floats", "one")
# Models that take what others do not.
COUNTS = ("MultinomialNB", "ComplementNB", "CategoricalNB", "NMF", "MiniBatchNMF", "LatentDirichletAllocation")
COUNTS += ("AdditiveChi2Sampler", "SkewedChi2Sampler", "TfidfTransformer")
CATEGORIES = ("OneHotEncoder", "OrdinalEncoder", "TargetEncoder", "CategoricalNB")
GAPS = ("SimpleImputer", "KNNImputer", "MissingIndicator")
TARGETS = ("MultiOutputClassifier", "ClassifierChain")
SEVERAL = ("MultiOutputRegressor", "RegressorChain", "CCA", "PLSCanonical", "PLSSVD")
TWO_CLASSES = ("TunedThresholdClassifierCV", "FixedThresholdClassifier")
# Whose input is not a table of numbers or texts, or which need another estimator that is not given here.
OTHER_INPUT = frozenset(
    {"DictVectorizer", "FeatureHasher", "CountVectorizer", "TfidfVectorizer", "HashingVectorizer", "LabelBinarizer"}
    | {"LabelEncoder", "MultiLabelBinarizer", "IsotonicRegression", "PatchExtractor", "SparseCoder", "KernelCenterer"}
)
COMMON = (  # at every scale and behind every chain
    *("LogisticRegression", "LinearRegression", "RidgeClassifier", "RandomForestClassifier", "DecisionTreeRegressor"),
    *("GradientBoostingClassifier", "HistGradientBoostingRegressor", "KNeighborsClassifier", "SVC", "LinearSVC", "SVR"),
    *("GaussianNB", "MLPClassifier", "XGBClassifier", "XGBRegressor", "KMeans"),
)


@dataclass(frozen=True)
class Shape:
    """One model to build: `option` counts in the estimator's entry of `PARAMETERS`."""

    estimator: str
    option: int
    method: str
    chain: str = ""
    scale: float = 1.0
    offset: float = 0.0
    labels: str = "numbers"
    grid: bool = False  # values are rounded, so that ties are common

    @property
    def name(self) -> str:
        where = f"{self.scale:g}{f'+{self.offset:g}' if self.offset else ''}{' rounded' if self.grid else ''}"
        return f"{self.estimator}[{self.option}].{self.method} {self.chain or 'alone'} {where} {self.labels}"


@dataclass(frozen=True)
class Built:
    model: Any
    model_type: ModelType
    train: Any
    fresh: Any


def kinds() -> dict[str, Any]:
    estimators = {name: kind for name, kind in all_estimators() if name not in OTHER_INPUT}
    boosters = (XGBClassifier, XGBRegressor, XGBRFClassifier, XGBRFRegressor)
    return {**estimators, **{kind.__name__: kind for kind in boosters}}


def shapes() -> list[Shape]:
    """Return all shapes, always the same."""
    return list(dict.fromkeys(_shapes()))


def _shapes() -> Iterator[Shape]:
    chains, turn = list(CHAINS), 0
    for name, kind in sorted(kinds().items()):
        methods = [one for one in ("predict", "predict_proba", "transform") if hasattr(kind, one)]
        methods = [one for one in methods if one != "transform" or "predict" not in methods or "Cluster" in name]
        for option in range(len(PARAMETERS.get(name, [{}]))):
            for place, method in enumerate(methods):
                turn += 1
                label = LABELS[turn % len(LABELS)]
                if place == 0:
                    yield Shape(name, option, method)
                    yield Shape(name, option, method, grid=True, labels=label)
                yield Shape(
                    *(name, option, method, chains[turn % len(chains)], SCALES[turn % len(SCALES)]),
                    *(OFFSETS[turn % len(OFFSETS)], label),
                )
        if name in COMMON:
            method = methods[0]
            for scale in SCALES[1:]:
                yield Shape(name, 0, method, "", scale, OFFSETS[turn % 4] if scale > 1 else 0.0)
                turn += 1
            for chain in chains[1:]:
                yield Shape(name, 0, method, chain, SCALES[turn % len(SCALES)], labels=LABELS[turn % len(LABELS)])
                turn += 1


def build(shape: Shape) -> Built:
    """Train the shape's model; raises what training raises."""
    kind = kinds()[shape.estimator]
    options = PARAMETERS.get(shape.estimator, [{}])[shape.option]
    seeded = {"random_state": 0} if "random_state" in kind._get_param_names() and "random_state" not in options else {}
    model = kind(**{**{key: clone(value, safe=False) for key, value in options.items()}, **seeded})
    train, target = _data(shape, model, 0)
    fresh, _ = _data(shape, model, 1)
    if shape.chain in ("table", "codes"):
        texts = [name for name in train.columns if name.startswith("c")]
        encode = (
            OneHotEncoder(handle_unknown="ignore", sparse_output=False)
            if shape.chain == "table"
            else OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        )
        numbers = [name for name in train.columns if name not in texts]
        prepare = ColumnTransformer(
            [("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers), ("texts", encode, texts)]
        )
        model = make_pipeline(prepare, model)
    elif shape.chain:
        model = make_pipeline(*map(clone, CHAINS[shape.chain]), model)
    model.fit(train, target)
    types = {
        "predict": ModelType.SKLEARN,
        "predict_proba": ModelType.SKLEARN_CLASSIFIER,
        "transform": ModelType.SKLEARN_PREPROCESSOR,
    }
    return Built(model, types[shape.method], train, fresh)


def _data(shape: Shape, model: Any, seed: int) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    classes = {"two": 2, "booleans": 2, "one": 1}.get(shape.labels, 3)
    if shape.estimator in TWO_CLASSES:
        classes = 2
    group = random.integers(classes, size=ROWS)
    centres = np.random.default_rng(5).normal(size=(3, 4)) * 1.2
    plain = centres[group] + random.normal(size=(ROWS, 4))
    if shape.grid:
        plain = np.round(plain)
    if shape.estimator in COUNTS:
        rows: Any = np.abs(np.round(plain * 2))
        rows = np.minimum(rows, 4) if shape.estimator == "CategoricalNB" else rows
    elif shape.estimator in CATEGORIES and shape.chain not in ("table", "codes"):
        rows = np.clip(np.round(plain), -2, 2)
        rows = (
            rows
            if shape.grid or shape.chain
            else np.array(["a", "b", "é", "d", "e"])[rows.astype(int) + 2].astype(object)
        )
    else:
        rows = (plain + shape.offset) * shape.scale
    if shape.chain == "gaps" or shape.estimator in GAPS:
        rows = np.where(random.random(rows.shape) < 0.1, np.nan, rows.astype(float))
    if shape.chain in ("table", "codes"):
        rows = pd.DataFrame(rows, columns=["n0", "n1", "n2", "n3"])
        rows["c0"] = random.choice(["x", "y", "zß"], ROWS)
        rows["c1"] = random.choice(["on", "off"], ROWS)
    return rows, _target(shape, model, plain, group, random)


def _target(shape: Shape, model: Any, plain: Any, group: Any, random: Any) -> Any:
    kind = getattr(model, "_estimator_type", None) or model.__sklearn_tags__().estimator_type
    if shape.estimator in TARGETS:
        return np.c_[group > 0, plain[:, 1] > 0].astype(int)
    if kind == "classifier":
        names = {"texts": ["no", "yes", "maybé"], "booleans": [False, True], "floats": [0.5, 1.5, 2.5], "one": [7]}
        return np.array(names.get(shape.labels, [0, 1, 2]))[group]
    value = plain @ np.array([1.0, -2.0, 0.5, 3.0]) + random.normal(size=ROWS) * 0.1
    positive = any(word in str(vars(model)) for word in ("poisson", "gamma", "tweedie")) or shape.estimator in (
        "PoissonRegressor",
        "GammaRegressor",
        "TweedieRegressor",
    )
    value = np.exp(value / 4) if positive else value
    if (
        shape.estimator in SEVERAL
        or shape.estimator.startswith("MultiTask")
        or (
            shape.labels == "texts"
            and shape.estimator in ("RandomForestRegressor", "Ridge", "KNeighborsRegressor", "MLPRegressor")
        )
    ):
        return np.c_[value, plain[:, 0]]
    return value if kind == "regressor" else group
