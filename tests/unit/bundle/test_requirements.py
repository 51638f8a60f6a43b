"""Requirements: what pip accepts and names a release is accepted; what fetches from elsewhere is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcote.bundle.requirements import check_requirements, decode_requirements
from modelcote.core.errors import InvalidBundle, InvalidSpec
from modelcote.deploy.artifacts.runtimes import requirement_options
from modelcote.sdk.requirement_files import read_requirements

TEXT = "idna>=3  # naïve\r\n"


@pytest.mark.parametrize(
    "line",
    [
        "nltk",
        "nltk[all,extra]>=3,<4",
        "nltk===3.9",
        "nltk (>=3)",
        "idna>=3 ; (python_version >= '3.9' and sys_platform == 'linux') or python_version < '3.9'",
        "idna>=3 ; 'linux' in sys_platform",
        "idna>=3 ; '3.9' <= python_full_version",
        "idna>=3 ; platform_release != '5'",
        "idna>=3 ; implementation_version >= '3.9'",
        'idna>=3;os_name=="posix"and platform_machine not in "x/y"',
        *(f"idna==3.10 --hash={name}:{'ab' * size}" for name, size in (("sha256", 32), ("sha384", 48), ("sha512", 64))),
        f"idna==3.10 ; os_name == 'posix' --hash=sha256:{'ab' * 32} --hash=sha512:{'cd' * 64}",
        "-c idna<4",
        "idna==3.10" + f" --hash=sha256:{'ab' * 32}" * 100,
    ],
)
def test_lines_that_name_a_release(line: str) -> None:
    assert check_requirements(f"\ufeff# first\n{line}  # comment\r\n\n") == (line,)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("-e .", "an editable install"),
        ("-i https://x.y", "an index option of pip"),
        ("--extra-index-url https://x.y", "an index option of pip"),
        ("-f wheels", "an index option of pip"),
        ("-c constraints.txt", "an include of another file"),
        ("--requirement=other.txt", "an include of another file"),
        ("--editable=./z", "an editable install"),
        ("git+https://x.y/z", "a URL"),
        ("nltk @ file:///z", "a URL"),
        ("nltk @ z.whl", "a URL"),
        ("./z", "a local path"),
        ("..\\z", "a local path"),
        ("z.whl", "a local path"),
        ("nltk; os.system('x')", "not of the form name==version"),
        ("nltk==x.y", "not of the form name==version"),
        ("--pre", "an option of pip"),
        ("nltk @ https://x.y/z.whl", "a URL"),
        ("nltk[all]@git+ssh://x.y/z", "a URL"),
        ("dist/nltk.tar.gz", "a local path"),
        ("nltk==3.9 --config-settings=x", "not of the form name==version"),
        ("nltk ${VERSION}", "not of the form name==version"),
        ("idna==3 --hash=sha512:abcd", "not of the form name==version"),
        ("idna ; colour == 'red'", "not of the form name==version"),
        ("idna==3 --hash=" + " " * 60_000 + "x", "not of the form name==version"),
        (f"idna==3 --hash=sha256:{'ab' * 32} >=4", "not of the form name==version"),
        ("idna" + " " * 60_000 + "x", "longer than 1,000 characters"),
        (f"idna ; {'(' * 400}os_name == 'x'{')' * 400}", "of more than 32 parentheses"),
    ],
)
def test_lines_that_are_refused_by_name(line: str, kind: str) -> None:
    with pytest.raises(InvalidBundle, match=f"is {kind}"):
        check_requirements(f"numpy\n{line}\n")


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        ("# -*- coding: latin-1 -*-\n" + TEXT).encode("latin-1"),
        ("\n#vim: fileencoding:cp1252\n" + TEXT).encode("cp1252"),
        b"idna\\\n>=3\r\n",
        b"idna\\\r\n  >=3",
        b"# a comment is not continued \\\nidna>=3",
    ],
)
def test_encodings_and_continued_lines(data: bytes, tmp_path: Path) -> None:
    (line,) = check_requirements(decode_requirements(data))
    assert line.replace(" ", "") == "idna>=3"
    (tmp_path / "requirements.txt").write_bytes(data)
    assert read_requirements(str(tmp_path / "requirements.txt")) == (line,)


@pytest.mark.parametrize(
    "data", [b"\xff\xfe\x00", b"id\xe9na", b"# coding: klingon\nidna", b"# coding: undefined\nidna"]
)
def test_text_of_no_known_encoding(data: bytes) -> None:
    with pytest.raises(InvalidBundle, match="the requirements are not '"):
        decode_requirements(data)


def test_includes_are_read_relative_to_their_file(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "requirements.txt").write_text("-r more/base.txt\n--constraint=pins.txt\nnltk\n")
    (tmp_path / "more" / "base.txt").write_text("-r ../other.txt\nidna>=3\n")
    (tmp_path / "other.txt").write_text("regex==2024.1.1\n")
    (tmp_path / "pins.txt").write_text(f"nltk==3.9 --hash=sha256:{'ab' * 32}\n-c other.txt\n")
    pin = f"-c nltk==3.9 --hash=sha256:{'ab' * 32}"
    lines = read_requirements(str(tmp_path / "requirements.txt"))
    assert lines == ("regex==2024.1.1", "idna>=3", pin, "-c regex==2024.1.1", "nltk")
    assert check_requirements("\n".join(lines)) == lines
    with requirement_options(lines) as (_, requirements, _, constraints):
        assert Path(requirements).read_text().split("\n") == ["regex==2024.1.1", "idna>=3", "nltk", ""]
        assert Path(constraints).read_text() == f"{pin[3:]}\nregex==2024.1.1\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("-r requirements.txt", "line 1 of 'requirements.txt' includes its own file"),
        ("\n-r \\\nmissing.txt", "line 2 of 'requirements.txt' includes a file that does not exist"),
        ("-r ../secret.txt", "line 1 of 'requirements.txt' includes a file outside the folder of 'requirements.txt'"),
        ("-c ../missing.txt", "a file outside the folder"),
        ("-r /etc/hostname", "a file outside the folder"),
        ("-c link.txt", "a file outside the folder"),
        ("-r loop.txt", "line 1 of 'requirements.txt' includes (what is not a file|a file that does not exist)"),
        ("-r " + "x" * 900, "includes (what is not a file|a file that does not exist)"),
        ("-r a\0b.txt", "includes what is not a file"),
        ("-r https://x.y/z.txt", "an include of another file"),
        ("-r" + " " * 60_000 + "=", "longer than 1,000 characters"),
        ("-e .", "the requirement '-e .' is an editable install"),
        ("-r more/secret.txt", "the requirement in line 3 of 'more/secret.txt' is not of the form"),
        ("-r more/link.txt", "line 1 of 'more/link.txt' includes a file outside the folder"),
        ("-r more/binary.txt", "'more/binary.txt': the requirements are not 'utf-8' text"),
    ],
)
def test_includes_that_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    folder = tmp_path / "project"
    (folder / "more").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("password=hush")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    (folder / "more" / "secret.txt").write_text("idna\n\npassword=hush\n")
    (folder / "more" / "link.txt").write_text("-r ../link.txt")
    (folder / "more" / "binary.txt").write_bytes(b"hush\xff")
    (folder / "requirements.txt").write_text(text)
    with pytest.raises(InvalidSpec, match=problem) as caught:
        read_requirements(str(folder / "requirements.txt"))
    assert "hush" not in caught.value.detail


def test_a_file_that_is_included_twice_is_read_once(tmp_path: Path) -> None:
    for level in range(12):
        (tmp_path / f"{level}.txt").write_text(f"-r {level + 1}.txt\n" * 2)
    (tmp_path / "12.txt").write_text("idna\n")
    assert read_requirements(str(tmp_path / "0.txt")) == ("idna",)


def test_at_most_16_files_are_read(tmp_path: Path) -> None:
    for level in range(16):
        (tmp_path / f"{level}.txt").write_text(f"-r {level + 1}.txt\n" if level < 15 else "idna\n")
    assert read_requirements(str(tmp_path / "0.txt")) == ("idna",)
    (tmp_path / "15.txt").write_text("-r 16.txt\n")
    (tmp_path / "16.txt").write_text("idna\n")
    with pytest.raises(InvalidSpec, match="more than 16 requirements files"):
        read_requirements(str(tmp_path / "0.txt"))


def test_nothing_is_read_behind_the_200th_requirement(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-r many.txt\n-r missing.txt\n")
    (tmp_path / "many.txt").write_text("idna\n" * 201)
    with pytest.raises(InvalidSpec, match="more than 200 requirements"):
        read_requirements(str(tmp_path / "requirements.txt"))
    (tmp_path / "many.txt").write_text("#" * 2**16 + "\n")
    with pytest.raises(InvalidSpec, match=r"'many\.txt': the requirements are larger than 65,536 bytes"):
        read_requirements(str(tmp_path / "requirements.txt"))
