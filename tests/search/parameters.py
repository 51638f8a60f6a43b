"""Which parameters of each estimator change its mathematics; one model of the search per entry."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, Matern, RationalQuadratic, WhiteKernel
from sklearn.linear_model import LinearRegression, LogisticRegression, Perceptron, Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

Options = list[dict[str, Any]]


def per(name: str, *values: Any) -> Options:
    """One option per value of one parameter."""
    return [{name: value} for value in values]


def each(names: str, options: Options) -> dict[str, Options]:
    """The same options for several estimators."""
    return dict.fromkeys(names.split(), options)


LOGISTIC, TREE, BAYES = LogisticRegression(max_iter=300), DecisionTreeClassifier(max_depth=3), GaussianNB()
LINE, STUMP = LinearRegression(), DecisionTreeRegressor(max_depth=3)
VOTERS = [("a", LOGISTIC), ("b", TREE), ("c", BAYES)]
EVEN = [("a", LOGISTIC), ("b", TREE)]  # two voters, so that ties are common
VOTERS_R = [("a", LINE), ("b", STUMP)]
FOREST: Options = [
    {"n_estimators": 8},
    {"n_estimators": 4, "max_depth": 3},
    {"n_estimators": 5, "max_features": 2, "min_samples_leaf": 5},
    {"n_estimators": 2, "max_leaf_nodes": 4},
]
BOOST: Options = [{"n_estimators": 8}, {"n_estimators": 5, "max_depth": 2, "learning_rate": 1.0}]
NEIGHBOURS: Options = [
    {},
    *per("weights", "distance", np.sqrt),
    *per("algorithm", "brute", "ball_tree"),
    *per("metric", "manhattan", "chebyshev", "cosine"),
    {"p": 3},
]
LINEAR: Options = [{}, {"fit_intercept": False}]
SVM: Options = [*per("kernel", "rbf", "linear", "poly", "sigmoid"), {"gamma": 0.1}, {"kernel": "poly", "coef0": 1.0}]
SVM_C: Options = [*SVM, {"decision_function_shape": "ovo"}, {"break_ties": True}, {"probability": True}]
REDUCE: Options = [{}, {"n_components": 2}]
SELECT: Options = [{}]

PARAMETERS: dict[str, Options] = {
    **each("RandomForestClassifier RandomForestRegressor ExtraTreesClassifier ExtraTreesRegressor", FOREST),
    **each("DecisionTreeClassifier ExtraTreeClassifier", [{}, {"max_depth": 3}, {"criterion": "entropy"}]),
    **each("DecisionTreeRegressor ExtraTreeRegressor", [{}, {"max_depth": 3, "criterion": "absolute_error"}]),
    "RandomTreesEmbedding": [{"n_estimators": 3, "max_depth": 3}],
    "GradientBoostingClassifier": [*BOOST, {"n_estimators": 5, "init": LOGISTIC}, {"n_estimators": 5, "init": "zero"}],
    "GradientBoostingRegressor": [
        *BOOST,
        *({"n_estimators": 5, "loss": loss} for loss in ("absolute_error", "huber", "quantile")),
        {"n_estimators": 5, "init": LINE},
    ],
    "HistGradientBoostingClassifier": [{"max_iter": 8}, {"max_iter": 3, "learning_rate": 1.0, "max_bins": 16}],
    "HistGradientBoostingRegressor": [
        {"max_iter": 8},
        *({"max_iter": 4, "loss": loss} for loss in ("poisson", "absolute_error", "gamma")),
        {"max_iter": 4, "loss": "quantile", "quantile": 0.3},
    ],
    "AdaBoostClassifier": [{"n_estimators": 5}, {"n_estimators": 2}, {"n_estimators": 4, "estimator": LOGISTIC}],
    "AdaBoostRegressor": [{"n_estimators": 5}, {"n_estimators": 4, "estimator": LINE}],
    "BaggingClassifier": [
        {"n_estimators": 4},
        {"n_estimators": 4, "estimator": LOGISTIC},
        {"n_estimators": 3, "max_features": 2},
        {"n_estimators": 4, "estimator": Perceptron()},
        {"n_estimators": 3, "max_features": 2, "bootstrap_features": True, "estimator": BAYES},
    ],
    "BaggingRegressor": [{"n_estimators": 4}, {"n_estimators": 4, "max_features": 2, "estimator": LINE}],
    "VotingClassifier": [
        {"estimators": VOTERS},
        {"estimators": EVEN},
        {"estimators": VOTERS, "voting": "soft"},
        {"estimators": VOTERS, "voting": "soft", "weights": [1, 2, 0.5]},
        {"estimators": EVEN, "weights": [1, 2]},
    ],
    "VotingRegressor": [{"estimators": VOTERS_R}, {"estimators": VOTERS_R, "weights": [1, 3]}],
    "StackingClassifier": [
        {"estimators": VOTERS, "cv": 3},
        {"estimators": VOTERS, "cv": 3, "passthrough": True},
        {"estimators": [("s", LinearSVC()), ("t", TREE)], "cv": 3},
        {"estimators": [("s", Perceptron()), ("t", TREE)], "cv": 3, "stack_method": "predict"},
    ],
    "StackingRegressor": [{"estimators": VOTERS_R, "cv": 3}, {"estimators": VOTERS_R, "cv": 3, "passthrough": True}],
    "IsolationForest": [{"n_estimators": 5}, {"n_estimators": 4, "contamination": 0.2, "max_features": 2}],
    "CalibratedClassifierCV": [
        {"estimator": BAYES, "cv": 2},
        {"estimator": BAYES, "cv": 2, "method": "isotonic"},
        {"estimator": LinearSVC(), "cv": 2},
        {"estimator": LinearSVC(), "cv": 2, "method": "isotonic"},
        {"estimator": TREE, "cv": 2, "method": "isotonic"},
        {"estimator": RandomForestClassifier(4, max_depth=3), "cv": 2, "ensemble": False},
    ],
    "OneVsRestClassifier": [{"estimator": one} for one in (LOGISTIC, LinearSVC(), TREE, SVC())],
    "OneVsOneClassifier": [{"estimator": one} for one in (LOGISTIC, LinearSVC(), TREE, Perceptron())],
    "OutputCodeClassifier": [{"estimator": LOGISTIC}],
    "ClassifierChain": [{"estimator": LOGISTIC}],
    "RegressorChain": [{"estimator": LINE}],
    "MultiOutputClassifier": [{"estimator": LOGISTIC}, {"estimator": TREE}],
    "MultiOutputRegressor": [{"estimator": LINE}, {"estimator": STUMP}],
    "FixedThresholdClassifier": [{"estimator": LOGISTIC, "threshold": 0.3}],
    "TunedThresholdClassifierCV": [{"estimator": LOGISTIC, "cv": 3}, {"estimator": TREE, "cv": 3}],
    "SelfTrainingClassifier": [{"estimator": LOGISTIC}],
    "TransformedTargetRegressor": [
        {"regressor": Ridge()},
        {"regressor": Ridge(), "transformer": MinMaxScaler()},
        {"regressor": Ridge(), "func": np.arcsinh, "inverse_func": np.sinh},
    ],
    "GridSearchCV": [{"estimator": RidgeClassifier(), "param_grid": {"alpha": [1.0]}, "cv": 2}],
    "RandomizedSearchCV": [{"estimator": LOGISTIC, "param_distributions": {"C": [1.0, 2.0]}, "n_iter": 1, "cv": 2}],
    "HalvingGridSearchCV": [],
    "HalvingRandomSearchCV": [],
    "Pipeline": [
        {"steps": [("a", StandardScaler()), ("b", LOGISTIC)]},
        {"steps": [("a", "passthrough"), ("b", TREE)]},
    ],
    "FeatureUnion": [
        {"transformer_list": [("a", StandardScaler()), ("b", MinMaxScaler())]},
        {"transformer_list": [("a", StandardScaler()), ("b", MinMaxScaler())], "transformer_weights": {"a": 2.0}},
    ],
    "ColumnTransformer": [
        {"transformers": [("a", StandardScaler(), [0, 1]), ("b", MinMaxScaler(), [2])], "remainder": "passthrough"},
        {"transformers": [("a", StandardScaler(), [2, 1])]},
        {"transformers": [("a", StandardScaler(), slice(1, 3))], "transformer_weights": {"a": 3.0}},
    ],
    "FrozenEstimator": [],
    # Neighbours
    "KNeighborsClassifier": [*NEIGHBOURS, {"n_neighbors": 1}, {"n_neighbors": 4}],
    "KNeighborsRegressor": NEIGHBOURS,
    "KNeighborsTransformer": [{}, {"mode": "connectivity"}],
    "RadiusNeighborsClassifier": [
        {"radius": 2.5, "outlier_label": 0},
        {"radius": 2.5, "weights": "distance", "outlier_label": 0},
    ],
    "RadiusNeighborsRegressor": [{"radius": 3.0}, {"radius": 3.0, "weights": "distance"}],
    "NearestCentroid": [{}, {"metric": "manhattan"}, {"shrink_threshold": 0.2}],
    "LocalOutlierFactor": [{"novelty": True}, {"novelty": True, "n_neighbors": 5, "contamination": 0.1}],
    "NeighborhoodComponentsAnalysis": REDUCE,
    # Lines
    "LogisticRegression": [{"max_iter": 300}, {"fit_intercept": False}, {"solver": "liblinear"}, {"C": 100.0}],
    "LogisticRegressionCV": [{"cv": 2, "Cs": 2}],
    "RidgeClassifier": LINEAR,
    "RidgeClassifierCV": LINEAR,
    "LinearSVC": [*LINEAR, {"multi_class": "crammer_singer"}],
    "SGDClassifier": per("loss", "hinge", "log_loss", "modified_huber", "perceptron"),
    "Perceptron": LINEAR,
    "PassiveAggressiveClassifier": [{}],
    "SGDOneClassSVM": LINEAR,
    **each("LinearRegression Ridge Lasso ElasticNet BayesianRidge ARDRegression HuberRegressor", LINEAR),
    "TweedieRegressor": per("power", 0, 1, 1.5, 2, 3),
    "RANSACRegressor": [{"min_samples": 20}],
    # Kernels
    "SVC": SVM_C,
    "NuSVC": [{"nu": 0.2, **one} for one in SVM_C],
    "SVR": SVM,
    "NuSVR": SVM[:3],
    "OneClassSVM": [{"nu": 0.2, **one} for one in SVM],
    "KernelRidge": per("kernel", "linear", "rbf"),
    "GaussianProcessRegressor": [
        {},
        *(
            {"kernel": kernel, "alpha": 0.1, "optimizer": None}
            for kernel in (
                RBF(2.0),
                ConstantKernel(2.0) * Matern(2.0, nu=1.5),
                RationalQuadratic(),
                DotProduct() + WhiteKernel(),
            )
        ),
        {"normalize_y": True, "alpha": 0.1},
    ],
    "GaussianProcessClassifier": [{"optimizer": None}, {"kernel": 2.0 * RBF(2.0), "optimizer": None}],
    "KernelPCA": [{"n_components": 2, "kernel": kernel} for kernel in ("linear", "rbf", "poly", "cosine", "sigmoid")],
    "Nystroem": [{"n_components": 5}],
    "RBFSampler": [{"n_components": 5}],
    # Probabilities, networks
    "GaussianNB": [{}],
    **each("MultinomialNB ComplementNB", [{}, {"fit_prior": False}]),
    "BernoulliNB": [{}, {"binarize": 0.3}, {"binarize": None}],
    "CategoricalNB": [{}],
    "LinearDiscriminantAnalysis": [{}, {"solver": "lsqr", "shrinkage": "auto"}],
    "QuadraticDiscriminantAnalysis": [{}, {"reg_param": 0.1}],
    **each(
        "GaussianMixture BayesianGaussianMixture",
        [{"n_components": 2, "covariance_type": kind} for kind in ("full", "tied", "diag", "spherical")],
    ),
    **each(
        "MLPClassifier MLPRegressor",
        [
            {"hidden_layer_sizes": (5,), "max_iter": 60, "activation": kind}
            for kind in ("relu", "tanh", "logistic", "identity")
        ],
    ),
    "BernoulliRBM": [{"n_components": 3}],
    **each("DummyClassifier DummyRegressor", [{}]),
    # Preparing columns
    "StandardScaler": [{}, {"with_mean": False}, {"with_std": False}],
    "MinMaxScaler": [{}, {"clip": True}, {"feature_range": (-1, 2)}],
    "MaxAbsScaler": [{}],
    "RobustScaler": [{}, {"with_centering": False}, {"with_scaling": False}, {"unit_variance": True}],
    "Normalizer": per("norm", "l1", "l2", "max"),
    "Binarizer": [{}, *per("threshold", 0.1, 20_000_001.0, -1e-9, 1 / 3)],
    "KBinsDiscretizer": [
        {"n_bins": 4, "encode": encode, "strategy": strategy, "quantile_method": "averaged_inverted_cdf"}
        for encode in ("ordinal", "onehot-dense", "onehot")
        for strategy in ("uniform", "quantile", "kmeans")
        if strategy == "quantile" or encode == "ordinal"
    ],
    "QuantileTransformer": [{"n_quantiles": 20}, {"n_quantiles": 20, "output_distribution": "normal"}],
    "PowerTransformer": [{}, {"standardize": False}],
    "PolynomialFeatures": [{}, {"degree": 3}, {"interaction_only": True}, {"include_bias": False}],
    "SplineTransformer": [{}],
    "SimpleImputer": [
        *per("strategy", "mean", "median", "most_frequent"),
        {"add_indicator": True},
        {"missing_values": 0.0},
    ],
    "KNNImputer": [{}, {"weights": "distance"}, {"n_neighbors": 2}],
    "MissingIndicator": [{}],
    "OneHotEncoder": [
        {"handle_unknown": "ignore"},
        {"drop": "first"},
        {"drop": "if_binary"},
        {"min_frequency": 20, "handle_unknown": "infrequent_if_exist"},
        {"handle_unknown": "ignore", "sparse_output": False},
    ],
    "OrdinalEncoder": [
        {},
        {"handle_unknown": "use_encoded_value", "unknown_value": -1},
        {"handle_unknown": "use_encoded_value", "unknown_value": np.nan, "encoded_missing_value": -2},
        {"max_categories": 3},
    ],
    "TargetEncoder": [{"cv": 2}, {"cv": 2, "smooth": 5.0}, {"cv": 2, "target_type": "continuous"}],
    "LabelEncoder": [],
    "FunctionTransformer": [{}, {"func": np.log1p}, {"func": np.abs}],
    # Choosing and reducing columns
    "SelectKBest": [{"k": 2}],
    "SelectPercentile": [{"percentile": 50}],
    **each("SelectFpr SelectFdr SelectFwe", [{"alpha": 0.5}]),
    "GenericUnivariateSelect": [{"mode": "k_best", "param": 2}],
    "SelectFromModel": [{"estimator": TREE}, {"estimator": LOGISTIC, "threshold": "mean"}],
    **each("RFE RFECV", [{"estimator": LOGISTIC}]),
    "SequentialFeatureSelector": [{"estimator": LOGISTIC, "n_features_to_select": 2, "cv": 2}],
    "VarianceThreshold": [{}],
    "PCA": [{}, {"n_components": 2}, {"whiten": True}],
    **each("TruncatedSVD GaussianRandomProjection SparseRandomProjection", [{"n_components": 2}]),
    "IncrementalPCA": REDUCE,
    "FactorAnalysis": [{"n_components": 2}],
    **each("PLSRegression CCA PLSCanonical", [{"n_components": 1}, {"n_components": 1, "scale": False}]),
    **each("KMeans MiniBatchKMeans", [{"n_clusters": 3, "n_init": 1}]),
    "BisectingKMeans": [{"n_clusters": 3}],
    "FeatureAgglomeration": [{}],
    "SparseCoder": [],
    # XGBoost
    "XGBClassifier": [
        {"n_estimators": 6},
        {"n_estimators": 3, "booster": "dart", "rate_drop": 0.3},
        {"n_estimators": 4, "num_parallel_tree": 3, "subsample": 0.6},
        {"n_estimators": 4, "base_score": 0.3, "max_depth": 2},
        {"n_estimators": 4, "booster": "gblinear"},
        {"n_estimators": 4, "missing": -1.0},
        {"n_estimators": 4, "objective": "binary:hinge"},
    ],
    "XGBRegressor": [
        {"n_estimators": 6},
        *(
            {"n_estimators": 4, "objective": objective}
            for objective in ("reg:absoluteerror", "count:poisson", "reg:gamma", "reg:tweedie", "reg:pseudohubererror")
        ),
        {"n_estimators": 4, "booster": "gblinear"},
        {"n_estimators": 4, "multi_strategy": "multi_output_tree"},
    ],
    "XGBRFClassifier": [{"n_estimators": 4}],
    "XGBRFRegressor": [{"n_estimators": 4}],
}
