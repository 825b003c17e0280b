"""What the marketplace needs of a data platform.

A provisioner knows names, items and statements of one platform. It decides nothing: which items
should be there, in which order they change and when they are believed is the reconciler's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from attrs import field, frozen

from marketplace_sdk.domain.values import FrozenMap, freeze

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

__all__ = [
    "Call",
    "CannotLook",
    "Change",
    "Guard",
    "Item",
    "Known",
    "Outcome",
    "Presence",
    "Provisioner",
    "Ref",
    "Resolved",
    "Scope",
    "Seen",
    "Target",
    "TargetObject",
    "Unresolved",
]


@frozen
class Ref:
    """A name as the marketplace has it.

    Attributes:
        kind: ``principal`` (who) or ``object`` (table, view, file set).
        name: as registered, case kept.
    """

    kind: Literal["principal", "object"]
    name: str


@frozen(kw_only=True)
class Resolved:
    """What a name means on the platform right now.

    Attributes:
        ref: the name that was asked for.
        platform: identity of the platform itself, the same over every connection to it.
        native_id: the platform's own id, another one when the thing was dropped and made again.
        name: the platform's dotted name, which ``may_grant`` patterns are matched with.
        kind: what it is there, for example ``table`` or ``user``.
        owner: who owns it there, or empty text.
        columns: names of its columns in order (objects only).
        shows: by column, the columns of other objects whose values it shows to whoever may read
            it, as a view does: pairs of dotted native name and column. Left out where the
            platform's own masks hold behind it too. ``*`` stands for every column, on both sides,
            where the platform tells of objects only.
        facts: whatever else ``base`` and ``member`` need; plain data.
    """

    ref: Ref
    platform: str
    native_id: str
    name: str
    kind: str = ""
    owner: str = ""
    columns: tuple[str, ...] = ()
    shows: FrozenMap[str, tuple[tuple[str, str], ...]] = field(factory=FrozenMap, converter=freeze)
    facts: FrozenMap[str, Any] = field(factory=FrozenMap, converter=freeze)


@frozen(kw_only=True)
class Unresolved:
    """A name that means nothing now.

    Attributes:
        ref: the name that was asked for.
        reason: ``not_found``, ``not_allowed``, ``unsupported`` or ``cannot_look``.
        message: for people, what to do included.
        retryable: the platform could not be asked; nothing may be concluded from it.
    """

    ref: Ref
    reason: str
    message: str
    retryable: bool = False


@frozen
class TargetObject:
    """One object of a target: its name as registered, and its columns to keep masked."""

    name: str
    masked: frozenset[str] = frozenset()


@frozen(kw_only=True)
class Target:
    """What one pass is about, on one connection.

    Attributes:
        key: ``product:<id>``, with ``+<words>`` behind it for sources that only later members
            carry; or ``column:<object>|<column>``.
        objects: the objects concerned; one for a column.
        column: the column to be unmasked, or None for read access.
    """

    key: str
    objects: tuple[TargetObject, ...]
    column: str | None = None


@frozen(kw_only=True)
class Known:
    """What a pass knows before it plans.

    Attributes:
        installation: id that marks what is ours on the platform.
        resolved: every name of the target that means something.
        masks: by dotted native name, the columns to keep masked of what the target's objects are
            and show, under whatever name and over whatever connection somebody registered it.
    """

    installation: str
    resolved: Mapping[Ref, Resolved]
    masks: Mapping[str, frozenset[str]] = field(factory=dict)

    def object(self, name: str) -> Resolved | None:
        """The object of that registered name, if it resolved."""
        return self.resolved.get(Ref("object", name))

    def objects(self, target: Target) -> Sequence[tuple[TargetObject, Resolved]]:
        """The target's objects that resolved; one under two names counts once, with all masks."""
        merged: dict[str, tuple[TargetObject, Resolved]] = {}
        for wanted in target.objects:
            found = self.object(wanted.name)
            if found is None:
                continue
            before = merged.get(found.native_id)
            masked = wanted.masked | (before[0].masked if before else frozenset())
            merged[found.native_id] = (TargetObject(wanted.name, masked), found)
        return list(merged.values())


@frozen(cache_hash=True)  # every row of a pass is looked up by its scope, more than once
class Scope:
    """What a platform can list and change as a unit: a role, a group, an object's grants."""

    platform: str
    key: str


@frozen
class Guard:
    """A condition that must be read as true on the platform before an item may be added.

    Attributes:
        kind: ``column_protected`` or the plugin's own.
        subject: what it is about, for example ``sales.orders.email``.
    """

    kind: str
    subject: str


@frozen(kw_only=True)
class Item:
    """The smallest thing that the platform can add or remove.

    Attributes:
        key: unique on the platform, made of native ids, the same on every pass.
        scope: where it is listed.
        kind: the plugin's word, for example ``membership``.
        rank: additions run upwards and removals downwards; the highest rank opens the door.
        opens: dotted native names of the objects that this item opens, alone or as the last part.
        guards: conditions for adding it.
        expires: it can have an end of its own on the platform; heeded where ``set_until`` is
            among the declared capabilities.
        data: what the plugin needs to write the statement; plain data.
    """

    key: str
    scope: Scope
    kind: str
    rank: int
    opens: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()
    expires: bool = False
    data: FrozenMap[str, Any] = field(factory=FrozenMap, converter=freeze, repr=False)


@frozen(kw_only=True)
class Presence:
    """An item that was seen on the platform.

    Attributes:
        native_id: identity of the thing seen, or empty text.
        ours: it carries our marker, so it is ours even when the ledger was lost.
        by_hand: somebody else has given the same right too, where the platform can tell.
        remedy: what an administrator must run to take away what somebody else gave, where the
            platform does not let our login do so; empty: nothing, or it is not known.
        until: when the platform will end it by itself, to the second; None: never.
    """

    native_id: str = ""
    ours: bool = False
    by_hand: bool = False
    remedy: str = ""
    until: datetime | None = None


@frozen(kw_only=True)
class Seen:
    """A scope as it was found: every item in it, strangers too.

    Attributes:
        items: by item key.
        guards: answers to guards, for every guard that could be read; others are missing.
        evidence: how it was looked at, for people.
    """

    items: Mapping[str, Presence]
    guards: Mapping[Guard, bool] = field(factory=dict)
    evidence: str = ""


@frozen(kw_only=True)
class CannotLook:
    """The scope could not be listed; nothing is concluded from it."""

    reason: str
    retryable: bool = True


@frozen(kw_only=True)
class Change:
    """One step of a plan.

    Attributes:
        action: ``set_until`` gives an item that is there another end, or none.
        item: what is changed.
        until: for ``add`` and ``set_until``, when the platform is to end it by itself; None: never.
    """

    action: Literal["add", "remove", "set_until"]
    item: Item
    until: datetime | None = None


@frozen(kw_only=True)
class Outcome:
    """What became of one change.

    Attributes:
        key: of the item.
        result: ``done``; ``already`` (it was so); ``refused`` (the platform says no);
            ``unknown`` (sent, no answer); ``not_attempted`` (deadline, or an earlier one failed).
        evidence: statement and the platform's own id of it, without secrets.
        error: why, with what to do.
        retryable: whether waiting may help.
    """

    key: str
    result: Literal["done", "already", "refused", "unknown", "not_attempted"]
    evidence: str = ""
    error: str = ""
    retryable: bool = False


@frozen(kw_only=True)
class Call:
    """Limits of one call to a plugin.

    Attributes:
        seconds_left: a function that says how much time is left; at 0 or less nothing may be
            started any more, because another worker may have taken over.
        correlation_id: for the platform's own query tags.
        fence: grows with every holder of a scope's lock.
    """

    seconds_left: Callable[[], float] = field(repr=False)
    correlation_id: str
    fence: int = 0

    @property
    def over(self) -> bool:
        """Whether the deadline has passed."""
        return self.seconds_left() <= 0


class Provisioner(Protocol):
    """A data platform, as the reconciler uses it.

    Methods that take a ``call`` do I/O and raise ProvisioningError when the platform cannot be
    reached; ``base``, ``member`` and ``describe`` are pure.
    """

    def resolve(self, refs: Collection[Ref], call: Call) -> Mapping[Ref, Resolved | Unresolved]:
        """What each name means now; every ref has an answer."""

    def base(self, target: Target, known: Known) -> Sequence[Item]:
        """Items that the target needs once, whoever its members are."""

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """Items that one beneficiary needs beyond the base."""

    def observe(
        self,
        scopes: Collection[Scope],
        guards: Collection[Guard],
        call: Call,
    ) -> Mapping[Scope, Seen | CannotLook]:
        """What is there, in as few round trips as the platform allows.

        ``guards`` are those of the pass; each is answered in the ``Seen`` of any one scope.
        """

    def apply(self, batch: Sequence[Change], call: Call) -> Iterable[Outcome]:
        """Make the changes of one scope in this order; look at the deadline before each."""

    def describe(self, change: Change) -> str:
        """The platform's own statement for a change, for people."""
