"""How calls end: answers, errors and dead processes, by Lambda's error types."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.waiting import until
from tests.unit.local.hosting import Bench, log_of, on_host, runs

pytestmark = pytest.mark.anyio


async def test_an_answer_comes_back_as_the_handler_gave_it(bench: Bench) -> None:
    bench.define("handlers.echo")
    answer = await bench.invoke({"a": [1, None, "ü"]})
    assert json.loads(answer.outcome.body) == {"a": [1, None, "ü"]}
    assert answer.outcome.error_type == ""
    assert answer.version == "1"


async def test_bytes_of_a_handler_are_not_encoded_again(bench: Bench) -> None:
    bench.define("handlers.raw")
    assert await bench.call(7) == {"raw": 7}


@pytest.mark.parametrize(
    ("handler", "event", "error_type", "message"),
    [
        ("handlers.fail", {"why": "x"}, "ValueError", r"no good: x"),
        ("handlers.leave", {"status": 3}, "Runtime.ExitError", r"exit status 3"),
        ("handlers.drop_dead", {"status": 0}, "Runtime.ExitError", r"exited without providing a reason"),
        ("handlers.drop_dead", {"status": 9}, "Runtime.ExitError", r"exit status 9"),
        ("handlers.crash", None, "Runtime.ExitError", r"signal: segmentation fault"),
        ("handlers.nap", {"s": 30}, "Sandbox.Timedout", r"Task timed out after 1\.00 seconds"),
        ("handlers.large", {"bytes": 6_300_000}, "Function.ResponseSizeTooLarge", r"exceeded maximum allowed"),
        ("handlers.nothing", None, "Runtime.HandlerNotFound", r"missing on module"),
        ("no_module.handler", None, "Runtime.ImportModuleError", r"Unable to import module"),
        ("broken_module.handler", None, "RuntimeError", r"cannot load"),
        ("leaving_module.handler", None, "Runtime.ExitError", r"exit status 7"),
    ],
)
async def test_an_ending_has_lambdas_error_type_and_the_next_call_a_process(
    bench: Bench, handler: str, event: object, error_type: str, message: str
) -> None:
    bench.define(handler, timeout_s=1 if error_type == "Sandbox.Timedout" else 60)
    answer = await bench.invoke(event)
    told = json.loads(answer.outcome.body)
    assert (answer.outcome.error_type, told["errorType"]) == (error_type, error_type)
    assert re.search(message, told["errorMessage"])
    bench.define("handlers.echo")
    assert await bench.call("well") == "well"


async def test_memory_above_the_functions_ends_the_process(bench: Bench) -> None:
    bench.define("handlers.hog", memory_mb=128, timeout_s=30)
    answer = await bench.invoke({"mb": 400})
    assert answer.outcome.error_type == "Runtime.OutOfMemory"
    assert await bench.call({"mb": 20}) == 20


async def test_an_exception_keeps_the_process_and_a_death_replaces_it(bench: Bench) -> None:
    bench.define("handlers.fail")
    for _ in range(3):
        await bench.invoke({"why": "x"})
    assert bench.counts() == {"cold": 1, "warm": 2, "errors": 3}
    bench.define("handlers.leave", name="g")
    for _ in range(3):
        await bench.invoke({"status": 1}, name="g")
    assert bench.counts("g") == {"cold": 3, "errors": 3}


async def test_what_a_function_had_started_ends_with_it(tmp_path: Path) -> None:
    left: list[int] = []
    async with on_host(tmp_path) as bench:
        bench.define("handlers.litter")
        left.append(await bench.call())
    until(lambda: not runs(left[0]))  # orphans are reaped by init a moment later


async def test_the_log_holds_output_and_reports(tmp_path: Path) -> None:
    async with on_host(tmp_path) as bench:
        bench.define("handlers.chatter")
        first, second = await bench.invoke(), await bench.invoke()
        assert first.tail[:2] == second.tail[:2] == ("one line", "another")
    log = log_of(tmp_path)
    words = re.findall(r"(START|one line|another|END|REPORT|Init Duration)", log)
    call = ["START", "one line", "another", "END", "REPORT"]
    assert words == [*call, "Init Duration", *call]
    assert "Memory Size: 512 MB" in log


async def test_a_failed_call_is_reported_with_its_error_type(tmp_path: Path) -> None:
    async with on_host(tmp_path) as bench:
        bench.define("handlers.fail")
        await bench.invoke({"why": "x"})
    assert "Status: error\tError Type: ValueError" in log_of(tmp_path)
    assert "about to fail" in log_of(tmp_path)
