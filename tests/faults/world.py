"""A local cloud with faults in it: its functions make their AWS calls through `inject`, by a plan."""

from __future__ import annotations

import json
import os
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import httpx
import psutil
from onnx import TensorProto, helper

from modelcote import Conduit, model_type
from modelcote.aws.items import decode_item
from modelcote.local import cloud as local
from modelcote.local.functions import read_definition, write_definition
from tests.faults.plan import Plan

MODEL = "faulty"
_INJECT = Path(__file__).parent / "inject"
_PLATFORM = ("gateway", "run-worker", "complete-run", "deliver-webhook", "task-result", "watchdog", "dead-letters")
# Days in seconds. What decides between states (how often a process may die) is raised, since one kill takes several
# runs of a worker's batch with it.
POLICY: dict[str, Any] = {
    **{"open_runs": 150, "failures": 40, "crashes": 10, "fast_limit_s": 10, "long_slack_s": 3},
    "lease_slack_s": 12,  # The worker waits five seconds beyond the limit for the answer to be stored.
    **{"resend_after_s": 8, "resend_max_s": 20, "retry_after_s": 0.2, "retry_max_s": 2},
    "delivery_schedule_s": [0, 0.3, 0.5, 0.5, 0.7, 0.7, 1, 1, 1, 1],
    **{"delivery_connect_s": 0.5, "delivery_total_s": 2, "delivery_claim_s": 4, "delivery_retry_after_max_s": 2},
    **{"endpoint_disabled_after_s": 3_600, "secret_overlap_s": 3_600, "webhook_http": True, "webhook_loopback": True},
}


def behave(data: Any) -> Any:
    """The model's processor: does what the job says, once where it says once."""
    import ctypes
    import os
    import sys
    import time

    def first() -> bool:
        try:
            os.close(os.open(data["once"], os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True

    what = data["do"]
    if what == "raise":
        raise ValueError("the model's own error")
    if what == "sys.exit":
        sys.exit(3)
    if what == "die always" or (what == "die once" and first()):
        os._exit(7)
    if what == "segfault once" and first():
        ctypes.string_at(0)
    if what == "out of memory once" and first():
        hold = [bytearray(1 << 28) for _ in range(16)]
        time.sleep(len(hold))
    if what == "loop":
        until = time.time() + 60
        while time.time() < until:
            time.sleep(0.2)
    return {"job": [float(data["job"])]}


@dataclass(frozen=True)
class World:
    """`folder` holds the plan and the history (see `inject/injection.py`)."""

    home: Path
    folder: Path
    url: str
    key: str
    project: str
    http: httpx.Client
    session: boto3.Session
    status: local.Status

    def control(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self.http.request(method, f"{self.url}/v1/projects/{self.project}{path}", json=body)

    def rows(self) -> list[dict[str, Any]]:
        """Every row of the runs table."""
        pages = (
            self.session.client("dynamodb")
            .get_paginator("scan")
            .paginate(TableName="modelcote-local-runs", ConsistentRead=True)
        )
        return [decode_item(item) for page in pages for item in page["Items"]]

    def watch(self) -> None:
        """What the schedule does once a minute."""
        host = f"http://127.0.0.1:{self.status.ports['host']}"
        request = urllib.request.Request(
            f"{host}/2015-03-31/functions/modelcote-local-watchdog/invocations", data=b"{}", method="POST"
        )
        with suppress(OSError), urllib.request.urlopen(request, timeout=70):
            return

    def processes(self) -> list[psutil.Process]:
        """The functions' processes."""
        with suppress(psutil.Error):
            return psutil.Process(self.status.pids["host"]).children(recursive=True)
        return []

    def counted(self, name: str) -> Counter[str]:
        """The `calls` that were made for runs, or the faults that `struck` them, by their points."""
        return Counter((self.folder / name).read_text().splitlines())


@contextmanager
def a_world(home: Path, plan: Plan, policy: dict[str, Any] | None = None) -> Iterator[World]:
    """A cloud of its own with the model deployed and the plan in force."""
    folder = home.parent / "faults"
    for name in ("runs", "claims"):
        (folder / name).mkdir(parents=True)
    for name in ("calls", "struck", "history"):
        (folder / name).touch()
    (folder / "plan.json").write_text(json.dumps([asdict(job) for job in plan.jobs]))
    home.mkdir(parents=True)
    (home / "policy.json").write_text(json.dumps({**POLICY, **(policy or {})}))
    running = local.up(home)
    try:
        session = boto3.Session("test", "test", region_name="us-east-1")
        with (
            _endpoint(running.emulator_url),
            httpx.Client(headers={"Authorization": running.api_key}, timeout=60) as http,
        ):
            world = World(home, folder, running.url, running.api_key, running.project, http, session, running)
            deploy(world)
            inject(world)
            _hasten(session)
            yield world
    finally:
        local.down(home)


def deploy(world: World) -> None:
    """Deploy the model, twice the number of the job, with the behaviour that the job names.

    As an ONNX graph its processes start in a tenth of the time: a plan kills hundreds of them.
    """
    job, double = (helper.make_tensor_value_info(name, TensorProto.DOUBLE, [1]) for name in ("job", "double"))
    graph = helper.make_graph([helper.make_node("Add", ["job", "job"], ["double"])], "double", [job], [double])
    path = world.home.parent / "double.onnx"
    path.write_bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=8).SerializeToString()
    )
    flow = (model_type.ONNX, str(path), {"pre": behave})
    Conduit(
        MODEL, world.key, flow=flow, endpoint=world.url, project=world.project, timeout=30, max_replicas=24
    ).deploy()


def inject(world: World) -> None:
    """Puts the faults into every function of the path of a run."""
    functions = world.home / "functions"
    roles = {f"modelcote-local-{name}": name for name in _PLATFORM} | {f"local_{world.project}_{MODEL}": "model"}
    for name, role in roles.items():
        definition = read_definition(functions, name)
        assert definition, name
        versions = {
            number: version
            if version.handler == "faulty.handler"
            else replace(
                version,
                handler="faulty.handler",
                environment={
                    **version.environment,
                    "PYTHONPATH": f"{version.code}:{_INJECT}",
                    "FAULTS_HANDLER": version.handler,
                    "FAULTS_ROLE": role,
                    "FAULTS_FOLDER": str(world.folder),
                    # Some of the workers' clocks are ten minutes behind.
                    "FAULTS_SKEW_S": "-600" if role == "run-worker" else "0",
                },
            )
            for number, version in definition.versions.items()
        }
        write_definition(functions, replace(definition, versions=versions))


@contextmanager
def _endpoint(url: str) -> Iterator[None]:
    before = os.environ.get("AWS_ENDPOINT_URL")
    os.environ["AWS_ENDPOINT_URL"] = url
    try:
        yield
    finally:
        if before is None:
            del os.environ["AWS_ENDPOINT_URL"]
        else:
            os.environ["AWS_ENDPOINT_URL"] = before


def _hasten(session: boto3.Session) -> None:
    """Have unprocessed messages redelivered in seconds, though not before a batch may be done."""
    sqs = session.client("sqs")
    for name, seconds in {"runs": 22, "deliveries": 5, "results": 5}.items():
        url = sqs.get_queue_url(QueueName=f"modelcote-local-{name}")["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})


@contextmanager
def every(seconds: float, work: Any) -> Iterator[None]:
    """Does something again and again beside the rest; what it raised is raised at the end."""
    stopped, raised = threading.Event(), []

    def go() -> None:
        while not stopped.wait(seconds):
            try:
                work()
            except Exception as error:
                raised.append(error)
                return

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(90)
    if raised:
        raise raised[0]
