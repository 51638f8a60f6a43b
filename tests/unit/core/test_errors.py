"""What an error says of itself, here and behind the wire."""

from __future__ import annotations

import pytest

from modelcote.core.errors import InvalidBundle, ModelcoteError, NotFound, from_problem, to_problem


@pytest.mark.parametrize(
    ("error", "text", "end"),
    [
        (InvalidBundle("it is empty.", "Save it again."), "it is empty. Save it again.", " (invalid_bundle, 422)"),
        (NotFound("no such model."), "no such model.", " (not_found, 404)"),
    ],
)
def test_its_text_ends_with_its_code_and_status(error: ModelcoteError, text: str, end: str) -> None:
    for same in (error, from_problem(to_problem(error, "a request"))):
        assert (same.text, str(same)) == (text, text + end)
