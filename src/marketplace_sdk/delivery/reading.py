"""What is stored of a target, and what it means on its platform; nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from marketplace_sdk.delivery.ledger import LedgerEntry, get_entry, get_pin
from marketplace_sdk.delivery.masking import masks_of, waiting_names
from marketplace_sdk.delivery.naming import Names, names_of, resolve_names
from marketplace_sdk.delivery.situation import Situation
from marketplace_sdk.delivery.wishes import Wishes, claimed_anew, wishes_of
from marketplace_sdk.ports.provisioner import Resolved

if TYPE_CHECKING:
    from marketplace_sdk.delivery.bench import Bench
    from marketplace_sdk.delivery.calls import Connection
    from marketplace_sdk.ports.provisioner import Call

__all__ = ["Sketch", "read_meaning", "sketch"]


@frozen
class Sketch:
    """One target with its rows as a pass would claim them; nothing of it is stored.

    Attributes:
        situation, names, wishes: as a pass reads them.
        entries: by id, with the claims that a pass would make.
    """

    situation: Situation
    names: Names
    wishes: Wishes
    entries: Mapping[str, LedgerEntry]


def sketch(situation: Situation, connection: Connection, bench: Bench) -> Sketch:
    """The target as a pass would claim it now."""
    names, wishes = read_meaning(situation, connection, bench, bench.call)
    entries = {entry.id: entry for entry in situation.entries}
    with bench.desk.read() as unit:
        for id in sorted(wishes.claims.keys() - entries.keys()):
            found = get_entry(unit.rows, id)
            if found is not None:
                entries[id] = found
    changed = claimed_anew(entries.values(), wishes, situation.target)
    entries.update((entry.id, entry) for entry in changed)
    return Sketch(situation, names, wishes, entries)


def read_meaning(
    situation: Situation,
    connection: Connection,
    bench: Bench,
    call: Callable[[], Call],
    between: Callable[[], None] = lambda: None,
) -> tuple[Names, Wishes]:
    """What the names of a target mean now, and which items it needs.

    Args:
        situation: of the target.
        connection: of the target.
        bench: storage and people.
        call: makes the call to the platform, when it is known that there is something to ask.
        between: called between two steps, each of which may take long.
    """
    opening = not situation.objects.keys() <= {pin.object for pin in situation.pins}
    with bench.desk.read() as unit:
        also = waiting_names(unit, connection.name, opening=opening)
    principals, answers = resolve_names(situation, bench.directory, connection, call, also)
    masks = masks_of(bench, connection, answers, situation.objects, opening=opening, call=call)
    pins = {pin.id: pin for pin in situation.pins}
    with bench.desk.read() as unit:
        for ref, answer in answers.items():
            if ref.kind == "object" and isinstance(answer, Resolved):
                id = f"{answer.platform}|{ref.name}"
                pin = pins.get(id) or get_pin(unit.rows, answer.platform, ref.name)
                if pin is not None:
                    pins[id] = pin
    between()
    names = names_of(situation, principals, answers, pins, connection.on_replaced, masks)
    return names, wishes_of(situation, names, connection, bench.installation)
