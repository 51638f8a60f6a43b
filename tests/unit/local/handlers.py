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


def count(event, context):
    """Warm processes count on, cold ones start at one."""
    count.calls = getattr(count, "calls", 0) + 1
    return count.calls


def rendezvous(event, context):
    """Waits until as many processes as wanted are in here at the same time."""
    folder = event["folder"]
    with open(os.path.join(folder, f"{os.getpid()}"), "w"):
        pass
    while len(os.listdir(folder)) < event["wanted"]:
        time.sleep(0.005)
    return os.getpid()


def hold(event, context):
    """Says that it is in, and waits until it may go."""
    with open(event["inside"], "a") as file:
        file.write(f"{os.getpid()}\n")
    while not os.path.exists(event["release"]):
        time.sleep(0.005)
    return context.function_version


def chatter(event, context):
    print("one line")
    print("another", file=sys.stderr)
    return
