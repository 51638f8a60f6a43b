"""The laptop's cloud: emulator, materialiser, function host and runtimes."""

import modelcote.deploy  # noqa: F401 (makes `infra` importable)
