"""Without any one of the parts that keep the promises, a test fails: the table is `tests.faults.mutations`."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from modelcote.core.project import project_root
from tests.faults.mutations import MUTATIONS, Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda row: row.part)
def test_a_part_taken_out_is_missed(mutation: Mutation) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "tests.faults.mutations", "-p", "no:cacheprovider"]
        + list(mutation.tests),
        cwd=project_root(),
        env={**os.environ, "MODELCOTE_MUTATION": mutation.part, "PYTHONPATH": str(project_root())},
        capture_output=True,
        text=True,
        check=False,
    )
    failed = re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE)
    print(f"without {mutation.part}: {failed}")
    # 1: tests failed; anything else would be a run that never came to them.
    assert done.returncode == 1, done.stdout[-2_000:] + done.stderr[-2_000:]
    assert failed
