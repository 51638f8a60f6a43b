"""modelcote: one serverless function per model, on your own AWS account, and the same on a laptop."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelcote.core import errors
    from modelcote.core.hardware import Hardware as hardware
    from modelcote.core.runtimes import ModelType as model_type
    from modelcote.core.spec import python_version
    from modelcote.sdk.api_request import model_api_request
    from modelcote.sdk.async_client import AsyncClient
    from modelcote.sdk.client import Client
    from modelcote.sdk.conduit import Conduit

# Name -> (module, attribute). Imported on first use only: a model's function imports this package too.
_EXPORTS = {
    "AsyncClient": ("modelcote.sdk.async_client", "AsyncClient"),
    "Client": ("modelcote.sdk.client", "Client"),
    "Conduit": ("modelcote.sdk.conduit", "Conduit"),
    "errors": ("modelcote.core.errors", ""),
    "hardware": ("modelcote.core.hardware", "Hardware"),
    "model_api_request": ("modelcote.sdk.api_request", "model_api_request"),
    "model_type": ("modelcote.core.runtimes", "ModelType"),
    "python_version": ("modelcote.core.spec", "python_version"),
}

__all__ = [
    "AsyncClient",
    "Client",
    "Conduit",
    "errors",
    "hardware",
    "model_api_request",
    "model_type",
    "python_version",
]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'modelcote' has no attribute {name!r}")
    path, attribute = _EXPORTS[name]
    module = import_module(path)
    return getattr(module, attribute) if attribute else module
