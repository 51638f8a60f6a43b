"""Webhooks: what is signed, who may be called, and one attempt to deliver."""
