"""What is behind a view: the tables that it reads, or was filled from.

Unity Catalog tells which objects a view reads, not which of its columns show which of theirs, so
each column counts as showing all of them. Behind an ordinary view masks hold for whoever reads it;
a materialized view, or a streaming table, is filled with the rights of its owner, who may see in
clear what a mask hides from others. What cannot be followed to its end is said to be unknown.

Views and their dependencies as in "tables/get" and "functions/get" of the API; masks behind views
as in "ABAC requirements, quotas, and limitations".
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from attrs import field, frozen
from databricks.sdk import errors

from marketplace_sdk_databricks.securables import get_table, is_view, path

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.catalog import DependencyList, FunctionInfo, TableInfo

__all__ = ["Behind", "behind"]

_MOST = 200
"""Objects that are looked at; what is behind more of them is unknown."""
_STREAMED = "STREAMING_TABLE"
_FILLED = {"MATERIALIZED_VIEW", _STREAMED}
_NO_DATA = {"NO_SQL", "CONTAINS_SQL"}


@frozen(kw_only=True)
class Behind:
    """What is behind an object.

    Attributes:
        live: dotted names of what it reads, through further views too; masks there hold.
        kept: what it was filled from, and which object keeps that.
        unknown: what could not be followed.
        digest: of the texts of all views on the way; empty if one of them cannot be read.
    """

    live: frozenset[str] = frozenset()
    kept: frozenset[tuple[str, str]] = frozenset()
    unknown: frozenset[str] = frozenset()
    digest: str = ""

    @property
    def names(self) -> frozenset[str]:
        """Everything whose masks matter."""
        return self.live | {name for name, _ in self.kept}


def behind(client: WorkspaceClient, table: TableInfo) -> Behind:
    """What is behind a table or view; nothing behind a table that was filled by other means.

    Raises:
        OSError: the workspace cannot be asked.
    """
    walk = _Walk(client)
    walk.into(table, "")
    return walk.found()


@frozen
class _Walk:
    client: WorkspaceClient
    live: set[str] = field(factory=set, init=False)
    kept: set[tuple[str, str]] = field(factory=set, init=False)
    unknown: set[str] = field(factory=set, init=False)
    seen: set[tuple[str, str]] = field(factory=set, init=False)
    texts: dict[str, list[str] | None] = field(factory=dict, init=False)

    def found(self) -> Behind:
        readable = None not in self.texts.values()
        plain = json.dumps([sorted(self.texts.items()), sorted(self.unknown)])
        digest = hashlib.sha256(plain.encode()).hexdigest() if readable and self.texts else ""
        return Behind(
            live=frozenset(self.live),
            kept=frozenset(self.kept),
            unknown=frozenset(self.unknown),
            digest=digest,
        )

    def into(self, table: TableInfo, keeper: str) -> None:
        """Follow what a table or view was made from; ``keeper`` is what it is a part of."""
        name, kind = (table.full_name or "").lower(), getattr(table.table_type, "value", "")
        dependencies = table.view_dependencies
        if kind in _FILLED and (dependencies is not None or kind != _STREAMED):
            keeper = keeper or name
        elif not is_view(table):
            # Where the rows of a table came from is written nowhere.
            return
        if dependencies is None:
            self.unknown.add(name)
        self._text(name, table.view_definition, dependencies)
        self._follow(dependencies, keeper)

    def _follow(self, dependencies: DependencyList | None, keeper: str) -> None:
        for each in (dependencies.dependencies or ()) if dependencies else ():
            if each.table is not None:
                self._table((each.table.table_full_name or "").lower(), keeper)
            if each.function is not None:
                self._function((each.function.function_full_name or "").lower(), keeper)

    def _table(self, name: str, keeper: str) -> None:
        if not self._new(name, keeper):
            return
        self.live.add(name) if not keeper else self.kept.add((name, keeper))
        try:
            table = get_table(self.client, name)
        except (errors.PermissionDenied, ValueError):
            table = None
        if table is None:
            self.unknown.add(name)
        else:
            self.into(table, keeper)

    def _function(self, name: str, keeper: str) -> None:
        """A function reads its tables for whoever calls it, as a view does."""
        if not self._new(f"{name}()", keeper):
            return
        try:
            function: FunctionInfo | None = self.client.functions.get(path(name))
        except (errors.NotFound, errors.PermissionDenied, ValueError):
            function = None
        if function is None:
            self.unknown.add(f"{name}()")
            return
        dependencies = function.routine_dependencies
        reads = getattr(function.sql_data_access, "value", "") not in _NO_DATA
        if reads and dependencies is None:
            self.unknown.add(f"{name}()")
        self._text(f"{name}()", function.routine_definition, dependencies)
        self._follow(dependencies, keeper)

    def _new(self, name: str, keeper: str) -> bool:
        if (name, keeper) in self.seen:
            return False
        if len(self.seen) >= _MOST:
            self.unknown.add(name)
            return False
        self.seen.add((name, keeper))
        return True

    def _text(self, name: str, text: str | None, dependencies: DependencyList | None) -> None:
        deep = dependencies.as_dict() if dependencies else {}
        self.texts[name] = [text, json.dumps(deep, sort_keys=True)] if text else None
