"""Projects and their models."""

from __future__ import annotations

from modelcote.aws.rows import project_pk
from modelcote.aws.table import ConditionFailed, put
from modelcote.core.errors import Conflict, NotFound
from modelcote.core.names import check_project_name
from modelcote.core.texts import quoted
from modelcote.core.times import now
from modelcote.registry.records import LIVING, Model, model_key
from modelcote.registry.store import Registry


def ensure_project(registry: Registry, project: str) -> None:
    """Write the project's rows where they are missing; raises `InvalidSpec` for a name against the rule."""
    check_project_name(project)
    if registry.table.get("PROJECTS", project):
        return
    registry.table.transact(
        put({"pk": "PROJECTS", "sk": project}),
        put({"pk": project_pk(project), "sk": "PROJECT", "project": project, "created_at": now()}),
    )


def get(registry: Registry, project: str, model: str) -> Model:
    """Return the model's row; raises `NotFound`."""
    item = registry.table.get(*model_key(project, model))
    if item is None:
        raise NotFound(f"there is no model {quoted(model)} in this project.", "List the models with `cote ls`.")
    return Model.from_item(item)


def all_of(registry: Registry, project: str) -> list[Model]:
    """Return the project's models by name."""
    return [Model.from_item(item) for item in registry.table.query(project_pk(project), "MODEL#")]


def set_webhook(registry: Registry, project: str, model: str, url: str, auth_kind: str = "") -> None:
    """Set where the webhooks of the model's runs go (empty: nowhere), and `Model.webhook_auth`.

    Raises `NotFound`, and `Conflict` while the model is being deleted.
    """
    changes = {"webhook_url": url, "webhook_auth": auth_kind, "updated_at": now()}
    try:
        registry.table.update(model_key(project, model), changes, **LIVING)
    except ConditionFailed:
        get(registry, project, model)
        raise Conflict(f"{model} is being deleted.", "Deploy it again when it is gone.") from None
