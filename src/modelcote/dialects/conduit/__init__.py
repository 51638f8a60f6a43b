"""The Conduit dialect: deploys by `POST /deploy`, and runs submitted with `webhook_endpoint` in the body."""

NAME = "conduit"
