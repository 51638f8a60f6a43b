"""A model's own requirements: names with versions, and nothing that fetches from elsewhere.

Files are read as pip reads them (its "Requirements File Format"); each line is read by `packaging`, as pip reads it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from modelcote.core.errors import InvalidBundle
from modelcote.core.texts import quoted

MAX_LINES = 200
MAX_BYTES = 64 * 1024
CONSTRAINT = "-c "
# The algorithms that pip accepts, with the digits of their digests.
_HASH = re.compile(
    r"\s+--hash[=\s]+((?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})(?=\s|$))", re.ASCII
)
_CODING = re.compile(rb"#.*?coding[:=][ \t]*([-\w.]+)")
# The longer marks first: UTF-32's begins as UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What pip would accept besides a published distribution, by what it is.
_REFUSED = (
    (re.compile(r"-e\b|--editable\b"), "an editable install"),
    (re.compile(r"-[rc]\b|--(requirement|constraint)\b"), "an include of another file"),
    (re.compile(r"-[if]\b|--(index-url|extra-index-url|no-index|find-links|trusted-host)\b"), "an index option of pip"),
    (re.compile(r"-"), "an option of pip"),
    (re.compile(r"[^;]*(://|@)"), "a URL"),
    (re.compile(r"[^;]*[/\\]|\.|.*\.(whl|zip|tar\.gz)$"), "a local path"),
)


def decode_requirements(data: bytes) -> str:
    """Return a file's text: by its byte order mark, its `# -*- coding: ... -*-`, else UTF-8; raise `InvalidBundle`."""
    marked = next(((data[len(mark) :], encoding) for mark, encoding in _MARKS if data.startswith(mark)), None)
    named = next((match[1] for line in data.splitlines()[:2] if (match := _CODING.match(line))), b"utf-8")
    content, encoding = marked or (data, named.decode())
    try:
        return content.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise InvalidBundle(f"the requirements are not {quoted(encoding, 40)} text.", "Save them as UTF-8.") from error


def logical_lines(text: str) -> Iterator[str]:
    """Yield the lines of a file, continued ones joined, without comments and empty lines."""
    joined = re.sub(r"\\\r?\n", "", text.removeprefix("\ufeff"))
    for raw in joined.splitlines():
        line = re.sub(r"(^|\s+)#.*$", "", raw).strip()
        if line:
            yield line


def check_requirements(text: str) -> tuple[str, ...]:
    """Return the requirement lines of a file, without comments; raise `InvalidBundle` that quotes the first bad one.

    A constraint is a line `-c name<2`; in a file on disk, `-c` names another one, which the SDK reads.
    """
    if len(text) > MAX_BYTES:
        raise InvalidBundle(f"the requirements are larger than {MAX_BYTES:,} bytes.", "Name fewer distributions.")
    lines = tuple(logical_lines(text))
    if len(lines) > MAX_LINES:
        raise InvalidBundle(f"there are more than {MAX_LINES} requirements.", "Name fewer distributions.")
    return tuple(_checked(line) for line in lines)


def _checked(line: str) -> str:
    # Imported here: a process that meets no requirements starts without it.
    from packaging.requirements import InvalidRequirement, Requirement

    constraint = line.startswith(CONSTRAINT) and re.search(r"[=<>~!]=?", line) is not None
    named = line.removeprefix(CONSTRAINT) if constraint else line
    hashes = _HASH.findall(named)
    requirement = _HASH.sub("", named)
    kind = next((kind for pattern, kind in _REFUSED if pattern.match(requirement)), "")
    if not kind:
        try:
            Requirement(requirement)
        except InvalidRequirement:
            kind = "not of the form name==version"
    if kind:
        raise InvalidBundle(
            f"the requirement {quoted(line, 80)} is {kind}.",
            "Name a published distribution and its version, such as nltk==3.9.",
            field="requirements",
        )
    return " ".join((CONSTRAINT * constraint + requirement, *(f"--hash={digest}" for digest in hashes)))
