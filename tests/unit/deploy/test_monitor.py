"""The engine's stand-in: what hands are given, what the program gets back, and how failures come out."""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import Any

import pytest

from tests.support.commands import run as run_command

COMPONENT = "urn:pulumi:dev::modelcote::test:index:Pair::one"
CHILD = "urn:pulumi:dev::modelcote::test:index:Pair$"


@cache
def run(program: str, threads: int = 4) -> dict[str, Any]:
    """One program in its own process, as the monitor asks for."""
    # Deprecations are the provider SDK's own, at import.
    quiet = ["-W", "error", "-W", "ignore::DeprecationWarning"]
    done = run_command(sys.executable, *quiet, "-m", "tests.unit.deploy.programs", program, threads)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("threads", [0, 4])
def test_hands_get_every_resource_with_resolved_inputs(threads: int) -> None:
    resources = run("values", threads)["resources"]
    assert sorted(resources) == ["file", "layer", "one", "one-function", "one-log", "one-role"]
    function = resources["one-function"]
    assert function["urn"] == f"{CHILD}aws:lambda/function:Function::one-function"
    assert function["parent"] == COMPONENT
    assert function["inputs"]["role"] == "arn:one-role"
    assert function["inputs"]["timeout"] == 30
    assert isinstance(function["inputs"]["timeout"], int)
    assert function["custom"]
    assert (function["protect"], function["retain_on_delete"]) == (True, True)
    assert not resources["one"]["custom"]


def test_dependencies_come_from_both_sides_secrets_unwrapped_and_assets_as_values() -> None:
    resources = run("values")["resources"]
    function = resources["one-function"]
    # From a reference and from `depends_on`.
    before = ("cloudwatch/logGroup:LogGroup::one-log", "iam/role:Role::one-role")
    assert function["depends_on"] == [f"{CHILD}aws:{each}" for each in before]
    assert function["inputs"]["environment"] == {"variables": {"TOKEN": "hush"}}
    assert function["secrets"] == ["environment"]
    assert function["inputs"]["code"] == "Archive(path='/some/folder', assets={})"
    assert resources["file"]["inputs"]["source"] == "Asset(path='', text='text')"
    assert "'lib': Archive(path='/lib', assets={})" in resources["layer"]["inputs"]["code"]


def test_exports_are_resolved_and_outputs_that_nobody_gave_are_none() -> None:
    exports = {"version": "7", "missing": None, "plain": {"number": 3}, "region": "eu-west-1"}
    assert run("values")["exports"] == exports


def test_without_threads_everything_happens_in_the_calling_one() -> None:
    assert run("values", 0)["here"]
    assert not run("values", 4)["here"]


@pytest.mark.parametrize("threads", [0, 4])
def test_what_hands_raise_comes_out_as_it_was(threads: int) -> None:
    problem = run("refused", threads)["problem"]
    assert (problem["code"], problem["detail"]) == ("conflict", "the bucket name is in use.")


def test_a_program_that_raises_does_not_hang() -> None:
    assert run("broken") == {"error": "the program's own mistake"}


@pytest.mark.parametrize(
    ("program", "words"),
    [("twice", "Two resources have the URN"), ("secret_export", "key is a secret"), ("reads", "elsewhere")],
)
def test_what_an_engine_would_refuse_is_refused(program: str, words: str) -> None:
    problem = run(program)["problem"]
    assert problem["code"] == "deploy_failed"
    assert words in problem["detail"]
