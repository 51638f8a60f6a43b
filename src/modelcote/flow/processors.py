"""`pre` and `post` processors: source text becomes a function of one to three arguments.

Every processor of a flow sees `save(name, obj)`, `get(name)`, `delete(name)` (objects that live as long as the
process; a missing name is a `NameError`) and `get_secret(key)`.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any

from modelcote.core.errors import InvalidBundle, NotFound
from modelcote.core.flow import Processor
from modelcote.core.names import secret_name
from modelcote.core.texts import first_line


class Store:
    """Objects that processors keep between calls of one process."""

    def __init__(self) -> None:
        self._objects: dict[str, Any] = {}

    def save(self, name: str, value: Any) -> None:
        self._objects[name] = value

    def get(self, name: str) -> Any:
        if name not in self._objects:
            raise NameError(f"nothing is saved under {name!r}")
        return self._objects[name]

    def delete(self, name: str) -> None:
        self.get(name)
        del self._objects[name]


def get_secret(key: str) -> str:
    """Return the project's secret from Secrets Manager; in a caller's own process, the environment variable `key`.

    Raises `NotFound` with the command that sets it.
    """
    stack, project = os.environ.get("MODELCOTE_STACK", ""), os.environ.get("MODELCOTE_PROJECT", "")
    missing = NotFound(f"there is no secret {key!r}.", f"Set it with `cote secrets set {key}`.")
    if not stack:
        if key in os.environ:
            return os.environ[key]
        raise missing
    import boto3

    client = boto3.client("secretsmanager")
    try:
        return str(client.get_secret_value(SecretId=secret_name(stack, project, key))["SecretString"])
    except client.exceptions.ResourceNotFoundException as error:
        raise missing from error


def load_processor(processor: Processor, store: Store) -> Callable[..., Any]:
    """Return the processor as a function of three arguments, of which it gets as many as it has parameters.

    Raises `InvalidBundle` where the source does not define it, or it has none or more than three.
    """
    names: dict[str, Any] = {
        "save": store.save,
        "get": store.get,
        "delete": store.delete,
        "get_secret": get_secret,
        "__name__": "modelcote_processor",
    }
    try:
        exec(compile(processor.source, f"<processor {processor.name}>", "exec"), names)  # noqa: S102
    except Exception as error:  # the caller's own code
        raise InvalidBundle(
            f"the processor {processor.name} cannot be defined: {type(error).__name__}: {first_line(error, 200)}.",
            "Import inside the function what it needs, and use no name from outside it.",
        ) from error
    function = names.get(processor.name)
    if not inspect.isfunction(function):
        raise InvalidBundle(
            f"the source of the processor {processor.name} does not define it.", "Use a plain function."
        )
    parameters = len(inspect.signature(function).parameters)
    if not 1 <= parameters <= 3:
        raise InvalidBundle(
            f"the processor {processor.name} has {parameters} parameters.", "A processor has one to three."
        )
    return lambda *values: function(*values[:parameters])
