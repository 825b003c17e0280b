"""Changes of declared things, by the services that people use by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from marketplace_sdk.domain.catalog import DataSource, Tag
from marketplace_sdk.domain.declarations import DeclaredChange
from marketplace_sdk.domain.selectors import StewardSelector
from marketplace_sdk.services._context import By, Context
from marketplace_sdk.services.destinations import Destinations
from marketplace_sdk.services.domains import Domains
from marketplace_sdk.services.forms import Forms
from marketplace_sdk.services.products import Products
from marketplace_sdk.services.sources import Sources

__all__ = ["Maker"]


class Maker:
    """Makes one change at a time, as one actor."""

    def __init__(self, context: Context, by: By) -> None:
        self._sources = Sources(context)
        self._domains = Domains(context)
        self._forms = Forms(context)
        self._products = Products(context)
        self._destinations = Destinations(context)
        self._by = by

    def make(self, change: DeclaredChange) -> None:
        """Carry out one change.

        Raises:
            MarketplaceError: whatever the service raises that does it.
        """
        if change.action == "delete":
            delete: Mapping[str, Callable[..., object]] = {
                "domain": self._domains.delete,
                "form": self._forms.delete,
                "product": self._products.delete,
                "destination": self._destinations.delete,
            }
            delete[change.kind](change.id, by=self._by)
            return
        if change.declaration is None:
            return
        fields = {key: change.declaration.fields[key] for key in change.after}
        act = getattr(self, f"_{change.action}_{change.kind}")
        act(change.id, fields)

    def _create_source(self, id: str, fields: Mapping[str, Any]) -> None:
        tags = frozenset(Tag(name) for name in fields.get("tags", ()))
        self._sources.register(DataSource(id, **{**fields, "tags": tags}), by=self._by)

    def _update_source(self, id: str, fields: Mapping[str, Any]) -> None:
        said = {key: fields[key] for key in ("columns", "description") if key in fields}
        if said:
            self._sources.update(id, **said, by=self._by)
        if "tags" in fields:
            manual = {
                tag.name
                for tag in self._sources.get(id, by=self._by).tags
                if tag.origin == "manual"
            }
            self._sources.tag(id, fields["tags"] - manual, by=self._by)
            self._sources.untag(id, manual - fields["tags"], by=self._by)

    def _create_domain(self, id: str, fields: Mapping[str, Any]) -> None:
        said = {key: fields[key] for key in ("description", "tags", "policy") if key in fields}
        self._domains.create(id, **said, by=self._by)
        self._fill_domain(id, fields)

    def _update_domain(self, id: str, fields: Mapping[str, Any]) -> None:
        said = {key: fields[key] for key in ("description", "tags") if key in fields}
        if said:
            self._domains.update(id, **said, by=self._by)
        if "policy" in fields:
            self._domains.set_policy(id, fields["policy"], by=self._by)
        self._fill_domain(id, fields)

    def _fill_domain(self, id: str, fields: Mapping[str, Any]) -> None:
        known = self._domains.get(id, by=self._by)
        if "sources" in fields:
            more, less = fields["sources"] - known.sources, known.sources - fields["sources"]
            if more:
                self._domains.assign(id, more, by=self._by)
            if less:
                self._domains.remove(id, less, by=self._by)
        if "permissions" in fields:
            for permission, token in sorted(fields["permissions"] - known.permissions):
                self._domains.grant(id, permission=permission, to=_holder(token), by=self._by)
            for permission, token in sorted(known.permissions - fields["permissions"]):
                self._domains.ungrant(id, permission=permission, to=_holder(token), by=self._by)

    def _create_agreement(self, id: str, fields: Mapping[str, Any]) -> None:
        self._forms.create_agreement(fields["name"], fields["body"], id=id, by=self._by)

    def _create_form(self, id: str, fields: Mapping[str, Any]) -> None:
        self._forms.create(**fields, id=id, by=self._by)

    def _update_form(self, id: str, fields: Mapping[str, Any]) -> None:
        self._forms.edit(id, **fields, by=self._by)

    def _create_product(self, id: str, fields: Mapping[str, Any]) -> None:
        self._products.publish(**fields, id=id, by=self._by)

    def _update_product(self, id: str, fields: Mapping[str, Any]) -> None:
        said = {key: value for key, value in fields.items() if key != "sources"}
        if said:
            self._products.update(id, **said, by=self._by)
        if "sources" in fields:
            self._products.set_sources(id, fields["sources"], by=self._by)

    def _create_destination(self, id: str, fields: Mapping[str, Any]) -> None:
        self._destinations.create(**fields, id=id, by=self._by)

    def _update_destination(self, id: str, fields: Mapping[str, Any]) -> None:
        self._destinations.update(id, **fields, by=self._by)


def _holder(token: str) -> StewardSelector:
    kind, _, name = token.partition(":")
    return StewardSelector("user" if kind == "user" else "group", name)
