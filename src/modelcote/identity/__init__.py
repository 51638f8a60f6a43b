"""Who is calling: API keys, tokens of trusted issuers, scopes."""
