"""Numbers of float32 and whole numbers: read as training had them where the model tells, and never guessed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.kernel_approximation import AdditiveChi2Sampler, RBFSampler
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
)

from modelcote.core.errors import InvalidBundle
from tests.unit.flow.described import answer, described, serve

TENTHS = (np.arange(11) / 10).reshape(-1, 1)
FAR = 1e6 + np.arange(40.0).reshape(-1, 2) / 7
STEPS: dict[str, tuple[Any, Any]] = {
    "bins": (lambda: KBinsDiscretizer(5, encode="ordinal", strategy="quantile"), TENTHS),
    "bins of equal width": (lambda: KBinsDiscretizer(4, encode="ordinal", strategy="uniform"), TENTHS),
    "components": (lambda: PCA(1), FAR),
    "weights": (lambda: RBFSampler(n_components=4, random_state=0), FAR),
    "powers": (lambda: PolynomialFeatures(2), FAR),
    "scaled": (StandardScaler, FAR),
    "nothing": (lambda: FunctionTransformer(None), FAR),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("name", STEPS)
def test_rows_of_float32(name: str, frame: bool) -> None:
    step, rows = STEPS[name]
    single = rows.astype(np.float32)
    data = pd.DataFrame(single, columns=[f"c{place}" for place in range(single.shape[1])]) if frame else single
    model = make_pipeline(step(), Ridge() if name != "nothing" else KNeighborsRegressor(1)).fit(
        data, np.arange(len(rows))
    )
    # As JSON writes them: the shortest decimals that are these numbers of float32.
    sent = [[float(str(value)) for value in row] for row in single]
    assert serve(model, "predict")(sent) == answer(model.predict(data))


def test_other_models_are_read_as_before() -> None:
    labels = np.arange(11) % 2
    assert described(LogisticRegression().fit(TENTHS, labels)).kind == "matrix"
    assert described(KBinsDiscretizer(5).fit(TENTHS)).kind == "matrix"
    hot = make_pipeline(OneHotEncoder(dtype=np.float32), LogisticRegression()).fit(TENTHS, labels)
    assert described(hot).kind == "matrix"


@pytest.mark.parametrize("step", [AdditiveChi2Sampler(), FunctionTransformer(np.reciprocal)])
def test_whole_numbers_are_asked_for(step: Any) -> None:
    counts = np.arange(1, 61).reshape(-1, 2)
    model = make_pipeline(step, LinearRegression()).fit(counts, np.arange(30))
    with pytest.raises(InvalidBundle, match=r"whole numbers.*sample="):
        described(model)
    assert serve(model, "predict", sample=counts)([[7, 9]]) == answer(model.predict([[7, 9]]))
    assert serve(model, "predict", sample=counts.astype(float))([[7, 9]]) == answer(model.predict([[7.0, 9.0]]))
