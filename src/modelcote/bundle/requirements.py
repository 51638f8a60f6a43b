"""A model's own requirements: names with versions, and nothing that fetches from elsewhere."""

from __future__ import annotations

import re

from modelcote.core.errors import InvalidBundle

MAX_LINES = 200
MAX_BYTES = 64 * 1024
_HASHES = re.compile(r"(\s+--hash=sha256:[0-9a-f]{64})*$", re.ASCII)
# What pip would accept besides a published distribution, by what it is.
_REFUSED = (
    (re.compile(r"-e\b|--editable\b"), "an editable install"),
    (re.compile(r"-"), "an option of pip"),
    (re.compile(r"[^;]*(://|@)"), "a URL"),
    (re.compile(r"[^;]*[/\\]|\.|.*\.(whl|zip|tar\.gz)$"), "a local path"),
)


def check_requirements(text: str) -> tuple[str, ...]:
    """Return the requirement lines of a file, without comments; raise `InvalidBundle` that quotes the first bad one."""
    if len(text) > MAX_BYTES:
        raise InvalidBundle(f"the requirements are larger than {MAX_BYTES:,} bytes.", "Name fewer distributions.")
    joined = text.replace("\\\r\n", " ").replace("\\\n", " ")
    lines = [line for raw in joined.splitlines() if (line := re.sub(r"(^|\s)#.*", "", raw).strip())]
    if len(lines) > MAX_LINES:
        raise InvalidBundle(f"there are more than {MAX_LINES} requirements.", "Name fewer distributions.")
    for line in lines:
        kind = _refused_as(line)
        if kind:
            raise InvalidBundle(
                f"the requirement {ascii(line)[:80]} is {kind}.",
                "Name a published distribution and its version, such as nltk==3.9.",
                field="requirements",
            )
    return tuple(lines)


def _refused_as(line: str) -> str:
    """Return what a line is that names no published distribution, else an empty string."""
    # Imported here: a process that meets no requirements starts without it.
    from packaging.requirements import InvalidRequirement, Requirement

    kind = next((kind for pattern, kind in _REFUSED if pattern.match(line)), "")
    if not kind:
        try:
            Requirement(_HASHES.sub("", line))
        except InvalidRequirement:
            kind = "not of the form name==version"
    return kind
