"""What a caller's process uses: `Conduit`, the client of the control API, and where both are pointed."""
