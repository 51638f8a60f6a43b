"""Deploy requests and their log. Every step is one conditional transaction.

Deploys are processed one engine run at a time (a lease), in the order of their requests. Several of one model may
wait: each builds its own version, the last one requested is served, and the ones before it end as archived, so that
a rollback can still reach them.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass

from modelcote.aws.table import ConditionFailed, add, check, put, update
from modelcote.core.errors import Conflict, NotFound
from modelcote.core.times import now
from modelcote.registry.records import (
    LIVING,
    Deploy,
    DeployKind,
    LogLine,
    ModelState,
    VersionState,
    deploy_key,
    log_pk,
    model_key,
    version_key,
)
from modelcote.registry.store import Registry

_REFUSED = {
    DeployKind.DEPLOY: (
        "this version cannot be deployed: it is not uploaded, or has been deployed, or its model is being deleted.",
        "Create a new version, or roll back to one that was built.",
    ),
    DeployKind.ROLLBACK: (
        "this version cannot be rolled back to: it was never built, or its model is being deleted.",
        "Choose a version whose state is ARCHIVED.",
    ),
    DeployKind.DELETE: ("this model cannot be deleted: it is gone already.", "List the models with `cote ls`."),
}


@dataclass(frozen=True)
class DeployStatus:
    """A deploy with the log lines after a given one, in order and without a gap.

    `next` is what to pass as `after` the next time.
    """

    deploy: Deploy
    lines: tuple[LogLine, ...]
    next: int


def request(registry: Registry, project: str, model: str, version: int, kind: DeployKind) -> Deploy:
    """Write the deploy's row and send its message; `version` is 0 for a deletion.

    A request for what is still queued or running returns that deploy and sends its message again, so a client that
    lost the answer may simply repeat. Raises `NotFound` and `Conflict`.
    """
    deploy = _waiting(registry, project, model, version, kind)
    if deploy is None:
        try:
            deploy = _write_request(registry, project, model, version, kind)
        except Conflict:
            # The same request, sent twice, may have been written by the other one between our two steps.
            deploy = _waiting(registry, project, model, version, kind)
            if deploy is None:
                raise
    send(registry, deploy)
    return deploy


def _waiting(registry: Registry, project: str, model: str, version: int, kind: DeployKind) -> Deploy | None:
    """Return the unfinished deploy that a request repeats, if any."""
    deletion = kind == DeployKind.DELETE
    item = registry.table.get(*(model_key(project, model) if deletion else version_key(project, model, version)))
    if item is None:
        what = "model" if deletion else f"version {version} of the model"
        raise NotFound(f"there is no {what} {ascii(model)[:60]} in this project.", "List them with `cote ls`.")
    deploy_id = item.get("deploy_id", "")
    if not deploy_id or kind == DeployKind.ROLLBACK or (deletion and item["state"] != ModelState.DELETING):
        return None
    deploy = get(registry, project, deploy_id)
    return None if deploy.finished else deploy


def _write_request(registry: Registry, project: str, model: str, version: int, kind: DeployKind) -> Deploy:
    at, deletion = now(), kind == DeployKind.DELETE
    deploy = Deploy(project, uuid.uuid4().hex, model, version, kind, created_at=at, updated_at=at)
    changes = {
        "wanted_version": version,
        "deploy_id": deploy.deploy_id,
        "state": ModelState.DELETING if deletion else ModelState.DEPLOYING,
        "updated_at": at,
    }
    if deletion:
        # A failed deletion may be requested again: its model is still DELETING.
        actions = [update(model_key(project, model), changes, "attribute_exists(#pk)")]
    else:
        actions = [update(model_key(project, model), changes, LIVING, deleting=ModelState.DELETING)]
    if kind == DeployKind.DEPLOY:
        actions.append(
            update(
                version_key(project, model, version),
                {"deploy_id": deploy.deploy_id},
                "#state = :uploaded AND #deploy_id = :none",
                uploaded=VersionState.UPLOADED,
                none="",
            )
        )
    if kind == DeployKind.ROLLBACK:
        actions.append(
            check(
                version_key(project, model, version),
                "#package_json <> :none AND #state IN (:ready, :archived)",
                none="",
                ready=VersionState.READY,
                archived=VersionState.ARCHIVED,
            )
        )
    try:
        registry.table.transact(put(deploy.to_item(), "attribute_not_exists(#pk)"), *actions)
    except ConditionFailed:
        raise Conflict(*_REFUSED[kind], model=model, version=version) from None
    return deploy


def send(registry: Registry, deploy: Deploy) -> None:
    """Send the deploy's message; the queue drops a second one within five minutes."""
    body = {name: getattr(deploy, name) for name in ("project", "model", "version", "kind", "deploy_id")}
    registry.sqs.send_message(
        QueueUrl=registry.queue_url,
        MessageBody=json.dumps(body),
        MessageGroupId=f"{deploy.project}/{deploy.model}",
        MessageDeduplicationId=deploy.deploy_id,
    )


def get(registry: Registry, project: str, deploy_id: str) -> Deploy:
    """Return one deploy; raises `NotFound`."""
    item = registry.table.get(*deploy_key(project, deploy_id))
    if item is None:
        raise NotFound(
            "there is no such deploy in this project.", "Use the deploy_id from the answer to the deploy request."
        )
    return Deploy.from_item(item)


def append_log(registry: Registry, project: str, deploy_id: str, text: str) -> LogLine:
    """Add a line to the deploy's log; its number is a counter on the deploy's row."""
    row = registry.table.update(deploy_key(project, deploy_id), {"lines": add(1)}, "attribute_exists(#pk)")
    line = LogLine(row["lines"], now(), text)
    registry.table.put({"pk": log_pk(project, deploy_id), "sk": f"{line.n:06d}", **asdict(line)})
    return line


def status(registry: Registry, project: str, deploy_id: str, after: int = 0) -> DeployStatus:
    """Return the deploy and its lines after number `after`. Raises `NotFound`.

    The row is read before the lines: a caller that sees it finished has received every line before its end.
    """
    deploy = get(registry, project, deploy_id)
    lines: list[LogLine] = []
    for item in registry.table.query(log_pk(project, deploy_id), after=f"{after:06d}"):
        if item["n"] != after + len(lines) + 1:
            break  # A line with a lower number is still being written; it must not be skipped.
        lines.append(LogLine(item["n"], item["at"], item["text"]))
    return DeployStatus(deploy, tuple(lines), after + len(lines))
