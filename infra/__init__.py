"""The Pulumi program: modelcote on AWS as a function of a registry snapshot (docs/architecture/07-deploy.md)."""
