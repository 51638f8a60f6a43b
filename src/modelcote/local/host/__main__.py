"""`python -m modelcote.local.host --home DIR --port N --emulator URL`: runs until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from modelcote.local.host.api import ApiConnection
from modelcote.local.host.host import Host
from modelcote.local.host.settings import HostSettings

_HOUSEKEEPING_S = 1.0


@asynccontextmanager
async def running(settings: HostSettings) -> AsyncIterator[tuple[Host, list[asyncio.Task[None]]]]:
    """Run a host with its chores, and no socket yet; a chore ends only by failing. Its processes end with the block."""
    loop = asyncio.get_running_loop()
    host = Host(settings)
    loop.add_signal_handler(signal.SIGCHLD, host.reap_children)
    host.sync()
    chores = [
        loop.create_task(_every(settings.limits.memory_watch_s, host.watch_memory)),
        loop.create_task(_every(_HOUSEKEEPING_S, host.sync)),
    ]
    try:
        yield host, chores
    finally:
        for chore in chores:
            chore.cancel()
        await host.close()
        loop.remove_signal_handler(signal.SIGCHLD)


async def serve(settings: HostSettings) -> None:
    """Serve on 127.0.0.1 until SIGTERM or SIGINT; then kill every function's process."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings) as (host, chores):
        server = await loop.create_server(lambda: ApiConnection(host), "127.0.0.1", settings.port, backlog=512)
        # What exists by now lives as long as the host: no collection need examine it.
        gc.freeze()
        stopped = loop.create_task(stop.wait())
        ended, _ = await asyncio.wait((stopped, *chores), return_when=asyncio.FIRST_COMPLETED)
        server.close()
        for task in ended:
            task.result()


async def _every(seconds: float, chore: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(seconds)
        chore()


def main() -> None:
    parser = argparse.ArgumentParser(prog="modelcote.local.host", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--emulator", required=True, help="URL of the emulator")
    arguments = parser.parse_args()
    asyncio.run(serve(HostSettings(arguments.home.resolve(), arguments.port, arguments.emulator.rstrip("/"))))


if __name__ == "__main__":
    main()
