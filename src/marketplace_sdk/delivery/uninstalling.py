"""Leaving a platform as it was: a connection is shut, and its passes take away what is ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import evolve

from marketplace_sdk.delivery.drifting import every_mark
from marketplace_sdk.delivery.ledger import entries_of
from marketplace_sdk.delivery.previewing import Previewer
from marketplace_sdk.delivery.situation import SHUT
from marketplace_sdk.delivery.stating import statement_of
from marketplace_sdk.domain.events import Effects, Mark
from marketplace_sdk.errors import Conflict, NotFound
from marketplace_sdk.ports.provisioner import Change
from marketplace_sdk.ports.storage import Record

if TYPE_CHECKING:
    from marketplace_sdk.delivery.bench import Bench
    from marketplace_sdk.domain.provisioned import Preview
    from marketplace_sdk.work.unit import Unit

__all__ = ["install", "preview_uninstall", "uninstall"]


def preview_uninstall(bench: Bench, connection: str) -> Preview:
    """What would be taken away; nothing is changed.

    Raises:
        NotFound: there is no such connection.
    """
    _known(bench, connection, "uninstall")
    return Previewer(bench).preview(lambda unit: _shut(unit, connection), grant="uninstall")


def uninstall(bench: Bench, connection: str, deliver: Callable[[], object]) -> Preview:
    """Take away everything that is ours on a connection, and say what is left.

    Nothing is given there any more until ``install``. Grants stay as they are otherwise, and say
    why they are not active.

    Raises:
        NotFound: there is no such connection.
    """
    planned = preview_uninstall(bench, connection)
    with bench.desk.write() as unit:
        unit.keep(Effects(marks=tuple(sorted(_shut(unit, connection), key=lambda one: one.key))))
        unit.log("connection.uninstalled", f"connection:{connection}")
    deliver()
    return evolve(planned, problems=tuple(_left(bench, connection)))


def install(bench: Bench, connection: str) -> None:
    """Open a connection again that was uninstalled; what is approved is given by the next passes.

    Raises:
        NotFound: there is no such connection.
        Conflict: it is not uninstalled.
    """
    _known(bench, connection, "install")
    with bench.desk.write() as unit:
        record = unit.rows.get(SHUT, connection)
        if record is None:
            raise Conflict(
                f"cannot install connection {connection}: it is not uninstalled",
                code="not_uninstalled",
                hint="a connection is installed by being configured",
            )
        unit.rows.remove(SHUT, connection, record.revision)
        unit.keep(Effects(marks=_marks(unit, connection)))
        unit.log("connection.installed", f"connection:{connection}")


def _known(bench: Bench, connection: str, verb: str) -> None:
    if connection not in bench.connections:
        known = ", ".join(sorted(bench.connections)) or "none"
        raise NotFound(verb, "connection", connection, hint=f"configured: {known}")


def _marks(unit: Unit, connection: str) -> tuple[Mark, ...]:
    found = (mark for mark in every_mark(unit) if mark.connection == connection)
    return tuple(sorted(found, key=lambda mark: mark.key))


def _shut(unit: Unit, connection: str) -> tuple[Mark, ...]:
    if unit.rows.get(SHUT, connection) is None:
        unit.rows.put(Record(kind=SHUT, id=connection, revision=1, document={}), None)
    return _marks(unit, connection)


def _left(bench: Bench, connection: str) -> list[str]:
    link = bench.connections[connection]
    with bench.desk.read() as unit:
        entries = {
            entry.id: entry
            for mark in _marks(unit, connection)
            for entry in entries_of(unit.rows, mark.key)
            if entry.origin != "preexisting" and not entry.claimed
        }
    return [
        f"still there: {statement_of(link, Change(action='add', item=entry.item))}"
        for _, entry in sorted(entries.items())
    ]
