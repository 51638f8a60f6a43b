"""The model's event and its answer: what is written is what is read, whatever the data looks like."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcote.core.event import (
    StoreRequest,
    answer_members,
    error_json,
    event_json,
    is_error,
    read_answer,
    store_request,
    with_store_request,
)
from modelcote.flow.result import dumps

TAIL = ',"run_time_ms":1.0,"points":7}'
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text() | st.just(TAIL),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["run_time_ms", "points", "result", "error"]), inner)
    ),
)


@given(_JSON, st.floats(0, 1e7), st.integers(0, 10**6))
def test_an_answer_is_read_as_it_was_written(result: Any, run_time_ms: float, points: int) -> None:
    written = dumps(answer_members(result, run_time_ms, points))
    answer = read_answer(written)
    assert (answer.run_time_ms, answer.points, answer.problem) == (run_time_ms, points, None)
    assert written.startswith(answer.head)
    assert json.loads(answer.head + b"}") == {"result": result, "run_time_ms": run_time_ms}


@pytest.mark.parametrize(
    "members",
    [
        {"points": 2, "run_time_ms": 1.5, "result": {"a": 1, "run_time_ms": 3.0, "points": 9}},
        {"result": [1], "points": 2, "run_time_ms": 1.5},
        {"result": [1], "run_time_ms": 1.5, "more": 1, "points": 2},
    ],
)
def test_members_in_another_order_are_read_too(members: dict[str, Any]) -> None:
    answer = read_answer(json.dumps(members, separators=(",", ":")).encode())
    assert (answer.run_time_ms, answer.points) == (1.5, 2)
    assert json.loads(answer.head + b"}") == {"result": members["result"], "run_time_ms": 1.5}


@pytest.mark.parametrize(
    "answer",
    [
        *(b"", b"null", b"[]", b'{"result":1}'),
        b'{"result":1,"run_time_ms":1,"points":-1}',
        b'{"result":1,"points":1,"run_time_ms":NaN}',
        b'{"result":1,"run_time_ms":1,"points":1}}',
        b"[" * 100_000,
    ],
)
def test_no_answer(answer: bytes) -> None:
    with pytest.raises(ValueError, match=r"no answer that can be read"):
        read_answer(answer)


def test_an_error_is_read_as_it_was_written() -> None:
    problem = {"code": "model_failed", "detail": 'half a pair \ud800, a quote " and' + TAIL}
    assert is_error(error_json(problem))
    assert read_answer(error_json(problem)).problem == problem


def test_an_event_carries_data_files_and_the_store_request() -> None:
    request = StoreRequest(key="results/p/m/r/1", keep_days=7, after_s=10.0)
    event = with_store_request(event_json(b'{"x": 1e400}', b'[{"b64":""}]', "r1"), request)
    assert event.startswith(b'{"data":{"x": 1e400},')
    members = json.loads(event.replace(b"1e400", b"2"))
    assert store_request(members) == request
    assert (members["data"], members["files"], members["run_id"]) == ({"x": 2}, [{"b64": ""}], "r1")
    assert store_request(json.loads(event_json(b"1", b"", "r1"))) is None
