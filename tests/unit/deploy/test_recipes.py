"""Which lock serves a model: by what its files need; resolved once, on the nearest Python that has wheels."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modelcote.core.errors import DeployFailed
from modelcote.core.flow import parse_flow
from modelcote.core.manifest import Manifest
from modelcote.core.spec import ModelSpec
from modelcote.deploy.artifacts.recipes import Recipe, compiling, lock, serving

FLOW = parse_flow([["sklearn_classifier", "m.pkl"]])
SPEC = ModelSpec("m", FLOW, python_version="3.12", requirements=("nltk==3.9",))


def recipe(**needs: str) -> Recipe:
    return serving(Manifest("m", FLOW, needs={name.replace("_", "-"): text for name, text in needs.items()}), SPEC)


@pytest.mark.parametrize(
    ("needs", "name"),
    [
        ({}, "sklearn"),
        ({"scikit_learn": "==1.9.1", "numpy": ">=2"}, "sklearn"),
        ({"scikit_learn": "==1.9.1", "xgboost": "==3.2.0"}, "xgboost"),
        ({"xgboost": ">=1.7.6"}, "xgboost"),
    ],
)
def test_a_committed_lock_that_meets_the_needs(needs: dict[str, str], name: str) -> None:
    assert recipe(**needs) == Recipe(name, "3.12", (), ("nltk==3.9",))


def test_another_version_brings_the_libraries_of_its_time() -> None:
    lines = recipe(scikit_learn="==1.2.2", xgboost="==1.7.6").lines
    assert {"scikit-learn==1.2.2", "xgboost==1.7.6", "numpy<2", "scipy<1.12", "pandas<2.2", "orjson"} <= set(lines)
    assert "scikit-learn<1.4" not in lines
    assert "xgboost-cpu==3.1.0; sys_platform != 'darwin'" in recipe(xgboost="==3.1.0").lines
    assert "numpy<2" in recipe(scikit_learn="==1.4.0").lines
    assert {"lightgbm<4", "scikit-learn<1.4", "numpy<2"} <= set(recipe(lightgbm="<4").lines)
    assert {"lightgbm>=4", "scikit-learn==1.2.2"} <= set(recipe(lightgbm=">=4", scikit_learn="==1.2.2").lines)
    assert "numpy<2.1" in recipe(scikit_learn="==1.4.2").lines


def test_the_build_step_has_that_version_and_todays_converter() -> None:
    manifest = Manifest("m", FLOW, needs={"scikit-learn": "==1.2.2"})
    step = compiling(manifest, SPEC)
    assert (step.name, step.requirements) == ("compiler", ())
    assert {"scikit-learn==1.2.2", "skl2onnx==1.20.0", "numpy<2"} <= set(step.lines)
    assert compiling(replace(manifest, needs={"scikit-learn": "==1.9.1"}), SPEC).lines == ()
    assert serving(replace(manifest, compiled={}), SPEC) == Recipe("onnx", "3.12")


def test_a_lock_is_resolved_once_on_the_nearest_python_with_wheels() -> None:
    kept: dict[str, str] = {}
    attempts: list[str] = []

    def resolve(lines: str, python_version: str) -> str:
        attempts.append(python_version)
        if python_version != "3.11":
            raise DeployFailed(f"no wheels for {python_version}.", "Choose another.")
        return lines

    def locked(place: str, wish: Recipe) -> str:
        return lock(wish, place=place, read=kept.get, write=kept.__setitem__, resolve=resolve).key

    old = recipe(scikit_learn="==1.2.2")
    key = locked("here", old)
    assert key.startswith("sklearn-py3.11-")
    assert attempts == ["3.12", "3.11"]
    assert locked("here", replace(old, python_version="3.11")) == key
    assert attempts == ["3.12", "3.11"]
    locked("there", old)
    assert len(kept) == 2
    with pytest.raises(DeployFailed, match=r"no wheels for 3\.13"):
        locked("here", replace(old, python_version="3.13", fixed=True))
