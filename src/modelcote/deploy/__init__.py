"""From a registry snapshot to running functions: plan, package, run the program (docs/architecture/07-deploy.md)."""

from modelcote.core.project import make_infra_importable

make_infra_importable()
