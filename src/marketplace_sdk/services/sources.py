"""Data sources: what lies on the platforms, as the marketplace knows it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from attrs import evolve

from marketplace_sdk.domain.catalog import Column, DataSource, Domain, Tag, covers
from marketplace_sdk.domain.events import Effects
from marketplace_sdk.domain.people import Facts
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.rights import require, roles_in
from marketplace_sdk.domain.values import check_name, check_text
from marketplace_sdk.errors import Conflict, DuplicateName, InvalidInput, Problem
from marketplace_sdk.services._checking import check_filter, check_list
from marketplace_sdk.services._context import By, Service
from marketplace_sdk.services._discovery import Discovery, source_of, updated
from marketplace_sdk.services._widening import leave_domain
from marketplace_sdk.work.pages import Page
from marketplace_sdk.work.places import masks_changed
from marketplace_sdk.work.targets import marks_for_sources, product_marks
from marketplace_sdk.work.unit import Unit

if TYPE_CHECKING:
    from marketplace_sdk.ports.discovery import Discovered

__all__ = ["Discovery", "Sources"]


class Sources(Service):
    """Data sources and their tags."""

    def register(self, source: DataSource, *, by: By = None) -> DataSource:
        """Make a table, view or file set known (GOVERNANCE).

        The same source again is a no-op; another one under the same name is a conflict.
        """
        if not isinstance(source, DataSource):
            raise InvalidInput(
                "cannot register source", problems=[Problem("source", "must be a DataSource")]
            )
        if source.connection not in self._context.connections:
            known = ", ".join(sorted(self._context.connections)) or "none is configured"
            raise InvalidInput(
                f"cannot register source {source.name}",
                problems=[Problem("source.connection", "is not configured")],
                hint=f"connections: {known}",
            )

        def work(unit: Unit, facts: Facts) -> DataSource:
            require("source.register", roles_in(facts), facts, f"source {source.name}")
            known = unit.get(DataSource, source.name)
            if known is not None:
                if known == source:
                    return known
                raise DuplicateName(
                    f"cannot register source {source.name}: the name is taken",
                    existing=source.name,
                    hint="use sources.update",
                )
            saved = unit.save(evolve(source, revision=0))
            unit.log("source.registered", f"source:{source.name}", connection=source.connection)
            # The same object may be part of products under another name: its masks count there.
            self._look_again(unit, saved)
            masks_changed(unit, saved)
            return saved

        return self._deciding(by, work)

    def update(
        self,
        name: str,
        *,
        columns: Iterable[Column | str] | None = None,
        description: str | None = None,
        by: By = None,
    ) -> DataSource:
        """Replace columns or description (GOVERNANCE); new masks hold from the next pass."""
        changes: dict[str, Any] = {}
        if columns is not None:
            changes["columns"] = check_list(columns, "source.columns")
        if description is not None:
            changes["description"] = check_text(description, "source.description")

        def work(unit: Unit, facts: Facts) -> DataSource:
            require("source.register", roles_in(facts), facts, f"source {name}")
            source = unit.need(DataSource, name, "update")
            changed = evolve(source, **changes)
            if changed == source:
                return source
            saved = unit.save(changed)
            unit.log("source.updated", f"source:{name}", changed=sorted(changes))
            self._look_again(unit, saved)
            if saved.masked != source.masked:
                masks_changed(unit, saved)
            return saved

        return self._deciding(by, work)

    def tag(
        self, name: str, tags: Iterable[str], *, origin: str = "manual", by: By = None
    ) -> DataSource:
        """Add tags to a source (GOVERNANCE); dynamic domains follow at once."""
        wanted = _tags(tags, origin)
        return self._retag(name, by, add=wanted, drop=frozenset())

    def untag(
        self, name: str, tags: Iterable[str], *, origin: str = "manual", by: By = None
    ) -> DataSource:
        """Take tags of one origin off a source (GOVERNANCE); it may leave domains by that."""
        return self._retag(name, by, add=frozenset(), drop=_tags(tags, origin))

    def discover(self, connection: str, pattern: str = "*", *, by: By = None) -> Discovery:
        """Register or update a source for every object on a platform (GOVERNANCE).

        A new source is named after its object, with ``_`` for dots. Columns that the platform
        protects are masked, and what was masked stays so; tags carry the platform's plugin as
        their origin, and dynamic domains that name this origin follow them. Objects that are gone
        are reported, and their sources stay. No source enters a product by this.

        Args:
            connection: name of a connection whose platform can list objects.
            pattern: which of them: dotted names, case-sensitive, with ``*``, ``?`` and ``[...]``.
            by: who discovers.

        Returns:
            What was found and done; each object is kept by itself.

        Raises:
            InvalidInput: the connection is unknown or cannot list objects.
            ProvisioningError: the platform did not answer; nothing was changed.
        """
        check_name(pattern, "pattern")
        with self._reading(by) as (unit, facts):
            require("source.register", roles_in(facts), facts, f"sources of {connection}")
            check_name(connection, "connection")
            known = unit.find(DataSource, ("connection", [connection]))
        objects = {source.object for source in known}
        seen = self._context.platforms.listing(connection, pattern, objects)
        outcomes: dict[str, list[str]] = defaultdict(list)
        for found in seen.objects:
            names = [s.name for s in known if seen.means.get(s.object, s.object) == found.name]
            new = not names
            for name in names or [found.name.replace(".", "_")]:
                try:
                    outcome = self._discovered(by, name, connection, found, new=new)
                except (InvalidInput, DuplicateName) as error:
                    outcomes["problems"].append(f"{found.name!r}: {error}")
                else:
                    outcomes[outcome].append(name)
        outcomes["gone"] = [
            source.name
            for source in known
            if source.object in seen.gone and fnmatchcase(source.object, pattern)
        ]
        return Discovery(**{what: tuple(sorted(names)) for what, names in outcomes.items()})

    def _discovered(
        self, by: By, name: str, connection: str, found: Discovered, *, new: bool
    ) -> str:
        """Keep one object; ``registered``, ``updated`` or ``unchanged``."""
        origin = self._context.connections[connection]

        def work(unit: Unit, facts: Facts) -> str:
            require("source.register", roles_in(facts), facts, f"source {name}")
            known = unit.get(DataSource, name)
            if known is None:
                saved = unit.save(source_of(name, connection, found, origin))
                unit.log("source.registered", f"source:{name}", connection=connection)
                self._look_again(unit, saved)
                masks_changed(unit, saved)
                return "registered"
            if new and (known.connection, known.object) != (connection, found.name):
                raise DuplicateName(
                    f"cannot register source {name}: the name is taken",
                    existing=name,
                    hint="register the object by hand, under another name",
                )
            changed = updated(known, found, origin)
            if changed == known:
                return "unchanged"
            saved = unit.save(changed)
            unit.log("source.updated", f"source:{name}", changed=_differences(known, saved))
            self._follow_tags(unit, known, saved)
            self._look_again(unit, saved)
            if saved.masked != known.masked:
                masks_changed(unit, saved)
            return "updated"

        return self._deciding(by, work)

    def accept_replaced(self, name: str, *, by: By = None) -> DataSource:
        """Let access follow to an object that was dropped and made again (GOVERNANCE).

        It counts for the one object that was told as held; another one that is made in its place
        later is held again.

        Raises:
            Conflict: no replaced object is held under the source's name.
        """

        def work(unit: Unit, facts: Facts) -> DataSource:
            require("source.accept", roles_in(facts), facts, f"replaced object of source {name}")
            source = unit.need(DataSource, name, "accept replaced object of")
            if not self._context.platforms.accept(unit, source.connection, source.object):
                raise Conflict(
                    f"cannot accept replaced object of source {name}: none is held",
                    code="nothing_held",
                    hint="deliver first: a replaced object is found when its grants are looked at",
                )
            unit.log("source.accepted", f"source:{name}", object=source.object)
            self._look_again(unit, source)
            return source

        return self._deciding(by, work)

    def accept_owner(self, name: str, owner: str, *, by: By = None) -> DataSource:
        """Accept that the object of a source belongs to somebody else now (GOVERNANCE).

        From then on drift no longer tells of it, and with ``on_replaced = "same_owner"`` the new
        owner is the one who may make the object again. The platform is asked whether it is so.

        Args:
            name: of the source.
            owner: whom the platform says it belongs to, as drift tells.
            by: who accepts.

        Raises:
            Conflict: it belongs to somebody else, or nothing has changed since access was given.
            ProvisioningError: the platform does not say what the object is.
        """
        check_name(owner, "owner")

        def may(unit: Unit, facts: Facts) -> DataSource:
            require("source.accept", roles_in(facts), facts, f"owner of source {name}")
            return unit.need(DataSource, name, "accept owner of")

        with self._reading(by) as (unit, facts):
            source = may(unit, facts)
        found = self._context.platforms.look_up(source.connection, source.object)

        def work(unit: Unit, facts: Facts) -> DataSource:
            source = may(unit, facts)
            before = self._context.platforms.accept_owner(unit, found, owner)
            if found.owner != owner or not before:
                raise Conflict(
                    f"cannot accept owner {owner} of source {name}: "
                    + (
                        "it is known already"
                        if found.owner == owner
                        else f"it belongs to {found.owner or 'nobody who is known'}"
                    ),
                    code="owner_differs" if found.owner != owner else "nothing_changed",
                    hint="look at grants.drift: it tells of owners that have changed",
                )
            unit.log(
                "source.owner_accepted",
                f"source:{name}",
                object=source.object,
                owner=owner,
                before=sorted(before),
            )
            return source

        return self._deciding(by, work)

    def get(self, name: str, *, by: By = None) -> DataSource:
        """A source, for everybody."""
        with self._reading(by) as (unit, _):
            return unit.need(DataSource, name, "get")

    def find(
        self,
        *,
        connection: str | None = None,
        tag: str | None = None,
        after: str | None = None,
        limit: int = 100,
        by: By = None,
    ) -> Page[DataSource]:
        """Sources by name, for everybody."""
        where = [
            (key, [value])
            for key, given in (("connection", connection), ("tag", tag))
            if (value := check_filter(given, key)) is not None
        ]
        with self._reading(by) as (unit, _):
            return unit.page(DataSource, *where, after=after, limit=limit)

    def _retag(self, name: str, by: By, *, add: frozenset[Tag], drop: frozenset[Tag]) -> DataSource:
        def work(unit: Unit, facts: Facts) -> DataSource:
            require("source.tag", roles_in(facts), facts, f"source {name}")
            source = unit.need(DataSource, name, "tag")
            changed = evolve(source, tags=(source.tags | add) - drop)
            if changed == source:
                return source
            saved = unit.save(changed)
            unit.log(
                "source.tagged",
                f"source:{name}",
                added=sorted(tag.name for tag in add),
                removed=sorted(tag.name for tag in drop),
            )
            self._follow_tags(unit, source, saved)
            return saved

        return self._deciding(by, work)

    @staticmethod
    def _follow_tags(unit: Unit, before: DataSource, after: DataSource) -> None:
        """Products of a dynamic domain which the source leaves by its tags hear of it."""
        for domain in unit.find(Domain, ("dynamic", ["yes"])):
            if covers(domain, before) and not covers(domain, after):
                leave_domain(unit, domain, [after.name])

    @staticmethod
    def _look_again(unit: Unit, source: DataSource) -> None:
        """Mark every product and exception on the object, under whatever name it is known."""
        same = [
            each.name
            for each in unit.find(DataSource, ("object", [f"{source.connection}|{source.object}"]))
        ]
        marks = [*marks_for_sources(unit, same)]
        for product in unit.find(DataProduct, ("source", same)):
            marks += product_marks(unit, product.id, [source.name])
            if source.name in product.sources:
                unit.save(product)  # it is found by the columns of its sources
        unit.keep(Effects(marks=tuple(marks)))


def _tags(tags: Iterable[str], origin: str) -> frozenset[Tag]:
    check_name(origin, "origin")
    return frozenset(Tag(tag, origin) for tag in check_list(tags, "tags"))


def _differences(before: DataSource, after: DataSource) -> list[str]:
    keys = ("columns", "description", "kind", "owner", "tags")
    return [key for key in keys if getattr(before, key) != getattr(after, key)]
