"""What a target is about at this moment, read in one unit: who should have what, and since when.

A product of which some sources were added with ``widening="ask"`` has *layers*: one with the
sources that every member carries, and one for each time at which sources were added that only
later requests carry. Each layer is a target of its own for the platform, so that one role never
holds what some of its members must not read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from attrs import field, frozen

from marketplace_sdk.delivery.ledger import LedgerEntry, Pin, entries_of, pins_of
from marketplace_sdk.domain.catalog import DataSource
from marketplace_sdk.domain.events import Mark
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.ports.provisioner import TargetObject
from marketplace_sdk.wire.codec import digest, text_of
from marketplace_sdk.work.places import AT_ONCE
from marketplace_sdk.work.targets import accessible, column_marks
from marketplace_sdk.work.unit import Unit

SHUT = "shut_connection"

__all__ = ["SHUT", "Layer", "Situation", "layer_keys", "read_situation"]


@frozen(kw_only=True)
class Layer:
    """Objects that the same members carry.

    Attributes:
        key: of the target on the platform; also the claimant of its base items.
        objects: with their masked columns.
        members: ids of the grants that are to have it now.
    """

    key: str
    objects: tuple[TargetObject, ...]
    members: frozenset[str]


@frozen(kw_only=True)
class Situation:
    """Everything stored about one target.

    Attributes:
        mark: which target, on which connection.
        now: when it was read.
        grants: by id, every one that has not ended.
        layers: what members are to have.
        waiting: masking exceptions that wait for access to any of their sources.
        products: of the grants, by id.
        entries: the ledger's rows of the target.
        pins: of the target's objects.
        column: to be unmasked, or None.
        first: columns whose unmasking has to be looked at before access is taken away here.
        shut: the connection was uninstalled; nothing is wanted on it.
    """

    mark: Mark
    now: datetime
    grants: Mapping[str, Grant]
    layers: tuple[Layer, ...]
    waiting: frozenset[str] = frozenset()
    products: Mapping[str, DataProduct] = field(factory=dict, repr=False)
    entries: tuple[LedgerEntry, ...] = field(default=(), repr=False)
    pins: tuple[Pin, ...] = field(default=(), repr=False)
    column: str | None = None
    first: tuple[Mark, ...] = ()
    shut: bool = False

    @property
    def target(self) -> str:
        """Key under which claims are made."""
        return self.mark.key

    @property
    def members(self) -> frozenset[str]:
        """Ids of the grants that are to have something here."""
        return frozenset(id for layer in self.layers for id in layer.members)

    @property
    def objects(self) -> Mapping[str, TargetObject]:
        """Every object that somebody is to have, by name."""
        return {each.name: each for layer in self.layers if layer.members for each in layer.objects}


def read_situation(unit: Unit, mark: Mark) -> Situation:
    """Everything stored about one target."""
    shut = unit.rows.get(SHUT, mark.connection) is not None
    return _product(unit, mark, shut=shut) if mark.product else _column(unit, mark, shut=shut)


def layer_keys(unit: Unit, mark: Mark, grant: Grant) -> frozenset[str]:
    """Keys of the layers of a target that a grant carries."""
    product = unit.get(DataProduct, mark.product) if mark.product else None
    added = {at for _, at in product.asked if grant.since >= at} if product is not None else set()
    return frozenset(_layer_key(mark, since) for since in (None, *added))


def _layer_key(mark: Mark, since: datetime | None) -> str:
    more = "" if since is None else f"+{digest(text_of(since))[:12]}"
    return f"{mark.target}{more}"


def _claims(grant: Grant, now: datetime) -> bool:
    """Whether an access grant is a reason for items now."""
    return grant.live and grant.state != "withheld" and not grant.over(now)


def _product(unit: Unit, mark: Mark, *, shut: bool) -> Situation:
    product = unit.get(DataProduct, mark.product)
    grants = {
        grant.id: grant
        for grant in unit.find(Grant, ("open_product", [mark.product]), ("kind", ["access"]))
    }
    claiming = [grant for grant in grants.values() if _claims(grant, unit.now)]
    entries = tuple(entries_of(unit.rows, mark.key))
    pins = tuple(pins_of(unit.rows, mark.key))
    layers = () if product is None or shut else _layers(unit, mark, product, claiming)
    return Situation(
        mark=mark,
        now=unit.now,
        grants=grants,
        layers=layers,
        products={} if product is None else {product.id: product},
        entries=entries,
        pins=pins,
        first=_unmask_first(unit, mark, grants, layers, entries, pins),
        shut=shut,
    )


def _layers(
    unit: Unit, mark: Mark, product: DataProduct, claiming: Collection[Grant]
) -> tuple[Layer, ...]:
    asked = dict(sorted(product.asked))
    unit.ahead(*((DataSource, name) for name in product.sources))
    named: dict[datetime | None, list[DataSource]] = {}
    for name in product.sources:
        source = unit.get(DataSource, name)
        if source is not None and source.connection == mark.connection:
            named.setdefault(asked.get(name), []).append(source)
    names = {source.object for sources in named.values() for source in sources}
    objects = _objects(unit, mark.connection, names)
    layers = []
    for since, sources in named.items():
        layers.append(
            Layer(
                key=_layer_key(mark, since),
                objects=tuple(objects[name] for name in sorted({one.object for one in sources})),
                members=frozenset(
                    grant.id for grant in claiming if since is None or grant.since >= since
                ),
            )
        )
    return tuple(sorted(layers, key=lambda layer: layer.key))


def _objects(unit: Unit, connection: str, names: Collection[str]) -> Mapping[str, TargetObject]:
    """Objects by name, each with the masks of everybody who registered it."""
    keys = {f"{connection}|{name}": name for name in sorted(names)}
    masked: dict[str, set[str]] = {key: set() for key in keys}
    wanted = [*keys]
    for first in range(0, len(wanted), AT_ONCE):
        for source in unit.find(DataSource, ("object", wanted[first : first + AT_ONCE])):
            masked[f"{source.connection}|{source.object}"] |= source.masked
    return {name: TargetObject(name, frozenset(masked[key])) for key, name in keys.items()}


def _unmask_first(
    unit: Unit,
    mark: Mark,
    grants: Mapping[str, Grant],
    layers: Iterable[Layer],
    entries: Iterable[LedgerEntry],
    pins: Iterable[Pin],
) -> tuple[Mark, ...]:
    """Columns that somebody sees unmasked who is about to lose access here."""
    members = {id for layer in layers for id in layer.members}
    held = {claim for entry in entries for claim in entry.claims if claim.target == mark.key}
    losing = {
        grants[id].beneficiary.token
        for id in {claim.claimant.removeprefix("grant:") for claim in held if not claim.is_base}
        if id in grants and id not in members
    }
    objects = {each.name for layer in layers for each in layer.objects}
    leaving = {pin.object for pin in pins} - objects
    everybody = {grant.beneficiary.token for grant in grants.values()} if leaving else set()
    marks: set[Mark] = set()
    for tokens, names in ((losing, objects | leaving), (everybody, leaving)):
        if not tokens or not names:
            continue
        exceptions = unit.find(
            Grant, ("kind", ["masking_exception"]), ("open_beneficiary", sorted(tokens))
        )
        columns = {column for grant in exceptions for column in grant.columns}
        marks.update(
            one
            for one in column_marks(unit, sorted(columns))
            if one.connection == mark.connection and one.object in names
        )
    return tuple(sorted(marks, key=lambda one: one.key))


def _column(unit: Unit, mark: Mark, *, shut: bool) -> Situation:
    sources = unit.find(DataSource, ("object", [f"{mark.connection}|{mark.object}"]))
    columns = {f"{source.name}.{mark.column}" for source in sources}
    entries = tuple(entries_of(unit.rows, mark.key))
    grants = {grant.id: grant for grant in unit.find(Grant, ("open_column", columns))}
    members, waiting = set(), set()
    for grant in grants.values():
        readable = _readable(unit, grant)
        if not readable:
            waiting.add(grant.id)
        kept = {name for name in columns & set(grant.columns) if _source(name) not in grant.lost}
        held_back = grant.withheld - {"waiting_for_access"}
        if (
            kept
            and grant.live
            and not grant.over(unit.now)
            and not held_back
            and ((mark.connection, mark.object) in readable)
        ):
            members.add(grant.id)
    found = (unit.get(DataProduct, id) for id in sorted({g.product for g in grants.values()}))
    layer = Layer(
        key=mark.target,
        objects=(
            TargetObject(mark.object, frozenset(name for each in sources for name in each.masked)),
        ),
        members=frozenset() if shut else frozenset(members),
    )
    return Situation(
        mark=mark,
        now=unit.now,
        grants=grants,
        layers=(layer,),
        waiting=frozenset(waiting),
        products={product.id: product for product in found if product is not None},
        entries=entries,
        pins=tuple(pins_of(unit.rows, mark.key)),
        column=mark.column,
        shut=shut,
    )


def _readable(unit: Unit, exception: Grant) -> frozenset[tuple[str, str]]:
    """Objects of a masking exception that were opened for its beneficiary, under whatever name.

    From then on only what holds the access back holds the exception back, and not what the
    platform still owes: a source that came to the product later masks nothing again.
    """
    reached = accessible(unit, exception.beneficiary.token, lambda grant: grant.opened)
    found = set()
    for name in exception.masking_sources:
        source = unit.get(DataSource, name)
        if source is None:
            continue
        key = f"{source.connection}|{source.object}"
        if not reached.isdisjoint(each.name for each in unit.find(DataSource, ("object", [key]))):
            found.add((source.connection, source.object))
    return frozenset(found)


def _source(column: str) -> str:
    return column.split(".", 1)[0]
