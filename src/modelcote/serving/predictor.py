"""Turns an event into an answer: the one server behind every way in."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from modelcote.core.errors import BadRequest, InvalidInput, ModelcoteError, ModelFailed, to_problem
from modelcote.core.event import ANSWER_BYTES, answer_members, error_json, store_request, too_large
from modelcote.core.manifest import MANIFEST, parse_manifest
from modelcote.core.texts import first_line
from modelcote.flow.inputs import count
from modelcote.flow.load import LoadedFlow, load_flow
from modelcote.flow.result import dumps

Predict = Callable[[Mapping[str, Any]], bytes]


def respond(predict: Predict, event: Mapping[str, Any]) -> bytes:
    """Return the answer to an event, and store it where the event has a store request.

    One that Lambda would not send becomes `PayloadTooLarge`; what is stored may be of any size.
    """
    request = store_request(event)
    if request is None:
        return _sendable(predict(event))
    after_s = request.get("after_s")
    started = perf_counter()
    answer = b"" if after_s is None else predict(event)
    if after_s is not None and perf_counter() - started <= after_s:
        return _sendable(answer)
    # Only for what is stored: a cold start need not wait for this import.
    from modelcote.serving.stored import keep, predict_and_store

    return _sendable(keep(request, answer)) if answer else predict_and_store(predict, event, request)


def _sendable(answer: bytes) -> bytes:
    return answer if len(answer) <= ANSWER_BYTES else error_json(to_problem(too_large()))


class Predictor:
    """A loaded flow and the way from an event to the bytes of an answer."""

    def __init__(self, flow: LoadedFlow) -> None:
        self.flow = flow

    @classmethod
    def from_folder(cls, folder: Path) -> Predictor:
        """Return the predictor of an unpacked bundle; raise `InvalidBundle` and `VersionMismatch`."""
        manifest = parse_manifest(json.loads((folder / MANIFEST).read_bytes()))
        return cls(load_flow(folder, manifest))

    def predict(self, event: Mapping[str, Any]) -> bytes:
        """Return the answer to an event that holds its data (`modelcote.core.event`), an error's answer included.

        `files` are `{"name", "content_type", "b64"}`. No exception of the model's code leaves this method, not even a
        `sys.exit`: only a dead process is a failed invocation.
        """
        start = perf_counter()
        try:
            data = event["data"]
            result = self.run(data, _files(event["files"]) if event.get("files") else ())
            took = round((perf_counter() - start) * 1000, 4)
            return dumps(answer_members(result, took, count(data)))
        except ModelcoteError as error:
            # A processor may have raised it, with any value among its members.
            return dumps({"error": to_problem(error)})
        except KeyError as error:
            return error_json(to_problem(BadRequest(f"the event has no {error}.", "Call through the gateway.")))

    def run(self, data: Any, files: Sequence[bytes] = ()) -> Any:
        """Return the result of a request's data; raise `InvalidInput`, or `ModelFailed` for an error in model code."""
        try:
            return self.flow.predict(data, files)
        except ModelcoteError:
            raise
        except (Exception, SystemExit) as error:  # the model's own code may raise anything
            raise ModelFailed(
                f"the model's code raised {type(error).__name__}: {first_line(error, 300)}.",
                "Check the data, or the model and its processors, with `Conduit.run` in your own process.",
                exception=type(error).__name__,
            ) from error


def _files(files: Sequence[Mapping[str, str]]) -> tuple[bytes, ...]:
    try:
        return tuple(base64.b64decode(file["b64"], validate=True) for file in files)
    except (KeyError, TypeError, binascii.Error) as error:
        raise InvalidInput("a file of the event cannot be read.", "Send files as multipart/form-data.") from error
