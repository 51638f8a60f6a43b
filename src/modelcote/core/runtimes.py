"""What can be served: the libraries, the runtimes and the model types, one table each.

A runtime is a set of libraries; a lock (`runtime-images/<name>/requirements.lock`) is one choice of their versions.
`modelcote.bundle.versions` decides whether a choice of versions may read a file that another one wrote.

A new model type is a row, with a runtime and libraries if these are new, a runner (`modelcote.flow.runners`, loads the
artifact where its library is installed), an inspector (`modelcote.bundle.inspectors`, checks it where no library is)
and a lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Self


@dataclass(frozen=True)
class Library:
    """A library that a runtime's files depend on.

    `module`: the root of its modules. `digits`: how many leading parts of the version in the process that made a bundle
    must be the same for a version-bound file to mean the same, where the file itself does not tell. `aliases`: other
    distributions of the same library. `oldest`: the first version with wheels for a Python that is served. `compiled`:
    its models may be compiled.
    """

    distribution: str
    module: str = ""
    digits: int = 0
    aliases: tuple[str, ...] = ()
    oldest: str = ""
    compiled: bool = True


@dataclass(frozen=True)
class Runtime:
    """The libraries that serve a model type.

    `rank`: a flow of several runtimes is served by the one of the highest rank, which can load the stages of the
    others. `runner` and `inspector`: modules, by import path; a runtime without a runner is not served.
    `version_bound`: suffixes of the files that only the versions that wrote them read alike. `compilable`: the
    compiler knows its models.
    """

    name: str
    rank: int
    runner: str = ""
    inspector: str = ""
    libraries: tuple[Library, ...] = ()
    version_bound: tuple[str, ...] = ()
    compilable: bool = False

    @property
    def modules(self) -> tuple[str, ...]:
        """What a process must be able to import in order to load an artifact."""
        return tuple(library.module for library in self.libraries if library.module)


# scikit-learn and XGBoost promise nothing across minor versions (their own persistence pages say so); numpy changed
# its pickles with its major version. xgboost-cpu is xgboost without its CUDA libraries.
LIBRARIES: dict[str, Library] = {
    library.distribution: library
    for library in (
        Library("scikit-learn", "sklearn", 2, oldest="1.1.3"),
        Library("xgboost", "xgboost", 2, ("xgboost-cpu",), oldest="1.7.0"),
        Library("lightgbm", "lightgbm", 2, compiled=False),
        Library("catboost", "catboost", 2, compiled=False),
        Library("numpy", "numpy", 1),
        Library("scipy", "scipy"),
        Library("pandas", "pandas"),
        Library("onnxruntime", "onnxruntime"),
    )
}
_SKLEARN = (LIBRARIES["scikit-learn"], LIBRARIES["numpy"], LIBRARIES["scipy"])
_XGBOOST = (LIBRARIES["xgboost"], *_SKLEARN)
_RUNNERS, _INSPECTORS = "modelcote.flow.runners", "modelcote.bundle.inspectors"

# A file is read by what it contains; its suffix only tells it from other kinds of files. `""`: a file without one.
PICKLES = (".pkl", ".pickle", ".p", ".joblib", ".sav", ".gz", ".z", ".bz2", ".xz", ".lzma", "")
_XGBOOST_FILES = (*PICKLES, ".json", ".ubj", ".model", ".bst")

RUNTIMES: dict[str, Runtime] = {
    runtime.name: runtime
    for runtime in (
        Runtime("onnx", 0, f"{_RUNNERS}.onnx", f"{_INSPECTORS}.onnx", (LIBRARIES["onnxruntime"],)),
        Runtime("sklearn", 1, f"{_RUNNERS}.sklearn", f"{_INSPECTORS}.sklearn", _SKLEARN, PICKLES, compilable=True),
        Runtime("xgboost", 2, f"{_RUNNERS}.xgboost", f"{_INSPECTORS}.xgboost", _XGBOOST, PICKLES, compilable=True),
        # Names of the interface that this version has no runner for.
        Runtime("spacy", 3),
        Runtime("torch", 4),
        Runtime("transformers", 5),
    )
}


def served_runtimes() -> tuple[str, ...]:
    """Return the names of the runtimes that this version builds; the others are refused before anything is sent."""
    return tuple(name for name, runtime in RUNTIMES.items() if runtime.runner)


def suffix_of(file: str) -> str:
    """Return the suffix of a file's name in lower case: `.pkl`; empty without one. `model-1.2` has none."""
    suffix = PurePosixPath(file.replace("\\", "/")).suffix.lower()
    return "" if suffix[1:].isdigit() else suffix


class BaseModelType(StrEnum):
    """A model type: a string equal to its value in `conduit.json`, and how it is served. Subclasses add members.

    `suffixes` of its artifact (`""`: without one, a folder too; none: the stage has arguments instead of a file);
    `method` of the loaded model that answers.
    """

    _value_: str
    runtime: str
    suffixes: tuple[str, ...]
    method: str

    def __new__(cls, value: str, runtime: str, suffixes: tuple[str, ...] = (), method: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.runtime, member.suffixes, member.method = runtime, suffixes, method
        return member


class ModelType(BaseModelType):
    """The model types of the Conduit interface, in its own spelling. Stored specs name them: none is ever removed."""

    SKLEARN = "sklearn", "sklearn", PICKLES, "predict"
    SKLEARN_CLASSIFIER = "sklearn_classifier", "sklearn", PICKLES, "predict_proba"
    SKLEARN_PREPROCESSOR = "sklearn_preprocessor", "sklearn", PICKLES, "transform"
    XGBOOST_CLASSIFIER = "xgboost_classifier", "xgboost", _XGBOOST_FILES, "predict_proba"
    XGBOOST_REGRESSOR = "xgboost_regressor", "xgboost", _XGBOOST_FILES, "predict"
    TORCH = "torch", "torch", (".pkl", ".pt")
    ONNX = "onnx", "onnx", (".onnx", "")
    SPACY = "spacy", "spacy", ("",)
    HUGGINGFACE_PIPELINE = "hf_pipeline", "transformers"


MODEL_TYPES: dict[str, BaseModelType] = {member.value: member for member in ModelType}
