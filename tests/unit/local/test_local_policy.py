"""The local cloud's policy: receivers on the same machine, and what the user wrote beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelcote.core.errors import LocalCloudError
from modelcote.core.policy import Policy, policy_from_json
from modelcote.local.platform import local_policy


def test_receivers_on_the_same_machine_are_allowed(tmp_path: Path) -> None:
    assert local_policy(tmp_path) == {"webhook_loopback": True, "webhook_http": True}
    # On AWS neither is.
    assert (Policy().webhook_loopback, Policy().webhook_http) == (False, False)


def test_a_file_goes_over_it(tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text('{"webhook_http": false, "open_runs": 5}', encoding="utf-8")
    assert local_policy(tmp_path) == {"webhook_loopback": True, "webhook_http": False, "open_runs": 5}


@pytest.mark.parametrize("text", ["{", "[]", "null", '"x"'])
def test_a_file_that_holds_no_object_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "policy.json").write_text(text, encoding="utf-8")
    with pytest.raises(LocalCloudError, match=r"policy\.json"):
        local_policy(tmp_path)


def test_the_functions_read_it(tmp_path: Path) -> None:
    assert policy_from_json(json.dumps(local_policy(tmp_path))).webhook_loopback
