"""Which libraries wrote a file, in which versions: read from pickles, joblib files, JSON and UBJSON, none loaded."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import xgboost
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelcote.bundle.inspect import inspect_stages
from modelcote.bundle.inspectors import Artifact, inspect_artifact
from modelcote.bundle.ubjson import read_ubjson
from modelcote.bundle.versions import check_versions, needs_of, never_compiled, unmet, written_by
from modelcote.core.errors import InvalidBundle, VersionMismatch
from modelcote.core.flow import parse_flow
from modelcote.core.manifest import Manifest
from modelcote.core.runtimes import ModelType

ROWS = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 1.0]])
CLASSES = [0, 1, 0, 1]
NOW = b"1.9.1"
FORMS: dict[str, Callable[[Any], bytes]] = {
    **{f"protocol {number}": lambda value, number=number: pickle.dumps(value, number) for number in range(6)},
    "joblib": lambda value: _joblib(value, 0),
    "joblib, compressed": lambda value: _joblib(value, 3),
}
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def _joblib(value: Any, compress: int) -> bytes:
    file = io.BytesIO()
    joblib.dump(value, file, compress=compress)
    return file.getvalue()


def pipeline() -> Any:
    return make_pipeline(StandardScaler(), LinearRegression()).fit(ROWS, CLASSES)


def boosted() -> Any:
    return xgboost.XGBClassifier(n_estimators=2).fit(ROWS, CLASSES)


def needs(data: bytes, kind: ModelType = ModelType.SKLEARN, suffix: str = ".pkl") -> dict[str, str]:
    return inspect_artifact(Artifact(f"m{suffix}", data, kind))


@pytest.mark.parametrize("form", FORMS)
def test_the_version_beside_an_estimators_state(form: str) -> None:
    assert needs(FORMS[form](pipeline())) == {"scikit-learn": "==1.9.1", "numpy": ">=2"}


@pytest.mark.parametrize("form", FORMS)
def test_xgboost_inside_a_pipeline(form: str) -> None:
    stream = FORMS[form](make_pipeline(StandardScaler(), boosted()))
    assert (
        needs(stream)["xgboost"] == needs(FORMS[form](boosted()), ModelType.XGBOOST_CLASSIFIER)["xgboost"] == "==3.2.0"
    )
    assert needs(stream)["scikit-learn"] == "==1.9.1"


def test_of_several_versions_in_a_file_the_newest() -> None:
    streams = [pickle.dumps(pipeline()).replace(NOW, version) for version in (b"1.1.3", b"1.4.2", b"1.3.9")]
    assert needs(b"".join(streams))["scikit-learn"] == "==1.4.2"
    assert needs(streams[0].replace(b"1.1.3", b"; bad"))["scikit-learn"] == ""


def test_the_losses_of_scikit_learn_1_5_to_1_8() -> None:
    model = GradientBoostingRegressor(n_estimators=1).fit(ROWS, CLASSES)
    stream = pickle.dumps(model, 2).replace(b"csklearn._loss._loss\n", b"c_loss\n")
    assert b"c_loss\n__pyx_unpickle_CyHalfSquaredError" in stream or b"c_loss\nCyHalfSquaredError" in stream
    assert needs(stream)["scikit-learn"] == "==1.9.1"


def test_numpy_of_before_two() -> None:
    stream = pickle.dumps(np.float64(2.0), 2).replace(b"numpy._core", b"numpy.core")
    assert needs(stream) == {"numpy": "<2"}


@pytest.mark.parametrize(("field", "need"), [("handle", "<4"), ("_handle", ">=4")])
def test_lightgbm_by_the_name_of_its_models_text(field: str, need: str) -> None:
    booster = f"clightgbm.basic\nBooster\n)\x81(dV{field}\nVtree\nsVpandas_categorical\nNsb"
    stream = f"clightgbm.sklearn\nLGBMRegressor\n)\x81(dV_Booster\n{booster}sb.".encode("latin-1")
    assert needs(stream) == {"lightgbm": need}
    manifest = Manifest("m", parse_flow([["sklearn", "m.pkl"]]), needs=needs(stream))
    assert needs_of(manifest)["lightgbm"] == need
    # The process that saved it tells the rest, unless it is another major version's.
    told = {
        saved: needs_of(replace(manifest, libraries={"lightgbm": saved}))["lightgbm"] for saved in ("3.3.5", "4.6.0")
    }
    assert set(told.values()) == {need, "==3.3.*" if need == "<4" else "==4.6.*"}
    assert never_compiled(manifest) == "models of lightgbm are served by lightgbm itself"
    assert not never_compiled(replace(manifest, needs={"xgboost": ""}))


@pytest.mark.parametrize("suffix", [".json", ".ubj"])
def test_what_every_later_xgboost_reads(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"m{suffix}"
    boosted().save_model(path)
    data = path.read_bytes()
    assert needs(data, ModelType.XGBOOST_CLASSIFIER, suffix) == {"xgboost": ">=3.2.0"}
    with pytest.raises(InvalidBundle, match="does not fit XGBOOST_REGRESSOR"):
        needs(data, ModelType.XGBOOST_REGRESSOR, suffix)
    for wrong in (data[:-1], data[1:], data + b"}", b"{", b"x"):
        with pytest.raises(InvalidBundle, match=r"not an XGBoost model|is truncated"):
            needs(wrong, ModelType.XGBOOST_CLASSIFIER, suffix)


@pytest.mark.parametrize(
    "data",
    [b"[" * 100, b"[$Z#l\xff\xff\xff\xff", b"[$d#l\x7f\xff\xff\xff", b"{i\xff", b"[#L" + b"\x7f" * 8, b"SH", b""],
)
def test_broken_ubjson_ends_in_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_ubjson(data)


def inspected(*streams: bytes, **claims: str) -> Manifest:
    names = {f"m{index}.pkl": stream for index, stream in enumerate(streams)}
    flow = parse_flow([["sklearn", name] for name in names])
    return inspect_stages(Manifest("m", flow, claims), names.keys(), names.__getitem__)


def test_what_a_file_says_overrides_the_process_that_sent_it() -> None:
    manifest = inspected(pickle.dumps(pipeline()).replace(NOW, b"1.2.2"), **{"scikit-learn": "1.9.1", "scipy": "1.17"})
    assert needs_of(manifest) == {"scikit-learn": "==1.2.2", "numpy": ">=2", "scipy": ""}
    assert written_by(needs_of(manifest)) == "scikit-learn 1.2.2"
    with pytest.raises(VersionMismatch, match=r"needs scikit-learn==1\.2\.2, and its runtime has 1\.9\.1"):
        check_versions(manifest, {"scikit-learn": "1.9.1", "numpy": "2.4"})
    check_versions(manifest, {"scikit-learn": "1.2.2", "numpy": "2.4"})
    assert needs_of(replace(manifest, compiled={})) == {"onnxruntime": ""}


def test_where_it_says_nothing_the_leading_digits_of_the_process_decide() -> None:
    manifest = Manifest("m", parse_flow([["sklearn", "m.pkl"]]), {"scikit-learn": "1.5.2", "numpy": "1.26.4"})
    assert needs_of(manifest) == {"scikit-learn": "==1.5.*", "numpy": "==1.*", "scipy": ""}
    assert unmet(needs_of(manifest), {"scikit-learn": "1.5.0", "numpy": "2.1"}) == {"numpy": "==1.*", "scipy": ""}
    portable = Manifest("m", parse_flow([["xgboost_regressor", "m.ubj"]]), {"xgboost": "2.0.3"})
    assert set(needs_of(portable).values()) == {""}
    with pytest.raises(InvalidBundle, match="as the version of numpy"):
        needs_of(replace(manifest, libraries={"numpy": "2; import os"}))


def test_what_no_runtime_reads_is_refused_with_the_way_out() -> None:
    stream = pickle.dumps(pipeline())
    with pytest.raises(VersionMismatch, match=r"written by scikit-learn 1\.0\.2; the oldest version") as caught:
        inspected(stream.replace(NOW, b"1.0.2"))
    assert "cote convert m0.pkl" in caught.value.remedy
    with pytest.raises(VersionMismatch, match=r"several versions of scikit-learn: 1\.2\.2,1\.9\.1"):
        inspected(stream, stream.replace(NOW, b"1.2.2"))
