"""Every error that modelcote raises or answers with.

ModelcoteError
├── BadRequest            400  the request cannot be read
│   └── MalformedJson     400  the body is not strict JSON
├── Unauthorized          401  no key, or a key or token that is not valid
├── Forbidden             403  the key lacks a scope
├── NotFound              404  no such thing in this project
├── MethodNotAllowed      405
├── Conflict              409  the state does not allow it
├── PayloadTooLarge       413
├── UnsupportedMediaType  415
├── Invalid               422  readable, but against a rule (also a ValueError)
│   ├── InvalidSpec       422  a constructor argument or a spec field
│   ├── InvalidInput      422  data that the model cannot take
│   ├── InvalidBundle     422  an artifact or a zip
│   │   └── UnsafePickle  422  a pickle that reaches outside its allow-list
│   ├── VersionMismatch   422  trained with libraries that the runtime does not have
│   └── ModelFailed       422  the model's or a processor's own code raised
├── TooManyRequests       429
├── HeadersTooLarge       431
├── RunCanceled           409  the run was canceled (one of a run's endings, as the next two)
├── RunNotProcessed       500  the run's message was delivered five times and no worker could process it
├── RunExpired            503  the run waited in the queue for longer than its limit
├── DeployFailed          500  a version did not become ready (seen by the deploying client only)
├── LocalCloudError       500  the laptop's cloud could not do it (never sent over HTTP)
├── ModelCrashed          502  the model's process died
├── BackendUnavailable    503  the backend throttles or is starting
├── ModelTimeout          504  the model took longer than its limit
│   └── NotYetAnswered    504  the caller's patience ended first; the model goes on
└── WaitTimeout           504  the run has not ended in the time given for waiting (also a TimeoutError)

A class carries its code and its status; an instance carries one sentence on what was wrong and one on what to
do. `to_problem` and `from_problem` are the two ends of the wire (RFC 9457).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class ModelcoteError(Exception):
    """`detail` says what was wrong, `remedy` what to do; `extra` holds machine-readable members."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str, remedy: str = "", **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy
        self.extra = extra

    @property
    def text(self) -> str:
        """Both sentences, for messages that carry the code and the status elsewhere."""
        return f"{self.detail} {self.remedy}".strip()

    def __str__(self) -> str:
        return f"{self.text} ({self.code}, {self.status})"


class BadRequest(ModelcoteError):
    code, status, title = "bad_request", 400, "Bad request"


class MalformedJson(BadRequest):
    code, title = "malformed_json", "Malformed JSON"


class Unauthorized(ModelcoteError):
    code, status, title = "unauthorized", 401, "Unauthorized"


class Forbidden(ModelcoteError):
    code, status, title = "forbidden", 403, "Forbidden"


class NotFound(ModelcoteError):
    code, status, title = "not_found", 404, "Not found"


class MethodNotAllowed(ModelcoteError):
    code, status, title = "method_not_allowed", 405, "Method not allowed"


class Conflict(ModelcoteError):
    code, status, title = "conflict", 409, "Conflict"


class PayloadTooLarge(ModelcoteError):
    code, status, title = "payload_too_large", 413, "Payload too large"


class UnsupportedMediaType(ModelcoteError):
    code, status, title = "unsupported_media_type", 415, "Unsupported media type"


class Invalid(ModelcoteError, ValueError):
    code, status, title = "invalid", 422, "Invalid"


class InvalidSpec(Invalid):
    code, title = "invalid_spec", "Invalid model spec"


class InvalidInput(Invalid):
    code, title = "invalid_input", "Invalid input"


class InvalidBundle(Invalid):
    code, title = "invalid_bundle", "Invalid bundle"


class UnsafePickle(InvalidBundle):
    code, title = "unsafe_pickle", "Unsafe pickle"


class VersionMismatch(Invalid):
    code, title = "version_mismatch", "Library version mismatch"


class ModelFailed(Invalid):
    code, title = "model_failed", "The model's code raised an error"


class TooManyRequests(ModelcoteError):
    code, status, title = "too_many_requests", 429, "Too many requests"


class HeadersTooLarge(ModelcoteError):
    code, status, title = "headers_too_large", 431, "Request header fields too large"


class RunCanceled(ModelcoteError):
    code, status, title = "canceled", 409, "The run was canceled"


class RunNotProcessed(ModelcoteError):
    code, title = "not_processed", "The run could not be processed"


class RunExpired(ModelcoteError):
    code, status, title = "expired", 503, "The run waited too long"


class DeployFailed(ModelcoteError):
    code, title = "deploy_failed", "Deploy failed"


class LocalCloudError(ModelcoteError):
    code, title = "local_cloud", "Local cloud error"


class ModelCrashed(ModelcoteError):
    code, status, title = "model_crashed", 502, "The model's process died"


class BackendUnavailable(ModelcoteError):
    code, status, title = "backend_unavailable", 503, "The backend is not available"


class ModelTimeout(ModelcoteError):
    code, status, title = "model_timeout", 504, "The model took too long"


class NotYetAnswered(ModelTimeout):
    code, title = "not_yet_answered", "The model has not answered yet"


class WaitTimeout(ModelcoteError, TimeoutError):
    code, status, title = "wait_timeout", 504, "The run has not ended yet"


def _tree(root: type[ModelcoteError]) -> list[type[ModelcoteError]]:
    return [root, *(error for child in root.__subclasses__() for error in _tree(child))]


# Codes of earlier versions, which stored runs still show.
_RENAMED = {"not_worked_off": RunNotProcessed.code}

BY_CODE: dict[str, type[ModelcoteError]] = {error.code: error for error in _tree(ModelcoteError)}


def to_problem(error: ModelcoteError, request_id: str = "") -> dict[str, Any]:
    """Return the RFC 9457 body of an error, with `code`, `remedy` and `request_id` as extension members."""
    problem = {
        "type": f"https://modelcote.dev/errors/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "remedy": error.remedy,
        **error.extra,
    }
    if request_id:
        problem["request_id"] = request_id
    return problem


_RESERVED = frozenset({"type", "title", "status", "detail", "code", "remedy"})


def from_problem(problem: Mapping[str, Any]) -> ModelcoteError:
    """Return the error that a problem body describes; an unknown code becomes the base class."""
    code = str(problem.get("code", ""))
    error_class = BY_CODE.get(_RENAMED.get(code, code), ModelcoteError)
    extra = {str(key): value for key, value in problem.items() if key not in _RESERVED}
    return error_class(str(problem.get("detail", "")), str(problem.get("remedy", "")), **extra)
