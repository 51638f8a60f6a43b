"""Fifty models at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modelcote import model_type
from tests.local.cloud import Cloud
from tests.local.test_versions import answer_of, constant_model

pytestmark = pytest.mark.local


def test_fifty_models_deployed_at_once_all_answer(cloud: Cloud, tmp_path: Path) -> None:
    paths = {f"many-{value}": constant_model(tmp_path, value) for value in range(50)}
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda name: cloud.conduit(name, (model_type.SKLEARN, str(paths[name]))).deploy(), paths))
        answers = dict(zip(paths, pool.map(lambda name: answer_of(cloud, name), paths), strict=True))
    assert answers == {f"many-{value}": value for value in range(50)}
