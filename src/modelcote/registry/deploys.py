"""Deploy requests: asked for, worked off, ended. Every step is one conditional transaction.

Deploys are worked off one engine run at a time (a lease), in the order they were asked for. Several of one model
may wait: each builds its own version, the last one asked for is served, and the ones before it end as archived, so
that a rollback can still reach them.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from modelcote.aws.rows import project_pk
from modelcote.aws.table import ConditionFailed, Table, add, check, put, update
from modelcote.core.errors import Conflict, NotFound
from modelcote.core.times import now
from modelcote.registry.records import (
    ARCHIVED,
    DELETE,
    DELETING,
    DEPLOY,
    DEPLOYING,
    READY,
    ROLLBACK,
    UPLOADED,
    Deploy,
    LogLine,
    deploy_sk,
    log_pk,
    model_sk,
    version_sk,
)

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

_REFUSED = {
    DEPLOY: (
        "this version cannot be deployed: it is not uploaded, or has been deployed, or its model is being deleted.",
        "Make a new version, or roll back to one that was built.",
    ),
    ROLLBACK: (
        "this version cannot be rolled back to: it was never built, or its model is being deleted.",
        "Choose a version whose state is ARCHIVED.",
    ),
    DELETE: ("this model cannot be deleted: it is gone already.", "List the models with `cote ls`."),
}


@dataclass(frozen=True)
class DeployStatus:
    """A deploy with the log lines after the one asked for, in order and without a gap.

    `next` is what to pass as `after` the next time.
    """

    deploy: Deploy
    lines: tuple[LogLine, ...]
    next: int


class Deploys:
    """The part of the registry that knows deploys and their log."""

    table: Table
    sqs: SQSClient
    queue_url: str

    def request_deploy(self, project: str, model: str, version: int, kind: str) -> Deploy:
        """Writes the deploy's row and sends its message; `version` is 0 for a deletion.

        Asking again for what is still queued or running gives that deploy back and sends its message again, so a
        client that lost the answer may simply repeat. Raises `NotFound` and `Conflict`.
        """
        deploy = self._waiting(project, model, version, kind)
        if deploy is None:
            try:
                deploy = self._write_request(project, model, version, kind)
            except Conflict:
                # The same request, sent twice, may have been written by the other one between our two steps.
                deploy = self._waiting(project, model, version, kind)
                if deploy is None:
                    raise
        self.send(deploy)
        return deploy

    def _waiting(self, project: str, model: str, version: int, kind: str) -> Deploy | None:
        """The unfinished deploy that a repeated request stands for, if any."""
        sk = model_sk(model) if kind == DELETE else version_sk(model, version)
        item = self.table.get(project_pk(project), sk)
        if item is None:
            what = "model" if kind == DELETE else f"version {version} of the model"
            raise NotFound(f"there is no {what} {ascii(model)[:60]} in this project.", "List them with `cote ls`.")
        deploy_id = item.get("deploy_id", "")
        if not deploy_id or (kind == DELETE and item["state"] != DELETING) or kind == ROLLBACK:
            return None
        deploy = self.get_deploy(project, deploy_id)
        return None if deploy.finished else deploy

    def _write_request(self, project: str, model: str, version: int, kind: str) -> Deploy:
        at = now()
        deploy = Deploy(project, uuid.uuid4().hex, model, version, kind, created_at=at, updated_at=at)
        model_key = (project_pk(project), model_sk(model))
        version_key = (project_pk(project), version_sk(model, version))
        changes = {
            "wanted_version": version,
            "deploy_id": deploy.deploy_id,
            "state": DELETING if kind == DELETE else DEPLOYING,
            "updated_at": at,
        }
        if kind == DELETE:
            # A failed deletion may be requested again: its model is still DELETING.
            actions = [update(model_key, changes, "attribute_exists(#pk)")]
        else:
            living = "attribute_exists(#pk) AND #state <> :deleting"
            actions = [update(model_key, changes, living, deleting=DELETING)]
        if kind == DEPLOY:
            actions.append(
                update(
                    version_key,
                    {"deploy_id": deploy.deploy_id},
                    "#state = :uploaded AND #deploy_id = :none",
                    uploaded=UPLOADED,
                    none="",
                )
            )
        if kind == ROLLBACK:
            actions.append(
                check(
                    version_key,
                    "#package_json <> :none AND #state IN (:ready, :archived)",
                    none="",
                    ready=READY,
                    archived=ARCHIVED,
                )
            )
        try:
            self.table.transact(put(deploy.to_item(), "attribute_not_exists(#pk)"), *actions)
        except ConditionFailed:
            raise Conflict(*_REFUSED[kind], model=model, version=version) from None
        return deploy

    def send(self, deploy: Deploy) -> None:
        """Sends the deploy's message; a second one within five minutes is dropped by the queue."""
        body = {name: getattr(deploy, name) for name in ("project", "model", "version", "kind", "deploy_id")}
        self.sqs.send_message(
            QueueUrl=self.queue_url,
            MessageBody=json.dumps(body),
            MessageGroupId=f"{deploy.project}/{deploy.model}",
            MessageDeduplicationId=deploy.deploy_id,
        )

    def get_deploy(self, project: str, deploy_id: str) -> Deploy:
        """One deploy; raises `NotFound`."""
        item = self.table.get(project_pk(project), deploy_sk(deploy_id))
        if item is None:
            raise NotFound(
                "there is no such deploy in this project.", "Use the deploy_id that the deploy was answered with."
            )
        return Deploy.from_item(item)

    def append_log(self, project: str, deploy_id: str, line: str) -> LogLine:
        """Adds a line; its number is taken from the deploy's row."""
        key = (project_pk(project), deploy_sk(deploy_id))
        row = self.table.update(key, {"lines": add(1)}, "attribute_exists(#pk)")
        made = LogLine(row["lines"], now(), line)
        self.table.put({"pk": log_pk(project, deploy_id), "sk": f"{made.n:06d}", **asdict(made)})
        return made

    def deploy_status(self, project: str, deploy_id: str, after: int = 0) -> DeployStatus:
        """The deploy and its lines after number `after`. Raises `NotFound`.

        The row is read before the lines: whoever sees it finished has been given every line before its end.
        """
        deploy = self.get_deploy(project, deploy_id)
        lines: list[LogLine] = []
        for item in self.table.query(log_pk(project, deploy_id), after=f"{after:06d}"):
            if item["n"] != after + len(lines) + 1:
                break  # A line with a lower number is still on its way; it must not be skipped.
            lines.append(LogLine(item["n"], item["at"], item["text"]))
        return DeployStatus(deploy, tuple(lines), after + len(lines))
