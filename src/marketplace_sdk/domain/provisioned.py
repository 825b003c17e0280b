"""What the marketplace holds on platforms, as people read it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from attrs import evolve, field, frozen

from marketplace_sdk.domain.events import Mark

__all__ = [
    "REPAIRABLE",
    "Drift",
    "DriftFinding",
    "DriftKind",
    "GrantItem",
    "PlannedChange",
    "Preview",
]


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


@frozen(kw_only=True)
class PlannedChange:
    """One change that would be made on a platform.

    Attributes:
        connection: where.
        action: ``add``, ``remove`` or ``set_until``.
        kind: the platform's word for what is changed.
        statement: in the platform's own words; of one member without a name when ``members`` is
            not 0.
        objects: dotted native names of what it opens or closes.
        members: for how many members it is made; 0: once, or for the one grant that was asked of.
    """

    connection: str
    action: str
    kind: str
    statement: str
    objects: tuple[str, ...] = ()
    members: int = 0

    def for_members(self, count: int) -> PlannedChange:
        """The same for so many members."""
        return evolve(self, members=count)

    def __str__(self) -> str:
        count = f" (for each of {self.members} members)" if self.members > 1 else ""
        one = " (for one member)" if self.members == 1 else ""
        words = self.statement or f"{self.action} {self.kind} on {', '.join(self.objects)}"
        return f"{self.connection}: {words}{count}{one}"


@frozen(kw_only=True)
class Preview:
    """What would change on platforms, and what stands against it. Nothing was changed.

    Attributes:
        changes: in the order in which they would be made.
        problems: why something would not be given; empty: all of it would.
        notes: what else to know.
    """

    changes: tuple[PlannedChange, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [str(change) for change in self.changes] or ["nothing would change"]
        lines += [f"but: {problem}" for problem in self.problems]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


DriftKind = Literal[
    "missing",
    "outlives",
    "extra_member",
    "added_by_hand",
    "replaced",
    "owner_changed",
    "unprotected",
    "unguarded",
    "cannot_look",
]
REPAIRABLE: tuple[DriftKind, ...] = ("missing", "outlives", "unprotected")
"""What another pass puts right by itself; of the rest people have to know."""


@frozen(kw_only=True)
class DriftFinding:
    """One thing on a platform that is not as it should be.

    Attributes:
        kind: ``missing`` (approved, and not there any more), ``outlives`` (there, and nobody has
            a reason for it), ``extra_member`` (somebody else put it into a role of ours),
            ``added_by_hand`` (somebody gave it beside us), ``replaced`` (the object was dropped
            and made again), ``owner_changed``, ``unprotected`` (a masked column that is open now
            is not protected any more), ``unguarded`` (another condition of the platform's does not
            hold any more), ``cannot_look``.
        connection: where.
        what: in words, or in the platform's.
        objects: dotted names of what it is about.
        product: id of the product, or empty for a column.
        grants: ids of the grants concerned.
        since: since when access outlives its reason, if that is known.
        mark: the target that has to be looked at to put it right.
    """

    kind: DriftKind
    connection: str
    what: str
    objects: tuple[str, ...] = ()
    product: str = ""
    grants: tuple[str, ...] = ()
    since: datetime | None = None
    mark: Mark = field(repr=False)

    def __str__(self) -> str:
        return f"{self.connection}: {self.kind}: {self.what}"


@frozen(kw_only=True)
class Drift:
    """How far platforms are from what is approved.

    Attributes:
        findings: everything that is not as it should be.
        targets: how many products and columns were looked at.
    """

    findings: tuple[DriftFinding, ...] = ()
    targets: int = 0

    def of(self, *kinds: DriftKind) -> tuple[DriftFinding, ...]:
        """The findings of these kinds."""
        return tuple(each for each in self.findings if each.kind in kinds)

    def __str__(self) -> str:
        return "\n".join(str(each) for each in self.findings) or "nothing has drifted"
