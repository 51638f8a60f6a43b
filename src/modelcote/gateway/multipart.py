"""Multipart bodies: a part `data` (JSON), and files in parts named `files` or `file0`, `file1`, ...

A form that breaks a rule raises `InvalidInput`. Imported for multipart requests only.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from modelcote.core.errors import InvalidInput
from modelcote.core.texts import quoted, shortened

MAX_PARTS = 65  # `data` and 64 files.
_MAX_NAME = 255
_REPEATED = "files"
_NUMBERED = re.compile(r"file(0|[1-9][0-9]{0,2})")


@dataclass(frozen=True)
class Part:
    """One part with its whole content."""

    name: str
    filename: str | None
    content_type: str
    content: bytes


def read_form(body: bytes, content_type: str) -> tuple[bytes, list[Part]]:
    """Return the JSON of the part `data`, as it was sent, and the files in order. Raise `InvalidInput`."""
    parts = list(_parts(body, content_type))
    data = [part for part in parts if part.name == "data"]
    if len(data) != 1:
        raise _invalid(f"it has {len(data)} parts named data", "Send exactly one part `data` with the JSON.")
    return data[0].content, _files([part for part in parts if part.name != "data"])


def event_files(files: Sequence[Part]) -> bytes:
    """Return the files as the model's event carries them: a JSON list."""
    return orjson.dumps(
        [
            {
                "name": file.filename or file.name,
                "content_type": file.content_type,
                "b64": base64.b64encode(file.content).decode(),
            }
            for file in files
        ]
    )


def _parts(body: bytes, content_type: str) -> Iterator[Part]:
    try:
        _, options = parse_options_header(content_type)
        with PushMultipartParser(
            options.get("boundary", ""), content_length=len(body), max_segment_count=MAX_PARTS, strict=True
        ) as parser:
            segment: MultipartSegment | None = None
            content = bytearray()
            for event in (*parser.parse(body), *parser.parse(b"")):
                if isinstance(event, MultipartSegment):
                    segment, content = event, bytearray()
                elif event is None and segment is not None:
                    yield Part(segment.name or "", segment.filename, segment.content_type or "", bytes(content))
                elif event is not None:
                    content += event
    except (MultipartError, UnicodeError) as error:
        raise _invalid(shortened(ascii(str(error))[1:-1], 160), "Let an HTTP library make the form.") from error


def _files(parts: Sequence[Part]) -> list[Part]:
    for part in parts:
        _check_filename(part.filename)
    if all(part.name == _REPEATED for part in parts):
        return list(parts)
    numbers: dict[int, Part] = {}
    for part in parts:
        match = _NUMBERED.fullmatch(part.name)
        if not match or int(match[1]) in numbers:
            raise _invalid(
                f"a part is named {quoted(part.name, 40)}", "Name all files `files`, or `file0`, `file1` and so on."
            )
        numbers[int(match[1])] = part
    if sorted(numbers) != list(range(len(numbers))):
        raise _invalid("the numbers of its files have a gap", "Count from file0 without a gap.")
    return [numbers[number] for number in range(len(numbers))]


def _check_filename(filename: str | None) -> None:
    if filename is None:
        return
    if (
        len(filename) > _MAX_NAME
        or filename in (".", "..")
        or not filename.isprintable()
        or any(mark in filename for mark in "/\\:")
    ):
        raise _invalid(f"{quoted(filename)} is not a plain file name", "Send only the base name of the file.")


def _invalid(reason: str, remedy: str) -> InvalidInput:
    return InvalidInput(f"invalid multipart body: {reason}.", remedy)
