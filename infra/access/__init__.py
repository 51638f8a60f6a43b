"""The IAM statements of every role, by what the role belongs to: the platform, a model, runs, the deployer."""
