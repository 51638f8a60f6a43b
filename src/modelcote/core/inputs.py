"""A model's inputs: what one row is, column by column. Made once, at deploy; stored with the version; used by every
request (`modelcote.flow.inputs`), so that no cell's meaning depends on the other rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from modelcote.core.errors import InvalidSpec
from modelcote.core.texts import quoted

# A matrix of float64; a numpy array of another dtype; a pandas DataFrame; a list of texts; one value per row; a list of
# values per row, of any length; an ONNX feed; the data as sent.
MATRIX, TABLE, FRAME, TEXTS, VALUES, LISTS, FEED, ANY = (
    *("matrix", "table", "frame", "texts", "values", "lists", "feed", "any"),
)
# Two dtypes of ours: a column of numbers or of texts, which nothing decides; a column that the model never reads.
UNDECIDED, UNREAD = "undecided", "unread"
# What null is: NaN, None, pandas' NA and NaT; nothing where the column has no missing values.
NAN, NONE, NA, NAT, NO_MISSING = "nan", "none", "NA", "NaT", ""
# ISO 8601, as RFC 3339 writes it or less: the time, its zone and the seconds may be absent.
DATE, ZONE = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?", r"Z|([+-])(\d\d):?(\d\d)"


@dataclass(frozen=True)
class Column:
    """A column; `dtype` and `of`, the dtype of a category column's `categories`, in numpy's or pandas' own spelling."""

    name: str = ""
    dtype: str = "float64"
    missing: str = NAN
    categories: tuple[Any, ...] | None = None
    of: str = ""
    ordered: bool = False


@dataclass(frozen=True)
class Inputs:
    """The inputs of a flow's first stage.

    `width`: the number of columns, None where the model does not know it. `cell`: each column that `columns` does not
    describe by itself, and the dtype of a table's array. `sparse`: the matrix is a SciPy one, without its zeros.
    """

    kind: str = ANY
    width: int | None = None
    columns: tuple[Column, ...] = ()
    cell: Column = Column()
    sparse: bool = False

    def column(self, place: int) -> Column:
        """Return the description of the column at that position."""
        return self.columns[place] if self.columns else self.cell

    @cached_property
    def is_matrix(self) -> bool:
        """Whether rows can be read as a matrix of float64; an earlier version described every column as undecided."""
        numbers = ("float64", UNDECIDED)
        return self.kind == MATRIX or (self.kind == FRAME and all(one.dtype in numbers for one in self.columns))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns' names, empty where the model was trained without them."""
        return tuple(column.name for column in self.columns) if self.kind == FRAME else ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, as `conduit.json` holds them: what differs from the defaults, and the kind."""
        values: dict[str, Any] = {**_changed(self), "kind": self.kind}
        if self.columns:
            values["columns"] = [_changed(column) for column in self.columns]
        if self.cell != Column():
            values["cell"] = _changed(self.cell)
        return values


def _changed(value: Column | Inputs) -> dict[str, Any]:
    members = ((field.name, getattr(value, field.name), field.default) for field in fields(value))
    return {name: list(item) if isinstance(item, tuple) else item for name, item, default in members if item != default}


def inputs_from_dict(data: Mapping[str, Any]) -> Inputs:
    """Return the inputs that `Inputs.to_dict` wrote, of this version or of an earlier one.

    Raises `KeyError`, `TypeError` and `ValueError` for anything else.
    """
    if is_earlier(data):
        return _earlier(data)
    columns = tuple(map(_column, data.get("columns", ())))
    return Inputs(**{**data, "columns": columns, "cell": _column(data.get("cell", {}))})


def _column(data: Mapping[str, Any]) -> Column:
    categories = data.get("categories")
    return Column(**{**data, "categories": None if categories is None else tuple(categories)})


def is_earlier(data: Mapping[str, Any]) -> bool:
    """Return whether an earlier version wrote it, which knew neither dtypes nor categories."""
    return "n_features" in data


def _earlier(data: Mapping[str, Any]) -> Inputs:
    categories, texts = set(data.get("categories", ())), set(data.get("texts", ()))
    columns = tuple(
        Column(name, "category" if name in categories else "str" if name in texts else UNDECIDED)
        for name in data.get("columns", ())
    )
    kind = {"mixed": TABLE, "text": TEXTS}.get(data["kind"], data["kind"])
    return Inputs(kind, data["n_features"], columns, Column(dtype=UNDECIDED) if kind == TABLE else Column())


def plain_categories(categories: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Return categories by column as JSON values; raise `InvalidSpec` for any that has no JSON form."""
    plain = {str(name): [_plain(item) for item in items] for name, items in categories.items()}
    for name, items in plain.items():
        for item in items:
            if not isinstance(item, str | int | float) or item != item:  # noqa: PLR0124  NaN
                raise InvalidSpec(
                    f"categories: {quoted(item)} of {name[:60]} is not a text, a number, true or false.",
                    "Leave missing values out: they have no category.",
                    field="categories",
                )
    return plain


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


_NUMBER, _TEXT, _BOOLEAN = {"type": "number"}, {"type": "string"}, {"type": "boolean"}
_SCALAR = {"type": ["number", "string", "boolean"]}
_TYPES: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("bool", "boolean"), _BOOLEAN),
    **dict.fromkeys(("str", "string"), _TEXT),
    **dict.fromkeys(("object", UNDECIDED, UNREAD), _SCALAR),
}


def json_schema(inputs: Inputs) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a request's data; of `feed` and `any` only that it may be anything."""
    if inputs.kind in (ANY, FEED):
        return {}
    return {"type": "array", "minItems": 1, "items": _row_schema(inputs)}


def _row_schema(inputs: Inputs) -> dict[str, Any]:
    if inputs.kind == TEXTS:
        return _TEXT
    cell = _cell_schema(inputs.cell)
    if inputs.kind == VALUES:
        return cell
    row: dict[str, Any] = {"type": "array"}
    if inputs.kind == LISTS:
        return {**row, "items": cell}
    if inputs.width is None and inputs.cell.dtype == UNDECIDED:
        return {"anyOf": [{**row, "items": cell}, _TEXT]}
    if inputs.width is not None:
        row |= {"minItems": inputs.width, "maxItems": inputs.width}
    cells = [_cell_schema(column) for column in inputs.columns]
    row |= {"prefixItems": cells} if cells else {"items": cell}
    if not inputs.names:
        return row
    named = {"type": "object", "additionalProperties": False, "required": list(inputs.names)}
    return {"anyOf": [row, {**named, "properties": dict(zip(inputs.names, cells, strict=True))}]}


def _cell_schema(column: Column) -> dict[str, Any]:
    nullable = column.missing != NO_MISSING
    if column.categories is not None:
        # JSON has no infinite numbers: no request can name such a category.
        categories = (item for item in column.categories if not isinstance(item, float) or math.isfinite(item))
        return {"enum": [*categories, *([None] if nullable else [])]}
    dtype = column.dtype.lower()
    schema = _TYPES.get(dtype, {"type": "integer"} if "int" in dtype else _NUMBER)
    if dtype.startswith("datetime64"):
        schema = {"type": "string", "pattern": f"^{DATE}({ZONE})$" if "," in dtype else f"^{DATE}$"}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {**schema, "type": [*kinds, "null"]} if nullable else schema
