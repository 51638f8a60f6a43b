"""Handlers that behave in every way a function can."""

import ctypes
import json
import os
import sys
import time


def echo(event, context):
    return event


def whoami(event, context):
    return {"pid": os.getpid(), "env": dict(os.environ), "arn": context.invoked_function_arn, "cwd": os.getcwd()}


def nap(event, context):
    time.sleep(event["s"])
    return {"pid": os.getpid(), "left_ms": context.get_remaining_time_in_millis()}


def fail(event, context):
    print("about to fail")
    raise ValueError("no good: " + event["why"])


def leave(event, context):
    sys.exit(event["status"])


def drop_dead(event, context):
    os._exit(event["status"])


def crash(event, context):
    ctypes.string_at(0)


def hog(event, context):
    blocks = []
    for _ in range(event["mb"]):
        blocks.append(os.urandom(1024) * 1024)
        time.sleep(0.002)
    return len(blocks)


def large(event, context):
    return "x" * event["bytes"]


def raw(event, context):
    return json.dumps({"raw": event}).encode()


def litter(event, context):
    """Leaves a process of its own behind."""
    import subprocess

    return subprocess.Popen(["sleep", "300"]).pid
