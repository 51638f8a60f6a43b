"""Names: those that callers choose, and those of AWS resources."""

from __future__ import annotations

import hashlib
import re

from modelcote.core.errors import InvalidSpec
from modelcote.core.texts import quoted

MODEL_NAME = re.compile(r"[a-z0-9-]{1,20}", re.ASCII)
PROJECT_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
# First path segments that the control API owns: a project of that name would shadow its routes.
RESERVED_PROJECTS = frozenset({"projects", "hosted_inference", "deploy", "models", "files", "api", "v1", "v2", "v3"})


def check_model_name(name: object) -> str:
    """Return a name of 1 to 20 of `a-z`, `0-9` and `-` (the Conduit rule); raise `InvalidSpec` for any other."""
    if isinstance(name, str) and MODEL_NAME.fullmatch(name):
        return name
    raise InvalidSpec(
        f"name {quoted(name)} is not a model name.",
        "Use 1 to 20 characters of a-z, 0-9 and hyphens.",
        field="name",
    )


def check_project_name(name: object) -> str:
    """Return a name of 1 to 32 of `a-z`, `0-9` and `-` that starts with a letter and is not reserved."""
    if isinstance(name, str) and PROJECT_NAME.fullmatch(name) and name not in RESERVED_PROJECTS:
        return name
    raise InvalidSpec(
        f"project {quoted(name)} is not a project name.",
        "Use 1 to 32 characters of a-z, 0-9 and hyphens, starting with a letter, and none of: "
        f"{', '.join(sorted(RESERVED_PROJECTS))}.",
        field="project",
    )


def fit(name: str, limit: int) -> str:
    """Return the name, a longer one cut to `limit` characters with eight hexadecimal digits of its hash at the end."""
    if len(name) <= limit:
        return name
    return f"{name[: limit - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def function_name(stack: str, project: str, model: str) -> str:
    """Return the name of a model's Lambda function: at most 64 characters, the same for every version.

    `_` separates, since neither a project nor a model name may hold it: two models never share a function.
    """
    return fit(f"{stack}_{project}_{model}", 64)


def secret_name(stack: str, project: str, key: str) -> str:
    """Return the Secrets Manager name of a project's secret, which `get_secret(key)` reads."""
    return f"modelcote/{stack}/{project}/{key}"
