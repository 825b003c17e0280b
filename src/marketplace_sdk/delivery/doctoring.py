"""Asking platforms what our logins on them lack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from marketplace_sdk.delivery.calls import guarded
from marketplace_sdk.delivery.plan import Obstacle

if TYPE_CHECKING:
    from marketplace_sdk.delivery.bench import Bench
    from marketplace_sdk.delivery.calls import Connection
    from marketplace_sdk.ports.doctoring import Doctor, Shortcoming

__all__ = ["shortcomings"]


def shortcomings(bench: Bench) -> Mapping[str, tuple[Shortcoming, ...] | str]:
    """By connection, what its login lacks, or in words why that could not be seen.

    Connections whose plugin does not declare ``doctor`` are left out.
    """
    return {
        name: _of(link, bench)
        for name, link in bench.connections.items()
        if "doctor" in link.capabilities
    }


def _of(link: Connection, bench: Bench) -> tuple[Shortcoming, ...] | str:
    doctor = cast("Doctor", link.provisioner)
    found = guarded(
        f"examine connection {link.name}",
        link.plugin,
        lambda: tuple(doctor.doctor(bench.call(), link.may_grant)),
    )
    return found.message if isinstance(found, Obstacle) else found
