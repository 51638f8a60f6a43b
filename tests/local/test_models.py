"""Every model of the zoo answers over HTTP what it answers in the caller's process."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from modelcote import Conduit
from tests.local.cloud import Cloud
from tests.support.equal import difference
from tests.support.trained import Built
from tests.zoo import ZOO

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def deployed(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Built]:
    """The whole zoo, deployed side by side: model name -> what was built."""
    built = {name: entry.build(tmp_path_factory.mktemp(name)) for name, entry in ZOO.items()}

    def deploy(name: str) -> None:
        cloud.conduit(model_name(name), built[name].flow).deploy()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(deploy, built))
    return built


def model_name(zoo_name: str) -> str:
    return zoo_name.replace("_", "-")[:20]


@pytest.mark.parametrize("name", sorted(ZOO))
def test_http_equals_in_process(cloud: Cloud, deployed: dict[str, Built], name: str) -> None:
    answer = cloud.predict(model_name(name), deployed[name].rows)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert difference(body["result"], deployed[name].expected) <= 1e-5
    assert len(body["prediction_ids"]) == len(deployed[name].rows) == len(set(body["prediction_ids"]))
    assert body["run_time_ms"] > 0


def test_zoo_names_stay_apart() -> None:
    assert len({model_name(name) for name in ZOO}) == len(ZOO) >= 25


def test_compiled_or_not_is_told(cloud: Cloud, deployed: dict[str, Built]) -> None:
    rows = cloud.get("/models").json()["models"]
    served = {row["name"]: row["compiled"] for row in rows}
    assert served[model_name("random_forest")] is True
    assert set(map(model_name, deployed)) <= set(served)


def test_a_forest_served_from_its_pickle_answers_the_same(cloud: Cloud, tmp_path: Path) -> None:
    built = ZOO["random_forest"].build(tmp_path)
    cloud.conduit("plain-forest", built.flow, compile=False).deploy()
    answer = cloud.predict("plain-forest", built.rows)
    assert difference(answer.json()["result"], built.expected) <= 1e-12
    assert cloud.get("/models/plain-forest").json()["compiled"] is False


def double(data: list[list[float]]) -> list[list[float]]:
    return [[2 * value for value in row] for row in data]


def label(result: Any, data: Any) -> list[dict[str, Any]]:
    import numpy as np

    try:
        calls = get("calls") + 1  # type: ignore[name-defined]
    except NameError:
        calls = 1
    save("calls", calls)  # type: ignore[name-defined]  # noqa: F821
    return [{"best": int(best), "of": len(data), "calls": calls} for best in np.argmax(result, axis=1)]


def test_processors_run_beside_the_model(cloud: Cloud, tmp_path: Path) -> None:
    built = ZOO["random_forest"].build(tmp_path)
    (model_type, path) = built.flow[0][:2]
    conduit = cloud.conduit("processed", (model_type, path, {"pre": double, "post": label}))
    conduit.deploy()
    halved = [[value / 2 for value in row] for row in built.rows]
    first, second = (cloud.predict("processed", halved).json()["result"] for _ in range(2))
    best = [max(range(len(row)), key=row.__getitem__) for row in built.expected]
    assert [row["best"] for row in first] == best
    assert second[0]["calls"] == first[0]["calls"] + 1
    assert first[0]["of"] == len(built.rows)


def size(data: Any, files: list[Any]) -> Any:
    return [[float(len(file.read() if hasattr(file, "read") else file))] * 30 for file in files]


def test_files_reach_pre_as_bytes(cloud: Cloud, tmp_path: Path) -> None:
    built = ZOO["random_forest"].build(tmp_path)
    cloud.conduit("filed", (*built.flow[0][:2], {"pre": size})).deploy()
    answer = httpx.post(
        cloud.predict_url("filed"),
        headers={"Authorization": cloud.key},
        data={"data": json.dumps([[0]])},
        files=[("files", ("a.bin", b"\x00\xff" * 50)), ("files", ("b.bin", b"abc"))],
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["result"]) == 2


def test_the_three_doors_agree(cloud: Cloud, deployed: dict[str, Built], monkeypatch: pytest.MonkeyPatch) -> None:
    built = deployed["random_forest"]
    conduit = cloud.conduit("doors", built.flow)
    conduit.load("./")
    assert difference(conduit.run(built.rows), built.expected) <= 1e-12
    served = cloud.predict(model_name("random_forest"), built.rows).json()["result"]
    assert difference(served, conduit.run(built.rows)) <= 1e-5


def test_dry_run_sends_nothing(cloud: Cloud, deployed: dict[str, Built]) -> None:
    built = deployed["random_forest"]
    conduit = Conduit("never-sent", "mc_0000000000000000_" + "x" * 43, flow=built.flow[0]).deploy(dry_run=True)
    assert difference(conduit.run(built.rows), built.expected) <= 1e-12
    assert cloud.get("/models/never-sent").status_code == 404
