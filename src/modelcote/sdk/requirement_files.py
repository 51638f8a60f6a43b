"""A requirements file on disk, and the files of its folder that it includes by `-r` and `-c`.

No line of an included file is in a message: a path may lead to any file of the user's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from modelcote.bundle.requirements import (
    CONSTRAINT,
    MAX_BYTES,
    check_requirement,
    decode_requirements,
    limited,
    logical_lines,
)
from modelcote.core.errors import InvalidBundle, InvalidSpec
from modelcote.core.texts import quoted

MAX_FILES = 16
_INCLUDE = re.compile(r"(?P<option>-r|-c|--requirement|--constraint)(?:\s*=\s*|\s+)(?P<file>[^\s=<>~!][^=<>~!]*)")


def read_requirements(path: str) -> tuple[str, ...]:
    """Read the lines of a requirements file and of those that it includes, none for an empty path.

    Raises `InvalidSpec`.
    """
    if not path:
        return ()
    file = Path(path).resolve()
    if file.suffix != ".txt" or not file.is_file():
        raise InvalidSpec(
            f"requirements_file must be an existing .txt file, got {path!r}.",
            "Pass the path of a requirements.txt.",
            field="requirements_file",
        )
    try:
        return limited(_Files(file).lines(file, ()))
    except InvalidBundle as error:
        raise InvalidSpec(error.detail, error.remedy, field="requirements_file") from error


@dataclass(frozen=True)
class _Files:
    """The file `first` and what it includes; `read`: each file that was read, as constraints or not."""

    first: Path
    read: set[tuple[Path, bool]] = field(default_factory=set)

    def lines(self, file: Path, above: tuple[Path, ...], *, constraints: bool = False) -> Iterator[str]:
        """Yield the checked lines of a file and of those that it includes, which it reads once each."""
        if (file, constraints) in self.read:
            return
        self.read.add((file, constraints))
        if len({path for path, _ in self.read}) > MAX_FILES:
            raise InvalidBundle(f"there are more than {MAX_FILES} requirements files.", "Put them into one.")
        name = quoted(file.relative_to(self.first.parent).as_posix(), 80)
        for number, line in logical_lines(_text(file, name)):
            include = _INCLUDE.fullmatch(line)
            if include is None or "://" in line:
                whole = CONSTRAINT + line.removeprefix(CONSTRAINT) if constraints else line
                yield check_requirement(whole, f"in line {number} of {name}" if above else "")
                continue
            inner = self._included(file, include["file"], (*above, file), f"line {number} of {name}")
            only = constraints or include["option"] in ("-c", "--constraint")
            yield from self.lines(inner, (*above, file), constraints=only)

    def _included(self, file: Path, name: str, above: tuple[Path, ...], place: str) -> Path:
        try:
            inner = (file.parent / name).resolve()
            inside = inner.is_relative_to(self.first.parent)
            exists = inside and inner.is_file()
        except (OSError, ValueError, RuntimeError) as error:  # no path at all, or a loop of links
            raise InvalidBundle(f"{place} includes what is not a file.", "Correct its path.") from error
        if not inside:
            folder = f"outside the folder of {quoted(self.first.name, 80)}"
            raise InvalidBundle(f"{place} includes a file {folder}.", "Put the file into that folder.")
        if not exists:
            raise InvalidBundle(f"{place} includes a file that does not exist.", "Correct its path.")
        if inner in above:
            raise InvalidBundle(f"{place} includes its own file.", "Include each requirements file once.")
        return inner


def _text(file: Path, name: str) -> str:
    try:
        with file.open("rb") as stream:
            return decode_requirements(stream.read(MAX_BYTES + 1))
    except OSError as error:
        raise InvalidBundle(f"{name} cannot be read.", "Allow yourself to read it.") from error
    except InvalidBundle as error:
        raise InvalidBundle(f"{name}: {error.detail}", error.remedy) from error
