"""One inspector per runtime, a module with `inspect(artifact)`: what a model's file holds, without loading it.

It returns the file's needs, distribution -> version specifier, where the file tells. Its errors say what the file is or
does ("is truncated."), without its name.

The runtime's row in `modelcote.core.runtimes` names it. Inspectors run in the SDK and in the control API, where no
model's library is installed; nothing of a file is executed.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from importlib import import_module

from modelcote.bundle.refusals import empty
from modelcote.core.errors import InvalidBundle
from modelcote.core.runtimes import MODEL_TYPES, RUNTIMES, BaseModelType, served_runtimes


@dataclass(frozen=True)
class Artifact:
    """A model's file: its name and content, its type, and the names of the bundle's members beside it.

    `trusted`: pickled code of the caller's own is accepted.
    """

    name: str
    data: bytes
    model_type: BaseModelType
    members: Set[str] = frozenset()
    trusted: bool = False

    @property
    def head(self) -> bytes:
        """The first bytes, which tell what the file is."""
        return self.data[:512]


def inspect_artifact(artifact: Artifact) -> dict[str, str]:
    """Have the artifact inspected by its runtime; return its needs.

    Raises `InvalidBundle` or `UnsafePickle`, which name the file.
    """
    inspector = RUNTIMES[artifact.model_type.runtime].inspector
    if not inspector:
        served = ", ".join(member.name for member in MODEL_TYPES.values() if member.runtime in served_runtimes())
        raise InvalidBundle(f"{artifact.model_type.name} is not served by this version.", f"Use one of: {served}.")
    try:
        if not artifact.data:
            raise empty()
        return dict(import_module(inspector).inspect(artifact) or {})
    except InvalidBundle as error:
        raise type(error)(f"{artifact.name} {error.detail}", error.remedy, **error.extra) from error
