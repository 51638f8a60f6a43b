"""What the guide to webhooks tells receivers to do, works."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from modelcote.core.project import project_root
from modelcote.webhooks.sign import headers, new_secret

BODY = json.dumps({"type": "run.succeeded", "data": {"run_id": "x", "result": ["käse"]}}).encode()


def block(marker: str) -> str:
    text = (project_root() / "docs/guides/webhooks.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- test: {marker} -->\n```\w+\n(.*?)```", text, re.DOTALL)
    assert found
    return found[1]


def cases() -> list[tuple[str, dict[str, str], bytes, bool]]:
    """Secret, headers, body, and whether a receiver has to accept it."""
    secret, other = new_secret(), new_secret()
    now = int(time.time())
    good = headers("msg_1", now, BODY, [secret])
    return [
        (secret, good, BODY, True),
        (secret, headers("msg_1", now, BODY, [other, secret]), BODY, True),
        (other, good, BODY, False),
        (secret, good, BODY + b" ", False),
        (secret, good | {"webhook-id": "msg_2"}, BODY, False),
        (secret, headers("msg_1", now - 400, BODY, [secret]), BODY, False),
        (secret, good | {"webhook-signature": "v1,"}, BODY, False),
        (secret, {}, BODY, False),
    ]


def test_python() -> None:
    names: dict[str, Any] = {}
    exec(block("verify-python"), names)
    for secret, sent, body, taken in cases():
        assert names["receive"](secret, sent, body) == (204 if taken else 401)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node here")
def test_node(tmp_path: Path) -> None:
    given = [(secret, sent, body.decode()) for secret, sent, body, _ in cases()]
    calls = f"console.log(JSON.stringify({json.dumps(given)}.map((one) => verify(...one))));"
    script = tmp_path / "verify.mjs"
    script.write_text(f"{block('verify-node')}\n{calls}\n", encoding="utf-8")
    done = subprocess.run(["node", str(script)], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == [taken for *_, taken in cases()]
