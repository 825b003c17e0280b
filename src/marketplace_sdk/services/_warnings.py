"""What may be saved but should be looked at: stewards who are named and are nobody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from marketplace_sdk.errors import MarketplaceError
from marketplace_sdk.services._stuck import candidates

if TYPE_CHECKING:
    from marketplace_sdk.domain.selectors import StewardSelector
    from marketplace_sdk.services._context import Context

__all__ = ["warnings_of"]


def warnings_of(context: Context, selectors: Iterable[StewardSelector]) -> tuple[str, ...]:
    """One line for each selector that matches nobody now; groups may fill later.

    What is held in the domain of a product that is not known yet cannot be told. Neither can
    anything while the directory cannot be read: that never undoes what was saved.
    """
    found = []
    try:
        for selector in sorted(set(selectors), key=str):
            told = selector.kind != "domain_permission" or selector.domain
            if told and not candidates(context, selector, 1):
                found.append(f"{selector} matches nobody")
    except MarketplaceError:
        return ()
    return tuple(found)
