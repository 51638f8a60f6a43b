"""Start the deployer, which consumes the whole queue, when a deploy is requested.

Fed by the registry table's stream, new deploy rows only. One deployer runs at a time: while one does, CodeBuild
refuses another (`AccountLimitExceededException`), and the batch is returned, so that the stream delivers it again.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any

import boto3

from modelcote.core.log import log

_codebuild = boto3.client("codebuild")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Process one batch of the stream; name the record to continue from when no build could be started."""
    first = event["Records"][0]["dynamodb"]["SequenceNumber"]
    # The same batch delivered again within five minutes is the same build, should its answer have been lost.
    token = hashlib.sha256(first.encode()).hexdigest()
    try:
        started = _codebuild.start_build(projectName=os.environ["MODELCOTE_DEPLOYER_PROJECT"], idempotencyToken=token)
    except _codebuild.exceptions.AccountLimitExceededException:
        log("a deployer is running", records=len(event["Records"]))
        return {"batchItemFailures": [{"itemIdentifier": first}]}
    log("deployer started", build=started["build"]["id"], records=len(event["Records"]))
    return {"batchItemFailures": []}
