"""Imports what the gateway and control import: `python smoke.py` in the runtime."""

from __future__ import annotations

import aws_lambda_powertools
import boto3
import cryptography
import fastapi
import jwt
import mangum
import multipart
import orjson


def main() -> None:
    app = fastapi.FastAPI()
    mangum.Mangum(app, lifespan="off")
    token = jwt.encode({"sub": "x"}, "k" * 32, algorithm="HS256")
    assert jwt.decode(token, "k" * 32, algorithms=["HS256"]) == {"sub": "x"}
    assert boto3.session.Session(region_name="eu-west-1").client("dynamodb").meta.region_name == "eu-west-1"
    assert orjson.loads(orjson.dumps({"a": 1})) == {"a": 1}
    assert all((aws_lambda_powertools.__name__, cryptography.__version__, multipart.__version__))


if __name__ == "__main__":
    main()
