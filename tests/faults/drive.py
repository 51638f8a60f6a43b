"""Sends the plan's jobs, plays their receivers, and waits until everything has come to its end."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
import psutil

from modelcote.core.runs import TERMINAL
from modelcote.runs.records import PENDING
from tests.faults.plan import RECEIVERS, Job, Plan
from tests.faults.world import MODEL, World, deploy, every, inject
from tests.support.receivers import Action, Receiver, Seen, answer, drip, endless, hang, redirect, reset

_SCRIPTS = {name: script for name, script, _ in RECEIVERS}
_SENDERS = 12
_TRIES = 400  # The quota of open runs makes a sender wait for its turn.
_ANSWERS: dict[str, Any] = {
    "200": lambda _: answer(200),
    "500": lambda _: answer(500),
    "429": lambda _: answer(429, [("retry-after", "1")]),
    "410": lambda _: answer(410),
    "302": redirect,
    "hang": lambda _: hang(),
    "drip": lambda _: drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", 0.01),
    "reset": lambda _: reset(),
    "flood": lambda _: endless(),
}


@dataclass
class Told:
    """What has come of the jobs, by their numbers. `answered`: every run id that a 202 named."""

    answered: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    refused: dict[int, str] = field(default_factory=dict)
    canceled: dict[int, int] = field(default_factory=dict)
    deliveries: dict[int, list[tuple[float, Seen]]] = field(default_factory=lambda: defaultdict(list))
    secrets: list[str] = field(default_factory=list)
    traps: int = 0
    redeployed: bool = False
    stops: int = 0
    first_terminal: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    took_s: float = 0.0
    left: list[str] = field(default_factory=list)


class Drive:
    """One run of a plan. `once_sent` is done when every job has been accepted."""

    def __init__(self, world: World, plan: Plan, *, once_sent: Callable[[], None] = lambda: None) -> None:
        self.world = world
        self.plan = plan
        self.once_sent = once_sent
        self.told = Told()
        self._lock = threading.Lock()
        self._sent = 0

    def run(self, still_s: float = 300) -> Told:
        """Everything, until it is at rest, or until nothing has ended for so long, however busy the machine is."""
        started = time.monotonic()
        self._rotate()
        with (
            Receiver(self._hook) as self._receiver,
            Receiver() as self._trap,
            every(1.0, self.world.watch),
            every(0.5, self._disturb),
        ):
            with ThreadPoolExecutor(_SENDERS) as pool:
                self._poison()
                list(pool.map(self._send, self.plan.jobs))
            self.once_sent()
            ended = time.monotonic()
            while left := self._open():
                if left != self.told.left:
                    self.told.left, ended = left, time.monotonic()
                elif time.monotonic() - ended > still_s:
                    break
                # Reading the whole table is work for the emulator that the functions wait for.
                time.sleep(1 + len(self.plan.jobs) / 300)
            self.told.left = left
            self.told.traps = self._trap.connections
        self.told.took_s = time.monotonic() - started
        return self.told

    def _send(self, job: Job) -> None:
        body: dict[str, Any] = {
            "job": job.number,
            "do": job.behaviour,
            "once": str(self.world.folder / f"once-{job.number}"),
        }
        if job.webhook:
            named = _SCRIPTS[job.webhook] == ("dns",)
            body["webhook_endpoint"] = (
                f"https://nowhere-{job.number}.example.com/"
                if named
                else f"{self._receiver.url_of('127.0.0.1', f'/{job.number}')}"
            )
        headers = {
            "Authorization": self.world.key,
            "Prefer": "respond-async",
            "Idempotency-Key": f"{self.plan.seed}-{job.number}",
            "x-modelcote-run-limit": "8" if job.lane == "fast" else "12",
        }
        url = f"{self.world.url}/v1/{self.world.project}/{MODEL}/predict"
        # As a careful caller does: until it is accepted, with the same key; and once more for good measure.
        accepted = 0
        with httpx.Client(timeout=40) as http:
            for number in range(_TRIES):
                with suppress(httpx.HTTPError):
                    answered = http.post(url, json=body, headers=headers)
                    if answered.status_code == 202:
                        self.told.answered[job.number].add(answered.json()["run_id"])
                        accepted += 1
                        if accepted == 2 or job.number % 4:
                            break
                        continue
                    self.told.refused[job.number] = answered.text
                    if answered.status_code < 500 and answered.status_code != 429:
                        break
                time.sleep(min(1.0, 0.1 * (number + 1)))
            with self._lock:
                self._sent += 1
            if job.cancel_after_s and self.told.answered[job.number]:
                time.sleep(job.cancel_after_s)
                (run_id,) = self.told.answered[job.number]
                with suppress(httpx.HTTPError):
                    self.told.canceled[job.number] = self.world.control("POST", f"/runs/{run_id}/cancel").status_code

    def _poison(self) -> None:
        """Send messages that are none of ours: they end among the dead letters and hold up no run."""
        sqs = self.world.session.client("sqs")
        url = sqs.get_queue_url(QueueName="modelcote-local-runs")["QueueUrl"]
        for body in ("", "{", "x" * 10_000, '{"data": [[1]]}'):
            sqs.send_message(QueueUrl=url, MessageBody=body or " ", MessageGroupId="poison")

    def _hook(self, seen: Seen) -> Action:
        number = int(seen.path.strip("/"))
        with self._lock:
            self.told.deliveries[number].append((time.time(), seen))
            turn = len(self.told.deliveries[number]) - 1
        script = _SCRIPTS[self.plan.jobs[number].webhook]
        action: Action = _ANSWERS[script[min(turn, len(script) - 1)]](self._trap.url)
        return action

    def _rotate(self) -> None:
        answered = self.world.control("POST", "/webhooks/secret/rotate", {})
        if answered.status_code == 200:
            self.told.secrets.append(answered.json()["secret"])

    def _redeploy(self) -> None:
        """A new version of the model while runs of the one before wait and run."""
        self.told.redeployed = True
        deploy(self.world)
        inject(self.world)

    def _disturb(self) -> None:
        """Stops a process and resumes it, rotates the secret: at their shares of the jobs."""
        share = self._sent / max(1, len(self.plan.jobs))
        while self.told.stops < len(self.plan.stops) and self.plan.stops[self.told.stops][0] <= share:
            _, seconds = self.plan.stops[self.told.stops]
            self._stop(Random(f"{self.plan.seed} {self.told.stops}"), seconds)
            self.told.stops += 1
        if share >= 0.5 and not self.told.redeployed and self.plan.rotations:
            self._redeploy()
        done = len(self.told.secrets) - 1
        if done < len(self.plan.rotations) and self.plan.rotations[done] <= share:
            self._rotate()

    def _stop(self, random: Random, seconds: float) -> None:
        found = sorted(self.world.processes(), key=lambda each: each.pid)
        if not found:
            return
        process = random.choice(found)
        with suppress(psutil.Error):
            process.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            process.send_signal(signal.SIGCONT)

    def _open(self) -> list[str]:
        """What has not come to its end yet; every terminal state is written down when it is first seen."""
        left = []
        for row in self.world.rows():
            kind = row["sk"].partition("#")[0]
            if kind == "RUN":
                seen = (row["state"], row["attempt"], row["result_key"], row["ended_at_s"])
                if row["state"] not in TERMINAL:
                    left.append(row["sk"])
                elif self.told.first_terminal.setdefault(row["run_id"], seen) != seen:
                    self.told.changed.append(row["run_id"])
            elif kind == "DELIVERY" and row["state"] == PENDING:
                left.append(row["sk"])
        return left


def history(world: World) -> list[dict[str, Any]]:
    """Every terminal state that a function wrote."""
    return [json.loads(line) for line in (world.folder / "history").read_text().splitlines()]
