"""The launch dialect: model endpoints, asynchronous tasks and their callbacks, as the launch client calls them.

A launch endpoint is a name for one of the project's deployed models; a task is a run of that model. Errors are
`{"detail": ...}`.
"""

NAME = "launch"
