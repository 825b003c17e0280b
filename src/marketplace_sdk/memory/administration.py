"""What people see on the memory platform, and what administrators do on it by hand."""

# `object` is the port's word, and that of everybody who calls this

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Literal

from marketplace_sdk.errors import NotFound
from marketplace_sdk.memory.privileges import Privilege, Privileges

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Administration"]


class Administration:
    """The platform as it is without a marketplace. Safe to use from several threads."""

    def __init__(self, books: Privileges) -> None:
        self._lock = threading.RLock()
        self._books = books

    # What a person sees on it.

    def reads(self, principal: str, object: str, column: str) -> Literal["none", "masked", "clear"]:
        """What a principal gets who selects one column.

        ``none``: no column of the object can be read. ``masked``: the object can be read, but
        this column is refused or altered. ``clear``: the real value. A right to unmask opens
        nothing by itself.
        """
        with self._lock:
            return self._books.reads(principal, object, column)

    def can_read(self, principal: str, object: str) -> bool:
        """Whether the principal can read anything of the object."""
        with self._lock:
            return self._books.holds(principal, object, None)

    def sees_clear(self, principal: str, object: str, column: str) -> bool:
        """Whether the principal gets the real values of the column."""
        return self.reads(principal, object, column) == "clear"

    def snapshot(self) -> frozenset[tuple[str, str, str | None]]:
        """Every privilege as (principal, object, column to unmask or None for reading)."""
        with self._lock:
            return self._books.snapshot()

    # What administrators do by hand, behind the marketplace's back.

    def grant_by_hand(self, principal: str, object: str, column: str | None = None) -> None:
        """Let a principal read an object or, with ``column``, see that column unmasked.

        Raises:
            NotFound: there is no such principal, object or column.
        """
        with self._lock:
            self._books.add(self._named(principal, object, column), by_hand=True)

    def revoke_by_hand(self, principal: str, object: str, column: str | None = None) -> None:
        """Take it away; taking away what is not there changes nothing.

        Raises:
            NotFound: there is no such principal, object or column.
        """
        with self._lock:
            self._books.discard(self._named(principal, object, column))

    def create(
        self,
        object: str,
        columns: Sequence[str] | None = None,
        owner: str = "",
        *,
        comment: str = "",
        tags: Iterable[str] = (),
        shows: Mapping[str, str] | None = None,
    ) -> None:
        """Make an object, in place of the one of that name if there is one, with a new native id.

        ``columns`` None leaves them unknown, which only an open world can do sensibly. With
        ``shows`` it is a view: to whoever may read it, these columns show the real values of
        others, given as ``object.column``, whatever mask those have.
        """
        with self._lock:
            self._books.create(object, columns, owner, comment, tags, shows)

    def hand_over(self, object: str, owner: str) -> None:
        """Let an object belong to somebody else; its native id and the privileges on it stay.

        Raises:
            NotFound: there is no such object.
        """
        with self._lock:
            self._books.hand_over(object, owner)

    def tag(self, object: str, *tags: str) -> None:
        """Give an object these tags and no others.

        Raises:
            NotFound: there is no such object.
        """
        with self._lock:
            self._books.retag(object, tags)

    def drop(self, object: str) -> None:
        """Drop an object, and with it every privilege on it and every protection of it."""
        with self._lock:
            self._books.drop(object)

    def protect(self, object: str, column: str) -> None:
        """Attach a mask to a column.

        Raises:
            NotFound: there is no such object or column.
        """
        self._protect(object, column, protected=True)

    def unprotect(self, object: str, column: str) -> None:
        """Take the mask off a column; an open world then no longer protects it by itself.

        Raises:
            NotFound: there is no such object or column.
        """
        self._protect(object, column, protected=False)

    def replace_principal(self, name: str) -> None:
        """Drop a principal with all privileges, or none, and make another one of that name."""
        with self._lock:
            self._books.replace_principal(name)

    def drop_principal(self, name: str) -> None:
        """Drop a principal with all privileges."""
        with self._lock:
            self._books.drop_principal(name)

    def rename_principal(self, name: str, new: str) -> None:
        """Give a principal another name; the native id and the privileges stay.

        Raises:
            NotFound: there is no such principal.
        """
        with self._lock:
            self._books.rename_principal(name, new)

    def _named(self, principal: str, object: str, column: str | None) -> Privilege:
        who, what = self._books.principal(principal), self._books.object(object)
        if who is None:
            raise NotFound("use", "principal", principal)
        if what is None:
            raise NotFound("use", "object", object)
        if column is not None and not self._books.has_column(object, column):
            raise NotFound("use", "column", f"{object}.{column}")
        return Privilege(what.id, column, who)

    def _protect(self, object: str, column: str, *, protected: bool) -> None:
        with self._lock:
            if not self._books.has_column(object, column):
                raise NotFound("protect", "column", f"{object}.{column}")
            self._books.protect(object, column, protected=protected)
