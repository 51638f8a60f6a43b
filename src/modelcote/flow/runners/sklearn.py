"""SKLEARN, SKLEARN_CLASSIFIER, SKLEARN_PREPROCESSOR: a pickle, a cloudpickle or a joblib file."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from modelcote.core.errors import InvalidBundle, VersionMismatch
from modelcote.core.runtimes import BaseModelType
from modelcote.core.texts import first_line, shortened
from modelcote.flow.runners import Runner

# What scikit-learn says before 1.3, which has a class for it, and XGBoost (src/common/error_msg.cc).
_OTHER_VERSION = ("Trying to unpickle estimator", "If you are loading a serialized model")


def load(path: Path, model_type: BaseModelType) -> Runner:
    """Return the runner of a pickled estimator; raise `InvalidBundle` and `VersionMismatch`."""
    return runner_of(unpickle(path), model_type, path)


def runner_of(model: Any, model_type: BaseModelType, path: Path) -> Runner:
    """Return the runner of a loaded estimator; raise `InvalidBundle` where it lacks the type's method."""
    method = model_type.method
    call = getattr(model, method, None)
    if not callable(call):
        raise InvalidBundle(
            f"{path.name} holds a {type(model).__name__}, which has no {method}.",
            f"A {model_type.name} stage calls {method}: choose another model type, or train a model that has it.",
        )
    return Runner(None, call, model)


def unpickle(path: Path) -> Any:
    """Unpickle the file. A library's warning of another version's pickle is raised as `VersionMismatch`."""
    import joblib

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = joblib.load(path)
        except Exception as error:  # unpickling runs the classes' own code, which may raise anything
            raise InvalidBundle(
                f"{path.name} cannot be loaded: {type(error).__name__}: {first_line(error, 200)}.",
                "Save the fitted model again with the library versions that it is served with.",
            ) from error
    other = next((text for warning in caught if (text := _other_version(warning.message))), "")
    if other:
        raise VersionMismatch(
            f"{path.name} was saved by other library versions: {shortened(other.splitlines()[0], 200)}",
            "Deploy it: the build loads it with the versions that wrote it; or install those here.",
        )
    return model


def _other_version(warning: Warning | str) -> str:
    """Return the text of a library's warning that another version wrote the file; empty for any other warning."""
    text = str(warning)
    incompatible = type(warning).__name__ == "InconsistentVersionWarning" or any(
        sentence in text for sentence in _OTHER_VERSION
    )
    return text if incompatible else ""
