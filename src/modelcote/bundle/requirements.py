"""A model's own requirements: names with versions, and nothing that fetches from elsewhere."""

from __future__ import annotations

import re

from modelcote.core.errors import InvalidBundle

MAX_LINES = 200
MAX_BYTES = 64 * 1024
# A name, extras, version clauses and an environment marker (PEP 508 without URLs).
_LINE = re.compile(
    r"""[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?            # name
        (?:\s*\[\s*[A-Za-z0-9._-]+(?:\s*,\s*[A-Za-z0-9._-]+)*\s*\])?   # extras
        (?:\s*\(?\s*(?:===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+
           (?:\s*,\s*(?:===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+)*\s*\)?)?
        (?:\s*;\s*(?:python_version|python_full_version|sys_platform|platform_system|platform_machine|os_name
             |implementation_name|platform_python_implementation|extra)[\w\s.'"<>=!~()-]*)?
        (?:\s+--hash=sha256:[0-9a-f]{64})*""",
    re.VERBOSE | re.ASCII,
)


def check_requirements(text: str) -> tuple[str, ...]:
    """The requirement lines of a file, without comments; raises `InvalidBundle` naming the first bad one."""
    if len(text) > MAX_BYTES:
        raise InvalidBundle(f"the requirements are larger than {MAX_BYTES:,} bytes.", "Name fewer distributions.")
    joined = text.replace("\\\r\n", " ").replace("\\\n", " ")
    lines = [line for raw in joined.splitlines() if (line := re.sub(r"(^|\s)#.*", "", raw).strip())]
    if len(lines) > MAX_LINES:
        raise InvalidBundle(f"there are more than {MAX_LINES} requirements.", "Name fewer distributions.")
    for line in lines:
        if not _LINE.fullmatch(line):
            raise InvalidBundle(
                f"the requirement {ascii(line)[:80]} is not of the form name==version.",
                "Options, URLs, paths and version control are not taken: name a published distribution.",
                field="requirements",
            )
    return tuple(lines)
