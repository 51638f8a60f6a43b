"""The allow-list over every stream: what reaches outside is refused, what is honest passes."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import pickle
import zlib
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcote.bundle.inspectors import Artifact, inspect_artifact, sklearn
from modelcote.bundle.pickles import inspect_pickle
from modelcote.core.errors import InvalidBundle, UnsafePickle
from tests.zoo import ZOO

REACHES = """
    os.system posix.system nt.system builtins.eval builtins.exec builtins.getattr builtins.__import__
    builtins.open __builtin__.eval subprocess.Popen importlib.import_module pkgutil.resolve_name
    operator.attrgetter operator.methodcaller functools.partial runpy.run_path ctypes.CDLL types.FunctionType
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


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.lists(st.sampled_from(sorted(pickle._Unpickler.dispatch)), max_size=30).map(bytes))
def test_any_bytes_give_an_answer_of_ours(data: bytes) -> None:
    with contextlib.suppress(InvalidBundle):
        inspect_pickle(data, sklearn.ALLOWED)
