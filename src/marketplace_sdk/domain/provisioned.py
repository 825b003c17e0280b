"""What the marketplace holds on platforms, as people read it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from attrs import frozen

__all__ = ["GrantItem"]


@frozen(kw_only=True)
class GrantItem:
    """The smallest thing that a platform shows of a grant.

    Attributes:
        connection: where it is.
        kind: the platform's word, for example ``membership``.
        statement: how the platform would be told to add it.
        objects: dotted native names of what it opens, alone or as the last part.
        shared: it is for all members of the product, not for this grant alone.
        state: what the last observation showed: ``present``, ``absent``, or empty: not seen yet.
        origin: ``ours``; ``preexisting`` (it was there before us and will stay); empty: not seen.
        wanted: there is a reason for it now; what is not wanted is being taken away.
        evidence: of the last change, in the platform's words.
        at: when the state was last found to be another one.
    """

    connection: str
    kind: str
    statement: str
    objects: tuple[str, ...] = ()
    shared: bool = False
    state: Literal["", "present", "absent"] = ""
    origin: Literal["", "ours", "preexisting"] = ""
    wanted: bool = True
    evidence: str = ""
    at: datetime | None = None

    def __str__(self) -> str:
        state = self.state or "not seen yet"
        why = "" if self.wanted else ", being taken away"
        before = ", was there before us" if self.origin == "preexisting" else ""
        return f"{self.connection}: {self.statement} [{state}{before}{why}]"
