"""The keys of the bucket's objects: a folder for each kind, under it `<project>/<model>/` and what it belongs to.

A model's role and the bucket's lifecycle rules name the folders.
"""

from __future__ import annotations

from typing import Final, NamedTuple

UPLOADS: Final = "uploads"  # bundles as clients sent them, not inspected yet
BUNDLES: Final = "bundles"
PACKAGES: Final = "packages"
INPUTS: Final = "inputs"
RESULTS: Final = "results"
DETACHED: Final = "detached"  # results of synchronous calls: S3 notifies a queue of every new one


def upload_key(project: str, model: str, version: int) -> str:
    """Return the key for a bundle as a client uploads it."""
    return f"{UPLOADS}/{project}/{model}/{version}/bundle.zip"


def bundle_key(project: str, model: str, version: int) -> str:
    """Return the key for an inspected bundle."""
    return f"{BUNDLES}/{project}/{model}/{version}/bundle.zip"


def package_key(project: str, model: str, version: int, sha256_hex: str) -> str:
    """Return the key for the package built from a bundle."""
    return f"{PACKAGES}/{project}/{model}/{version}/{sha256_hex}.zip"


def input_key(project: str, model: str, run_id: str) -> str:
    """Return the key for a run's input where that is too long for its row."""
    return f"{INPUTS}/{project}/{model}/{run_id}"


class ResultKey(NamedTuple):
    """The key for the answer of one attempt at a run; `str` returns it."""

    folder: str
    project: str
    model: str
    run_id: str
    attempt: int

    def __str__(self) -> str:
        return "/".join(map(str, self))


def parse_result_key(key: str) -> ResultKey:
    """Return the parts of a result's key; raise `ValueError` for any other key."""
    folder, project, model, run_id, attempt = key.split("/")
    if folder not in (RESULTS, DETACHED):
        raise ValueError(f"{key} is not the key of a result.")
    return ResultKey(folder, project, model, run_id, int(attempt))
