"""Every field of the Conduit constructor has its rule, and a broken rule names its field."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcote.core.errors import Invalid, InvalidSpec
from modelcote.core.flow import Processor
from modelcote.core.spec import (
    MB_PER_VCPU,
    ModelSpec,
    check_spec,
    spec_from_dict,
    spec_from_stored,
    spec_to_dict,
)

FLOW = [["sklearn_classifier", "model.pkl"]]


def spec(**fields: Any) -> ModelSpec:
    return spec_from_dict({"name": "iris", "flow": FLOW, **fields})


BROKEN: dict[str, list[object]] = {
    "name": ["", "a" * 21, "Iris", "../x", "ірis", "iris\n", None],  # the fifth has Cyrillic look-alikes
    "flow": [
        *([], [["sklearn_classifier"]], [["nonsense", "model.pkl"]], [["sklearn_classifier", "model.onnx"]]),
        [["sklearn_classifier", 7]],
        [["torch", "model.pt"]],  # its runtime is not in this version
    ],
    "cpu": [0, 33, 2.5, True],
    "memory": [1.9, 256.1, float("nan"), "8", 11],  # 11 is within the interface's rule, above what Lambda has
    "hardware": ["ABACUS", "A10"],  # the backend of A10 is not in this version
    "python_version": ["3.8", 3.11],
    "cooldown": [0, -1],
    "min_replicas": [-1],
    "max_replicas": [0],
    "timeout": [0, 901, 1e9],
    "compile": ["yes"],
    "requirements": ["numpy"],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in BROKEN.items() for value in values])
def test_a_broken_rule_names_its_field(field: str, value: object) -> None:
    with pytest.raises(InvalidSpec) as caught:
        spec(**{field: value})
    assert caught.value.extra["field"] in {field, "memory" if field == "cpu" else field}
    assert caught.value.detail
    assert caught.value.remedy


def test_max_replicas_is_at_least_min_replicas() -> None:
    with pytest.raises(InvalidSpec, match="max_replicas"):
        spec(min_replicas=3, max_replicas=2)


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(InvalidSpec, match="colour"):
        spec(colour="blue")


@pytest.mark.parametrize(
    ("fields", "megabytes"),
    [({}, MB_PER_VCPU), ({"memory": 4}, 4096), ({"cpu": 4}, 7076), ({"cpu": 1, "memory": 10}, 10240)],
)
def test_lambda_memory_follows_what_was_asked_for(fields: dict[str, Any], megabytes: int) -> None:
    assert spec(**fields).lambda_memory_mb == megabytes


def test_a_spec_survives_the_wire() -> None:
    asked = spec(
        flow=[["sklearn_preprocessor", "scale.pkl", {"pre": "clean", "post": None}], ["xgboost_regressor", "m.json"]],
        processors=[{"pre": "def clean(data):\n    return data\n", "post": None}],
        memory=2.5,
        requirements=["nltk==3.9"],
        min_replicas=1,
        max_replicas=4,
    )
    assert asked.flow.runtime == "xgboost"
    assert not asked.flow.compilable
    assert spec_from_dict(spec_to_dict(asked)) == spec_from_stored(spec_to_dict(asked)) == asked


def test_a_stored_spec_is_read_though_its_rules_became_stricter() -> None:
    old = {**spec_to_dict(spec()), "cpu": 64, "python_version": "3.8", "colour": "blue"}
    old["flow"] = [["sklearn_classifier", "model.onnx", {"pre": "clean", "post": None}]]
    old["processors"] = [{"pre": "def clean(data): ...", "post": None}]
    del old["timeout"]
    stored = spec_from_stored(old)
    assert (stored.cpu, stored.python_version, stored.timeout) == (64, "3.8", 60)
    assert stored.flow.stages[0].pre == Processor("clean", "def clean(data): ...")
    with pytest.raises(InvalidSpec, match=r"cpu must be a whole number from 1 to 32, got 64\."):
        check_spec(stored)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*spec_to_dict(spec()), "other"]), json_values))
def test_whatever_arrives_is_a_spec_or_an_error_of_ours(data: dict[str, Any]) -> None:
    with contextlib.suppress(Invalid):
        assert isinstance(spec_from_dict({"name": "iris", "flow": FLOW, **data}), ModelSpec)
