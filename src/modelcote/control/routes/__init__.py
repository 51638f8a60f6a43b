"""The native routes, one file per resource."""
