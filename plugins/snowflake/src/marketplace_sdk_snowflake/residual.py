"""By which ways somebody can read an object, after the marketplace has taken its own away.

The grants on the object are followed upwards, from each role to whoever holds it. Nothing is
changed, and what cannot be seen is said, because an empty answer would be taken for none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from marketplace_sdk.plugin import dotted_name
from marketplace_sdk_snowflake import statements
from marketplace_sdk_snowflake.failures import Failure
from marketplace_sdk_snowflake.kinds import table_or_view
from marketplace_sdk_snowflake.naming import Grantee, role_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marketplace_sdk_snowflake.lines import Row
    from marketplace_sdk_snowflake.listing import Found
    from marketplace_sdk_snowflake.sessions import Talk

__all__ = ["Way", "ways"]

_READING = ("SELECT", "OWNERSHIP")
_MOST = 500
"""Roles that are looked at; beyond them nothing is known."""


@frozen(kw_only=True)
class Way:
    """One way to an object.

    Attributes:
        text: for people.
        ours: it leads through a role of the marketplace.
        certain: it is there; otherwise it cannot be seen whether it is.
    """

    text: str
    ours: bool = False
    certain: bool = True


def ways(talk: Talk, found: Found, user: str, installation: str, prefix: str) -> Iterator[Way]:
    """Every way by which a user can read an object, and every one that cannot be followed.

    Raises:
        Failure: the grants on the object cannot be seen.
    """
    climb = _Climb(talk, user, role_prefix(installation, prefix))
    for row in talk.read(statements.show_grants_on(table_or_view(found.kind), found.name)):
        if row.get("privilege") in _READING:
            yield from climb.up(
                row, f"{row['privilege']} on {dotted_name(*found.name)}", ours=False
            )


@frozen
class _Climb:
    talk: Talk
    user: str
    prefix: str
    _members: dict[Grantee, list[Row] | None] = field(factory=dict, init=False)

    def up(
        self, row: Row, path: str, *, ours: bool, below: frozenset[Grantee] = frozenset()
    ) -> Iterator[Way]:
        """From a grant to whoever holds it."""
        kind, name = row.get("granted_to", "").replace("_", " "), row.get("grantee_name", "")
        if kind == "USER":
            if name == self.user:
                yield Way(text=f"user {name}: {path}", ours=ours)
            return
        if kind not in ("ROLE", "DATABASE ROLE"):
            # A share, or an application, is not a person of this account.
            return
        try:
            role = Grantee.read(name) if kind == "DATABASE ROLE" else Grantee(name)
        except ValueError:
            yield Way(text=f"{kind.lower()} {name}, which cannot be read: {path}", certain=False)
            return
        if role in below:
            return
        path = f"{kind.lower()} {role}, {path}"
        ours = ours or role.name.startswith(self.prefix)
        if kind == "ROLE" and role.name == "PUBLIC":
            yield Way(text=f"everybody: {path}", ours=ours)
            return
        members = self._holders(role)
        if members is None:
            yield Way(text=f"whoever holds {path}, which cannot be seen", ours=ours, certain=False)
            return
        for each in members:
            yield from self.up(each, path, ours=ours, below=below | {role})

    def _holders(self, role: Grantee) -> list[Row] | None:
        """Who holds a role; None: it cannot be seen."""
        if role not in self._members:
            if len(self._members) >= _MOST:
                return None
            try:
                self._members[role] = list(self.talk.read(statements.show_members(role)))
            except Failure as failure:
                if failure.kind not in ("absent", "denied"):
                    raise
                self._members[role] = None
        return self._members[role]
