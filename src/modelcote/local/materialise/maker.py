"""A maker of one kind of resource: what it works with, and what makers have in common.

A maker creates its resource or updates the one that exists, so that a run which ended half-way is completed by the
next one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from modelcote.local.host.settings import ACCOUNT, REGION
from modelcote.local.materialise.state import Record, State

Inputs = Mapping[str, Any]
# A resource's id and its outputs.
Result = tuple[str, dict[str, Any]]

# How the error codes end by which services say that a resource exists already, or does not exist.
EXISTS = ("AlreadyExists", "AlreadyExistsException", "AlreadyOwnedByYou", "ConflictException", "ResourceInUseException")
MISSING = (
    "DoesNotExist",
    "NonExistentQueue",
    "NoSuchBucket",
    "NoSuchEntity",
    "NoSuchEntityException",
    "NotFoundException",
)
_AWS_NAMES = {"kmsMasterKeyId": "KMSMasterKeyID", "sseAlgorithm": "SSEAlgorithm", "id": "ID"}


@dataclass
class Context:
    """The emulator's clients, the local cloud's folder and ports, and the state of earlier runs."""

    home: Path
    emulator: str
    host: str
    state: State

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}

    def client(self, service: str) -> Any:
        """Return the service's boto3 client, which threads may share."""
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,  # type: ignore[call-overload]
                endpoint_url=self.emulator,
                region_name=REGION,
                config=Config(s3={"addressing_style": "path"}, max_pool_connections=16, retries={"max_attempts": 2}),
            )
        return self._clients[service]


@dataclass(frozen=True)
class Order:
    """A resource to be made. `id`: its physical id as the last run recorded it, or an empty text."""

    context: Context
    urn: str
    inputs: Inputs
    id: str = ""

    def client(self, service: str) -> Any:
        return self.context.client(service)

    def name(self, key: str = "name") -> str:
        """Return the physical name: the program's, else the URN's own with seven digits of its hash, as Pulumi does."""
        if self.inputs.get(key):
            return str(self.inputs[key])
        return f"{self.urn.rsplit('::', 1)[1]}-{hashlib.sha256(self.urn.encode()).hexdigest()[:7]}"


def keep(_context: Context, _record: Record) -> None:
    """Do nothing: the resource goes away with the one that it belongs to, or holds data that outlives it."""


@dataclass(frozen=True)
class Maker:
    """Creates a resource or updates it, and removes it."""

    make: Callable[[Order], Result]
    remove: Callable[[Context, Record], None] = keep


def removal(
    service: str, operation: str, argument: str = "", **others: Callable[[Record], Any]
) -> Callable[[Context, Record], None]:
    """Return a `remove` that makes one call; a resource that is gone already is not an error.

    `argument` is the call's argument for the resource's id; `others` are computed from the record.
    """

    def remove(context: Context, record: Record) -> None:
        request = {name: value(record) for name, value in others.items()}
        if argument:
            request[argument] = record.id
        attempt(lambda: getattr(context.client(service), operation)(**request), MISSING)

    return remove


def attempt(call: Callable[[], Any], codes: tuple[str, ...], otherwise: Callable[[], Any] = lambda: None) -> Any:
    """Return the call's answer, or that of `otherwise` where the call fails with a code that ends in one of `codes`."""
    try:
        return call()
    except ClientError as error:
        if not str(error.response.get("Error", {}).get("Code")).endswith(codes):
            raise
    return otherwise()


def arn(service: str, rest: str, *, region: bool = True) -> str:
    return f"arn:aws:{service}:{REGION if region else ''}:{ACCOUNT}:{rest}"


def aws_names(value: Any) -> Any:
    """Return the provider's camelCase under the API's own names, where only the first letter differs."""
    if isinstance(value, Mapping):
        return {_AWS_NAMES.get(key, key[0].upper() + key[1:]): aws_names(part) for key, part in value.items()}
    return [aws_names(part) for part in value] if isinstance(value, list) else value


def members(inputs: Inputs, *names: str) -> dict[str, Any]:
    """Return the named inputs that are set, under the API's own names."""
    picked: dict[str, Any] = aws_names({name: inputs[name] for name in names if inputs.get(name) is not None})
    return picked
