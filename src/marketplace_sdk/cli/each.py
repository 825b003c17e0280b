"""Commands that act on several requests: a line for each, and a status for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from marketplace_sdk.cli.opening import FOUND
from marketplace_sdk.cli.showing import day, print_json, say

if TYPE_CHECKING:
    from marketplace_sdk.domain.requests import AccessRequest
    from marketplace_sdk.errors import MarketplaceError

__all__ = ["done", "done_each"]


def done(request: AccessRequest, *, as_json: bool) -> None:
    """Print what became of one request."""
    if as_json:
        print_json(request)
    else:
        say(_line(request))


def done_each(
    ids: Sequence[str],
    one: Callable[[str], AccessRequest],
    each: Callable[[Sequence[str]], Sequence[AccessRequest | MarketplaceError]],
    *,
    as_json: bool,
) -> None:
    """Act on one request as ever, or on several, and print what became of each.

    Of several, those that are refused hold up nothing; the status says that there are some.
    """
    if len(ids) == 1:
        done(one(ids[0]), as_json=as_json)
        return
    from marketplace_sdk.errors import MarketplaceError

    results = each(ids)
    if as_json:
        print_json({"items": [_data(*pair) for pair in zip(ids, results, strict=True)]})
    else:
        for result in results:
            say(result if isinstance(result, MarketplaceError) else _line(result))
    if any(isinstance(result, MarketplaceError) for result in results):
        raise SystemExit(FOUND)


def _line(request: AccessRequest) -> str:
    end = f" until {day(request.until)}" if request.until else ""
    return f"{request.id}: {request.state}{end}"


def _data(id: str, result: AccessRequest | MarketplaceError) -> dict[str, Any]:
    from marketplace_sdk.errors import MarketplaceError

    if isinstance(result, MarketplaceError):
        told = {"code": result.code, "message": result.message, "hint": result.hint}
        return {"id": id, "request": None, "error": told}
    return {"id": id, "request": result, "error": None}
