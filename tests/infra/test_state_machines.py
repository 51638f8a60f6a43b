"""State machine definitions are of the language, and say what long runs rely on."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from infra.components.state_machines import DEFINITIONS, definition
from modelcote.backends.lambda_failures import failed_task
from modelcote.core.errors import BackendUnavailable
from tests.infra.asl import problems
from tests.infra.plans import planned

FILES = sorted(DEFINITIONS.iterdir())
LONG_RUN = json.loads((DEFINITIONS / "long_run.asl.json").read_text(encoding="utf-8"))
States = dict[str, Any]


def test_there_are_definitions_only() -> None:
    assert [file.name for file in FILES] == ["long_run.asl.json"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_definition_is_of_the_language(file: Any) -> None:
    assert problems(json.loads(file.read_text(encoding="utf-8"))) == []


def state(name: str, **members: Any) -> Callable[[States], None]:
    """Replaces members of a state; None removes one."""

    def change(states: States) -> None:
        states[name].update(members)
        states[name] = {key: value for key, value in states[name].items() if value is not None}

    return change


RULE = {"Variable": "$.a", "StringEquals": "b"}
RETRIER, CATCHER = {"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["States.ALL"], "Next": "Complete"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (state("Lambda", Next="Completed"), "there is no state Completed"),
        (state("Lambda", Catch=[{**CATCHER, "Next": "Gone"}]), "there is no state Gone"),
        (state("Backend", Choices=[{**RULE, "Next": "Unknown"}]), "Lambda: no state leads"),
        (state("Backend", Choices=[]), "should be non-empty"),
        (state("Backend", Choices=[{**RULE, "Next": "Gone"}]), "no state Gone"),
        (state("Backend", Default="Gone"), "no state Gone"),
        (state("Backend", Default=None), "'Default' is a required property"),
        (state("Unknown", Result="text"), "is not of type 'object'"),
        (state("Complete", End=None, Next="Lambda"), "no end is reached"),
        (state("Complete", Next="Lambda"), "valid under each of"),
        (state("Complete", End=None), "not valid under any of"),
        (state("Complete", End=False), "True was expected"),
        (state("Lambda", Timeout=3), "'Timeout' was unexpected"),
        (state("Complete", TimeoutSeconds=None), "is not valid under any of the given schemas"),
        (state("Complete", TimeoutSeconds="60"), "is not of type 'integer'"),
        (state("Complete", TimeoutSeconds=0), "less than the minimum"),
        (state("Lambda", Type="Job"), "'Task' was expected"),
        (state("Lambda", Resource="arn:aws:states:::lambda:invok"), "was expected"),
        (state("Lambda", ResultPath="answer"), "does not match"),
        (state("Lambda", Parameters={"FunctionName.$": "function", "Payload.$": "$"}), "does not match"),
        (state("Lambda", Parameters={"FunctionName": "$.function", "Payload.$": "$"}), "should not be valid under"),
        (state("Lambda", Parameters={"FunctionName": "f", "FunctionName.$": "$.f", "Payload.$": "$"}), "each of"),
        (state("Lambda", Parameters={"FunctionName": "f"}), "'Payload.$' is a required property"),
        (state("Lambda", Parameters={"FunctionName": "f", "Payload.$": "$", "Body": 1}), "'Body' was unexpected"),
        (state("Lambda", Retry=[{**RETRIER, "BackoffRate": 0.5}]), "less than the minimum"),
        (state("Lambda", Retry=[{**RETRIER, "Jitter": True}]), "'Jitter' was unexpected"),
        (state("Lambda", Retry=[{"ErrorEquals": []}]), "should be non-empty"),
        (state("Lambda", Retry=[{"ErrorEquals": ["Lambda"]}]), "does not match"),
        (state("Lambda", Retry=[RETRIER, {"ErrorEquals": ["Lambda.Unknown"]}]), "neither alone nor last"),
        (state("Lambda", Catch=[{**CATCHER, "ErrorEquals": ["States.ALL", "States.Timeout"]}]), "neither alone"),
        (lambda states: states.clear(), "should be non-empty"),
        (lambda states: states.pop("Complete"), "there is no state Complete"),
        (lambda states: states.update(Other=copy.deepcopy(states["Complete"])), "Other: no state leads there"),
    ],
)
def test_a_broken_definition_is_refused(change: Callable[[States], None], words: str) -> None:
    broken = copy.deepcopy(LONG_RUN)
    change(broken["States"])
    found = problems(broken)
    assert any(words in line for line in found), found


@pytest.mark.parametrize("member", ["StartAt", "States", "TimeoutSeconds"])
def test_a_definition_without_its_frame_is_refused(member: str) -> None:
    assert problems({key: value for key, value in LONG_RUN.items() if key != member})
    assert problems({**LONG_RUN, "Version": "2.0", "QueryLanguage": "JSONata"})


def test_placeholders_are_filled() -> None:
    machine = next(row for row in planned(0).resources if row.type.endswith(":StateMachine"))
    filled = json.loads(machine.inputs["definition"])
    assert problems(filled) == []
    complete = filled["States"]["Complete"]["Parameters"]["FunctionName"]
    assert complete == "${platform-runs-complete-run-function.arn}"
    text = definition("long_run", CompleteRunArn="arn:aws:lambda:eu-west-1:123456789012:function:complete-run")
    assert not re.search(r"\$\{", text)


def test_only_lambdas_own_failures_are_tried_again() -> None:
    """What the model itself ends with, a timeout among it, ends the attempt: the run decides on the next."""
    tried = {error for row in LONG_RUN["States"]["Lambda"]["Retry"] for error in row["ErrorEquals"]}
    kinds = ("TooManyRequestsException", "ServiceException", "AWSLambdaException", "SdkClientException")
    assert tried == {f"Lambda.{kind}" for kind in kinds}


def test_every_outcome_is_recorded() -> None:
    invoke, complete = LONG_RUN["States"]["Lambda"], LONG_RUN["States"]["Complete"]
    assert invoke["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Complete"}]
    assert invoke["Next"] == "Complete"
    assert (complete["Parameters"]["Payload.$"], complete["End"]) == ("$", True)
    assert invoke["TimeoutSecondsPath"] == "$.timeout_s"  # The run's own limit, from `modelcote.runs.worker`.


def test_an_unknown_backend_is_a_failure_and_reaches_complete() -> None:
    """Not the execution's own failure, which nothing records: the run would be due until the watchdog finds it."""
    unknown = LONG_RUN["States"][LONG_RUN["States"]["Backend"]["Default"]]
    assert (unknown["ResultPath"], unknown["Next"]) == ("$.failure", "Complete")
    assert isinstance(failed_task(unknown["Result"]["Error"], unknown["Result"]["Cause"]), BackendUnavailable)


_LONGEST_S = 905  # A Lambda function's own limit, and the time to store its answer.


def test_the_longest_execution_fits_its_limit() -> None:
    invoke, complete = LONG_RUN["States"]["Lambda"], LONG_RUN["States"]["Complete"]
    calls = 1 + sum(row["MaxAttempts"] for row in invoke["Retry"])
    ends = 1 + complete["Retry"][0]["MaxAttempts"]
    longest = calls * (_LONGEST_S + 60) + ends * (complete["TimeoutSeconds"] + 60)
    assert longest < LONG_RUN["TimeoutSeconds"]
