"""`python -m modelcote.serving.check`: load a bundle where it will be served, before any traffic reaches it.

The task is the bundle's folder; see `modelcote.core.processes`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelcote.core.errors import InvalidBundle, ModelcoteError
from modelcote.core.processes import answer
from modelcote.core.texts import first_line
from modelcote.serving.predictor import Predictor


def check(folder: str) -> dict[str, Any]:
    """Return the description of the flow's inputs; raise a `ModelcoteError` if the bundle does not load."""
    try:
        return Predictor.from_folder(Path(folder)).flow.inputs.to_dict()
    except ModelcoteError:
        raise
    except Exception as error:  # whatever a model does while it loads would end its function the same way
        raise InvalidBundle(
            f"the model does not load: {type(error).__name__}: {first_line(error, 300)}.", "Load it locally."
        ) from error


if __name__ == "__main__":
    answer(check)
