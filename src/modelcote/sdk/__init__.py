"""The SDK: `Conduit`, the clients of the API, and the configuration of their target."""
