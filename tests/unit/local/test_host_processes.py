"""Which process answers: cold and warm, concurrency, versions, limits, and what a process is given."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from modelcote.local.functions import definition_path
from modelcote.local.host.host import NoSuchFunctionError, ThrottledError
from tests.unit.local.hosting import Bench, log_of, on_host

pytestmark = pytest.mark.anyio


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while not true():
            await asyncio.sleep(0.005)


def lines(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def doors(folder: Path) -> tuple[Path, Path, dict[str, str]]:
    """Return what `handlers.hold` writes when it is in and what it waits for, and its event."""
    inside, release = folder / "inside", folder / "release"
    return inside, release, {"inside": str(inside), "release": str(release)}


async def test_a_process_is_kept_warm(bench: Bench) -> None:
    bench.define("handlers.count")
    assert [await bench.call() for _ in range(3)] == [1, 2, 3]
    assert bench.counts() == {"cold": 1, "warm": 2}


async def test_calls_at_the_same_time_run_in_processes_of_their_own(bench: Bench, tmp_path: Path) -> None:
    (meeting := tmp_path / "meeting").mkdir()
    bench.define("handlers.rendezvous")
    event = {"folder": str(meeting), "wanted": 3}
    pids = await asyncio.gather(*(bench.call(event) for _ in range(3)))
    assert len(set(pids)) == 3


async def test_calls_beyond_the_laptops_processes_wait(tmp_path: Path) -> None:
    async with on_host(tmp_path, processes_per_version=1) as bench:
        bench.define("handlers.count")
        got = await asyncio.gather(*(bench.call() for _ in range(10)))
        assert sorted(got) == list(range(1, 11))


async def test_beyond_its_reserved_concurrency_a_function_is_throttled(bench: Bench, tmp_path: Path) -> None:
    inside, release, event = doors(tmp_path)
    bench.define("handlers.hold", reserved=2)
    running = [asyncio.create_task(bench.call(event)) for _ in range(2)]
    await until(lambda: lines(inside) == 2)
    with pytest.raises(ThrottledError, match="ReservedFunctionConcurrentInvocationLimitExceeded"):
        await bench.invoke(event)
    release.touch()
    assert await asyncio.gather(*running) == ["1", "1"]
    assert await bench.call(event) == "1"


async def test_a_call_in_flight_finishes_on_the_version_that_took_it(bench: Bench, tmp_path: Path) -> None:
    inside, release, event = doors(tmp_path)
    bench.define("handlers.hold")
    old = asyncio.create_task(bench.call(event))
    await until(lambda: lines(inside) == 1)
    bench.define("handlers.hold", version="2")
    new = asyncio.create_task(bench.call(event))
    await until(lambda: lines(inside) == 2)
    release.touch()
    assert (await old, await new) == ("1", "2")
    await until(lambda: [one.version.version for one in bench.host.processes()] == ["2"])


async def test_a_process_that_loads_while_its_version_goes_answers_and_ends(bench: Bench, tmp_path: Path) -> None:
    (code := tmp_path / "code").mkdir()
    (code / "late.py").write_text(
        "import os, time\n"
        f"open({str(tmp_path / 'loading')!r}, 'w').close()\n"
        f"while not os.path.exists({str(tmp_path / 'go')!r}):\n    time.sleep(0.005)\n"
        "def handler(event, context):\n    return context.function_version\n"
    )
    bench.define("late.handler", code=str(code))
    old = asyncio.create_task(bench.call())
    await until((tmp_path / "loading").exists)
    bench.define("late.handler", version="2", code=str(code))
    new = asyncio.create_task(bench.call())
    await asyncio.sleep(0)
    (tmp_path / "go").touch()
    assert (await old, await new) == ("1", "2")
    await until(lambda: [one.version.version for one in bench.host.processes()] == ["2"])


async def test_a_provisioned_function_that_cannot_load_is_not_started_over_and_over(
    bench: Bench, tmp_path: Path
) -> None:
    bench.define("broken_module.handler", provisioned=1)
    bench.host.sync()
    await until(lambda: not bench.host.processes() and (tmp_path / "logs" / "f.log").exists())
    bench.host.sync()
    assert bench.host.processes() == []
    assert (await bench.invoke()).outcome.error_type == "RuntimeError"


async def test_a_changed_function_is_served_by_new_processes(bench: Bench) -> None:
    bench.define("handlers.count")
    assert [await bench.call(), await bench.call()] == [1, 2]
    bench.define("handlers.count", environment={"A": "b"})
    assert await bench.call() == 1


async def test_a_function_that_is_gone_is_not_found_and_its_processes_end(bench: Bench) -> None:
    bench.define("handlers.echo")
    await bench.call()
    definition_path(bench.host.settings.functions, "f").unlink()
    with pytest.raises(NoSuchFunctionError):
        await bench.invoke()
    await until(lambda: not bench.host.processes())


@pytest.mark.parametrize("qualifier", ["nope", "2"])
async def test_an_unknown_qualifier_is_not_found(bench: Bench, qualifier: str) -> None:
    bench.define("handlers.echo")
    with pytest.raises(NoSuchFunctionError, match=f"f:{qualifier}"):
        await bench.invoke(qualifier=qualifier)


async def test_a_load_that_takes_too_long_is_tried_once_more_within_the_timeout(tmp_path: Path) -> None:
    async with on_host(tmp_path, init_s=0.5) as bench:
        bench.define("slow_module.handler", environment={"MARK": str(tmp_path / "mark")})
        assert await bench.call() == "loaded"
    assert "Phase: init Status: timeout" in log_of(tmp_path)


async def test_a_load_that_never_ends_times_the_call_out(tmp_path: Path) -> None:
    async with on_host(tmp_path, init_s=0.3) as bench:
        bench.define("slow_module.handler", timeout_s=1)
        assert (await bench.invoke()).outcome.error_type == "Sandbox.Timedout"
        await until(lambda: not bench.host.processes())


async def test_a_call_is_not_told_of_a_load_that_had_begun_before_it(tmp_path: Path) -> None:
    async with on_host(tmp_path, init_s=0.3) as bench:
        bench.define("slow_module.handler", timeout_s=1)
        earlier = asyncio.create_task(bench.host.prewarm(["f"], ""))
        await asyncio.sleep(0.8)
        called = time.monotonic()
        assert (await bench.invoke()).outcome.error_type == "Sandbox.Timedout"
        assert time.monotonic() - called >= 1.3
        await earlier
        await until(lambda: not bench.host.processes())


async def test_a_missing_interpreter_is_an_error_of_the_call(bench: Bench) -> None:
    bench.define("handlers.echo", python="/nowhere/python")
    assert (await bench.invoke()).outcome.error_type == "Runtime.InvalidEntrypoint"


async def test_idle_processes_end_but_for_the_provisioned_ones(tmp_path: Path) -> None:
    async with on_host(tmp_path, idle_s=0.0) as bench:
        bench.define("handlers.count", provisioned=1)
        bench.define("handlers.count", name="g")
        await bench.call(name="g")
        bench.host.sync()
        await bench.call()
        kept = [one.pid for one in bench.host.processes() if one.function == "f"]
        bench.host.sync()
        await until(lambda: [one.function for one in bench.host.processes()] == ["f"])
        bench.host.sync()
        await asyncio.sleep(0.05)
        assert [one.pid for one in bench.host.processes()] == kept


async def test_provisioned_processes_are_there_before_the_first_call(bench: Bench) -> None:
    bench.define("handlers.count", provisioned=2)
    bench.host.sync()
    await until(lambda: sum(one.ready.done() for one in bench.host.processes()) == 2)


async def test_the_process_idle_for_longest_makes_room(tmp_path: Path) -> None:
    async with on_host(tmp_path, processes=2) as bench:
        for name in ("a", "b", "c"):
            bench.define("handlers.count", name=name)
            await bench.call(name=name)
        await until(lambda: sorted(one.function for one in bench.host.processes()) == ["b", "c"])


async def test_a_process_gets_lambdas_environment_and_not_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("SECRET_OF_THE_USER", "x")
    async with on_host(tmp_path) as bench:
        bench.define("handlers.whoami", environment={"OWN": "1", "MINISTACK_LAMBDA_PROXY_URL": "http://x"})
        told = await bench.call()
        env = told["env"]
        assert not {"AWS_PROFILE", "SECRET_OF_THE_USER", "HOME", "MINISTACK_LAMBDA_PROXY_URL"} & set(env)
        parts = {"NAME": "f", "VERSION": "1", "MEMORY_SIZE": "512"}
        own = {"OWN": "1", "AWS_ENDPOINT_URL": bench.host.settings.emulator}
        assert env.items() >= {**own, **{f"AWS_LAMBDA_FUNCTION_{name}": text for name, text in parts.items()}}.items()
        assert told["cwd"] == env["LAMBDA_TASK_ROOT"]
        assert told["arn"].endswith(":function:f:live")
