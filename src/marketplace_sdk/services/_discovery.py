"""What was found on a platform, as data sources."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from marketplace_sdk.domain.catalog import Column, DataSource, Tag

if TYPE_CHECKING:
    from marketplace_sdk.ports.discovery import Discovered

__all__ = ["Discovery", "source_of", "updated"]


@frozen(kw_only=True)
class Discovery:
    """What ``sources.discover`` found and did.

    Attributes:
        registered: names of sources that are new.
        updated: of those that changed.
        unchanged: of those that are as they were.
        gone: of those whose objects the platform does not have any more; they stay registered.
        problems: objects that could not be registered, and why.
    """

    registered: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [
            f"{what}: {', '.join(names)}"
            for what, names in (
                ("registered", self.registered),
                ("updated", self.updated),
                ("gone from the platform", self.gone),
            )
            if names
        ]
        lines += [f"but: {problem}" for problem in self.problems]
        return "\n".join(lines) or f"nothing new; as they were: {len(self.unchanged)}"


def source_of(name: str, connection: str, found: Discovered, origin: str) -> DataSource:
    """A new source for an object.

    Raises:
        InvalidInput: something about the object cannot be kept.
    """
    return updated(DataSource(name, connection=connection, object=found.name), found, origin)


def updated(source: DataSource, found: Discovered, origin: str) -> DataSource:
    """A source with what the platform says about its object.

    A column that was masked stays masked; one that the platform protects becomes so. Tags of
    other origins stay, and so does a description that somebody wrote. Where the platform cannot
    say which columns there are, they stay.

    Raises:
        InvalidInput: something about the object cannot be kept.
    """
    before = {column.name: column for column in source.columns}
    columns = [
        evolve(
            before.get(each.name, Column(each.name)),
            masked=each.protected or (each.name in before and before[each.name].masked),
            type=each.type,
            description=each.comment,
            tags=_tags(before[each.name].tags if each.name in before else (), each.tags, origin),
        )
        for each in found.columns
    ]
    return evolve(
        source,
        columns=columns or source.columns,
        tags=_tags(source.tags, found.tags, origin),
        description=source.description or found.comment,
        kind=found.kind,
        owner=found.owner,
    )


def _tags(before: Iterable[Tag], found: Iterable[str], origin: str) -> frozenset[Tag]:
    kept = {tag for tag in before if tag.origin != origin}
    return frozenset(kept | {Tag(name, origin) for name in found})
