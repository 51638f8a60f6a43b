"""`python -m modelcote.local.deployer --home DIR`: processes the deploy queue until SIGTERM."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import traceback
from pathlib import Path

from modelcote.core.errors import LocalCloudError
from modelcote.deploy.queue.consume import consume
from modelcote.local import runtimes
from modelcote.local.cloud import STACK, read
from modelcote.local.engine import LocalEngine
from modelcote.local.platform import SETTINGS, registry_of

_PAUSE_S = 1.0


def run(home: Path) -> None:
    """Process the queue for ever; a batch that failed is received again when its messages are visible again."""
    current = read(home)
    if current is None:
        raise LocalCloudError(f"there is no local cloud at {home}.", "Start it with `cote local up`.")
    engine = LocalEngine(home, home / SETTINGS, dict(os.environ))
    while True:
        try:
            consume(registry_of(current), engine, runtimes, stack=STACK, until=lambda: False)
        except Exception:  # the deployer outlives whatever one batch does to it; its log says what that was
            traceback.print_exc()
            time.sleep(_PAUSE_S)


def main() -> None:
    parser = argparse.ArgumentParser(prog="modelcote.local.deployer", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    run(parser.parse_args().home.resolve())


if __name__ == "__main__":
    main()
