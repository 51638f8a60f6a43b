"""What makers are given, and the two shapes of what they give."""

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
Made = tuple[str, dict[str, Any]]


@dataclass
class Context:
    """The emulator's clients, the local cloud's folder and ports, and what was made before."""

    home: Path
    emulator: str
    host: str
    state: State

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}

    def client(self, service: str) -> Any:
        """A boto3 client, made once; they may be shared by threads."""
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,  # type: ignore[call-overload]
                endpoint_url=self.emulator,
                region_name=REGION,
                config=Config(s3={"addressing_style": "path"}, max_pool_connections=16, retries={"max_attempts": 2}),
            )
        return self._clients[service]


@dataclass(frozen=True)
class Maker:
    """Makes or updates a resource (`before`: as it was made last, if it was), and takes it away."""

    make: Callable[[Context, str, Inputs, Record | None], Made]
    remove: Callable[[Context, Record], None]


def nothing(_context: Context, _record: Record) -> None:
    """For what goes away with the resource that it belongs to."""


def auto_name(urn: str, inputs: Inputs, key: str = "name") -> str:
    """The physical name: as given, else the URN's own with seven digits of its hash, as Pulumi's auto-naming."""
    if inputs.get(key):
        return str(inputs[key])
    return f"{urn.rsplit('::', 1)[1]}-{hashlib.sha256(urn.encode()).hexdigest()[:7]}"


def arn(service: str, rest: str, *, region: bool = True) -> str:
    return f"arn:aws:{service}:{REGION if region else ''}:{ACCOUNT}:{rest}"


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def quietly(call: Callable[[], Any], *codes: str) -> None:
    """Make a call of which these error codes mean that it is done already."""
    try:
        call()
    except ClientError as error:
        if code_of(error) not in codes:
            raise
