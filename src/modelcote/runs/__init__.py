"""Runs: predictions that are accepted, worked off and never lost. The protocol is docs/architecture/09-runs.md."""
