"""The names of scikit-learn, scipy and pandas that fitted models store and that no pattern of the allow-list covers.

A test saves every estimator of scikit-learn with every scorer, distribution and choice of columns, and reads it.
"""

from __future__ import annotations

from modelcote.bundle.allow_list import ARRAY_FUNCTIONS, words

# Scores of predictions. None calls a function that it is given (`pairwise_distances` and `silhouette_score` do).
_METRICS = {
    "_classification": words(
        "accuracy_score balanced_accuracy_score brier_score_loss class_likelihood_ratios cohen_kappa_score "
        "confusion_matrix d2_brier_score d2_log_loss_score f1_score fbeta_score hamming_loss hinge_loss jaccard_score "
        "log_loss matthews_corrcoef multilabel_confusion_matrix precision_recall_fscore_support precision_score "
        "recall_score zero_one_loss"
    ),
    "_regression": words(
        "d2_absolute_error_score d2_pinball_score d2_tweedie_score explained_variance_score max_error "
        "mean_absolute_error mean_absolute_percentage_error mean_gamma_deviance mean_pinball_loss "
        "mean_poisson_deviance mean_squared_error mean_squared_log_error mean_tweedie_deviance median_absolute_error "
        "r2_score root_mean_squared_error root_mean_squared_log_error"
    ),
    "_ranking": words(
        "auc average_precision_score coverage_error dcg_score det_curve label_ranking_average_precision_score "
        "label_ranking_loss ndcg_score precision_recall_curve roc_auc_score roc_curve top_k_accuracy_score"
    ),
    "_scorer": words("negative_likelihood_ratio positive_likelihood_ratio"),
    "cluster._supervised": words(
        "adjusted_mutual_info_score adjusted_rand_score completeness_score entropy fowlkes_mallows_score "
        "homogeneity_score mutual_info_score normalized_mutual_info_score rand_score v_measure_score"
    ),
    "cluster._unsupervised": words("calinski_harabasz_score davies_bouldin_score"),
    "pairwise": words(
        "additive_chi2_kernel chi2_kernel cosine_distances cosine_similarity euclidean_distances haversine_distances "
        "laplacian_kernel linear_kernel manhattan_distances nan_euclidean_distances paired_cosine_distances "
        "paired_euclidean_distances paired_manhattan_distances polynomial_kernel rbf_kernel sigmoid_kernel"
    ),
}
_SCORES = {
    "feature_selection._univariate_selection": words("f_classif f_regression chi2 r_regression f_oneway"),
    "feature_selection._mutual_info": words("mutual_info_classif mutual_info_regression"),
}
_SCIPY_UFUNCS = words(
    "boxcox boxcox1p cbrt digamma erf erfc erfinv exp10 exp2 expit expm1 gamma gammaln inv_boxcox inv_boxcox1p log1p "
    "log_expit log_ndtr logit ndtr ndtri psi xlog1py xlogy"
)
_ARRAY_FUNCTIONS = {
    **{f"sklearn.metrics.{module}": names for module, names in _METRICS.items()},
    **{f"sklearn.{module}": names for module, names in _SCORES.items()},
    **dict.fromkeys(("scipy.special._ufuncs", "scipy.special._special_ufuncs"), _SCIPY_UFUNCS),
    "scipy.special._logsumexp": words("softmax log_softmax"),
    # What histogram boosting over pandas' categories reads its other columns with.
    "sklearn.utils.validation": frozenset({"check_array"}),
}
CALLABLES = {**ARRAY_FUNCTIONS, **_ARRAY_FUNCTIONS}

_LOSSES = words(
    "CyAbsoluteError CyExponentialLoss CyHalfBinomialLoss CyHalfGammaLoss CyHalfMultinomialLoss CyHalfPoissonLoss "
    "CyHalfSquaredError CyHalfTweedieLoss CyHalfTweedieLossIdentity CyHuberLoss CyPinballLoss"
)
SCIKIT_LEARN_AND_SCIPY: dict[str, frozenset[str]] = {
    **_ARRAY_FUNCTIONS,
    # Of scikit-learn 1.5 to 1.8: their builds name the module `sklearn._loss._loss` so.
    "_loss": _LOSSES | {f"__pyx_unpickle_{name}" for name in _LOSSES},
    "sklearn._loss.link": frozenset({"Interval"}),
    "sklearn.cluster._kmeans": words("_kmeans_single_lloyd _kmeans_single_elkan"),
    "sklearn.compose._column_transformer": frozenset({"make_column_selector"}),
    "sklearn.utils._bunch": frozenset({"Bunch"}),
    "sklearn.metrics._dist_metrics": frozenset({"newObj"}),
    "sklearn.neighbors._kd_tree": frozenset({"newObj"}),
    "sklearn.neighbors._ball_tree": frozenset({"newObj"}),
    "sklearn.feature_extraction.text": words("strip_accents_unicode strip_accents_ascii"),
    # The array function that a spline keeps.
    "scipy._lib.array_api_compat.numpy._aliases": frozenset({"asarray"}),
    "scipy.stats._distn_infrastructure": words("rv_frozen rv_continuous_frozen rv_discrete_frozen"),
    "scipy.stats._levy_stable": frozenset({"levy_stable_gen"}),
}

PANDAS_INDEXES = words(
    "Index RangeIndex MultiIndex CategoricalIndex DatetimeIndex TimedeltaIndex PeriodIndex IntervalIndex Int64Index "
    "UInt64Index Float64Index"
)
_NUMBERS = words("Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float32 Float64")
_PANDAS_DTYPES = words(
    "BooleanDtype CategoricalDtype DatetimeTZDtype IntervalDtype PeriodDtype SparseDtype StringDtype"
) | {f"{kind}Dtype" for kind in _NUMBERS}
_PANDAS_ARRAYS = words(
    "BooleanArray Categorical DatetimeArray FloatingArray IntegerArray IntervalArray NumpyExtensionArray PandasArray "
    "PeriodArray SparseArray StringArray StringArrayNumpySemantics TimedeltaArray"
)
_PANDAS_VALUES = words("Interval Period Timedelta Timestamp NA NaT")
_OFFSETS = words(
    "BMonthBegin BMonthEnd BQuarterBegin BQuarterEnd BYearBegin BYearEnd BusinessDay BusinessHour BusinessMonthBegin "
    "BusinessMonthEnd DateOffset Day Hour Micro Milli Minute MonthBegin MonthEnd Nano QuarterBegin QuarterEnd Second "
    "SemiMonthBegin SemiMonthEnd Week YearBegin YearEnd"
)
# pandas 3 names its classes by `pandas` and `pandas.arrays`, earlier ones by the modules that define them.
PANDAS: dict[str, frozenset[str]] = {
    "pandas": PANDAS_INDEXES | _PANDAS_DTYPES | _PANDAS_VALUES | {"Categorical", "DataFrame", "Series"},
    "pandas.arrays": _PANDAS_ARRAYS,
    "pandas._libs.arrays": frozenset({"__pyx_unpickle_NDArrayBacked"}),
    "pandas._libs.internals": frozenset({"_unpickle_block"}),
    "pandas._libs.interval": words("Interval __pyx_unpickle_IntervalMixin"),
    "pandas._libs.missing": words("NA NAType"),
    "pandas._libs.sparse": words("IntIndex BlockIndex"),
    "pandas._libs.tslibs.nattype": frozenset({"_nat_unpickle"}),
    "pandas._libs.tslibs.offsets": _OFFSETS,
    "pandas._libs.tslibs.period": words("Period"),
    "pandas._libs.tslibs.timedeltas": words("Timedelta _timedelta_unpickle"),
    "pandas._libs.tslibs.timestamps": words("Timestamp _unpickle_timestamp"),
    "pandas.core.frame": frozenset({"DataFrame"}),
    "pandas.core.series": frozenset({"Series"}),
    "pandas.core.internals.managers": words("BlockManager SingleBlockManager"),
    "pandas.core.dtypes.dtypes": _PANDAS_DTYPES | {"NumpyEADtype", "PandasDtype"},
    "pandas.core.indexes.base": words("Index _new_Index"),
    "pandas.core.indexes.category": frozenset({"CategoricalIndex"}),
    "pandas.core.indexes.datetimes": words("DatetimeIndex _new_DatetimeIndex"),
    "pandas.core.indexes.interval": words("IntervalIndex _new_IntervalIndex"),
    "pandas.core.indexes.multi": frozenset({"MultiIndex"}),
    "pandas.core.indexes.numeric": words("Int64Index UInt64Index Float64Index"),
    "pandas.core.indexes.period": frozenset({"PeriodIndex"}),
    "pandas.core.indexes.range": frozenset({"RangeIndex"}),
    "pandas.core.indexes.timedeltas": words("TimedeltaIndex _new_TimedeltaIndex"),
    "pandas.core.indexes.frozen": frozenset({"FrozenList"}),
    **{
        f"pandas.core.arrays.{module}": _PANDAS_ARRAYS | _PANDAS_DTYPES
        for module in words(
            "boolean categorical datetimes floating integer interval numpy_ period sparse.array sparse.dtype string_ "
            "timedeltas"
        )
    },
}
