"""Runs: predictions that are accepted, processed and never lost. The protocol is docs/architecture/09-runs.md."""
