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

# Functions and builtin types that honest pickles name, by module. numpy.core is numpy._core before numpy 2.
_NUMPY_CORE = ("numpy.core.multiarray", "numpy._core.multiarray")
_UFUNCS = words(
    "abs absolute add arccos arcsin arctan cbrt ceil cos cosh deg2rad divide exp exp2 expm1 fabs floor "
    "isnan log log10 log1p log2 logaddexp maximum minimum multiply negative power rad2deg reciprocal rint "
    "sign sin sinh sqrt square subtract tan tanh trunc"
)
_BUILTINS = words(
    "bool bytearray bytes complex dict float frozenset int list object range set slice str tuple NoneType"
)
_COPYREG = frozenset({"_reconstructor", "__newobj__", "__newobj_ex__"})
PYTHON_AND_NUMPY: dict[str, frozenset[str]] = {
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
    | words("dtype ndarray bool_ object_ str_ float16 float32 float64 int8 int16 int32 int64 int_ uint8 uint16")
    | words("uint32 uint64 intp longlong ulonglong complex64 complex128 datetime64 timedelta64"),
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
}
