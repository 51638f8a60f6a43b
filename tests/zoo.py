"""The model zoo: one small trained model per class of model that users deploy.

Each entry trains in well under a second on data that ships with scikit-learn or is generated, and knows what its
own library answers in this process. Every door that serves a model must answer the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets, ensemble, preprocessing
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import ElasticNet, LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, LinearSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier, XGBRegressor

from modelcote.core.runtimes import ModelType
from tests.support.trained import CLASSIFY, PREDICT, TRANSFORM, XGB_CLASSIFY, XGB_REGRESS, Entry, Trained, as_json

_EVERY = 41  # Rows sent are spread over the data set, so that every class and both ends of the range are among them.


def _one(model_type: ModelType, model: Any, load: Callable[..., Any]) -> Callable[[], Trained]:
    """A single-stage model on a shipped data set."""
    return _chain([(model_type, model)], load)


def _chain(stages: list[tuple[ModelType, Any]], load: Callable[..., Any]) -> Callable[[], Trained]:
    """Stages fitted one after the other, each on the previous one's output."""

    def train() -> Trained:
        rows, target = load(return_X_y=True)
        value = rows
        for model_type, model in stages:
            model.fit(value, target)
            value = model.transform(value) if model_type is TRANSFORM else value
        return Trained(stages, as_json(rows[::_EVERY]))

    return train


def _named_species(return_X_y: bool = True) -> Any:
    iris = datasets.load_iris()
    return iris.data, iris.target_names[iris.target]


def _with_gaps(load: Callable[..., Any]) -> Callable[..., Any]:
    """The data set with a twelfth of its values missing."""

    def loaded(return_X_y: bool = True) -> Any:
        rows, target = load(return_X_y=True)
        missing = np.random.default_rng(0).random(rows.shape) < 1 / 12
        return np.where(missing, np.nan, rows), target

    return loaded


def _gaps(model_type: ModelType, model: Any, load: Callable[..., Any]) -> Callable[[], Trained]:
    return _one(model_type, model, _with_gaps(load))


def _multi_label(return_X_y: bool = True) -> Any:
    return datasets.make_multilabel_classification(200, n_features=8, n_classes=3, random_state=0)


def _small_linnerud(return_X_y: bool = True) -> Any:
    rows, target = datasets.load_linnerud(return_X_y=True)
    return np.tile(rows, (9, 1)) + np.random.default_rng(0).normal(0, 1, (180, 3)), np.tile(target, (9, 1))


SENTENCES = (
    "the parcel arrived broken and no one answers",
    "great value, it works and it arrived early",
    "never again: the screen is dead after a week",
    "Works as described, would buy again!",
    "refund please, this is the wrong colour",
    "lovely colour and a friendly service",
)


def _texts(vectorizer: Any, model: Any) -> Callable[[], Trained]:
    def train() -> Trained:
        texts = [f"{sentence} {suffix}" for sentence in SENTENCES for suffix in ("", "really", "so far")]
        happy = [index // 3 % 2 for index in range(len(texts))]
        pipeline = make_pipeline(vectorizer, model).fit(texts, happy)
        return Trained([(CLASSIFY, pipeline)], [*SENTENCES, "words that no one has seen", "", "Ünïcode, straße 100%"])

    return train


COLUMNS = ("age", "fare", "deck", "port")


def _passengers(count: int = 240) -> tuple[pd.DataFrame, Any]:
    """Rows of two numbers and two categories, some missing, and whether they survived."""
    random = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "age": np.where(random.random(count) < 0.1, np.nan, random.uniform(1, 80, count).round(1)),
            "fare": random.lognormal(3, 1, count).round(2),
            "deck": random.choice(["A", "B", "C"], count),
            "port": np.where(random.random(count) < 0.1, None, random.choice(["Cork", "Kiel"], count)),
        }
    )
    survived = (frame["fare"] + 10 * (frame["deck"] == "A") > 25).to_numpy().astype(int)
    return frame, survived


PASSENGERS: list[dict[str, Any]] = [
    {"age": 22.0, "fare": 7.25, "deck": "A", "port": "Cork"},
    {"age": None, "fare": 71.28, "deck": "C", "port": None},
    {"age": 80.0, "fare": 0.0, "deck": "Z", "port": "Kiel"},
    {"port": "Cork", "deck": "B", "fare": 30.5, "age": 0.5},
]


def _columns(model_type: ModelType, encode: Any, model: Any, *, as_lists: bool = False) -> Callable[[], Trained]:
    """A ColumnTransformer over numbers with gaps and categories with unseen values, trained on a DataFrame."""

    def train() -> Trained:
        frame, survived = _passengers()
        numbers = make_pipeline(SimpleImputer(), preprocessing.StandardScaler())
        names = make_pipeline(SimpleImputer(strategy="most_frequent"), encode)
        prepare = ColumnTransformer([("numbers", numbers, ["age", "fare"]), ("names", names, ["deck", "port"])])
        pipeline = make_pipeline(prepare, model).fit(frame, survived)
        rows: list[Any] = [[row[name] for name in COLUMNS] for row in PASSENGERS] if as_lists else PASSENGERS
        return Trained([(model_type, pipeline)], rows, COLUMNS)

    return train


def _frame_of_numbers() -> Trained:
    frame = datasets.load_diabetes(as_frame=True)
    model = ensemble.RandomForestRegressor(20, random_state=0).fit(frame.data, frame.target)
    rows = frame.data[::_EVERY].to_dict(orient="records")
    return Trained([(PREDICT, model)], rows, tuple(frame.data.columns))


def _stacked() -> Any:
    base = [("tree", DecisionTreeClassifier(max_depth=3, random_state=0)), ("bayes", GaussianNB())]
    return ensemble.StackingClassifier(base, LogisticRegression(), cv=3)


def _voting() -> Any:
    return ensemble.VotingRegressor([("line", LinearRegression()), ("near", KNeighborsRegressor())])


def _scaled(*steps: Any) -> Any:
    return make_pipeline(preprocessing.StandardScaler(), *steps)


ONE_HOT = preprocessing.OneHotEncoder(handle_unknown="ignore")
ORDINAL = preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
CANCER, DIABETES, DIGITS = datasets.load_breast_cancer, datasets.load_diabetes, datasets.load_digits
IRIS, WINE = datasets.load_iris, datasets.load_wine

_MODELS: dict[str, Callable[[], Trained]] = {
    # Trees and ensembles of trees
    "random_forest": _one(CLASSIFY, ensemble.RandomForestClassifier(100, random_state=0), CANCER),
    "forest_labels": _one(PREDICT, ensemble.RandomForestClassifier(20, random_state=0), _named_species),
    "forest_gaps": _gaps(CLASSIFY, ensemble.RandomForestClassifier(20, random_state=0), WINE),
    "forest_targets": _one(PREDICT, ensemble.RandomForestRegressor(10, random_state=0), _small_linnerud),
    "forest_frame": _frame_of_numbers,
    "extra_trees": _one(PREDICT, ensemble.ExtraTreesRegressor(30, random_state=0), DIABETES),
    "decision_tree": _one(CLASSIFY, DecisionTreeClassifier(random_state=0), IRIS),
    "gradient_boosting": _one(CLASSIFY, ensemble.GradientBoostingClassifier(n_estimators=30, random_state=0), WINE),
    "boosting_regressor": _one(PREDICT, ensemble.GradientBoostingRegressor(n_estimators=50, random_state=0), DIABETES),
    "hist_boosting": _gaps(CLASSIFY, ensemble.HistGradientBoostingClassifier(max_iter=30, random_state=0), CANCER),
    "hist_regressor": _gaps(PREDICT, ensemble.HistGradientBoostingRegressor(max_iter=30, random_state=0), DIABETES),
    "ada_boost": _one(CLASSIFY, ensemble.AdaBoostClassifier(n_estimators=20, random_state=0), CANCER),
    "bagging_regressor": _one(PREDICT, ensemble.BaggingRegressor(random_state=0), DIABETES),
    "isolation_forest": _one(
        PREDICT, ensemble.IsolationForest(n_estimators=30, contamination=0.3, random_state=0), WINE
    ),
    # XGBoost
    "xgb_binary": _one(XGB_CLASSIFY, XGBClassifier(n_estimators=40), CANCER),
    "xgb_multiclass": _one(XGB_CLASSIFY, XGBClassifier(n_estimators=10), WINE),
    "xgb_gaps": _gaps(XGB_REGRESS, XGBRegressor(n_estimators=40), DIABETES),
    "xgb_pipeline": _one(CLASSIFY, _scaled(XGBClassifier(n_estimators=20)), WINE),
    "xgb_after_scaler": _chain(
        [(TRANSFORM, preprocessing.MinMaxScaler()), (XGB_CLASSIFY, XGBClassifier(n_estimators=20))], CANCER
    ),
    # Lines, kernels, neighbours, probabilities, networks
    "logistic": _one(CLASSIFY, _scaled(LogisticRegression()), CANCER),
    "string_labels": _one(PREDICT, LogisticRegression(max_iter=500), _named_species),
    "linear_regression": _one(PREDICT, LinearRegression(), DIABETES),
    "polynomial_net": _one(PREDICT, make_pipeline(preprocessing.PolynomialFeatures(2), ElasticNet()), DIABETES),
    "poisson": _one(PREDICT, PoissonRegressor(), DIABETES),
    "ridge_targets": _one(PREDICT, Ridge(), _small_linnerud),
    "selected_lda": _one(CLASSIFY, make_pipeline(SelectKBest(k=8), LinearDiscriminantAnalysis()), WINE),
    "qda": _one(CLASSIFY, QuadraticDiscriminantAnalysis(), WINE),
    "naive_bayes": _one(CLASSIFY, GaussianNB(), IRIS),
    "linear_svc": _one(PREDICT, _scaled(LinearSVC()), WINE),
    "svc_pipeline": _one(PREDICT, _scaled(SVC()), WINE),
    "one_class": _one(PREDICT, _scaled(OneClassSVM(nu=0.1)), WINE),
    "calibrated": _one(CLASSIFY, _scaled(CalibratedClassifierCV(LinearSVC(), cv=3)), CANCER),
    "knn_imputed": _gaps(CLASSIFY, make_pipeline(SimpleImputer(), KNeighborsClassifier()), WINE),
    "gaussian_process": _one(
        PREDICT, _scaled(GaussianProcessRegressor(RBF(3.0) + WhiteKernel(), normalize_y=True)), WINE
    ),
    "mlp": _one(CLASSIFY, _scaled(MLPClassifier((16,), solver="lbfgs", random_state=0)), IRIS),
    "k_means": _one(PREDICT, KMeans(3, n_init=1, random_state=0), WINE),
    # Ensembles of several kinds, several outputs, chains of stages
    "stacking": _one(CLASSIFY, _stacked(), IRIS),
    "voting_regressor": _one(PREDICT, _voting(), DIABETES),
    "multi_output": _one(CLASSIFY, MultiOutputClassifier(LogisticRegression()), _multi_label),
    "log_target": _one(PREDICT, TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1), DIABETES),
    "quantile_chain": _chain(
        [(TRANSFORM, preprocessing.QuantileTransformer(n_quantiles=50, random_state=0)), (PREDICT, Ridge())], DIABETES
    ),
    "pca_chain": _chain(
        [(TRANSFORM, preprocessing.StandardScaler()), (TRANSFORM, PCA(12)), (CLASSIFY, LogisticRegression())], DIGITS
    ),
    # Text and columns
    "text_tfidf": _texts(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression()),
    "text_counts": _texts(CountVectorizer(), MultinomialNB()),
    "columns": _columns(CLASSIFY, ONE_HOT, LogisticRegression()),
    "columns_as_lists": _columns(CLASSIFY, ONE_HOT, ensemble.RandomForestClassifier(20, random_state=0), as_lists=True),
    "columns_boosted": _columns(PREDICT, ORDINAL, ensemble.HistGradientBoostingClassifier(max_iter=20)),
}
_FILES = {
    **dict.fromkeys(("extra_trees", "bagging_regressor", "string_labels"), "joblib"),
    **dict.fromkeys(("xgb_binary", "xgb_gaps"), "json"),
}
ZOO = {name: Entry(train, _FILES.get(name, "pickle")) for name, train in _MODELS.items()}
