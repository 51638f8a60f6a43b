"""Webhooks: signing, the rules for receivers' addresses, and one attempt to deliver."""
