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
from modelcote.core.texts import quoted
from modelcote.core.times import now
from modelcote.registry.records import LIVING, Deploy, DeployKind, LogLine, ModelState, VersionState, deploy_key, log_pk
from modelcote.registry.store import Registry

_REFUSED: dict[str, tuple[str, str]] = {
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
    at = now()
    deploy = Deploy(project, uuid.uuid4().hex, model, version, kind, created_at=at, updated_at=at)
    repeated = _waiting(registry, deploy)
    if repeated is None:
        try:
            _write_request(registry, deploy)
        except Conflict:
            # The same request, sent twice, may have been written by the other one between our two steps.
            repeated = _waiting(registry, deploy)
            if repeated is None:
                raise
    deploy = repeated or deploy
    send(registry, deploy)
    return deploy


def _waiting(registry: Registry, request: Deploy) -> Deploy | None:
    """Return the unfinished deploy that a request repeats, if any."""
    deletion = request.kind == DeployKind.DELETE
    item = registry.table.get(*(request.model_key if deletion else request.version_key))
    if item is None:
        what = "model" if deletion else f"version {request.version} of the model"
        raise NotFound(
            f"there is no {what} {quoted(request.model)} in this project.",
            f"List them with `cote {'ls' if deletion else 'versions'}`.",
        )
    deploy_id = item.get("deploy_id", "")
    if not deploy_id or request.kind == DeployKind.ROLLBACK or (deletion and item["state"] != ModelState.DELETING):
        return None
    deploy = get(registry, request.project, deploy_id)
    return None if deploy.finished else deploy


def _write_request(registry: Registry, deploy: Deploy) -> None:
    deletion = deploy.kind == DeployKind.DELETE
    changes = {
        "wanted_version": deploy.version,
        "deploy_id": deploy.deploy_id,
        "state": ModelState.DELETING if deletion else ModelState.DEPLOYING,
        "updated_at": deploy.created_at,
    }
    # A failed deletion may be requested again: its model is still DELETING.
    existing = {"condition": "attribute_exists(#pk)"} if deletion else LIVING
    actions = [put(deploy.to_item(), "attribute_not_exists(#pk)"), update(deploy.model_key, changes, **existing)]
    if deploy.kind == DeployKind.DEPLOY:
        undeployed = "#state = :uploaded AND #deploy_id = :none"
        change = {"deploy_id": deploy.deploy_id}
        actions.append(update(deploy.version_key, change, undeployed, uploaded=VersionState.UPLOADED, none=""))
    if deploy.kind == DeployKind.ROLLBACK:
        states = {"ready": VersionState.READY, "archived": VersionState.ARCHIVED}
        built = "#package_json <> :none AND #state IN (:ready, :archived)"
        actions.append(check(deploy.version_key, built, none="", **states))
    try:
        registry.table.transact(*actions)
    except ConditionFailed:
        raise Conflict(*_REFUSED[deploy.kind], model=deploy.model, version=deploy.version) from None


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
    deploy = Deploy.read(registry.table.get, deploy_key(project, deploy_id))
    if deploy is None:
        raise NotFound(
            "there is no such deploy in this project.", "Use the deploy_id from the answer to the deploy request."
        )
    return deploy


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
