"""Models, versions, deploys and keys: one DynamoDB table, one bucket, one queue (docs/architecture/05-registry.md)."""
