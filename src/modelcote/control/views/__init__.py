"""The bodies of the control API's answers, and how each is built from a record."""
