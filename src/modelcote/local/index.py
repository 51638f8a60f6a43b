"""Where packages come from: uv is told what the user has told pip.

uv reads its own variables (`UV_*`) and files, not pip's. Many machines reach packages through an index that only
pip's variables or `pip.conf` name; what uv's own variables say stays as it is.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Mapping
from pathlib import Path

# pip's option, uv's variable.
_OPTIONS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "cert": "SSL_CERT_FILE",
}
# Other names for the same in uv; where one of them is set, the user has decided.
_SAME = {"UV_DEFAULT_INDEX": ("UV_INDEX_URL",), "UV_INDEX": ("UV_EXTRA_INDEX_URL",)}
_OFF = ("", "0", "false", "no", "off")


def uv_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment with pip's settings as uv's, variables before files."""
    environment = dict(os.environ if environment is None else environment)
    said = {**_from_files(environment), **_from_variables(environment)}
    for option, variable in _OPTIONS.items():
        decided = any(environment.get(name) for name in (variable, *_SAME.get(variable, ())))
        value = said.get(option, "")
        if decided or not value or (option == "no-index" and value.lower() in _OFF):
            continue
        # Both take several, pip with white space between them, uv's links with commas.
        environment[variable] = ",".join(value.split()) if option == "find-links" else " ".join(value.split())
        if option == "extra-index-url":
            # As pip does: the best version of all indexes, not the first index that has the name.
            environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return environment


def _from_variables(environment: Mapping[str, str]) -> dict[str, str]:
    names = {option: f"PIP_{option.upper().replace('-', '_')}" for option in _OPTIONS}
    return {option: environment[name] for option, name in names.items() if environment.get(name)}


def _from_files(environment: Mapping[str, str]) -> dict[str, str]:
    """The options of pip's configuration files, later files before earlier ones, as pip reads them."""
    if environment.get("PIP_CONFIG_FILE") == os.devnull:
        return {}
    home = Path(environment.get("HOME") or Path.home())
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    files = [
        Path("/etc/pip.conf"),
        home / ".pip" / "pip.conf",
        config / "pip" / "pip.conf",
        Path(sys.prefix) / "pip.conf",
        *([Path(environment["PIP_CONFIG_FILE"])] if environment.get("PIP_CONFIG_FILE") else []),
    ]
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read([file for file in files if file.is_file()], encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return {}  # pip itself will say what is wrong with it
    return {
        option: parser[section][option]
        for section in ("global", "install")
        if parser.has_section(section)
        for option in _OPTIONS
        if option in parser[section]
    }
