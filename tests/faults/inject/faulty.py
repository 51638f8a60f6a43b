"""The handler that the local cloud starts in place of a function's own: the same, with faults in its AWS calls."""

from __future__ import annotations

import importlib
import os

import injection

injection.install()
_module, _, _name = os.environ["FAULTS_HANDLER"].rpartition(".")
handler = getattr(importlib.import_module(_module.replace("/", ".")), _name)
