"""Imports the runtime's packages and predicts once: `python smoke.py` in the runtime."""

from __future__ import annotations

import base64

import numpy as np
import onnxruntime
import orjson

# y = x + 1 for a row of two floats (opset 13), 101 bytes.
PLUS_ONE = base64.b64decode(
    "CAg6WwoQCgF4CgNvbmUSAXkiA0FkZBIEcGx1cyoPCAEQASIEAACAP0IDb25lWhcKAXgSEgoQCAESDAoGEgRyb3dzCgIIAmIXCgF5EhIKEAgB"
    "EgwKBhIEcm93cwoCCAJCBAoAEA0="
)


def main() -> None:
    session = onnxruntime.InferenceSession(PLUS_ONE, providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {"x": np.array([[1.0, 2.0]], dtype=np.float32)})
    assert orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY) == b"[[2.0,3.0]]"


if __name__ == "__main__":
    main()
