"""The allow-list over every stream: what reaches outside is refused, what is honest passes."""

from __future__ import annotations

import bz2
import contextlib
import functools
import gzip
import io
import lzma
import math
import os
import pickle
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import cloudpickle
import joblib
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import pairwise_distances
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from xgboost import XGBRegressor

from modelcote.bundle.inspectors import Artifact, inspect_artifact, sklearn
from modelcote.bundle.pickles import inspect_pickle
from modelcote.core.errors import InvalidBundle, UnsafePickle
from modelcote.core.runtimes import ModelType
from tests.unit.bundle.test_bundles import onnx_model
from tests.zoo import ZOO

REACHES = """
    os.system posix.system nt.system builtins.eval builtins.exec builtins.getattr builtins.__import__
    builtins.open __builtin__.eval subprocess.Popen importlib.import_module pkgutil.resolve_name
    operator.attrgetter operator.methodcaller runpy.run_path ctypes.CDLL types.FunctionType
    codecs.decode numpy.load numpy.fromfile numpy.f2py.compile numpy.testing._private.utils.runstring joblib.load
    joblib.numpy_pickle.load pandas.read_pickle webbrowser.open timeit.timeit pdb.run cProfile.run
    sklearn.datasets.fetch_openml sklearn.externals._arff.ArffDecoder sklearn.utils._testing.TempMemmap
    sklearn.base.clone xgboost.dask.DaskXGBClassifier scipy.sparse.load_npz __main__.Evil
    cloudpickle.cloudpickle._make_function
"""
WRAPS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "nested": lambda data: zlib.compress(gzip.compress(data)),
    "second stream": lambda data: pickle.dumps([1]) + data,
    "second stream, compressed": lambda data: gzip.compress(pickle.dumps([1]) + data),
    "second member": lambda data: gzip.compress(pickle.dumps([1])) + gzip.compress(data),
    "behind a member": lambda data: zlib.compress(pickle.dumps([1])) + data,
    "behind joblib": lambda data: _joblib(np.arange(9.0)) + data,
    "behind joblib, compressed": lambda data: zlib.compress(_joblib(np.arange(9.0)) + data),
}


def _joblib(value: object) -> bytes:
    out = io.BytesIO()
    joblib.dump(value, out)
    return out.getvalue()


def forms(module: str, name: str) -> list[bytes]:
    """Every way in which a stream can name a global, each followed by a call."""
    text = [f"\x8c{chr(len(part))}{part}".encode("latin-1") for part in (module, name)]
    memoised = b"".join(part + b"\x94" for part in text)
    return [
        f"c{module}\n{name}\n(V1\ntR.".encode(),
        b"\x80\x04" + b"".join(text) + b"\x93" + b"\x8c\x011\x85R.",
        b"\x80\x04" + memoised + b"00h\x00h\x01\x93)R.",
        f"(V1\ni{module}\n{name}\n.".encode(),
        f"(c{module}\n{name}\nV1\no.".encode(),
        f"\x80\x02c{module}\n{name}\n)\x81.".encode("latin-1"),
    ]


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("reach", REACHES.split())
def test_what_reaches_outside_is_refused(reach: str, wrap: str) -> None:
    module, _, name = reach.rpartition(".")
    for form in forms(module, name):
        with pytest.raises(UnsafePickle) as caught:
            inspect_pickle(WRAPS[wrap](form), sklearn.ALLOWED)
        assert name in caught.value.detail


@pytest.mark.parametrize("protocol", range(6))
def test_honest_values_pass_in_every_protocol(protocol: int) -> None:
    value = {"a": [1, 2.5, None, "x", b"y"], "b": np.arange(12.0).reshape(3, 4), "c": {1, 2}, "d": np.float32(1)}
    inspect_pickle(pickle.dumps(value, protocol), sklearn.ALLOWED)


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)])
def test_honest_joblib_files_pass(compress: int, tmp_path: Path) -> None:
    value = [np.arange(1000.0), np.array(["a", "bc"]), np.array([1, "x"], dtype=object), np.zeros((2, 3), np.int32)]
    path = tmp_path / "model.pkl"
    joblib.dump(value, path, compress=compress)
    inspect_pickle(path.read_bytes(), sklearn.ALLOWED)


@pytest.mark.parametrize("name", sorted(ZOO))
def test_every_model_of_the_zoo_passes(name: str, tmp_path: Path) -> None:
    for model_type, path in ZOO[name].build(tmp_path).flow:
        if path.endswith(".pkl"):
            inspect_artifact(Artifact(path, Path(path).read_bytes(), model_type))


@pytest.mark.parametrize(
    "stream",
    [b"\x80\x04P0\n.", b"\x80\x02\x82\x01.", b"(dPid\n.", b"\x80\x05\x97."],
    ids=["persistent id", "extension registry", "persistent id in a dict", "out-of-band buffer"],
)
def test_ways_out_of_the_stream_are_refused(stream: bytes) -> None:
    with pytest.raises(InvalidBundle):
        inspect_pickle(stream, sklearn.ALLOWED)


@pytest.mark.parametrize("data", [b"", b"hello", b"\x80\x04", pickle.dumps([1.5] * 99)[:-5], b"\x1f\x8bxxxx"])
def test_what_is_no_pickle_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidBundle):
        inspect_pickle(data, sklearn.ALLOWED)


def test_trusted_code_is_read_but_not_judged() -> None:
    inspect_pickle(b"c__main__\nMine\n)R.", sklearn.ALLOWED, trusted=True)
    with pytest.raises(InvalidBundle):
        inspect_pickle(b"not a pickle", sklearn.ALLOWED, trusted=True)


def state_of(value: object, old: bytes, new: bytes) -> bytes:
    """Return the pickle of a value with one part of its state exchanged, which must be there."""
    stream = pickle.dumps(value, 2)
    assert old in stream
    return stream.replace(old, new)


class _Wrapper:
    """Writes what joblib writes for an array, with a description of our own."""

    def __init__(self, dtype: bytes, raw: bytes, members: bytes = b"") -> None:
        shape = b"X\x05\x00\x00\x00shapeK\x01\x85"
        state = b"}(" + shape + b"X\x05\x00\x00\x00dtype" + dtype + members + b"u"
        self.stream = b"\x80\x02cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81" + state + b"b" + raw + b"."


def dtype_of(text: bytes, state: bytes = b"") -> bytes:
    return b"cnumpy\ndtype\n(X" + len(text).to_bytes(4, "little") + text + b"\x89\x88t" + b"R" + state


def state(order: bytes = b"|", size: int = -1, flags: int = 0) -> bytes:
    return f"(I3\nV{order.decode()}\nNNNI{size}\nI1\nI{flags}\ntb".encode()


@pytest.mark.parametrize(
    "dtype",
    [
        dtype_of(b"i"),  # 4 bytes for numpy; one digit is missing
        dtype_of(b"S1", state(size=9)),
        dtype_of(b"V1", state(size=9)),
        dtype_of(b"U1", state(size=36)),
        dtype_of(b"f8", state(flags=63)),
        dtype_of(b"V8", state(size=8, flags=63)),
        dtype_of(b"O8", state(flags=0)),
        dtype_of(b"f8,O"),
        b"X\x02\x00\x00\x00f8",
    ],
)
def test_a_dtype_whose_state_disagrees_with_its_text(dtype: bytes) -> None:
    inspect_pickle(_Wrapper(dtype_of(b"S1", state(size=1)), b"x").stream, sklearn.ALLOWED)
    with pytest.raises(InvalidBundle):
        inspect_pickle(_Wrapper(dtype, b"x" * 9).stream, sklearn.ALLOWED)
    with pytest.raises(UnsafePickle):
        inspect_pickle(b"\x80\x02" + dtype + (b"K\x01b." if b"dtype" not in dtype else b"."), sklearn.ALLOWED)


@pytest.mark.parametrize(
    "stream",
    [
        state_of(scipy.stats.norm, b"return (), loc, scale", b"return (), loc, evil#"),
        state_of(scipy.stats.randint(1, 5), b"_entropy", b"__init__"),
        state_of(functools.partial(np.mean, axis=0), b"cnumpy\nmean\n", b"cbuiltins\nlist\n"),
        state_of({"stack_method_": ["predict"]}, b"predict", b"to_file"),
        b"cbuiltins\ngetattr\n(cnumpy\nndarray\nVtofile\ntR.",
        b"cbuiltins\ngetattr\n(cbuiltins\nstr\nVformat\ntR.",
        b"c_codecs\nencode\n(Vx\nVidna\ntR.",
        b"cpandas.core.indexes.base\n_new_Index\n(cpandas.core.frame\nDataFrame\n(dtR.",
        b"cxgboost.core\nBooster\n(NNV/etc/passwd\ntR.",
        b"clightgbm.basic\nBooster\n(NV/etc/passwd\ntR.",
        b"clightgbm.basic\nBooster\n)\x81(dV_handle\nI4096\nsb.",
        b"clightgbm.basic\nBooster\n)\x81(dV_handle\nNsVhandle\nI4096\nsb.",
        b"clightgbm.callback\nearly_stopping\n(I1\ntR.",
        b"cjoblib.memory\nMemory\n(V/tmp/x\ntR.",
        b"cnumpy\nvectorize\n(cnumpy\nmean\ntR.",
        b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n(V1\ntR.",
        b"ccopyreg\n_reconstructor\n(cjoblib.numpy_pickle\nNumpyArrayWrapper\ncbuiltins\nobject\nNtR(dVx\nNsb.",
    ],
)
def test_a_name_that_is_used_otherwise_than_honest_models_do(stream: bytes) -> None:
    holder = b"csklearn.ensemble._stacking\nStackingRegressor\n)\x81"
    with pytest.raises(UnsafePickle):
        inspect_pickle(holder + stream[2:-1] + b"b." if b"stack_method_" in stream else stream, sklearn.ALLOWED)


class Mine(LinearRegression):  # type: ignore[misc]
    pass


@pytest.mark.parametrize(
    ("model", "named", "place", "remedy"),
    [
        (make_pipeline(StandardScaler(), Mine()), "test_pickles.Mine", " at steps[1]", "register_pickle_by_value"),
        (GridSearchCV(Ridge(), {}, scoring=os.system), "posix.system", " at scoring", "does not need it"),
        (make_pipeline(FunctionTransformer(math.log)), "math.log", " at steps[0].func", "does not need it"),
        (Ridge(random_state=pairwise_distances), "pairwise_distances", " at random_state", "trusted=True"),
        ({"a": [1, {"b": Path()}]}, "pathlib.P", " at ['a'][1]['b']", "does not need it"),
        ([1, cloudpickle.dumps], "cloudpickle.cloudpickle.dumps", " at [1]", "code by value"),
    ],
)
def test_a_refusal_says_what_and_where_and_what_to_do(model: object, named: str, place: str, remedy: str) -> None:
    for data in (pickle.dumps(model), pickle.dumps(model, 2), _joblib(model)):
        with pytest.raises(UnsafePickle, match=re.escape(place)) as caught:
            inspect_artifact(Artifact("m.pkl", data, ModelType.SKLEARN))
        assert caught.value.detail.startswith("m.pkl names ")
        assert named in caught.value.detail
        assert remedy in caught.value.remedy


def test_what_is_defined_in_a_script_is_named_with_the_way_out() -> None:
    with pytest.raises(UnsafePickle, match=r"m\.pkl names __main__\.Mine\.") as caught:
        inspect_artifact(Artifact("m.pkl", b"c__main__\nMine\n)R.", ModelType.SKLEARN))
    assert caught.value.remedy.startswith("Mine is defined in your script")


def test_trusted_cloudpickles_of_own_classes_are_read() -> None:
    kind = type("Own", (Ridge,), {"__module__": "__main__", "predict": lambda self, rows: [1 for _ in rows]})
    stream = cloudpickle.dumps(kind())
    inspect_pickle(stream, sklearn.ALLOWED, trusted=True)
    with pytest.raises(UnsafePickle, match="names cloudpickle"):
        inspect_pickle(stream, sklearn.ALLOWED)


WHOLE = {
    "pickle": (pickle.dumps(Ridge().fit([[0.0], [1.0]], [0, 1])), ModelType.SKLEARN),
    "joblib": (_joblib(np.arange(999.0)), ModelType.SKLEARN),
    "gzip": (gzip.compress(pickle.dumps([1.5] * 999)), ModelType.SKLEARN),
    "zlib": (zlib.compress(pickle.dumps([1.5] * 999)), ModelType.SKLEARN),
    "onnx": (onnx_model(), ModelType.ONNX),
    **{
        form: (bytes(Booster.save_raw(form)), ModelType.XGBOOST_REGRESSOR)
        for Booster in [XGBRegressor(n_estimators=2).fit([[0.0], [1.0]], [0, 1]).get_booster()]
        for form in ("json", "ubj")
    },
}


@pytest.mark.parametrize("form", WHOLE)
def test_an_empty_and_a_truncated_file_are_called_that(form: str) -> None:
    data, kind = WHOLE[form]
    inspect_artifact(Artifact("m", data, kind))
    for size in (len(data) // 2, len(data) - 1, 30):
        with pytest.raises(InvalidBundle, match=r"m is truncated"):
            inspect_artifact(Artifact("m", data[:size], kind))
    with pytest.raises(InvalidBundle, match=r"m is empty"):
        inspect_artifact(Artifact("m", b"", kind))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a pointer of Git LFS"),
        (b"<!DOCTYPE html><html>404</html>", "a web page"),
        (b"PK\x03\x04....", "a zip, as PyTorch"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"a,b\n1,2\n", "text"),
        (WHOLE["json"][0], "an XGBoost model"),
        (WHOLE["onnx"][0], "an ONNX model"),
    ],
)
def test_what_is_not_a_pickle_is_called_what_it_is(data: bytes, what: str) -> None:
    with pytest.raises(InvalidBundle, match=rf"m\.pkl is {re.escape(what)}.*, not a pickle"):
        inspect_artifact(Artifact("m.pkl", data, ModelType.SKLEARN))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.lists(st.sampled_from(sorted(pickle._Unpickler.dispatch)), max_size=30).map(bytes))
def test_any_bytes_give_an_answer_of_ours(data: bytes) -> None:
    with contextlib.suppress(InvalidBundle):
        inspect_pickle(data, sklearn.ALLOWED)
