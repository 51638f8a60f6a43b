"""The long lane's state machine on boto3: executions by name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Protocol


class Executions(Protocol):
    """The state machine's executions by name."""

    def start(self, name: str, parameters: str) -> None:
        """Start the execution; one of this name that has been started already is the same one."""

    def running(self, name: str) -> bool:
        """Tell whether the execution exists and has not ended."""

    def stop(self, name: str) -> None:
        """Stop it, if it runs."""


@dataclass(frozen=True)
class StateMachine:
    """`client` is boto3's for Step Functions."""

    client: Any
    arn: str

    def start(self, name: str, parameters: str) -> None:
        try:
            self.client.start_execution(stateMachineArn=self.arn, name=name, input=parameters)
        except self.client.exceptions.ExecutionAlreadyExists:
            return

    def running(self, name: str) -> bool:
        try:
            answer = self.client.describe_execution(executionArn=self._arn_of(name))
        except self.client.exceptions.ExecutionDoesNotExist:
            return False
        return bool(answer["status"] == "RUNNING")

    def stop(self, name: str) -> None:
        try:
            self.client.stop_execution(executionArn=self._arn_of(name))
        except self.client.exceptions.ExecutionDoesNotExist:
            return

    def _arn_of(self, name: str) -> str:
        return f"{self.arn.replace(':stateMachine:', ':execution:')}:{name}"


def state_machine_from_env() -> StateMachine:
    """Return the state machine that the environment names."""
    from modelcote.aws.clients import client_config, make_session

    client = make_session().client("stepfunctions", config=client_config(attempts=6))
    return StateMachine(client, os.environ["MODELCOTE_STATE_MACHINE_ARN"])
