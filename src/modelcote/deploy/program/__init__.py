"""The Pulumi program: recorded, planned, checked, and run by an engine."""
