"""Asking a platform what there is."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice
from typing import TYPE_CHECKING, cast

from marketplace_sdk.delivery.calls import guarded
from marketplace_sdk.errors import InvalidInput, MarketplaceError, Problem, ProvisioningError
from marketplace_sdk.ports.discovery import Discovered, Discoverer, Listing
from marketplace_sdk.ports.provisioner import Ref, Resolved, Unresolved

if TYPE_CHECKING:
    from marketplace_sdk.delivery.bench import Bench

__all__ = ["list_objects", "look_up"]

MOST = 100_000


def list_objects(bench: Bench, connection: str, pattern: str, known: Collection[str]) -> Listing:
    """Every object of a connection whose name matches, and what registered names mean there.

    Args:
        bench: platforms.
        connection: its name.
        pattern: case-sensitive, as in ``may_grant``.
        known: names of objects as they are registered.

    Raises:
        InvalidInput: there is no such connection, it cannot list, or there is too much to list.
        ProvisioningError: the platform did not answer, or its plugin failed; nothing is known.
    """
    link = bench.connections.get(connection)
    if link is None or "discover" not in link.capabilities:
        problem = "is not configured" if link is None else "cannot list objects"
        raise InvalidInput(
            "cannot discover objects",
            problems=[Problem("connection", problem)],
            hint="register its sources by hand",
        )
    lister = cast("Discoverer", link.provisioner)
    try:
        found = tuple(islice(lister.discover(pattern, bench.call()), MOST + 1))
        _check(found, connection, link.plugin)
        names = {each.name for each in found}
        refs = [Ref("object", name) for name in sorted(set(known) - names)]
        meant = dict(link.provisioner.resolve(refs, bench.call())) if refs else {}
    except MarketplaceError:
        raise
    except Exception as error:  # noqa: BLE001  # a plugin may raise anything
        # Only the type: words of a foreign error may hold secrets.
        raise ProvisioningError(
            f"cannot discover objects on connection {connection}: plugin {link.plugin} failed "
            f"with {type(error).__name__}",
            hint="report it to its authors",
        ) from None
    return Listing(
        objects=found,
        means={ref.name: each.name for ref, each in meant.items() if isinstance(each, Resolved)},
        gone=frozenset(
            ref.name
            for ref, each in meant.items()
            if isinstance(each, Unresolved) and each.reason == "not_found"
        ),
    )


def look_up(bench: Bench, connection: str, object: str) -> Resolved:
    """What a registered name means now.

    Args:
        bench: platforms.
        connection: its name.
        object: as registered.

    Raises:
        ProvisioningError: the platform does not answer, or the name means nothing there.
    """
    link = bench.connections.get(connection)
    ref = Ref("object", object)
    if link is None:
        raise ProvisioningError(f"cannot look up {object}: connection {connection} is missing")
    answer = guarded(
        f"look up {object}",
        link.plugin,
        lambda: link.provisioner.resolve([ref], bench.call()).get(ref),
    )
    if isinstance(answer, Resolved):
        return answer
    why = "the platform gave no answer" if answer is None else answer.message
    raise ProvisioningError(
        f"cannot look up {object} on connection {connection}: {why}",
        retryable=answer is None or answer.retryable,
    )


def _check(found: Collection[object], connection: str, plugin: str) -> None:
    if len(found) > MOST:
        raise InvalidInput(
            f"cannot discover objects on connection {connection}",
            problems=[Problem("pattern", f"matches more than {MOST} objects")],
            hint="give a narrower pattern",
        )
    if not all(isinstance(each, Discovered) for each in found):
        raise ProvisioningError(
            f"cannot discover objects on connection {connection}: plugin {plugin} yields what is "
            "no Discovered",
            hint="report it to its authors",
        )
