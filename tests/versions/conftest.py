"""An emulator of AWS for the whole session, and an empty registry on it for each test."""

from __future__ import annotations

from tests.support.emulator import aws, emulator, registry

__all__ = ["aws", "emulator", "registry"]
