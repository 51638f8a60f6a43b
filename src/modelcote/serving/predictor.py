"""An event becomes an answer: the one server behind every door."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from modelcote.core.errors import BadRequest, InvalidInput, ModelcoteError, ModelFailed, to_problem
from modelcote.core.manifest import MANIFEST, parse_manifest
from modelcote.flow.inputs import count
from modelcote.flow.load import LoadedFlow, load_flow
from modelcote.flow.result import dumps


class Predictor:
    """A loaded flow and the way from an event to the bytes of an answer."""

    def __init__(self, flow: LoadedFlow) -> None:
        self.flow = flow

    @classmethod
    def from_folder(cls, folder: Path) -> Predictor:
        """The predictor of an unpacked bundle; raises `InvalidBundle` and `VersionMismatch`."""
        manifest = parse_manifest(json.loads((folder / MANIFEST).read_bytes()))
        return cls(load_flow(folder, manifest))

    def predict(self, event: Mapping[str, Any]) -> bytes:
        """The answer to `{"data", "files"?}`: `{"result", "run_time_ms", "points"}` or `{"error": problem}`.

        `files` are `{"name", "content_type", "b64"}`. Nothing that the model's code raises leaves here, a
        `sys.exit` neither: only a dead process is a failed invocation.
        """
        start = perf_counter()
        try:
            data = event["data"]
            result = self.run(data, _files(event["files"]) if event.get("files") else ())
            took = round((perf_counter() - start) * 1000, 4)
            return dumps({"result": result, "run_time_ms": took, "points": count(data)})
        except ModelcoteError as error:
            return dumps({"error": to_problem(error)})
        except KeyError as error:
            return dumps({"error": to_problem(BadRequest(f"the event has no {error}.", "Call through the gateway."))})

    def run(self, data: Any, files: Sequence[bytes] = ()) -> Any:
        """The result of a request's data; raises `InvalidInput`, and `ModelFailed` for what the model's code raised."""
        try:
            return self.flow.predict(data, files)
        except ModelcoteError:
            raise
        except (Exception, SystemExit) as error:  # the model's own code may raise anything
            raise ModelFailed(
                f"{type(error).__name__}: {error}"[:1000],
                "Check the data, or the model and its processors, with `Conduit.run` in your own process.",
                exception=type(error).__name__,
            ) from error


def _files(files: Sequence[Mapping[str, str]]) -> tuple[bytes, ...]:
    try:
        return tuple(base64.b64decode(file["b64"], validate=True) for file in files)
    except (KeyError, TypeError, binascii.Error) as error:
        raise InvalidInput("a file of the event cannot be read.", "Send files as multipart/form-data.") from error
