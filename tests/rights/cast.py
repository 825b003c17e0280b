"""One person for each role, and nothing more than that role; and what the two tables share.

The tables of this folder are a transcription of the design, made by hand: nothing here imports
`marketplace_sdk.domain.rights`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from marketplace_sdk import Actor, InvalidInput, NotAllowed, NotFound
from marketplace_sdk.delivery.settings import Settings
from marketplace_sdk.domain.inbox import InboxMessage
from tests.world import LEGAL, MemoryLake, World, any_of

CAST = {
    "GOVERNANCE": "gil",
    "manager": "dee",  # holds MANAGE_DATA_PRODUCTS in HR, the domain of everything here
    "manager elsewhere": "dan",  # holds it in FIN
    "steward": "ana",  # of group Legal, which the form's flow names
    "USER_ADMIN": "uma",
    "APPLICATION_ADMIN": "ada",
    "AUDIT": "aud",
    "requester": "con",
    "beneficiary": "pat",
    "other permission": "una",  # holds every domain permission in HR but MANAGE_DATA_PRODUCTS
    "anyone": "sal",
}
COLUMNS = tuple(CAST)
RANKS = ("GOVERNANCE", "USER_ADMIN", "APPLICATION_ADMIN", "AUDIT")
"""What a job has; "the services for a job [...] which no person does"."""

REFUSED = (NotAllowed, NotFound)
NOBODY = {
    "nobody": (None, NotAllowed),
    "a blank id": ("", InvalidInput),
    "an id of blanks": ("  ", InvalidInput),
    "no id at all": (5, InvalidInput),
    "an unknown id": ("zoe", NotAllowed),
    "an id in other case": ("GIL", NotAllowed),
    "somebody inactive": ("eve", NotAllowed),
    "the reserved id": ("system", NotAllowed),
    "an actor of the reserved id": (Actor("system", via="web"), NotAllowed),
    "an actor without an id": (Actor(""), InvalidInput),
    "an actor who is inactive": (Actor("eve"), NotAllowed),
}
"""Ids that cannot act, and how they are refused."""


class Scene:
    """HR's product on ``people`` under a form of any{Legal}, which con has asked for pat."""

    def __init__(self, storage: str = "memory", **more: Any) -> None:
        more.setdefault("discover", storage != "memory")
        self.world = World(storage, MemoryLake(), delivery=Settings(attempts=1), **more)
        self.market = self.world.market
        for name in ("MANAGE_POLICIES", "AUDIT_ACTIVITY", "MANAGE_IDENTIFIERS"):
            self.market.domains.grant("HR", permission=name, to="una", by="uma")
        self.form = self.world.form(any_of(LEGAL), name="Form")
        self.product = self.world.publish(form=self.form, name="Heads", id="heads")
        self.request = self.world.ask(self.product, on_behalf_of="pat")
        self.found: Any = None

    @property
    def calls(self) -> list[tuple[str, int]]:
        """Everything that the platform was asked so far."""
        return self.world.platform.platform.calls

    def add_leaver(self) -> None:
        """eve had every right there is, and has left."""
        market = self.market
        ranks = [*RANKS, "PRIVACY_REVIEW"]
        market.people.add("eve", permissions=ranks, groups=["Legal"], by="uma")
        market.domains.grant("HR", permission="MANAGE_DATA_PRODUCTS", to="eve", by="uma")
        market.people.deactivate("eve", by="uma")

    def log(self) -> list[str]:
        """Every event so far."""
        return list(self.market.audit.export(by="aud"))

    def picture(self) -> tuple[Any, ...]:
        """Everything that can be read, to show that nothing changed."""
        market = self.market
        with market._context.unit("system", write=False) as unit:
            told = unit.find(InboxMessage)  # those of jobs, which no person reads, included
        return (
            tuple(self.log()),
            tuple(told),
            market.people.find(by="uma").items,
            market.domains.find(by="gil").items,
            market.sources.find(by="gil").items,
            market.forms.find(by="gil").items,
            market.products.search(by="gil").items,
            market.requests.find(by="gil").items,
            market.grants.find(by="gil").items,
            market.deputies.find(by="gil").items,
            market.campaigns.find(by="gil").items,
            tuple(market.preferences.get(who, by=who) for who in CAST.values()),
            market.preferences.defaults(by="ada"),
            market.deliveries.dead(by="ada").items,
            market.destinations.find(by="ada").items,
            {url: len(messages) for url, messages in self.world.sites.received.items()},
        )

    def close(self) -> None:
        """Let go of the marketplace."""
        self.world.close()


def as_they_are(_: Scene) -> None:
    """Nothing more to prepare."""


@frozen(kw_only=True)
class Row:
    """One row of a table.

    Attributes:
        what: the row in words.
        covers: ``service.method`` that does it.
        rule: the sentence of the design, and where it stands.
        cells: one word per column, in the order of COLUMNS.
        act: does it; gets the scene, the services to use and what names the actor.
        shows: for a command, whether the effect is there, read back through the public API; for
            a read, whether the answer (second argument) holds the thing.
        prepare: makes the scene ready.
        more: settings of the marketplace.
        job: what a job meets; ``None`` means the best of what the four global permissions meet.
    """

    what: str
    covers: str
    rule: str
    cells: str
    act: Callable[..., Any]
    shows: Callable[..., Any]
    prepare: Callable[[Scene], object] = as_they_are
    more: dict[str, Any] = field(factory=dict)
    job: str | None = None

    @property
    def cell(self) -> dict[str, str]:
        """The word of each column."""
        return dict(zip(COLUMNS, self.cells.split(), strict=True))

    def scene(self, storage: str = "memory") -> Scene:
        """A world of its own, ready for this row."""
        scene = Scene(storage, **self.more)
        self.prepare(scene)
        return scene


def cells(rows: list[Row]) -> list[tuple[Row, str, str]]:
    """Row, column and word of each cell."""
    return [(row, column, word) for row in rows for column, word in row.cell.items()]


def name_of(value: Any) -> str:
    """How a parameter is shown in the name of a test."""
    return value.what if isinstance(value, Row) else str(value)
