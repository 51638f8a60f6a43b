"""A local cloud whose emulator counts, with a small model, and what the bench of runs does with it."""

from __future__ import annotations

import json
import pickle
import re
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import httpx
from botocore.config import Config

from bench import CLIENT
from modelcote.core.policy import Policy
from modelcote.local import cloud, processes
from modelcote.local.host.settings import aws_variables
from modelcote.runs.accept import counters
from modelcote.runs.records import SHARDS, counter_key, partition

CLIENTS = 8
BODY = [[5.1, 3.5]]
_TABLE = "modelcote-local-runs"
_FUNCTIONS = ("gateway", "run-worker", "complete-run", "deliver-webhook")
_END_S = 90


@contextmanager
def standing() -> Iterator[Stand]:
    """Start the cloud with the model deployed."""
    with tempfile.TemporaryDirectory() as folder, _counted_cloud(Path(folder) / "home") as status:
        yield _deployed(status, Path(folder))


@contextmanager
def _counted_cloud(home: Path) -> Iterator[cloud.Status]:
    """Start a local cloud whose emulator counts."""
    start = processes.start

    def counting(module: str, arguments: Any, environment: Mapping[str, str], log: Path) -> Any:
        if module != "modelcote.local.emulator_main":
            return start(module, arguments, environment, log)
        # The local cloud knows its processes by the module that they name.
        return start("bench.counting", [module], environment, log)

    with mock.patch.object(processes, "start", counting):
        status = cloud.up(home)
    try:
        yield status
    finally:
        cloud.down(home)


class Receiver:
    """Accepts every webhook; `received` counts them."""

    def __init__(self) -> None:
        self.received = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(204)
                self.end_headers()
                receiver.received += 1

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, number: int) -> None:
        """Wait until that many have arrived."""
        deadline = time.monotonic() + _END_S
        while self.received < number and time.monotonic() < deadline:
            time.sleep(0.05)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@dataclass(frozen=True)
class Stand:
    status: cloud.Status
    url: str
    session: boto3.Session

    def client(self, service: str) -> Any:
        config = Config(user_agent_extra=CLIENT)
        return self.session.client(service, endpoint_url=self.status.emulator_url, config=config)

    def http(self) -> httpx.Client:
        return httpx.Client(headers={"Authorization": self.status.api_key}, timeout=60)

    def submit(self, number: int, headers: Mapping[str, str]) -> list[str]:
        """Have several clients submit runs at once and return their ids."""

        def client(_: int) -> list[str]:
            with self.http() as http:
                return [accepted(http, self.url, headers) for _ in range(number // CLIENTS)]

        with ThreadPoolExecutor(CLIENTS) as pool:
            return [run_id for ids in pool.map(client, range(CLIENTS)) for run_id in ids]

    def ended(self) -> None:
        """Wait until no run is open."""
        table = self.client("dynamodb")
        keys = [counter_key(self.status.project, place) for place in range(len(counters(Policy().open_runs)))]
        request = {_TABLE: {"Keys": [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in keys], "ConsistentRead": True}}
        deadline = time.monotonic() + _END_S
        while time.monotonic() < deadline:
            rows = table.batch_get_item(RequestItems=request)["Responses"].get(_TABLE, [])
            if sum(int(row["open"]["N"]) for row in rows) == 0:
                return
            time.sleep(0.05)
        raise TimeoutError("runs are still open")

    def rows(self, run_ids: list[str]) -> list[Any]:
        """Return the runs' rows in DynamoDB's wire form; raises if one did not succeed."""
        table, ids = self.client("dynamodb"), set(run_ids)
        names = {":pk": "", ":prefix": {"S": "RUN#"}}
        rows: list[Any] = []
        for shard in range(SHARDS):
            names[":pk"] = {"S": partition(self.status.project, shard)}
            pages = table.get_paginator("query").paginate(
                TableName=_TABLE,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
                ExpressionAttributeValues=names,
            )
            rows += [row for page in pages for row in page["Items"] if row["run_id"]["S"] in ids]
        states = Counter(row["state"]["S"] for row in rows)
        assert states == {"SUCCEEDED": len(run_ids)}, states
        return rows

    @contextmanager
    def paused(self, batch: int = 10) -> Iterator[None]:
        """Keep the worker off the queue, then let it consume batches of this size."""
        client = self.client("lambda")
        (source,) = client.list_event_source_mappings(FunctionName="modelcote-local-run-worker")["EventSourceMappings"]
        client.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
        time.sleep(0.5)  # A pass of the poller that has begun ends.
        yield
        client.update_event_source_mapping(UUID=source["UUID"], Enabled=True, BatchSize=batch)

    def counts(self, method: str = "GET") -> Any:
        """Return calls and units since the last POST."""
        request = urllib.request.Request(f"{self.status.emulator_url}/_bench", method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def invocations(self) -> Counter[str]:
        """By function, from the REPORT lines of the functions' logs."""
        invocations: Counter[str] = Counter()
        for path in (Path(self.status.home) / "logs").glob("*.log*"):
            function = path.name.partition(".")[0]
            name = next((name for name in _FUNCTIONS if function == f"modelcote-local-{name}"), "")
            if name or function.endswith("_small"):
                invocations[name or "model"] += len(re.findall(r"\bREPORT RequestId", path.read_text(errors="replace")))
        return invocations

    def states(self, run_id: str) -> int:
        """Return how many states the execution of a run's first attempt entered."""
        client = self.client("stepfunctions")
        (machine,) = client.list_state_machines()["stateMachines"]
        arn = f"{machine['stateMachineArn'].replace(':stateMachine:', ':execution:')}:{run_id}-1"
        events = client.get_execution_history(executionArn=arn)["events"]
        return sum(event["type"].endswith("StateEntered") for event in events)


def _deployed(status: cloud.Status, folder: Path) -> Stand:
    """Deploy a small compiled model whose runs may last two minutes."""
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    from modelcote import Conduit, model_type

    rows, labels = load_iris(return_X_y=True)
    file = folder / "small.pkl"
    file.write_bytes(pickle.dumps(LogisticRegression(max_iter=1000).fit(rows[:, :2], labels)))
    flow = (model_type.SKLEARN_CLASSIFIER, str(file))
    url = Conduit("small", status.api_key, flow=flow, endpoint=status.url, timeout=120).deploy()
    aws = aws_variables(status.emulator_url)
    session = boto3.Session(aws["AWS_ACCESS_KEY_ID"], aws["AWS_SECRET_ACCESS_KEY"], region_name=aws["AWS_REGION"])
    return Stand(status, url, session)


def accepted(http: httpx.Client, url: str, headers: Mapping[str, str]) -> str:
    answer = http.post(url, json=BODY, headers={"Prefer": "respond-async", **headers})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["run_id"])
