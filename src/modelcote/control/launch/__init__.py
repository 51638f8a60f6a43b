"""The launch dialect: model endpoints, asynchronous tasks and their callbacks, as the launch client speaks them.

A launch endpoint is a name over one of the project's deployed models; a task is a run of that model. Errors are
`{"detail": ...}`.
"""
