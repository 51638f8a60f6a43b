"""(b) What the Lambda entry adds to a model that does nothing, beside the same endpoint on Mangum and FastAPI."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from mangum import Mangum

from modelcote.flow.inputs import InputSchema
from modelcote.flow.load import LoadedFlow
from modelcote.serving.predictor import Predictor

_ROUNDS, _CALLS = 30, 200
_ROW = [[5.1, 3.5, 1.4, 0.2]]


def run() -> dict[str, Any]:
    """Median microseconds per invocation: `{"entry": us, "mangum_fastapi": us, "ratio"}`."""
    predict = Predictor(LoadedFlow(InputSchema(), (), lambda _data, _files: [0])).predict
    mangum = _mangum()
    invoke = {"data": _ROW, "run_id": "0" * 32}
    http = _http_event(json.dumps(_ROW))
    assert json.loads(predict(invoke))["result"] == [0]
    assert json.loads(mangum(http, None)["body"]) == {"result": [0]}
    took: dict[str, list[float]] = {"entry": [], "mangum_fastapi": []}
    for _ in range(_ROUNDS):  # turn by turn, so that both meet the same machine
        took["entry"].append(_per_call(lambda: predict(invoke)))
        took["mangum_fastapi"].append(_per_call(lambda: mangum(http, None)))
    medians = {name: round(statistics.median(samples), 2) for name, samples in took.items()}
    return {**medians, "ratio": round(medians["mangum_fastapi"] / medians["entry"], 1)}


def _per_call(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    for _ in range(_CALLS):
        call()
    return (time.perf_counter() - start) / _CALLS * 1e6


def _mangum() -> Mangum:
    app = FastAPI()

    @app.post("/predict")
    async def predict(request: Request) -> dict[str, Any]:
        await request.json()
        return {"result": [0]}

    return Mangum(app, lifespan="off")


def _http_event(body: str) -> dict[str, Any]:
    """Return the same row as API Gateway's HTTP API hands it over, payload version 2.0."""
    return {
        "version": "2.0",
        "routeKey": "POST /predict",
        "rawPath": "/predict",
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "bench"},
        "requestContext": {
            "http": {
                "method": "POST",
                "path": "/predict",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "bench",
            },
            "stage": "$default",
        },
        "body": body,
        "isBase64Encoded": False,
    }
