"""Where people, groups, attributes, permissions and platform principals come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from marketplace_sdk.domain.people import GroupFacts, Person
    from marketplace_sdk.domain.selectors import StewardSelector

__all__ = ["BatchDirectory", "Directory"]


class Directory(Protocol):
    """A source of people. Asked before a unit of work, never inside one.

    Methods raise DirectoryError when the directory cannot be read; the command that needed the
    answer is then refused.
    """

    def person(self, id: str) -> Person | None:
        """Everything about one person in one call, with ``as_of`` set; None if unknown."""

    def group(self, name: str) -> GroupFacts | None:
        """A group that can be a beneficiary; None if unknown."""

    def members(self, selector: StewardSelector, limit: int) -> Sequence[str]:
        """Ids of active people who match; for notices and counts only, never for deciding.

        Service accounts are left out: nobody reads what they are told, and they decide nothing.
        Domain permissions are not the directory's: they are asked group by group.
        """


class BatchDirectory(Directory, Protocol):
    """What a directory may offer that is far away: many people in one call.

    A pass over a product asks for each of its members, of whom there may be hundreds.
    """

    def find_people(self, ids: Collection[str]) -> Mapping[str, Person]:
        """Those of these people who are known, by id, each as ``person`` answers."""
