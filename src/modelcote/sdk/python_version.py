"""The supported Python versions, by the names of the Conduit interface."""

from __future__ import annotations

from enum import StrEnum


class python_version(StrEnum):  # noqa: N801  the interface's own spelling
    """`Conduit(python_version=...)`."""

    PYTHON_3_11 = "3.11"
    PYTHON_3_12 = "3.12"
    PYTHON_3_13 = "3.13"
