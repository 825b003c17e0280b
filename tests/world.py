"""The people, domains and sources of the acceptance cases, on a real marketplace.

Actors as in the worked examples: group Legal {ana, bo}, group Privacy {bo, cy}, gil holds
GOVERNANCE, dee and dan manage domains HR and FIN, fay has team=finance, una is named by her id,
con and pat are consumers. The root uma is USER_ADMIN.
"""

from __future__ import annotations

import secrets
from typing import Any

from marketplace_sdk import (
    Column,
    DataProduct,
    DataSource,
    Marketplace,
    Question,
    ReviewFlow,
    Seat,
    Stage,
    attribute,
    group,
    permission,
    user,
)
from marketplace_sdk.testing import FrozenClock
from tests.published import Hook
from tests.sites import Sites

LEGAL = group("Legal")
PRIVACY = group("Privacy")
GOV = permission("GOVERNANCE")
TEAM = attribute("team", "finance")
UNA = user("una")

PEOPLE: dict[str, dict[str, Any]] = {
    "gil": {"permissions": ["GOVERNANCE"]},
    "ada": {"permissions": ["APPLICATION_ADMIN"]},
    "aud": {"permissions": ["AUDIT"]},
    "dee": {},
    "dan": {},
    "ana": {"groups": ["Legal"]},
    "bo": {"groups": ["Legal", "Privacy"]},
    "cy": {"groups": ["Privacy"]},
    "fay": {"attributes": {"team": "finance"}},
    "sal": {"attributes": {"team": "sales"}},
    "una": {},
    "con": {},
    "pat": {},
}
CONSUMERS = ("con", "pat")


def any_of(*who: Any) -> ReviewFlow:
    """One stage: any of these decides."""
    return ReviewFlow.review(Stage.any_of(*who))


def all_of(*who: Any, distinct: bool = False) -> ReviewFlow:
    """One stage: one of each must approve."""
    return ReviewFlow.review(Stage.all_of(*who, distinct_stewards=distinct))


class World:
    """A marketplace with people, two domains, sources, and a platform that really enforces.

    Args:
        storage: URL or object.
        platform: has ``connection(world)``, ``principal(name)``, ``table(name, columns)`` and
            ``reads(principal, object, column)``.
        clock: shared with other processes if need be.
        more: further arguments of the Marketplace.
    """

    def __init__(self, storage: Any, platform: Any, clock: FrozenClock | None = None, **more: Any):
        self.token = secrets.token_hex(3)
        self.clock = clock or FrozenClock()
        self.platform = platform
        self.hook = Hook()
        self.objects = {
            "people": platform.table(f"hr_{self.token}.people", ["id", "name", "salary"]),
            "leave": platform.table(f"hr_{self.token}.leave", ["id", "days"]),
            "ledger": platform.table(f"fin_{self.token}.ledger", ["id", "amount"]),
        }
        self.principals = {name: platform.principal(f"{name}_{self.token}") for name in CONSUMERS}
        more.setdefault("discover", storage != "memory")
        self.sites = Sites()
        more["plugins"] = [*more.get("plugins", ()), self.sites]
        more.setdefault("destinations", self.sites.settings)
        self.market = Marketplace(
            storage=storage,
            connections={"lake": platform.connection(self.token)},
            notifiers=[{"plugin": self.hook, "name": "MemoryNotifier-1"}],
            clock=self.clock,
            **more,
        )
        self._populate()

    def _populate(self) -> None:
        market = self.market
        market.people.add("uma", permissions=["USER_ADMIN"])
        for name, facts in PEOPLE.items():
            principals = {"lake": self.principals[name]} if name in CONSUMERS else {}
            market.people.add(name, principals=principals, by="uma", **facts)
        masked = {"people": ["salary"]}
        columns = {
            "people": ["id", "name", "salary"],
            "leave": ["id", "days"],
            "ledger": ["id", "amount"],
        }
        for source, object in self.objects.items():
            market.sources.register(
                DataSource(
                    source,
                    connection="lake",
                    object=object,
                    columns=[
                        Column(c, masked=c in masked.get(source, ())) for c in columns[source]
                    ],
                ),
                by="gil",
            )
        for name, sources, manager in (
            ("HR", ["people", "leave"], "dee"),
            ("FIN", ["ledger"], "dan"),
        ):
            market.domains.create(name, by="gil")
            market.domains.assign(name, sources, by="gil")
            market.domains.grant(name, permission="MANAGE_DATA_PRODUCTS", to=manager, by="uma")

    # -- short hands ----------------------------------------------------------------------

    def form(self, review: ReviewFlow | None = None, *, name: str = "", **more: Any) -> str:
        """Id of a new form of HR with one question ``why``."""
        more.setdefault("questions", [Question.short_answer("why", "Why?")])
        more.setdefault("domain", "HR")
        more.setdefault("by", "dee")
        return self.market.forms.create(
            name or f"Form {secrets.token_hex(4)}", review=review, **more
        ).id

    def publish(
        self, review: ReviewFlow | None = None, *, form: str | None = None, **more: Any
    ) -> DataProduct:
        """A product of HR on ``people``; ``review`` is its own when a form is named, else a form's."""
        more.setdefault("sources", ["people"])
        more.setdefault("domain", "HR")
        more.setdefault("by", "dee")
        name = more.pop("name", f"Product {secrets.token_hex(4)}")
        if form is None:
            form, review = self.form(review), None
        return self.market.products.publish(name, form=form, review=review, **more)

    def ask(self, product: DataProduct | str, by: str = "con", **more: Any) -> Any:
        """A request for access with the question answered."""
        more.setdefault("answers", {"why": "to count heads"})
        id = product if isinstance(product, str) else product.id
        return self.market.requests.request_access(id, by=by, **more)

    def ask_unmasked(
        self, product: DataProduct, *columns: str, by: str = "con", **more: Any
    ) -> Any:
        """A request for a masking exception."""
        more.setdefault("answers", {"why": "to check pay"})
        return self.market.requests.request_masking_exception(
            product.id, columns=columns or ("people.salary",), by=by, **more
        )

    def approve(self, request: Any, *by: str, **more: Any) -> Any:
        """Approvals by these people, one after the other; the request after the last."""
        more.setdefault("reason", "fine")
        for steward in by:
            request = self.market.requests.approve(request.id, by=steward, **more)
        return request

    def deny(self, request: Any, by: str) -> Any:
        """A denial."""
        return self.market.requests.deny(request.id, reason="no need", by=by)

    def deliver(self) -> None:
        """Everything that is due, and nothing may fail."""
        self.market.deliver()

    def reads(self, who: str, source: str = "people", column: str = "name") -> str:
        """What the platform shows a consumer: none, masked or clear."""
        return self.platform.reads(self.principals[who], self.objects[source], column)

    def state(self, request: Any, by: str = "gil") -> str:
        """State of a request as it is now."""
        return self.market.requests.get(request.id, by=by).state

    def told(self, who: str) -> list[str]:
        """Kinds of the notices in somebody's inbox, oldest first."""
        self.deliver()
        page = self.market.inbox.of(who, limit=1000, by=who)
        return [message.kind for message in reversed(page.items)]

    def sent(self, type: str = "") -> list[Any]:
        """Events that left, of one type or all."""
        self.deliver()
        return [each for each in self.hook.events if not type or each.type == type]

    def close(self) -> None:
        """Let go of everything."""
        self.market.close()
        assert self.hook.flaws == [], "events that left are not what their schemas say"


class MemoryLake:
    """The memory platform, closed: only what is made exists."""

    def __init__(self) -> None:
        from marketplace_sdk.testing import MemoryPlatform

        self.platform = MemoryPlatform(objects={}, principals=[], protected=[])

    def connection(self, token: str) -> Any:
        return self.platform

    def principal(self, name: str) -> str:
        self.platform.replace_principal(name)
        return name

    def table(self, name: str, columns: list[str]) -> str:
        self.platform.create(name, columns)
        if "salary" in columns:
            self.platform.protect(name, "salary")
        return name

    def reads(self, principal: str, object: str, column: str) -> str:
        return self.platform.reads(principal, object, column)


class PostgresLake:
    """A real PostgreSQL; answers are those of a login as that person."""

    def __init__(self, platform: Any) -> None:
        self.platform = platform
        self.login = ""
        self.connection_settings: dict[str, Any] = {}

    def connection(self, token: str) -> Any:
        self.login = self.platform.person(f"market_{token}", "CREATEROLE")
        for schema in self.platform._schemas:
            self.platform.run(f"GRANT USAGE ON SCHEMA {schema} TO {self.login} WITH GRANT OPTION")
            self.platform.run(
                f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {self.login} WITH GRANT OPTION"
            )
        self.connection_settings = {
            "plugin": "postgres",
            "dsn": self.platform.dsn(self.login),
            "may_grant": [f"{schema}.*" for schema in self.platform._schemas],
        }
        return self.connection_settings

    def principal(self, name: str) -> str:
        return self.platform.person(name)

    def table(self, name: str, columns: list[str]) -> str:
        schema = name.split(".", maxsplit=1)[0]
        if schema not in self.platform._schemas:
            self.platform.schema(schema)
        self.platform.table(name, columns)
        return name

    def reads(self, principal: str, object: str, column: str) -> str:
        return self.platform.reads(principal, object, column)


__all__ = [
    "GOV",
    "LEGAL",
    "PRIVACY",
    "TEAM",
    "UNA",
    "MemoryLake",
    "PostgresLake",
    "Seat",
    "World",
    "all_of",
    "any_of",
]
