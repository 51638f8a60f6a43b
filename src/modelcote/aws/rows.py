"""Records of a table as frozen values: a plain dict out, and back from an item that may carry more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar, Self

from modelcote.aws.items import GetItem


def project_pk(project: str) -> str:
    return f"P#{project}"


class Row:
    """The base of the records."""

    __dataclass_fields__: ClassVar[dict[str, Any]]
    renamed: ClassVar[Mapping[str, str]] = {}  # Names of fields in rows of earlier versions, and their names now.

    def to_item(self) -> dict[str, Any]:
        """Return the item with its keys, its values as `modelcote.aws.items` accepts them."""
        pk, sk = self.key
        return {"pk": pk, "sk": sk, **asdict(self)}

    @property
    def key(self) -> tuple[str, str]:
        raise NotImplementedError

    @classmethod
    def read(cls, get: GetItem, key: tuple[str, str]) -> Self | None:
        """Return the record of this key, or None."""
        item = get(*key)
        return None if item is None else cls.from_item(item)

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Return the record of an item; members that this version does not know are left out."""
        if not cls.renamed.keys().isdisjoint(item):
            item = {**{name: item[old] for old, name in cls.renamed.items() if old in item}, **item}
        values = {name: value for name, value in item.items() if name in cls.__dataclass_fields__}
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
