"""Which globals a pickle may name, by the runtime of its model type. What is not here is refused.

Scanners that list known-bad names miss most of them; this lists the known-good ones. A class may be named where it
belongs to the library's own estimators; a function only where it stands in a table.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CLASS = re.compile(r"_?_?[A-Z][A-Za-z0-9_]*", re.ASCII)

# Functions and builtin types that honest pickles name, by module. numpy.core is numpy._core before numpy 2.
_NUMPY_CORE = ("numpy.core.multiarray", "numpy._core.multiarray")
_UFUNCS = _words(
    "abs absolute add arccos arcsin arctan cbrt ceil cos cosh deg2rad divide exp exp2 expm1 fabs floor "
    "isnan log log10 log1p log2 logaddexp maximum minimum multiply negative power rad2deg reciprocal rint "
    "sign sin sinh sqrt square subtract tan tanh trunc"
)
_BUILTINS = _words(
    "bool bytearray bytes complex dict float frozenset int list object range set slice str tuple NoneType"
)
_COPYREG = frozenset({"_reconstructor", "__newobj__", "__newobj_ex__"})
_NAMES: dict[str, frozenset[str]] = {
    "builtins": _BUILTINS,
    "copyreg": _COPYREG,
    # Protocols 0 to 2 use Python 2's names, and write bytes as the encoding of a text.
    "__builtin__": _BUILTINS,
    "copy_reg": _COPYREG,
    "_codecs": frozenset({"encode"}),
    "collections": frozenset({"OrderedDict", "defaultdict", "Counter", "deque"}),
    "datetime": frozenset({"date", "datetime", "time", "timedelta", "timezone"}),
    "decimal": frozenset({"Decimal"}),
    "numpy": _UFUNCS
    | _words("dtype ndarray bool_ object_ str_ float16 float32 float64 int8 int16 int32 int64 int_ uint8 uint16")
    | _words("uint32 uint64 intp longlong ulonglong complex64 complex128 datetime64 timedelta64"),
    **dict.fromkeys(_NUMPY_CORE, frozenset({"_reconstruct", "scalar"})),
    **dict.fromkeys(("numpy.core.numeric", "numpy._core.numeric"), frozenset({"_frombuffer"})),
    **dict.fromkeys(("numpy.core._multiarray_umath", "numpy._core._multiarray_umath"), _UFUNCS),
    "numpy.random._pickle": frozenset({"__randomstate_ctor", "__generator_ctor", "__bit_generator_ctor"}),
    "numpy.random._mt19937": frozenset({"MT19937"}),
    "numpy.random._pcg64": frozenset({"PCG64", "PCG64DXSM"}),
    "numpy.random.bit_generator": frozenset({"SeedSequence", "__pyx_unpickle_SeedSequence"}),
    "numpy.random._bit_generator": frozenset({"SeedSequence"}),
    "numpy.random.mtrand": frozenset({"RandomState"}),
    "numpy.ma": frozenset({"MaskedArray"}),
    "numpy.ma.core": frozenset({"_mareconstruct", "MaskedArray"}),
    "numpy.dtypes": frozenset({"StringDType"}),
    "joblib.numpy_pickle": frozenset({"NumpyArrayWrapper"}),
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

# Libraries of estimators: a class of theirs may be named, below these exceptions nothing.
_ESTIMATORS = {
    "sklearn": ("sklearn.", "scipy.sparse.", "scipy.interpolate.", "xgboost.sklearn"),
    "xgboost": ("sklearn.", "xgboost.sklearn"),
}
_NEVER = (
    "sklearn.externals",
    "sklearn.datasets",
    "sklearn._build_utils",
    "sklearn.conftest",
    "sklearn.utils._testing",
    "sklearn.utils.discovery",
    "sklearn.utils.parallel",
    "sklearn.utils._joblib",
    "sklearn.tests",
    "sklearn.inspection",
    "scipy.sparse.tests",
)
_CLASS_NAMES_BELOW = {"scipy.sparse.": re.compile(r"[a-z]{3}_(?:matrix|array)")}
# Cython's way of making an extension type: it checks the type it is given, and makes nothing else.
_CYTHON = re.compile(r"__pyx_unpickle_[A-Za-z0-9_]+", re.ASCII)


def allowed(runtime: str, module: str, name: str) -> bool:
    """Whether a pickle for this runtime (`sklearn`, `xgboost`) may name `module.name`."""
    if name in _NAMES.get(module, ()):
        return True
    dotted = module if module.endswith(".") else f"{module}."
    if any(dotted.startswith(f"{prefix}.") for prefix in _NEVER) or ".tests." in dotted:
        return False
    for prefix in _ESTIMATORS.get(runtime, ()):
        if dotted.startswith(prefix if prefix.endswith(".") else f"{prefix}."):
            pattern = _CLASS_NAMES_BELOW.get(prefix, _CLASS)
            if pattern.fullmatch(name) or (prefix == "sklearn." and _CYTHON.fullmatch(name)):
                return True
    return False
