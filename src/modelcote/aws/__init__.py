"""Shared AWS plumbing: a light client for hot paths, boto3 clients, tables, items, batches of messages."""
