"""The laptop's cloud: emulator, materialiser, function host and runtimes."""

from modelcote.core.project import make_infra_importable

make_infra_importable()
