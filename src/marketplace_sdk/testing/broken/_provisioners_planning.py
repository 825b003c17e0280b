"""Provisioners that plan wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any, ClassVar

from attrs import evolve

from marketplace_sdk.ports.provisioner import (
    Call,
    Change,
    Guard,
    Item,
    Known,
    Ref,
    Resolved,
    Target,
)
from marketplace_sdk.testing.broken._provisioners_base import SoundProvisioner

__all__ = [
    "BreaksOnWhatIsMissing",
    "ChangesWhilePlanning",
    "DescribesEverythingAlike",
    "DropsGuards",
    "KeepsObjectsInItems",
    "NamesNothingOpened",
    "PastesColumns",
    "PlansByAsking",
    "PlansDifferently",
    "SharesKeys",
    "UnmasksReaders",
]

_CALL = Call(seconds_left=lambda: 60.0, correlation_id="broken")


class PlansDifferently(SoundProvisioner):
    """Makes up a new key each time, so that no pass finds what the last one did."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_planning_twice_gives_the_same",)
    _numbers = count()

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """The items, each with a number in its key."""
        found = self.inner.member(target, who, known)
        return [evolve(item, key=f"{item.key}#{next(self._numbers)}") for item in found]


class ChangesWhilePlanning(SoundProvisioner):
    """Carries a plan out while it makes it, so that a preview gives access."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_planning_touches_nothing",
        "test_what_may_not_be_granted_is_not_opened",
    )

    def base(self, target: Target, known: Known) -> Sequence[Item]:
        """The items, which are there by then."""
        return self._made(self.inner.base(target, known))

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """The items, which are there by then."""
        return self._made(self.inner.member(target, who, known))

    def _made(self, items: Sequence[Item]) -> Sequence[Item]:
        for item in items:
            list(self.inner.apply([Change(action="add", item=item)], _CALL))
        return items


class PlansByAsking(SoundProvisioner):
    """Asks the platform once more while it plans."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_planning_asks_nobody",)

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """The items for whatever the name means by now."""
        now = self.inner.resolve([who.ref], _CALL)[who.ref]
        return self.inner.member(target, now if isinstance(now, Resolved) else who, known)


class NamesNothingOpened(SoundProvisioner):
    """Does not say what its items open, so that no ``may_grant`` bounds them."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_every_object_is_named_by_what_opens_it",
        "test_what_may_not_be_granted_is_not_opened",
    )

    def base(self, target: Target, known: Known) -> Sequence[Item]:
        """The items with nothing in ``opens``."""
        return [evolve(item, opens=()) for item in self.inner.base(target, known)]

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """The items with nothing in ``opens``."""
        return [evolve(item, opens=()) for item in self.inner.member(target, who, known)]


class DropsGuards(SoundProvisioner):
    """Opens objects with masked columns, whether those are protected or not."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_masked_column_stands_guarded",
        "test_an_unprotected_column_keeps_its_object_closed",
    )

    def base(self, target: Target, known: Known) -> Sequence[Item]:
        """The items without conditions."""
        return [evolve(item, guards=()) for item in self.inner.base(target, known)]

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """The items without conditions."""
        return [evolve(item, guards=()) for item in self.inner.member(target, who, known)]


class PastesColumns(SoundProvisioner):
    """Asks whether a column is protected by a name that ends at the first quote in it."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_hostile_columns_stay_columns",)

    def base(self, target: Target, known: Known) -> Sequence[Item]:
        """The items, with guards on something else."""
        return _cut(self.inner.base(target, known))

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """The items, with guards on something else."""
        return _cut(self.inner.member(target, who, known))


class DescribesEverythingAlike(SoundProvisioner):
    """Shows the same words for giving and for taking."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_a_statement_names_who_and_what",)

    def describe(self, change: Change) -> str:
        """The statement of the addition."""
        return self.inner.describe(evolve(change, action="add"))


class SharesKeys(SoundProvisioner):
    """Forgets to say in a key for whom the item is."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_every_item_has_a_place_of_its_own",
        "test_items_of_two_people_are_apart",
    )

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """The items, with the same keys for everybody."""
        found = self.inner.member(target, who, known)
        return [evolve(item, key=item.key.replace(who.native_id, "")) for item in found]


class KeepsObjectsInItems(SoundProvisioner):
    """Puts something into an item that no ledger can keep."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_items_are_plain_data",)

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """The items, each with a live object in it."""
        live: Any = {"connection": self}
        return [
            evolve(item, data={**item.data, **live})
            for item in self.inner.member(target, who, known)
        ]


class BreaksOnWhatIsMissing(SoundProvisioner):
    """Takes for granted that every object of a target is there."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_what_is_not_there_is_left_out",)

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """The items.

        Raises:
            KeyError: an object is not there.
        """
        known = evolve(
            known,
            resolved={
                who.ref: who,
                **{
                    Ref("object", one.name): known.resolved[Ref("object", one.name)]
                    for one in target.objects
                },
            },
        )
        return self.inner.member(target, who, known)


class UnmasksReaders(SoundProvisioner):
    """Shows the masked columns to everybody who may read; on a platform that can unmask."""

    needs: ClassVar[tuple[str, ...]] = ("unmask",)
    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_masked_column_stays_masked",
        "test_a_masking_exception_shows_one_column_to_one_person",
    )

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """The items, and those of a masking exception on every masked column."""
        items = list(self.inner.member(target, who, known))
        for one in target.objects if target.column is None else ():
            for column in sorted(one.masked):
                more = evolve(target, objects=(one,), column=column)
                items += self.inner.member(more, who, known)
        return items


def _cut(items: Sequence[Item]) -> Sequence[Item]:
    return [
        evolve(
            item,
            guards=tuple(Guard(one.kind, one.subject.split("'")[0]) for one in item.guards),
        )
        for item in items
    ]
