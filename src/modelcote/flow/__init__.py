"""Running a flow: a bundle's artifacts become a call from JSON rows to a result."""
