"""What is behind a view, as far as Snowflake tells. Nothing here changes anything.

Masking policies hold behind an ordinary view for whoever reads it, so that everything behind one
has to be found and looked at. What a dynamic table keeps was read by its owner, who may see in
clear what a policy hides from others, and what a materialized view reads is told by nobody: both
are unknown, unless a person has read them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from attrs import field, frozen

from marketplace_sdk_snowflake import queries, statements
from marketplace_sdk_snowflake.failures import Failure
from marketplace_sdk_snowflake.listing import objects_of

if TYPE_CHECKING:
    from marketplace_sdk_snowflake.lines import Row
    from marketplace_sdk_snowflake.listing import Found
    from marketplace_sdk_snowflake.sessions import Talk
    from marketplace_sdk_snowflake.settings import Settings

__all__ = ["Behind", "Name", "behind", "fingerprint"]

Name = tuple[str, str, str]

_MOST = 100
"""Objects that are looked at; what is behind more of them is unknown."""
_KEPT = ("dynamic table", "materialized view")


@frozen(kw_only=True)
class Behind:
    """What is behind an object.

    Attributes:
        read: what it reads, through further views too.
        unknown: what cannot be followed.
    """

    read: frozenset[Name] = frozenset()
    unknown: frozenset[Name] = frozenset()


def behind(talk: Talk, settings: Settings, found: Found) -> Behind:
    """What is behind an object; nothing behind a table that was filled by other means.

    Raises:
        Failure: Snowflake gives no answer.
    """
    walk = _Walk(talk, settings)
    walk.into(found)
    return Behind(read=frozenset(walk.read), unknown=frozenset(walk.unknown))


def fingerprint(talk: Talk, found: Found) -> str:
    """By which the text of a view or dynamic table is known again; empty if it is hidden.

    Raises:
        Failure: Snowflake gives no answer.
    """
    statement = statements.show_views(found.name[:2], found.name[2])
    if found.kind == "dynamic table":
        statement = statements.show_dynamic_tables(found.name[:2], found.name[2])
    rows = _rows(talk, statement)
    text = next((row.get("text") or "" for row in rows if row["name"] == found.name[2]), "")
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


@frozen
class _Walk:
    talk: Talk
    settings: Settings
    read: set[Name] = field(factory=set, init=False)
    unknown: set[Name] = field(factory=set, init=False)

    def into(self, found: Found) -> None:
        """Follow what an object reads."""
        trusted = self.settings.trusted_views.get(found.name, "")
        if trusted and fingerprint(self.talk, found) == trusted:
            return
        if found.kind in _KEPT:
            self.unknown.add(found.name)
        elif found.kind == "view":
            self._view(found.name)

    def _view(self, view: Name) -> None:
        rows = []
        if self.settings.warehouse:
            rows = _rows(self.talk, queries.references_of_view(view))
        if not rows:
            # A view that is said to read nothing reads something that is not told.
            self.unknown.add(view)
        for row in rows:
            name = (
                row["referenced_database_name"],
                row["referenced_schema_name"],
                row["referenced_object_name"],
            )
            if name in self.read:
                continue
            if len(self.read) >= _MOST:
                self.unknown.add(name)
                return
            self.read.add(name)
            base = self._object(name)
            if base is None:
                self.unknown.add(name)
            else:
                self.into(base)

    def _object(self, name: Name) -> Found | None:
        try:
            return objects_of(self.talk, name[:2], {name[2]}).get(name[2])
        except Failure as failure:
            if failure.kind not in ("absent", "denied"):
                raise
            return None


def _rows(talk: Talk, statement: str) -> list[Row]:
    """Rows of an answer; none if it is refused."""
    try:
        return list(talk.read(statement))
    except Failure as failure:
        if failure.kind not in ("absent", "denied"):
            raise
        return []
