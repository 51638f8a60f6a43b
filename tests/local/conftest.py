"""A model whose runs the tests make, deployed once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import joblib
import numpy
import pytest
from sklearn.linear_model import LinearRegression

from modelcote import model_type
from tests.local.cloud import Cloud


def doubled(data: Any) -> Any:
    """A processor that waits as long as the request says."""
    import time

    rows = data["rows"] if isinstance(data, dict) else data
    time.sleep(data.get("sleep", 0) if isinstance(data, dict) else 0)
    return rows


@pytest.fixture(scope="session")
def runner(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A model that doubles one number, and waits as long as a request says; its runs may last 120 seconds."""
    path = tmp_path_factory.mktemp("model") / "double.pkl"
    joblib.dump(LinearRegression().fit(numpy.array([[0.0], [1.0], [2.0]]), [0.0, 2.0, 4.0]), path)
    flow = (model_type.SKLEARN, str(path), {"pre": doubled})
    cloud.conduit("runner", flow, timeout=120, max_replicas=4).deploy()
    return "runner"
