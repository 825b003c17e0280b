"""One attempt to deliver: what a row says, to whom, and why it was not delivered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import field, frozen

from marketplace_sdk.delivery.calls import call_until
from marketplace_sdk.delivery.listeners import failure_of
from marketplace_sdk.delivery.notices import message_of, recipient_of
from marketplace_sdk.delivery.zones import zone_of
from marketplace_sdk.domain.inbox import InboxMessage
from marketplace_sdk.domain.preferences import PersonPreferences
from marketplace_sdk.errors import AdapterError, NotificationError
from marketplace_sdk.work.deciding import asks_deputy, still_asks
from marketplace_sdk.work.deputising import represented_by

if TYPE_CHECKING:
    from marketplace_sdk.delivery.desk import Desk
    from marketplace_sdk.delivery.listeners import Listeners
    from marketplace_sdk.delivery.settings import Settings
    from marketplace_sdk.domain.people import Person
    from marketplace_sdk.ports.directory import Directory
    from marketplace_sdk.ports.notifier import Message
    from marketplace_sdk.ports.storage import Work

__all__ = ["Attempts", "Failure"]


@frozen
class Failure:
    """Why one attempt did not deliver.

    Attributes:
        message: without anything of the payload.
        code: of the error; ``no_address``: nobody is reached, and the message is dropped.
        retryable: whether to try again.
        after: seconds that the other side asked us to wait.
        until: nothing was tried, because the person is sent nothing until then.
    """

    message: str
    code: str = ""
    retryable: bool = True
    after: float | None = None
    until: datetime | None = None

    @property
    def drops(self) -> bool:
        """Whether there is nobody to deliver to, which is no fault of the destination."""
        return self.code == "no_address"


@frozen(kw_only=True)
class Attempts:
    """Makes attempts; several threads may at the same time.

    Attributes:
        desk: where preferences and what is decided is read.
        monotonic: seconds that never run backwards.
        settings: how long a call may take.
        listeners: everybody who may be told.
        directory: where people are reached.
    """

    desk: Desk
    monotonic: Callable[[], float] = field(repr=False)
    settings: Settings
    listeners: Listeners = field(repr=False)
    directory: Directory = field(repr=False)

    def attempt(self, name: str, work: Work, end: float) -> Failure | None:
        """One attempt at a destination, over by ``end``; why it did not deliver, or None."""
        try:
            notifier = self.listeners.notifier(name)
            if notifier is None:
                return Failure(f"no notifier {name} is configured", retryable=False)
            message = self._message(work)
            if isinstance(message, Failure):
                return message
            until = min(end, self.monotonic() + self.settings.call_timeout)
            call = call_until(until, self.monotonic, correlation_id=work.id)
            notifier.deliver(message, call)
        except NotificationError as error:
            return Failure(str(error), error.code, error.retryable, error.retry_after)
        except AdapterError as error:
            return Failure(failure_of(name, error), error.code, after=error.retry_after)
        except Exception as error:  # noqa: BLE001  # a plugin may raise anything
            return Failure(failure_of(name, error))
        return None

    def _message(self, work: Work) -> Message | Failure:
        """What a row says, or why its person is not told it, or not now."""
        person = str(work.payload.get("person", ""))
        if not person:
            return message_of(work, None)
        known = self.directory.person(person)
        if known is None or known.id != person or not known.active:
            return Failure("the person is not told things any more", "no_address")
        return self._held_back(known, work) or message_of(work, recipient_of(known))

    def _held_back(self, person: Person, work: Work) -> Failure | None:
        """Why somebody is not told it, or not now; asked at every attempt, late ones included."""
        deputy = asks_deputy(work.payload["data"])
        for_ = represented_by(self.desk.read, self.directory.person, person.id) if deputy else ()
        with self.desk.read() as unit:
            message = unit.get(InboxMessage, str(work.payload["id"]))
            if message is not None and not still_asks(unit, unit.facts(person), message, for_):
                return Failure("what it asks for is not theirs to decide any more", "no_address")
            chosen = unit.get(PersonPreferences, person.id)
            if chosen is None or chosen.quiet_hours is None:
                return None
            until = chosen.quiet_hours.until(unit.now, zone_of(person.time_zone))
        return None if until is None else Failure("nothing is sent at this time", until=until)
