"""From a registry snapshot to running functions: plan, package, run the program (docs/architecture/07-deploy.md)."""
