"""Where packages are installed from: pip's settings, handed on to uv.

uv reads its own variables (`UV_*`) and files, not pip's. Many machines reach packages through an index that only
pip's variables or `pip.conf` name; what uv's own variables say stays as it is.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Mapping
from pathlib import Path

# pip's option, and uv's variables for it: the one that is set here, and another that the user may have set.
_OPTIONS = {
    "index-url": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "extra-index-url": ("UV_INDEX", "UV_EXTRA_INDEX_URL"),
    "find-links": ("UV_FIND_LINKS",),
    "no-index": ("UV_NO_INDEX",),
    "cert": ("SSL_CERT_FILE",),
}
_OFF = ("0", "false", "no", "off")


def uv_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment with pip's settings as uv's; pip's variables override its files."""
    environment = dict(os.environ if environment is None else environment)
    files = _from_files(environment)
    for option, variables in _OPTIONS.items():
        values = (environment.get(f"PIP_{option.upper().replace('-', '_')}") or files.get(option, "")).split()
        decided = any(environment.get(name) for name in variables)
        if decided or not values or (option == "no-index" and values[0].lower() in _OFF):
            continue
        # Both accept several, pip with white space between them, uv's links with commas.
        environment[variables[0]] = ("," if option == "find-links" else " ").join(values)
        if option == "extra-index-url":
            # As pip does: the best version of all indexes, not the first index that has the name.
            environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return environment


def _from_files(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the options of pip's configuration files; later files override earlier ones, as pip reads them."""
    named = environment.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return {}
    home = Path(environment.get("HOME") or Path.home())
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "pip"
    folders = (Path("/etc"), home / ".pip", config, Path(sys.prefix))
    files = [*(folder / "pip.conf" for folder in folders), *([Path(named)] if named else [])]
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read([file for file in files if file.is_file()], encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return {}  # pip itself will say what is wrong with it
    sections = [parser[name] for name in ("global", "install") if parser.has_section(name)]
    return {option: value for section in sections for option, value in section.items()}
