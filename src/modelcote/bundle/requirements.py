"""A model's own requirements: names with versions, and nothing that fetches from elsewhere.

Files are read as pip reads them (its "Requirements File Format"); each line is read by `packaging`, as pip reads it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

from modelcote.core.errors import InvalidBundle
from modelcote.core.texts import quoted

MAX_LINES = 200
MAX_BYTES = 64 * 1024
CONSTRAINT = "-c "
# Of one requirement, without the hashes behind it, which may be many.
_MAX_CHARACTERS = 1000
# What parses a marker calls itself for each of them.
_MAX_PARENTHESES = 32
_COMMENT = re.compile(r"(?:^|\s)#")
_OPTION = re.compile(r"\s--hash(?=[=\s])")
# The algorithms that pip accepts, with the digits of their digests.
_HASH = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
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
_FORM = "not of the form name==version"


def decode_requirements(data: bytes) -> str:
    """Return a file's text: by its byte order mark, its `# -*- coding: ... -*-`, else UTF-8; raise `InvalidBundle`."""
    if len(data) > MAX_BYTES:
        raise _too_large()
    marked = next(((data[len(mark) :], encoding) for mark, encoding in _MARKS if data.startswith(mark)), None)
    named = next((match[1] for line in data.splitlines()[:2] if (match := _CODING.match(line))), b"utf-8")
    content, encoding = marked or (data, named.decode())
    try:
        return content.decode(encoding)
    except (UnicodeError, LookupError) as error:
        raise InvalidBundle(f"the requirements are not {quoted(encoding, 40)} text.", "Save them as UTF-8.") from error


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield a file's lines and the numbers of their first ones: continued ones joined, no comments and empty lines."""
    parts: list[str] = []
    first = 1
    for number, raw in enumerate([*text.removeprefix("\ufeff").splitlines(), ""], 1):
        comment = raw.lstrip().startswith("#")
        parts.append(f" {raw}" if comment else raw.rstrip("\\"))
        if raw.endswith("\\") and not comment:  # A comment is not continued.
            continue
        joined = "".join(parts)
        start = _COMMENT.search(joined)
        line = (joined[: start.start()] if start else joined).strip()
        if line:
            yield first, line
        parts, first = [], number + 1


def check_requirements(text: str) -> tuple[str, ...]:
    """Return the requirement lines of a file, without comments; raise `InvalidBundle` that quotes the first bad one.

    A constraint is a line `-c name<2`; in a file on disk, `-c` names another one, which the SDK reads.
    """
    return limited(check_requirement(line) for _, line in logical_lines(text))


def limited(lines: Iterable[str]) -> tuple[str, ...]:
    """Return the lines; raise `InvalidBundle` as soon as they are more, or larger, than a bundle may hold."""
    requirements: list[str] = []
    size = 0
    for line in lines:
        requirements.append(line)
        size += len(line) + 1
        if len(requirements) > MAX_LINES:
            raise InvalidBundle(f"there are more than {MAX_LINES} requirements.", "Name fewer distributions.")
        if size > MAX_BYTES:
            raise _too_large()
    return tuple(requirements)


def check_requirement(line: str, place: str = "") -> str:
    """Return a requirement or constraint as it is stored; raise `InvalidBundle`, which quotes it or names its `place`.

    `place`: for a line that no message may hold, since it is of a file that the caller has not named.
    """
    constraint = line.startswith(CONSTRAINT) and re.search(r"[=<>~!]=?", line) is not None
    requirement, *behind = _OPTION.split(line.removeprefix(CONSTRAINT) if constraint else line)
    requirement, hashes = requirement.rstrip(), [one.lstrip("= \t").rstrip() for one in behind]
    problem = _problem(requirement, hashes)
    if problem:
        raise InvalidBundle(
            f"the requirement {place or quoted(line, 80)} is {problem}.",
            "Name a published distribution and its version, such as nltk==3.9.",
            field="requirements",
        )
    return " ".join((CONSTRAINT * constraint + requirement, *(f"--hash={digest}" for digest in hashes)))


def _problem(requirement: str, hashes: list[str]) -> str:
    # Imported here: a process that meets no requirements starts without it.
    from packaging.requirements import InvalidRequirement, Requirement

    if len(requirement) > _MAX_CHARACTERS:
        return f"longer than {_MAX_CHARACTERS:,} characters"
    if requirement.count("(") > _MAX_PARENTHESES:
        return f"of more than {_MAX_PARENTHESES} parentheses"
    kind = next((kind for pattern, kind in _REFUSED if pattern.match(requirement)), "")
    if kind:
        return kind
    try:
        Requirement(requirement)
    except InvalidRequirement:
        return _FORM
    return "" if all(_HASH.fullmatch(one) for one in hashes) else _FORM


def _too_large() -> InvalidBundle:
    return InvalidBundle(f"the requirements are larger than {MAX_BYTES:,} bytes.", "Name fewer distributions.")
