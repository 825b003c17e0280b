"""Grants: who has what, since when, until when, and whether the platform shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import get_args

from attrs import evolve, field, frozen

from marketplace_sdk.domain.catalog import DataSource
from marketplace_sdk.domain.deputies import Represented
from marketplace_sdk.domain.events import Effects
from marketplace_sdk.domain.grants import Grant, GrantState, Trouble
from marketplace_sdk.domain.people import Facts
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.provisioned import REPAIRABLE, Drift, GrantItem, Preview
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.rights import allowed, require, roles_in
from marketplace_sdk.domain.selectors import StewardSelector
from marketplace_sdk.domain.values import check_flag
from marketplace_sdk.errors import Conflict, NotFound, TransitionNotAllowed
from marketplace_sdk.services._checking import check_choices, check_filter, check_holder
from marketplace_sdk.services._context import By
from marketplace_sdk.services._granting import think_grant
from marketplace_sdk.services._representing import Representing
from marketplace_sdk.services._stewards import could_fill, roles_for, visible_request
from marketplace_sdk.work.endings import LIVE
from marketplace_sdk.work.pages import Page
from marketplace_sdk.work.records import KINDS
from marketplace_sdk.work.targets import sources_of
from marketplace_sdk.work.unit import Pairs, Unit

__all__ = ["GrantView", "Grants"]

STATES = get_args(GrantState)
AT_ONCE = 200
"""Products whose grants are walked side by side."""
THOUGHT = "preview"
"""Id of a grant that is only thought of."""


@frozen(kw_only=True)
class GrantView:
    """A grant as people read it.

    Attributes:
        id: of the grant.
        kind: ``access`` or ``masking_exception``.
        state: wanted ("approved, not yet active"), active, withheld, ending or ended.
        product: id of what it is on.
        product_name: its name.
        beneficiary: token of who has it, ``user:<id>`` or ``group:<name>``.
        objects: (connection, object) pairs that it concerns now.
        columns: ``source.column`` names of a masking exception.
        requests: ids of the first request and of its extensions.
        until: end, or None.
        withheld: why it is held back.
        trouble: what is wrong on the platforms.
        cause: why it is ending or ended.
        items: everything that platforms hold for it; filled by ``grants.get`` only.
    """

    id: str
    kind: str
    state: str
    product: str
    product_name: str
    beneficiary: str
    objects: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    requests: tuple[str, ...]
    until: datetime | None
    active_at: datetime | None
    ended_at: datetime | None
    withheld: tuple[str, ...] = ()
    trouble: tuple[Trouble, ...] = field(default=(), repr=False)
    cause: str = ""
    items: tuple[GrantItem, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        by_connection: dict[str, list[str]] = {}
        for connection, name in self.objects:
            by_connection.setdefault(connection, []).append(name)
        there = (f"{where}: {', '.join(names)}" for where, names in by_connection.items())
        places = "; ".join(there) or "no source"
        if self.columns:
            places += f" unmasked {', '.join(self.columns)}"
        end = f"until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else "without end"
        why = f" ({', '.join(self.withheld)})" if self.withheld else ""
        trouble = "".join(f"; {each.code}: {each.message}" for each in self.trouble)
        return f"{self.state}{why} on {places}, {end}{trouble}"


class Grants(Representing):
    """What people have."""

    def of(
        self,
        who: str | StewardSelector,
        *,
        ended: bool = False,
        after: str | None = None,
        limit: int = 100,
        by: By = None,
    ) -> Page[GrantView]:
        """Grants of a person (id) or of ``group(name)``, oldest first.

        Shows those that the reader may see: one's own, those of requests one may read.

        Args:
            who: whose.
            ended: True to have ended ones too.
            after: ``next`` of the page before.
            limit: 1 to 1000.
            by: who reads.
        """
        token = check_holder(who, "who").token
        check_flag(ended, "ended")
        key = "beneficiary" if ended else "open_beneficiary"
        with self._reading(by) as (unit, facts):
            page = unit.union(
                Grant,
                [([*seen, (key, [token])], ()) for seen in _seen(unit, facts)],
                after=after,
                limit=limit,
            )
            return Page((_view(unit, each.seen_at(unit.now)) for each in page), page.next)

    def find(
        self,
        *,
        product: str | None = None,
        state: str | Iterable[str] | None = None,
        after: str | None = None,
        limit: int = 100,
        by: By = None,
    ) -> Page[GrantView]:
        """Grants that the reader may see, oldest first: one's own, and those of requests one may.

        Stewards of a product see its grants, too, whoever was its steward at the time.

        Args:
            product: id of the product.
            state: wanted, active, withheld, ending or ended; or several of them.
            after: ``next`` of the page before.
            limit: 1 to 1000.
            by: who reads.
        """
        states = check_choices(state, "state", STATES)
        where: list[tuple[str, list[str]]] = []
        if check_filter(product, "product") is not None:
            where.append(("product", [str(product)]))
        if states is not None:
            # What is past its end is ending, whether it was swept or not.
            swept = set(LIVE) if "ending" in states else set()
            where.append(("state", sorted(swept.union(states))))
        with self._reading(by) as (unit, facts):
            page = unit.union(
                Grant,
                [([*seen, *where], ()) for seen in _seen(unit, facts, product)],
                after=after,
                limit=limit,
                keep=lambda found: states is None or found.seen_at(unit.now).state in states,
            )
            return Page((_view(unit, each.seen_at(unit.now)) for each in page), page.next)

    def get(self, id: str, *, by: By = None) -> GrantView:
        """One grant, with every item that a platform holds for it, its state and evidence.

        Raises:
            NotFound: there is none, or one may not see it.
        """
        with self._reading(by) as (unit, facts):
            grant = unit.need(Grant, id, "get")
            views = self._views(unit, facts, [grant])
            if not views:
                raise NotFound("get", "grant", id)
            tell = self._context.platforms.items(unit, grant)
        return evolve(views[0], items=tuple(tell()))

    def preview(self, request: str, *, by: By = None) -> Preview:
        """What an approval of a pending request would change, in words and statements.

        For stewards of an open seat, their deputies, managers and GOVERNANCE, before anybody
        decides. Nothing is changed or stored. ``marketplace_check_plan`` is asked as it would be in
        earnest.

        Args:
            request: id of a pending request.
            by: who looks.

        Raises:
            NotFound: there is no such request, or one may not see it.
            NotAllowed: one may see it, but has no open seat and does not manage the product.
            TransitionNotAllowed: it is decided already.
        """

        def look(
            unit: Unit, facts: Facts, for_: tuple[Represented, ...]
        ) -> tuple[AccessRequest, DataProduct]:
            found = visible_request(unit, facts, request, "preview", for_)
            steward = could_fill(found, facts, unit.now, for_)
            roles = roles_in(facts, found.domain, steward=steward)
            require("grant.preview", roles, facts, f"request {request}")
            if not found.open:
                raise TransitionNotAllowed("request", request, state=found.state, event="preview")
            return found, unit.need(DataProduct, found.product, "preview")

        found, product = self._seeing(by, look)
        if found.extends:
            return Preview(notes=("it would change the end of the access, and nothing else",))
        seen = self._context.platforms.preview(
            lambda unit: think_grant(unit, found, THOUGHT), grant=THOUGHT
        )
        if not product.suspended:
            return seen
        note = "the product is suspended: nothing changes until it is resumed"
        return evolve(seen, notes=(*seen.notes, note))

    def drift(
        self, *, connection: str | None = None, product: str | None = None, by: By = None
    ) -> Drift:
        """What on platforms is not as it should be; asks them now and changes nothing.

        Managers may look at their products, GOVERNANCE at everything.

        Args:
            connection: only there; None means everywhere.
            product: id; only of this product. None means all of them, and every column.
            by: who looks.

        Raises:
            NotFound: there is no such product or connection.
            NotAllowed: one neither manages the product nor holds GOVERNANCE.
        """
        with self._reading(by) as (unit, facts):
            self._may_look(unit, facts, connection, product, "look for drift of")
        return self._context.platforms.drift(connection=connection, product=product)

    def repair(
        self, *, connection: str | None = None, product: str | None = None, by: By = None
    ) -> Drift:
        """Have what drifted put right where it is ours (GOVERNANCE), with the next ``deliver``.

        What is missing is put back, what outlives its reason and what shows a masked column is
        taken away, what others gave is left alone. What something else keeps taking away is put
        back with growing pauses.

        Returns:
            What was found: the kinds ``missing``, ``outlives`` and ``unprotected`` are put right.

        Raises:
            NotFound: there is no such product or connection.
        """
        with self._reading(by) as (unit, facts):
            require("grant.repair", roles_in(facts), facts, "platforms")
            self._may_look(unit, facts, connection, product, "repair")
        found = self._context.platforms.drift(connection=connection, product=product)
        marks = {each.mark for each in found.of(*REPAIRABLE)}

        def work(unit: Unit, facts: Facts) -> Drift:
            require("grant.repair", roles_in(facts), facts, "platforms")
            for name in sorted({mark.connection for mark in marks}):
                here = tuple(
                    sorted(
                        (mark for mark in marks if mark.connection == name),
                        key=lambda mark: mark.key,
                    )
                )
                unit.keep(Effects(marks=here))
                targets = [mark.target for mark in here]
                unit.log("connection.repaired", f"connection:{name}", targets=targets)
            return found

        return self._deciding(by, work)

    def adopt(self, id: str, *, by: By = None) -> GrantView:
        """Make ours what a beneficiary could do before the grant (GOVERNANCE).

        Without it, what was there before stays when the grant ends. A stranger in a role of ours
        (drift ``extra_member``) is adopted by approving a request for that person first.

        Raises:
            NotFound: there is no such grant.
            Conflict: nothing of it was there before.
        """

        def work(unit: Unit, facts: Facts) -> None:
            grant = unit.need(Grant, id, "adopt access of")
            if not self._views(unit, facts, [grant]):
                raise NotFound("adopt access of", "grant", id)
            require("grant.adopt", roles_in(facts), facts, f"access of grant {id}")
            adopted = self._context.platforms.adopt(unit, grant)
            if not adopted:
                raise Conflict(
                    f"cannot adopt access of grant {id}: nothing of it was there before",
                    code="nothing_to_adopt",
                    hint="look at the items of the grant; their origin says whose they are",
                )
            unit.log("grant.adopted", grant.aggregate, items=list(adopted))

        self._deciding(by, work)
        return self.get(id, by=by)

    def _may_look(
        self, unit: Unit, facts: Facts, connection: str | None, product: str | None, verb: str
    ) -> None:
        domain = None
        if check_filter(product, "product") is not None:
            found = unit.get(DataProduct, str(product))
            domain = None if found is None else found.domain
            hidden = self._context.hide_products and not facts.manages(domain or "")
            if found is None or hidden:
                raise NotFound(verb, "product", str(product))
        action = "product.drift" if product is not None else "grant.drift"
        what = "platforms" if product is None else f"product {product}"
        require(action, roles_in(facts, domain), facts, what)
        if check_filter(connection, "connection") is not None and (
            connection not in self._context.connections
        ):
            raise NotFound(verb, "connection", str(connection))

    @staticmethod
    def _views(unit: Unit, facts: Facts, grants: Iterable[Grant]) -> list[GrantView]:
        return [
            _view(unit, grant.seen_at(unit.now))
            for grant in grants
            if grant.beneficiary.token in facts.tokens or _may_read(unit, facts, grant)
        ]


def _seen(unit: Unit, facts: Facts, product: str | None = None) -> Iterator[Pairs]:
    """What grants have that one may see, in one of several ways; only of a product, if one says so.

    A grant knows who could read its requests when it was written. Who is a steward by now is known
    to the product alone.
    """
    yield [("audience", sorted(facts.tokens))]
    if facts.has("GOVERNANCE") or facts.has("AUDIT"):
        return  # they are in every audience
    where = [("steward", sorted(facts.tokens)), ("kept", ["yes"])]
    if product is not None:
        where.append(("id", [product]))
    ids = [record.id for record in unit.rows.find(KINDS[DataProduct].name, where)]
    for first in range(0, len(ids), AT_ONCE):
        yield [("product", ids[first : first + AT_ONCE])]


def _may_read(unit: Unit, facts: Facts, grant: Grant) -> bool:
    """Whether one may see, or revoke, a request that the grant came from: extensions count."""
    for id in grant.requests:
        request = unit.get(AccessRequest, id)
        roles = frozenset() if request is None else roles_for(unit, facts, request, "revoke")
        if allowed("request.read", roles) or allowed("request.revoke", roles):
            return True
    return False


def _view(unit: Unit, grant: Grant) -> GrantView:
    product = unit.get(DataProduct, grant.product)
    sources = (unit.get(DataSource, name) for name in sorted(sources_of(unit, grant)))
    return GrantView(
        id=grant.id,
        kind=grant.kind,
        state=grant.state,
        product=grant.product,
        product_name="" if product is None else product.name,
        beneficiary=grant.beneficiary.token,
        objects=tuple((each.connection, each.object) for each in sources if each is not None),
        columns=grant.columns,
        requests=grant.requests,
        until=grant.until,
        active_at=grant.active_at,
        ended_at=grant.ended_at,
        withheld=tuple(sorted(grant.withheld)),
        trouble=grant.trouble,
        cause=grant.cause,
    )
