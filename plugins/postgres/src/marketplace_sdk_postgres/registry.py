"""Which columns are to be masked as the marketplace has them, whatever product they are in."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from attrs import field, frozen

from marketplace_sdk import DataSource
from marketplace_sdk.plugin import Storage, load
from marketplace_sdk_postgres.naming import dotted_name, quote_identifier

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from marketplace_sdk_postgres.subjects import ColumnName

__all__ = ["RegisteredMasks"]

_AT_ONCE = 500
"""Names in one query; storages limit the parameters of a statement."""


@frozen
class RegisteredMasks:
    """Looks up the data sources of one connection.

    A target knows the masks of its own objects only, but a view may show what another source masks.
    """

    storage: Storage = field(repr=False)
    connection: str

    def __call__(self, relations: Collection[tuple[str, str]]) -> frozenset[ColumnName]:
        """Every masked column of these relations, given as schema and name.

        Raises:
            StorageError: the storage cannot be read.
        """
        names = {
            f"{self.connection}|{spelt}": relation
            for relation in relations
            for spelt in _spellings(*relation)
        }
        keys = sorted(names)
        found: set[ColumnName] = set()
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            with self.storage.begin(write=False) as unit:
                records = unit.find("source", [("object", some)])
            for record in records:
                source = load(DataSource, record.document)
                schema, table = names[f"{source.connection}|{source.object}"]
                found.update((schema, table, column) for column in source.masked)
        return frozenset(found)


def _spellings(schema: str, table: str) -> Iterator[str]:
    """The ways in which one object may have been registered."""
    yield dotted_name(schema, table)
    for parts in product((schema, quote_identifier(schema)), (table, quote_identifier(table))):
        yield ".".join(parts)
