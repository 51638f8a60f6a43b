"""Every column that `cote` prints is a field of what the API sends, by the committed OpenAPI document."""

from __future__ import annotations

import importlib
import json
import pkgutil
from pathlib import Path

import pytest

from modelcote import cli
from modelcote.cli.keys import KEYS
from modelcote.cli.output import Table

SCHEMAS = json.loads((Path(__file__).parents[3] / "docs/openapi/openapi.json").read_text(encoding="utf-8"))[
    "components"
]["schemas"]
MODULES = [importlib.import_module(f"modelcote.cli.{module.name}") for module in pkgutil.iter_modules(cli.__path__)]
COLUMNS = [
    (table.row.__name__, column)
    for module in MODULES
    for table in vars(module).values()
    if isinstance(table, Table)
    for column in table.columns
]


@pytest.mark.parametrize(("view", "column"), COLUMNS)
def test_a_column_is_a_field_of_its_view(view: str, column: str) -> None:
    assert column in SCHEMAS[view]["properties"]


def test_every_list_has_its_table() -> None:
    views = {view for view, _ in COLUMNS}
    assert views == {"ModelView", "VersionView", "KeyView", "SecretView", "RunView", "DeliveryView", "AttemptView"}


def test_no_value_is_cut(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    KEYS.print({"keys": [dict.fromkeys(KEYS.columns, "f" * 30)]})
    assert capsys.readouterr().out.count("f" * 30) == len(KEYS.columns)
