"""One marketplace for each process."""

from __future__ import annotations

import atexit
from functools import cached_property

from django.apps import AppConfig, apps
from django.conf import settings

from marketplace_sdk import Marketplace


class AccessConfig(AppConfig):
    """Holds the marketplace of this process."""

    name = "access"

    @cached_property
    def market(self) -> Marketplace:
        """Made with its first use: servers fork after the app is loaded."""
        market = Marketplace(**settings.MARKETPLACE)
        atexit.register(market.close)
        return market


def market() -> Marketplace:
    """The marketplace; safe to use from several threads."""
    return apps.get_app_config("access").market
