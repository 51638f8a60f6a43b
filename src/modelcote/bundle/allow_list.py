"""Which globals a pickle may name: what is not on the list is refused.

Scanners that list known-bad names miss most of them; this lists the known-good ones. A class may be named where it
belongs to the library's own estimators, a function only where a table has it. Each inspector has a list of its own;
the names of Python, numpy and joblib are here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


def words(text: str) -> frozenset[str]:
    """Split a text into its words: tables of names read better so."""
    return frozenset(text.split())


@dataclass(frozen=True)
class AllowList:
    """`names`: module -> the globals that may be named of it.

    `packages`: the start of a module's dotted name (`"sklearn."`) -> the pattern of the names allowed below it.
    `never`: modules below which no pattern applies; neither does one below any package's `tests`.
    """

    names: Mapping[str, frozenset[str]]
    packages: Mapping[str, re.Pattern[str]]
    never: tuple[str, ...] = ()

    def allows(self, module: str, name: str) -> bool:
        """Tell whether a pickle may name `module.name`."""
        if name in self.names.get(module, ()):
            return True
        dotted = f"{module.removesuffix('.')}."
        if ".tests." in dotted or any(dotted.startswith(f"{other}.") for other in self.never):
            return False
        return any(dotted.startswith(package) and pattern.fullmatch(name) for package, pattern in self.packages.items())


CLASS = re.compile(r"_?_?[A-Z][A-Za-z0-9_]*", re.ASCII)

# Functions and builtin types that honest pickles name, by module. numpy.core is numpy._core before numpy 2. Names of
# Python 2 in protocols 0 to 2 are translated before they are looked up, as they are when a pickle is loaded.
_NUMPY_CORE = ("numpy.core.multiarray", "numpy._core.multiarray")
_UFUNCS = words(
    "abs absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh cbrt ceil clip conjugate copysign cos cosh "
    "deg2rad degrees divide equal exp exp2 expm1 fabs float_power floor floor_divide fmax fmin fmod greater "
    "greater_equal heaviside hypot invert isfinite isinf isnan less less_equal log log10 log1p log2 logaddexp "
    "logaddexp2 logical_and logical_not logical_or logical_xor maximum minimum mod multiply negative not_equal "
    "positive power rad2deg radians reciprocal remainder rint sign signbit sin sinh sqrt square subtract tan tanh trunc"
)
# Functions of arrays that neither open a file nor call a function they are given.
_NUMPY_FUNCTIONS = words(
    "all amax amin angle any argmax argmin argsort array asarray ascontiguousarray atleast_1d atleast_2d average "
    "column_stack concatenate count_nonzero cumprod cumsum diff expand_dims flip full_like gradient hstack imag "
    "isclose max mean median min nan_to_num nanmax nanmean nanmedian nanmin nanpercentile nanquantile nanstd nansum "
    "nanvar ones_like percentile prod ptp quantile ravel real repeat reshape round sinc sort squeeze stack std sum "
    "take tile transpose unique var vstack where zeros_like"
)
_NUMPY_TYPES = words(
    "dtype ndarray bool bool_ object_ str_ bytes_ float16 float32 float64 longdouble int8 int16 int32 int64 int_ uint8 "
    "uint16 uint32 uint64 intp longlong ulonglong complex64 complex128 datetime64 timedelta64 generic number inexact "
    "integer floating signedinteger unsignedinteger complexfloating character flexible"
)
_DTYPE_CLASSES = frozenset(
    f"{kind}DType"
    for kind in words(
        "Bool Bytes Complex64 Complex128 DateTime64 Float16 Float32 Float64 Int8 Int16 Int32 Int64 LongDouble LongLong "
        "Object Str String TimeDelta64 UInt8 UInt16 UInt32 UInt64 ULongLong Void"
    )
)
_BUILTINS = words(
    "bool bytearray bytes complex dict float frozenset int list object range set slice str tuple NoneType Ellipsis "
    "getattr"
)
PYTHON_AND_NUMPY: dict[str, frozenset[str]] = {
    "builtins": _BUILTINS,
    "copyreg": frozenset({"_reconstructor", "__newobj__", "__newobj_ex__"}),
    # Protocols 0 to 2 write bytes as the encoding of a text.
    "_codecs": frozenset({"encode"}),
    "collections": frozenset({"OrderedDict", "defaultdict", "Counter", "deque"}),
    "datetime": frozenset({"date", "datetime", "time", "timedelta", "timezone"}),
    "decimal": frozenset({"Decimal"}),
    "fractions": frozenset({"Fraction"}),
    "functools": frozenset({"partial"}),
    "operator": frozenset({"itemgetter"}),
    "re": frozenset({"_compile"}),
    "numpy": _UFUNCS | _NUMPY_FUNCTIONS | _NUMPY_TYPES | {"vectorize"},
    "numpy.fft": words("fft ifft rfft irfft fft2 fftshift"),
    "numpy.linalg": frozenset({"norm"}),
    **dict.fromkeys(_NUMPY_CORE, frozenset({"_reconstruct", "scalar"})),
    **dict.fromkeys(("numpy.core.numeric", "numpy._core.numeric"), frozenset({"_frombuffer"})),
    **dict.fromkeys(("numpy.core._internal", "numpy._core._internal"), frozenset({"_convert_to_stringdtype_kwargs"})),
    **dict.fromkeys(("numpy.core._multiarray_umath", "numpy._core._multiarray_umath"), _UFUNCS),
    "numpy.random._pickle": frozenset({"__randomstate_ctor", "__generator_ctor", "__bit_generator_ctor"}),
    "numpy.random._mt19937": frozenset({"MT19937"}),
    "numpy.random._pcg64": frozenset({"PCG64", "PCG64DXSM"}),
    "numpy.random._philox": frozenset({"Philox"}),
    "numpy.random._sfc64": frozenset({"SFC64"}),
    "numpy.random.bit_generator": frozenset({"SeedSequence", "__pyx_unpickle_SeedSequence"}),
    "numpy.random._bit_generator": frozenset({"SeedSequence"}),
    "numpy.random.mtrand": frozenset({"RandomState"}),
    "numpy.ma": frozenset({"MaskedArray"}),
    "numpy.ma.core": frozenset({"_mareconstruct", "MaskedArray"}),
    "numpy.dtypes": _DTYPE_CLASSES,
    "joblib.numpy_pickle": frozenset({"NumpyArrayWrapper"}),
    # `Pipeline(memory=...)`, which nothing but `fit` reads.
    "joblib.memory": frozenset({"Memory"}),
    "joblib._store_backends": frozenset({"FileSystemStoreBackend"}),
}

# What `functools.partial` may be made of: module -> functions that compute on arrays and call nothing they are given.
ARRAY_FUNCTIONS: dict[str, frozenset[str]] = {
    "numpy": _UFUNCS | _NUMPY_FUNCTIONS,
    "numpy.fft": PYTHON_AND_NUMPY["numpy.fft"],
    "numpy.linalg": PYTHON_AND_NUMPY["numpy.linalg"],
}
