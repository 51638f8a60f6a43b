from __future__ import annotations

from tests.support.emulator import aws, emulator, registry

__all__ = ["aws", "emulator", "registry"]
