"""The hot path: authenticate, resolve, dispatch (docs/architecture/06-gateway-and-control.md)."""
