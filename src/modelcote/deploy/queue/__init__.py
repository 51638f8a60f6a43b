"""The deploy queue: consume it in batches, under a lease, one version built at a time."""
