"""Plain English in code, tests and documents, by the word list of docs/architecture/01-journeys.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROSE = {
    r"\bwork(s|ed|ing)? (\w+ ){0,2}off\b": "process, consume",
    r"\b(is|are|was|were|be|been) (not )?taken\b(?! (from|over|away|by|out|as|into|to))": "accepted",
    r"\b(is|are|was|were|be|been|being|gets?) told\b": "notified, shown",
    r"(?<![Tt]here )\b(is|are|was|were) no\b(?! longer| more than| later than| less than| worse| slower)": "is not a",
    r"\b([Ww]hoever|[Ww]hence|[Ss]omebody|[Nn]obody|[Aa]nybody|[Ee]verybody|[Aa]new)\b": "the caller, no one, again",
    r"\b(stands|lies)\b": "appears, is stored",
    r"\b(gives|given back|comes|came (back|of))\b": "returns, arrives",
    r"\basked for\b": "requested",
    r"\b([Hh]e|[Hh]is|[Hh]im)\b": "it, its, the caller",
    r"\bout of its (rule|range)\b": "must be ..., got ...",
    r"\bas many as it may\b": "the limit",
    r"\bhelped along\b": "recovered",
    r"\bletter for letter\b": "exactly",
}
NAMES = re.compile(r"_*(made|found|known|given|wanted|done|said|told|kept|asked|begun|tried|taken|meant)_*")
NOT_IMPERATIVE = re.compile(
    r"(What|Who|Whose|How|Where|When|Which|Whether|Why|The|An?|All|Every|Each|One|Any|This|That|These|Those|Its|Their)"
    r"|(?!(Process|Pass|Compress|Express|Address|Bypass|Access|Discuss|Dismiss|Focus|Guess|Press|Suppress)$)\w+s"
)
FILES = ("*.py", "*.md", "*.asl.json", "Makefile", "Pulumi*.yaml")
NO_VERB = {"property", "cached_property", "fixture"}


def prose(text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, say in PROSE.items():
            if match := re.search(pattern, line):
                yield f"{number}: {match[0]!r}: say {say}"


def code(text: str) -> Iterator[str]:
    """Find docstrings of functions that are not imperative, and names that are participles."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            decorators = [ast.unparse(each) for each in node.decorator_list]
            a_noun = any(each.split("(")[0].split(".")[-1] in NO_VERB or "router" in each for each in decorators)
            match = re.match(r"[A-Za-z']+", ast.get_docstring(node) or "")
            word = match[0] if match and not a_noun else ""
            if NOT_IMPERATIVE.fullmatch(word):
                yield f"{node.lineno}: the docstring of {node.name} starts with {word!r}: use the imperative"
        name = node.arg if isinstance(node, ast.arg) else node.id if isinstance(node, ast.Name) else ""
        if NAMES.fullmatch(name) and not (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)):
            yield f"{node.lineno}: name {name!r}: say what it holds"


@pytest.mark.parametrize("room", ["src", "infra", "handlers", "examples", "bench", "docs", "tests", "."])
def test_plain_english(room: str) -> None:
    files = ROOT.glob("*") if room == "." else (ROOT / room).rglob("*")
    findings = []
    for file in sorted(path for path in files if any(map(path.match, FILES)) and path != Path(__file__)):
        text = file.read_text(encoding="utf-8")
        if file.name == "01-journeys.md":
            text = re.sub(r"## Words we avoid\n.*?(?=\n## )", "", text, flags=re.DOTALL)
        lines = [*prose(text), *(code(text) if file.suffix == ".py" and room != "tests" else ())]
        findings += [f"{file.relative_to(ROOT)}:{line}" for line in lines]
    assert findings == []
