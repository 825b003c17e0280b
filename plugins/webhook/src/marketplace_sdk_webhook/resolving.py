"""Names to addresses, once per delivery and in bounded time."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, TypeAlias

from marketplace_sdk_webhook.addresses import Address
from marketplace_sdk_webhook.outcome import Failed

if TYPE_CHECKING:
    from marketplace_sdk_webhook.addresses import Guard
    from marketplace_sdk_webhook.target import Target

__all__ = ["Resolve", "addresses_of", "resolve"]

Resolve: TypeAlias = Callable[[str, int], Sequence[Address]]
"""Gives the addresses of a host and port, in the order of preference, or raises OSError."""


def resolve(host: str, port: int) -> Sequence[Address]:
    """Ask the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return tuple(dict.fromkeys(ip_address(str(entry[4][0])) for entry in found))


def addresses_of(
    target: Target, guard: Guard, resolve: Resolve, left: Callable[[], float]
) -> Sequence[Address]:
    """The checked addresses of a target; nothing else may be connected to.

    Raises:
        Failed: the name has no addresses, the resolver took too long, or the guard refuses one.
            A single refused address refuses the whole name, because a name that mixes public
            and private addresses is what an attack looks like.
    """
    if target.address is not None:
        found: Sequence[Address] = (target.address,)
    else:
        found = _in_time(resolve, target, left)
    if not found:
        raise Failed("its name has no address", code="unreachable")
    for address in found:
        reason = guard.refusal(address, encrypted=target.encrypted)
        if reason:
            raise Failed(
                f"its address is refused: {reason}",
                code="address_refused",
                retryable=False,
                hint="allow_networks in the webhook's settings lets named networks through",
            )
    return found


def _in_time(resolve: Resolve, target: Target, left: Callable[[], float]) -> Sequence[Address]:
    """Resolve in a thread, since getaddrinfo knows no timeout and cannot be stopped."""
    answers: SimpleQueue[Sequence[Address] | None] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolve(target.host, target.port))
        except (OSError, ValueError):
            answers.put(None)

    Thread(target=ask, name="webhook-resolve", daemon=True).start()
    try:
        found = answers.get(timeout=max(left(), 0))
    except Empty:
        raise Failed("its name was not resolved in time", code="timeout") from None
    if found is None:
        raise Failed("its name cannot be resolved", code="unreachable")
    return found
