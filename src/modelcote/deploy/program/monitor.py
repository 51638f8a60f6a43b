"""Run a Pulumi program without the engine. The one module that uses the SDK's own runtime.

A program registers resources with a monitor. Here the monitor is this process: every resource, its inputs
resolved, is passed to `Hands`, and what they return becomes the resource's outputs. The planner records, the
materialiser creates.

Written against pulumi 3.272.0, which is pinned. The SDK keeps its state in module globals, so a process runs
one program only: give every run its own subprocess.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import pulumi
from google.protobuf import struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime import mocks, rpc
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import get_project, get_root_resource, get_stack
from pulumi.runtime.stack import Stack, run_pulumi_func

from modelcote.core.errors import DeployFailed

_T = TypeVar("_T")
_STACK = "pulumi:pulumi:Stack"
_ASSET = rpc._special_asset_sig
_ARCHIVE = rpc._special_archive_sig
_SECRET = rpc._special_secret_sig
_SIGNATURE = rpc._special_sig_key


@dataclass(frozen=True)
class Asset:
    """One file's content: exactly one of `path` and `text` is set."""

    path: str = ""
    text: str = ""


@dataclass(frozen=True)
class Archive:
    """A zip file or a folder, or, where `path` is empty, files by their name in it."""

    path: str = ""
    assets: Mapping[str, Asset | Archive] = field(default_factory=dict)


@dataclass(frozen=True)
class Resource:
    """One registered resource with resolved inputs, in the provider's camelCase names.

    `custom` is False for a component, which is nothing of its own on AWS. `secrets` names the inputs
    that are secret or hold a secret; they are unwrapped. `depends_on` holds URNs, without parents.
    """

    urn: str
    type: str
    name: str
    parent: str
    custom: bool
    inputs: Mapping[str, Any]
    depends_on: tuple[str, ...] = ()
    secrets: frozenset[str] = frozenset()
    protect: bool = False
    retain_on_delete: bool = False


class Hands(Protocol):
    """Handles the resources; both methods may be called from several threads at once."""

    def create(self, resource: Resource) -> tuple[str, Mapping[str, Any]]:
        """Return the physical id and the computed outputs; all other inputs are outputs unchanged.

        Called once per resource, components included, after everything it depends on has returned. An output that
        the program reads and that is missing is None there.
        """

    def call(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the result of a provider function (`aws:index/getRegion:getRegion`)."""


def run(
    program: Callable[[], None],
    hands: Hands,
    *,
    project: str = "modelcote",
    stack: str,
    threads: int = 8,
) -> dict[str, Any]:
    """Run `program` and return its exports, resolved.

    `threads`: how many `create` calls may run at once; 0 runs them one after the other in the calling thread, which
    is faster for hands that do no I/O. Raises what `create` raised first, and `DeployFailed` for a URN that is
    registered twice or a secret among the exports.
    """
    loop = _InlineLoop() if threads == 0 else asyncio.new_event_loop()
    # The root stack registers itself on the current loop while `set_mocks` runs: without a loop it waits for ever.
    asyncio.set_event_loop(loop)
    if threads:
        loop.set_default_executor(ThreadPoolExecutor(threads, thread_name_prefix="create"))
    monitor = _Monitor(hands)
    # Millions of live objects and almost no garbage: collection took two thirds of a large run's time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        mocks.set_mocks(monitor.unused, project=project, stack=stack, preview=False, monitor=monitor)
        root = get_root_resource()
        if not isinstance(root, Stack):
            raise DeployFailed(
                "The Pulumi SDK created no root stack.", "Install pulumi==3.272.0, which this version supports."
            )
        loop.run_until_complete(run_pulumi_func(program))
        return loop.run_until_complete(_resolve(root.outputs))
    except Exception:
        # The SDK wraps what a registration raised; the caller needs the cause itself.
        if monitor.first_error is not None:
            raise monitor.first_error from None
        raise
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()
        if collecting:
            gc.freeze()  # What the run left lives until the process ends; scanning it again would free nothing.
            gc.enable()


class _InlineLoop(asyncio.SelectorEventLoop):
    """An event loop whose default executor is the calling thread."""

    def run_in_executor(  # type: ignore[override]
        self,
        executor: Any,  # noqa: ARG002 (the base class's)
        func: Callable[..., _T],
        *args: Any,
    ) -> asyncio.Future[_T]:
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


async def _resolve(exports: Mapping[str, Any]) -> dict[str, Any]:
    resolved = {}
    for name, value in exports.items():
        output = pulumi.Output.from_input(value)
        if await output.is_secret():
            raise DeployFailed(f"The export {name} is a secret.", "Export its ARN or name instead.")
        resolved[name] = await output.future()
    return resolved


class _Unused(mocks.Mocks):
    """Required by `set_mocks`; `_Monitor` overrides every method that would call it."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        raise NotImplementedError(args.name)

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise NotImplementedError(args.token)


class _Monitor(mocks.MockMonitor):
    def __init__(self, hands: Hands) -> None:
        self.unused = _Unused()
        super().__init__(self.unused)
        self.hands = hands
        self.first_error: Exception | None = None
        self.seen: set[str] = set()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Return the URN as the engine forms it: the types of all ancestors but the stack, then the resource's own."""
        above = parent.split("::")[2] if parent else _STACK
        qualified = type_ if above == _STACK else f"{above}${type_}"
        return f"urn:pulumi:{get_stack()}::{get_project()}::{qualified}::{name}"

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 (the SDK's name)
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == _STACK:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        try:
            return self._register(urn, request)
        except Exception as error:
            self.first_error = self.first_error or error
            raise

    def _register(self, urn: str, request: Any) -> Any:
        if urn in self.seen:
            raise DeployFailed(
                f"Two resources have the URN {urn}.", "Give children names that start with their parent's."
            )
        self.seen.add(urn)
        secrets: set[str] = set()
        resource = Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            parent=request.parent,
            custom=bool(request.custom),
            inputs={name: _python(value, secrets, name) for name, value in request.object.fields.items()},
            depends_on=tuple(sorted(set(request.dependencies) - {request.parent})),
            secrets=frozenset(secrets),
            protect=bool(request.protect),
            retain_on_delete=bool(request.retainOnDelete),
        )
        physical_id, outputs = self.hands.create(resource)
        # Inputs first, unchanged: assets and secrets keep their form.
        state = struct_pb2.Struct()
        state.CopyFrom(request.object)
        for name, value in outputs.items():
            if not (name in resource.inputs and resource.inputs[name] == value):
                state.fields[name].CopyFrom(_protobuf(value))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=physical_id, object=state)

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        raise DeployFailed(
            f"The program reads {request.type} {request.name}, which was created elsewhere.",
            "Pass what it needs through the stack's configuration.",
        )

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        args = {name: _python(value, set(), name) for name, value in request.args.fields.items()}
        result = struct_pb2.Struct()
        for name, value in self.hands.call(request.tok, args).items():
            result.fields[name].CopyFrom(_protobuf(value))
        return resource_pb2.ResourceInvokeResponse(**{"return": result})


def _python(value: struct_pb2.Value, secrets: set[str], name: str) -> Any:
    """Return a protobuf value as Python; whole numbers are ints. Adds `name` to `secrets` if it holds a secret."""
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "list_value":
        return [_python(item, secrets, name) for item in value.list_value.values]
    if kind == "struct_value":
        return _mapping(value.struct_value.fields, secrets, name)
    return None if kind in (None, "null_value") else getattr(value, kind)


def _mapping(fields: Mapping[str, struct_pb2.Value], secrets: set[str], name: str) -> Any:
    signature = fields[_SIGNATURE].string_value if _SIGNATURE in fields else ""
    if signature == _SECRET:
        secrets.add(name)
        return _python(fields["value"], secrets, name)
    plain = {key: _python(item, secrets, name) for key, item in fields.items() if key != _SIGNATURE}
    if signature == _ASSET and "uri" not in plain:
        return Asset(path=plain.get("path", ""), text=plain.get("text", ""))
    if signature == _ARCHIVE and "uri" not in plain:
        return Archive(path=plain.get("path", ""), assets=plain.get("assets", {}))
    if signature:
        raise DeployFailed(
            f"The input {name} is a remote asset or a resource.", "Use a local file, or an attribute of the resource."
        )
    return plain


def _protobuf(value: object) -> struct_pb2.Value:
    """Return Python as a protobuf value; raise `TypeError` for what JSON could not hold either."""
    match value:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str():
            return struct_pb2.Value(string_value=value)
        case list() | tuple():
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=map(_protobuf, value)))
        case Mapping():
            fields = {str(key): _protobuf(item) for key, item in value.items()}
            return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
        case _:
            raise TypeError(f"{type(value).__name__} cannot be an output")
