"""Multipart bodies: those that HTTP libraries build are accepted, all others are a 422."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcote.core.errors import InvalidInput
from modelcote.gateway.multipart import read_form
from tests.emulator.gateway.stand import Stand

TYPE = "multipart/form-data; boundary=XX"


def part(name: str, content: str, filename: str | None = None, more: str = "") -> str:
    file = f'; filename="{filename}"' if filename is not None else ""
    return f'--XX\r\nContent-Disposition: form-data; name="{name}"{file}\r\n{more}\r\n{content}\r\n'


DATA, END = part("data", "[[1]]"), "--XX--\r\n"


def by_httpx(files: Any) -> tuple[bytes, str]:
    request = httpx.Request("POST", "http://x", files=files)
    return request.read(), request.headers["content-type"]


@pytest.mark.parametrize("names", [["files", "files"], ["file0", "file1"], ["file1", "file0"]])
def test_files_reach_the_model_in_order(stand: Stand, names: list[str]) -> None:
    contents = {"file0": b"\x00\xff\r\n--", "file1": b"", "files": b"x"}
    files = [(name, (f"{name}.bin", contents[name], "image/png")) for name in names]
    body, kind = by_httpx([("data", (None, '[{"a": 1.50}]')), *files])
    status, _, answer = stand.send(body, headers={"content-type": kind})
    assert (status, answer["result"]) == (200, [{"a": 1.5}])
    event = json.loads(stand.door.seen[0][2])
    assert event["data"] == [{"a": 1.5}]
    assert [file["name"] for file in event["files"]] == sorted(f"{name}.bin" for name in names)
    for file in event["files"]:
        assert base64.b64decode(file["b64"]) == contents[file["name"].removesuffix(".bin")]
        assert file["content_type"] == "image/png"


def test_data_alone(stand: Stand) -> None:
    assert stand.send((DATA + END).encode(), headers={"content-type": TYPE})[0] == 200
    assert "files" not in json.loads(stand.door.seen[0][2])


REFUSED = {
    "no boundary": ("multipart/form-data", DATA + END),
    "empty boundary": ("multipart/form-data; boundary=", DATA + END),
    "long boundary": ("multipart/form-data; boundary=" + "X" * 2_000, DATA + END),
    "another boundary": ("multipart/form-data; boundary=YY", DATA + END),
    "boundary not ascii": ("multipart/form-data; boundary=\u00e9", DATA + END),
    "empty body": (TYPE, ""),
    "no closing boundary": (TYPE, DATA),
    "truncated": (TYPE, DATA[:-10]),
    "no data": (TYPE, part("files", "x", "a.txt") + END),
    "data twice": (TYPE, DATA * 2 + END),
    "a thousand parts": (TYPE, DATA + part("files", "x", "a") * 1_000 + END),
    "unknown part": (TYPE, DATA + part("image", "x", "a") + END),
    "unnamed part": (TYPE, DATA + "--XX\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + END),
    "no disposition": (TYPE, DATA + "--XX\r\nContent-Type: text/plain\r\n\r\nx\r\n" + END),
    "wrong disposition": (TYPE, DATA + '--XX\r\nContent-Disposition: attachment; name="files"\r\n\r\nx\r\n' + END),
    "header without colon": (TYPE, DATA + "--XX\r\nnonsense\r\n\r\nx\r\n" + END),
    "long header": (TYPE, DATA + part("files", "x", "a", f"X-A: {'a' * 10_000}\r\n") + END),
    "many headers": (TYPE, DATA + part("files", "x", "a", "X-A: a\r\n" * 50) + END),
    "length too short": (TYPE, DATA + part("files", "xxxx", "a", "Content-Length: 1\r\n") + END),
    "length too long": (TYPE, DATA + part("files", "x", "a", "Content-Length: 9\r\n") + END),
    "length negative": (TYPE, DATA + part("files", "x", "a", "Content-Length: -1\r\n") + END),
    "gap": (TYPE, DATA + part("file0", "x") + part("file2", "x") + END),
    "from one": (TYPE, DATA + part("file1", "x") + END),
    "number twice": (TYPE, DATA + part("file0", "x") * 2 + END),
    "leading zero": (TYPE, DATA + part("file00", "x") + END),
    "mixed": (TYPE, DATA + part("files", "x") + part("file0", "x") + END),
    **{
        f"file name {name!r}": (TYPE, DATA + part("files", "x", name) + END)
        for name in ("../../etc/passwd", "/etc/passwd", "..", ".", "a/b", "a\\b", "C:x", "a\tb", "a" * 300, "a%0Ab")
    },
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(stand: Stand, case: str) -> None:
    kind, body = REFUSED[case]
    status, headers, problem = stand.send(body.encode(), headers={"content-type": kind})
    assert (status, problem["code"]) == (422, "invalid_input"), problem
    assert headers["content-type"] == "application/problem+json"
    assert stand.door.seen == []


@pytest.mark.parametrize("data", ["", "[[1", "[NaN]", '[{"a":1,"a":2}]'])
def test_data_that_is_not_strict_json(stand: Stand, data: str) -> None:
    status, _, problem = stand.send((part("data", data) + END).encode(), headers={"content-type": TYPE})
    assert (status, problem["code"]) == (400, "malformed_json")


FILES = st.lists(st.binary(max_size=50), max_size=5)


@given(FILES)
def test_every_form_of_a_library_is_read_back(contents: list[bytes]) -> None:
    body, kind = by_httpx([("data", (None, "[1]")), *(("files", (f"f{i}", each)) for i, each in enumerate(contents))])
    data, files = read_form(body, kind)
    assert data == b"[1]"
    assert [file.content for file in files] == contents


PIECES = st.sampled_from(
    ["--XX", "--XX--", "\r\n", "\n", "Content-Disposition: form-data; name=", '"data"', "data", "[1]", ";", ":"]
)


@given(
    st.binary(max_size=300) | st.lists(PIECES, max_size=20).map(lambda parts: "".join(parts).encode()),
    st.text(max_size=20),
)
def test_anything_is_a_form_or_our_error(body: bytes, tail: str) -> None:
    for kind in (TYPE, f"multipart/form-data; boundary={tail}"):
        try:
            data, _ = read_form(body, kind)
        except InvalidInput:
            continue
        assert data in body
