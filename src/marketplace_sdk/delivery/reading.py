"""What is stored of a target, and what it means on its platform; nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from marketplace_sdk.delivery.ledger import get_pin
from marketplace_sdk.delivery.naming import Names, names_of, resolve_names
from marketplace_sdk.delivery.wishes import Wishes, wishes_of
from marketplace_sdk.ports.provisioner import Resolved

if TYPE_CHECKING:
    from marketplace_sdk.delivery.bench import Bench
    from marketplace_sdk.delivery.calls import Connection
    from marketplace_sdk.delivery.situation import Situation
    from marketplace_sdk.ports.provisioner import Call

__all__ = ["read_meaning"]


def read_meaning(
    situation: Situation,
    connection: Connection,
    bench: Bench,
    call: Callable[[], Call],
) -> tuple[Names, Wishes]:
    """What the names of a target mean now, and which items it needs.

    Args:
        situation: of the target.
        connection: of the target.
        bench: storage and people.
        call: makes the call to the platform, when it is known that there is something to ask.
    """
    principals, answers = resolve_names(situation, bench.directory, connection, call)
    pins = {pin.id: pin for pin in situation.pins}
    with bench.desk.read() as unit:
        for ref, answer in answers.items():
            if ref.kind == "object" and isinstance(answer, Resolved):
                id = f"{answer.platform}|{ref.name}"
                pin = pins.get(id) or get_pin(unit.rows, answer.platform, ref.name)
                if pin is not None:
                    pins[id] = pin
    names = names_of(situation, principals, answers, pins, connection.on_replaced)
    return names, wishes_of(situation, names, connection, bench.installation)
