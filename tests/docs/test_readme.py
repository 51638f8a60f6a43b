"""The README's code works; every link in the documents leads to a file."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from tests.local.cloud import Cloud
from tests.support.commands import run

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def blocks(page: Path, marker: str) -> str:
    """Return the code block that follows `<!-- test: marker -->`."""
    match = re.search(rf"<!-- test: {marker} -->\n```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert match, f"{page.name} has no block {marker}"
    return match.group(1)


@pytest.mark.local
def test_the_quickstart_deploys_and_its_curl_answers(cloud: Cloud, tmp_path: Path) -> None:
    environment = {**os.environ, **cloud.environment}
    run(sys.executable, "-c", blocks(ROOT / "README.md", "quickstart"), cwd=tmp_path, env=environment)
    curl = re.search(r"\$ (curl .*?-d '.*?')\n", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert curl
    answer = run("bash", "-c", curl.group(1) + " --silent --fail", env=environment)
    assert answer.stdout.startswith('{"result":[[1.0,0.0,0.0]],"run_time_ms":')


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_first_two_commands_are_demo_and_test() -> None:
    console = re.search(r"```console\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert console
    assert [line.split("#")[0].strip() for line in console.group(1).splitlines()] == ["$ make demo", "$ make test"]
    targets = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "\ndemo:" in targets
    assert "\ntest:" in targets
