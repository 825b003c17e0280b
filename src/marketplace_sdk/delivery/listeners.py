"""Who is told of events and notices: what is configured, and what is kept as destinations."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from marketplace_sdk.delivery.calls import call_until
from marketplace_sdk.delivery.notices import recipient_of
from marketplace_sdk.domain.destinations import Destination, Standing, Subscription, TestCall
from marketplace_sdk.errors import InvalidInput, MarketplaceError, NotificationError, Problem
from marketplace_sdk.ports.notifier import Message, Notifier, Recipient
from marketplace_sdk.work.outgoing import VERSION

if TYPE_CHECKING:
    from marketplace_sdk.delivery.desk import Desk
    from marketplace_sdk.delivery.settings import Settings
    from marketplace_sdk.domain.people import Person
    from marketplace_sdk.work.unit import Unit

__all__ = ["Builds", "Listener", "Listeners", "failure_of"]

TEST = "test"
MOST_KEPT = 256
"""Built notifiers of destinations; more are built again when they are needed."""

Builds = Callable[[Destination, tuple[str, ...]], Notifier]
"""Makes what sends to a destination, signing with the secrets of these references."""


@frozen(kw_only=True)
class Listener:
    """A configured way to tell somebody.

    Attributes:
        subscription: its name, and what it gets.
        notifier: does the telling.
    """

    subscription: Subscription
    notifier: Notifier = field(repr=False)


class Listeners:
    """Everybody who may be told, by name.

    Args:
        desk: where destinations are kept.
        monotonic: seconds that never run backwards.
        settings: how long a call may take.
        configured: by name.
        build: makes what sends to a destination.
        secrets: patterns of the references that destinations may use.
    """

    def __init__(
        self,
        *,
        desk: Desk,
        monotonic: Callable[[], float],
        settings: Settings,
        configured: Mapping[str, Listener],
        build: Builds,
        secrets: Iterable[str] = (),
    ) -> None:
        self._desk = desk
        self._monotonic = monotonic
        self._settings = settings
        self._configured = dict(configured)
        self._build = build
        self._secrets = tuple(secrets)
        self._lock = threading.Lock()
        self._built: dict[str, tuple[tuple[int, int], Notifier]] = {}

    @property
    def configured(self) -> Mapping[str, Subscription]:
        """Those of the configuration, by name."""
        return {name: each.subscription for name, each in self._configured.items()}

    def active(self, unit: Unit) -> list[Subscription]:
        """Everybody whom messages are sent to now, in a fixed order."""
        stopped = {each.name for each in unit.find(Standing, ("stopped", ["yes"]))}
        kept = unit.find(Destination, ("kept", ["yes"]))
        known = [
            *self.configured.values(),
            *(each.subscription for each in kept if each.id not in self._configured),
        ]
        return sorted(
            (each for each in known if each.name not in stopped), key=lambda each: each.name
        )

    def notifier(self, name: str) -> Notifier | None:
        """What tells the one of that name; None when there is none any more.

        Raises:
            MarketplaceError: it cannot be made, for example because a secret cannot be read.
        """
        listener = self._configured.get(name)
        if listener is not None:
            return listener.notifier
        with self._desk.read() as unit:
            destination = unit.get(Destination, name)
        if destination is None or destination.deleted:
            return None
        return self._made(destination, self._desk.clock())

    def check(self, destination: Destination) -> None:
        """Refuse what could not be sent to at all; see ``services._sender``."""
        if destination.id in self._configured:
            raise InvalidInput(
                f"cannot keep destination {destination.id}",
                problems=[Problem("id", "is the name of a notifier of the configuration")],
            )
        for place, reference in enumerate(destination.secrets):
            self._check_reference(f"secret.{place}" if place else "secret", reference)
        _close(self._build(destination, destination.secrets_at(self._desk.clock())))

    def call(self, name: str, destination: Destination | None, tester: Person) -> TestCall:
        """Send something that only tries; see ``services._sender``."""
        began = self._monotonic()
        try:
            if destination is None:
                configured = self._configured[name]
                told = configured.subscription.receives == {"notice"}
                self._try(name, configured.notifier, recipient_of(tester) if told else None)
            else:
                built = self._build(destination, destination.secrets_at(self._desk.clock()))
                try:
                    self._try(name, built, None)
                finally:
                    _close(built)
        except Exception as error:  # noqa: BLE001  # a plugin may raise anything
            why = failure_of(name, error)
            return TestCall(delivered=False, error=why, seconds=self._monotonic() - began)
        return TestCall(delivered=True, seconds=self._monotonic() - began)

    def close(self) -> None:
        """Let go of what was built. May be called twice."""
        with self._lock:
            built, self._built = list(self._built.values()), {}
        for _, each in built:
            _close(each)

    def _try(self, name: str, notifier: Notifier, recipient: Recipient | None) -> None:
        id = self._desk.ids()
        subject = "" if recipient is None else f"This is a test of {name}: it reaches you."
        message = Message(
            id=id,
            sort="event" if recipient is None else "notice",
            type=TEST,
            at=self._desk.clock(),
            data={"version": VERSION, "destination": name},
            about=f"destination:{name}",
            recipient=recipient,
            subject=subject,
            body=subject,
        )
        end = self._monotonic() + self._settings.call_timeout
        notifier.deliver(message, call_until(end, self._monotonic, correlation_id=id))

    def _made(self, destination: Destination, now: datetime) -> Notifier:
        secrets = destination.secrets_at(now)
        stamp = (destination.revision, len(secrets))
        with self._lock:
            known = self._built.get(destination.id)
            if known is not None and known[0] == stamp:
                return known[1]
        made = self._build(destination, secrets)
        with self._lock:
            old = [self._built.pop(destination.id, None)]
            if len(self._built) >= MOST_KEPT:
                old.append(self._built.pop(next(iter(self._built))))
            self._built[destination.id] = (stamp, made)
        for each in old:
            if each is not None:
                _close(each[1])
        return made

    def _check_reference(self, path: str, reference: str) -> None:
        """A destination may not name any secret of this machine, only those meant for it."""
        parts = reference.replace("\\", "/").split("/")
        fits = any(fnmatchcase(reference, pattern) for pattern in self._secrets)
        if not fits or ".." in parts:
            raise InvalidInput(
                "cannot keep this destination",
                problems=[Problem(path, f"must be like {' or '.join(self._secrets) or 'nothing'}")],
                hint="secrets are kept outside; `destinations` in the configuration says which "
                "references may be used",
            )


def failure_of(name: str, error: Exception) -> str:
    """What may be said of an error of a plugin; words of a foreign one may repeat what was sent."""
    if isinstance(error, NotificationError):
        return str(error)
    code = error.code if isinstance(error, MarketplaceError) else type(error).__name__
    return f"notifier {name} failed with {code}"


def _close(notifier: Any) -> None:
    with contextlib.suppress(Exception):  # it is not needed any more, whatever it says
        notifier.close()
