"""The control API: models, versions, deploys, keys (docs/architecture/06-gateway-and-control.md)."""
