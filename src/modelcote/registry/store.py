"""The registry as its callers hold it: one object over one table, one bucket and one queue.

versions.py    create_version, upload_url, get/list models and versions, mark_uploaded, refuse_upload, projects
deploys.py     request_deploy, send, get_deploy, append_log, deploy_status
outcomes.py    begin, mark_built, mark_ready, mark_superseded, mark_failed, forget
snapshots.py   snapshot
keys.py        create_key, list_keys, revoke_key
issuers.py     put_issuer, list_issuers, delete_issuer
"""

from __future__ import annotations

import os

from modelcote.aws.clients import Clients, make_clients
from modelcote.aws.table import Table
from modelcote.identity.issuers import Issuers
from modelcote.identity.keys import Keys
from modelcote.registry.outcomes import Outcomes
from modelcote.registry.snapshots import Snapshots


class Registry(Outcomes, Snapshots, Keys, Issuers):
    """Everything that is known about projects, models, versions, deploys and keys."""

    def __init__(self, table_name: str, bucket: str, queue_url: str = "", clients: Clients | None = None) -> None:
        clients = clients or make_clients()
        self.table = Table(clients.dynamodb, table_name)
        self.s3 = clients.s3
        self.sqs = clients.sqs
        self.bucket = bucket
        self.queue_url = queue_url


def registry_from_env() -> Registry:
    """The registry that the function's environment names."""
    return Registry(
        os.environ["MODELCOTE_REGISTRY_TABLE"],
        os.environ["MODELCOTE_BUCKET"],
        os.environ.get("MODELCOTE_DEPLOY_QUEUE_URL", ""),
    )
