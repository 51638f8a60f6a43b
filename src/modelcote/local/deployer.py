"""`python -m modelcote.local.deployer --home DIR`: works off the deploy queue until it is told to stop."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from modelcote.core.errors import LocalCloudError, ModelcoteError
from modelcote.deploy.worker import work
from modelcote.local import runtimes
from modelcote.local.cloud import STACK, read
from modelcote.local.engine import LocalEngine
from modelcote.local.platform import SETTINGS, registry_of
from modelcote.registry.store import Registry

_WAIT_S = 10
_BATCH = 100
_PAUSE_S = 1.0


def serve(home: Path) -> None:
    """Receive, work off, delete; a batch that breaks comes again when its messages' time is over."""
    current = read(home)
    if current is None:
        raise LocalCloudError(f"there is no local cloud at {home}.", "Start it with `cote local up`.")
    registry = registry_of(current)
    engine = LocalEngine(home, home / SETTINGS, dict(os.environ))
    while True:
        batch = _receive(registry)
        if not batch:
            continue
        try:
            work(
                [json.loads(message["Body"]) for message in batch],
                registry,
                engine,
                runtimes,
                stack=STACK,
                owner=f"local-{os.getpid()}",
                folder=home / "build",
            )
        except ModelcoteError as error:
            print(f"not worked off: {error}", file=sys.stderr)
            time.sleep(_PAUSE_S)
        except Exception:  # the deployer outlives whatever one batch does to it; the log says what it was
            traceback.print_exc()
            time.sleep(_PAUSE_S)
        else:
            for message in batch:
                registry.sqs.delete_message(QueueUrl=registry.queue_url, ReceiptHandle=message["ReceiptHandle"])


def _receive(registry: Registry) -> list[Any]:
    """The messages that wait now; when none does, the first to come within ten seconds."""
    found: list[Any] = []
    wait = _WAIT_S
    while len(found) < _BATCH:
        answer = registry.sqs.receive_message(QueueUrl=registry.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=wait)
        messages = answer.get("Messages", [])
        if not messages:
            break
        found += messages
        wait = 0
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="modelcote.local.deployer", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    serve(parser.parse_args().home.resolve())


if __name__ == "__main__":
    main()
