"""A portal's own code: what it shows, and what a click does. How it gets and sends is its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from marketplace_sdk import Marketplace, MarketplaceError

__all__ = ["Portal"]


class Portal:
    """Pages of one marketplace, for people who have logged in.

    Args:
        market: the marketplace.
    """

    def __init__(self, market: Marketplace) -> None:
        self.market = market

    def search(self, person: str, text: str) -> list[dict[str, str]]:
        """What the search box finds, with how it stands for whoever looks."""
        found = self.market.products.search(text, by=person)
        return [{"id": each.id, "name": each.name, "status": each.status} for each in found]

    def ask_page(self, person: str, product: str) -> dict[str, Any]:
        """The request form, as react-jsonschema-form draws it."""
        shown = self.market.products.get(product, by=person)
        form = self.market.forms.get(shown.form_for("access") or "standard", by=person)
        return {
            "schema": form.json_schema(self.market.forms.kinds(by=person)),
            "uiSchema": form.ui_schema(),
            "version": form.current.id,
        }

    def ask(self, person: str, product: str, sent: Mapping[str, Any]) -> tuple[int, str]:
        """What the form submits; HTTP status, and the id of the request or what was wrong."""
        try:
            request = self.market.requests.request_access(
                product, answers=sent["answers"], form_version=sent["version"], by=person
            )
        except MarketplaceError as error:
            return error.http_status, str(error)
        return 201, request.id

    def decide(self, steward: str, request: str, *, yes: bool, reason: str) -> tuple[int, str]:
        """A steward's click; a yes is for 30 days."""
        try:
            if yes:
                end = timedelta(days=30)
                self.market.requests.approve(request, reason=reason, until=end, by=steward)
            else:
                self.market.requests.deny(request, reason=reason, by=steward)
        except MarketplaceError as error:
            return error.http_status, str(error)
        return 200, str(self.market.requests.explain(request, by=steward))
