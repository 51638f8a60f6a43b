"""`conduit.json`, the bundle's manifest: ours and a foreign client's, parsed once into a `Manifest`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelcote.core.errors import InvalidBundle
from modelcote.core.flow import Flow, flow_rows, parse_flow

MANIFEST = "conduit.json"
REQUIREMENTS = "requirements.txt"
COMPILED = "compiled.onnx"
# The caller's rows, one a line as JSON, for the gate of the build; no package holds it.
SAMPLE = "sample.jsonl"


@dataclass(frozen=True)
class Manifest:
    """The description of a bundle that serving needs.

    `libraries`: distribution name -> version in the process that made the bundle (`python` among them); empty
    for a foreign bundle. `needs`: distribution -> version specifier, read from the files by an inspection, which alone
    sets it. `inputs`: those of the first stage, as `modelcote.core.inputs.Inputs.to_dict` writes them, or None when
    only the loaded model can tell. `hints`: what the caller says of them: `inputs` of a sample, `categories` by column.
    `compiled`: the compiled tier's report (`modelcote.compile.Report.to_dict`) when the bundle holds `compiled.onnx`,
    else None.
    """

    name: str
    flow: Flow
    libraries: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Any] | None = None
    compiled: Mapping[str, Any] | None = None
    trusted: bool = False
    hints: Mapping[str, Any] | None = None
    needs: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def runtime(self) -> str:
        """The runtime of this bundle's types: a compiled flow needs only `onnx`."""
        return "onnx" if self.compiled is not None else self.flow.runtime


def manifest_to_dict(manifest: Manifest) -> dict[str, Any]:
    """Return the members of `conduit.json` that serving reads, flow and processors in the Conduit form."""
    rows, processors = flow_rows(manifest.flow)
    members = {name: value for name, value in vars(manifest).items() if name != "needs"}
    return {**members, "flow": rows, "processors": processors}


def parse_manifest(data: object) -> Manifest:
    """Parse a `conduit.json`; members that serving does not know (an API key among them) are dropped."""
    if not isinstance(data, Mapping):
        raise InvalidBundle(f"{MANIFEST} is not a JSON object.", "Make the bundle with Conduit or `cote deploy`.")
    libraries = data.get("libraries") or {}
    inputs, compiled, hints = (data.get(member) for member in ("inputs", "compiled", "hints"))
    if not (
        isinstance(libraries, Mapping)
        and all(isinstance(item, str) for pair in libraries.items() for item in pair)
        and all(member is None or isinstance(member, Mapping) for member in (inputs, compiled, hints))
    ):
        raise InvalidBundle(
            f"{MANIFEST} has a member of the wrong type.", "Make the bundle with Conduit or `cote deploy`."
        )
    return Manifest(
        name=str(data.get("name", "")),
        flow=parse_flow(data.get("flow"), data.get("processors") or ()),
        libraries=dict(libraries),
        inputs=inputs,
        compiled=compiled,
        trusted=data.get("trusted") is True,
        hints=hints,
    )
