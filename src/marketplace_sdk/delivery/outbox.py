"""The outbox: messages to systems and people, at least once, in order for each destination."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from attrs import field, frozen

from marketplace_sdk.delivery.calls import call_until
from marketplace_sdk.delivery.notices import (
    audience_of,
    deliver_notice,
    notice_of,
    recipient_of,
)
from marketplace_sdk.delivery.settings import Settings, backoff
from marketplace_sdk.domain.links import NO_LINKS, Links
from marketplace_sdk.errors import AdapterError, MarketplaceError, NotificationError, StaleRevision
from marketplace_sdk.ports.notifier import Message, Notifier, Recipient
from marketplace_sdk.ports.storage import Record, Transaction, Work
from marketplace_sdk.wire.codec import instant

if TYPE_CHECKING:
    from marketplace_sdk.delivery.desk import Desk
    from marketplace_sdk.ports.directory import Directory

__all__ = ["Listener", "Outbox"]

OUTBOX, FAILURES = "outbox", "failures"
INBOX = "inbox"
NO_ADDRESS = "no_address"

_log = logging.getLogger("marketplace_sdk.delivery")


@frozen(kw_only=True)
class Listener:
    """A configured way to tell somebody.

    Attributes:
        name: as configured.
        notifier: does the telling.
        receives: some of ``event``, ``notice`` and ``seal``.
    """

    name: str
    notifier: Notifier = field(repr=False)
    receives: frozenset[str]


@frozen
class _Failure:
    """Why one attempt failed.

    Attributes:
        message: without anything of the payload.
        retryable: whether to try again.
        after: seconds that the other side asked us to wait.
    """

    message: str
    retryable: bool = True
    after: float | None = None


@frozen(kw_only=True)
class Outbox:
    """Delivers what is due.

    Attributes:
        desk: where it is kept.
        monotonic: seconds that never run backwards.
        random: a number from 0 up to 1.
        settings: how patient to be.
        owner: who this worker is.
        notifiers: by name.
        directory: who matches the audience of a notice, and where they are reached.
        links: templates of the portal's pages.
    """

    desk: Desk
    monotonic: Callable[[], float] = field(repr=False)
    random: Callable[[], float] = field(repr=False)
    settings: Settings
    owner: str
    notifiers: Mapping[str, Listener]
    directory: Directory = field(repr=False)
    links: Links = NO_LINKS

    def deliver(self, counts: Counter[str], limit: int) -> int:
        """Deliver the due messages of at most ``limit`` keys; how many keys there were."""
        end = self.monotonic() + self.settings.lease
        now = self.desk.clock()
        with self.desk.storage.begin() as rows:
            claimed = rows.claim(
                OUTBOX,
                now=now,
                until=now + timedelta(seconds=self.settings.lease),
                owner=self.owner,
                limit=limit,
                in_order=True,
            )
        streaks: Counter[str] = Counter()
        keys = 0
        for _, messages in groupby(claimed, key=lambda work: work.key):
            keys += 1
            self._line(list(messages), end, streaks, counts)
        return keys

    def _line(
        self, messages: list[Work], end: float, streaks: Counter[str], counts: Counter[str]
    ) -> None:
        """The messages of one key, in order, up to the first that has to be tried again."""
        waits = False
        for work in messages:
            to = str(work.payload.get("to", ""))
            if waits or streaks[to] >= self.settings.rest_after or end <= self.monotonic():
                self._postpone(work, rest=not waits)
                waits = True
                continue
            failure = self._one(work, to, end)
            if failure is None:
                streaks[to] = 0
                counts["notices" if to == INBOX else "messages"] += 1
                continue
            waits = self._failed(work, failure, counts)
            if waits:
                streaks[to] += 1

    def _one(self, work: Work, to: str, end: float) -> _Failure | None:
        """One attempt, settled if it succeeded."""
        try:
            self._hand_over(work, to, end)
        except NotificationError as error:
            if error.code != NO_ADDRESS:
                return _Failure(str(error), error.retryable, error.retry_after)
        except AdapterError as error:
            return _Failure(f"{to}: {error.code}", after=error.retry_after)
        except StaleRevision:
            return _Failure(f"{to}: somebody else delivers it")
        except Exception as error:  # noqa: BLE001  # a plugin may raise anything
            # The message of a foreign error may repeat what was sent.
            code = error.code if isinstance(error, MarketplaceError) else type(error).__name__
            return _Failure(f"notifier {to} failed with {code}")
        if to != INBOX:
            self._settle(work, lambda rows: rows.settle(work))
        return None

    def _hand_over(self, work: Work, to: str, end: float) -> None:
        if to == INBOX:
            self._inbox(work)
            return
        listener = self.notifiers.get(to)
        if listener is None:
            raise NotificationError(f"no notifier {to} is configured", retryable=False)
        message = self._message(work)
        if message is not None:
            until = min(end, self.monotonic() + self.settings.call_timeout)
            call = call_until(until, self.monotonic, correlation_id=work.id)
            listener.notifier.deliver(message, call)

    def _message(self, work: Work) -> Message | None:
        """What a row says; None when it is for somebody who is not told things any more."""
        person = str(work.payload.get("person", ""))
        if not person:
            return _message(work, None)
        known = self.directory.person(person)
        if known is None or known.id != person or not known.active:
            return None
        return _message(work, recipient_of(known))

    def _inbox(self, work: Work) -> None:
        notice = notice_of(work)
        people = audience_of(notice, self.desk, self.directory, self.settings.audience)
        onward = sorted(name for name, one in self.notifiers.items() if "notice" in one.receives)

        def tell() -> None:
            with self.desk.write() as unit:
                deliver_notice(unit, work, notice, people, onward, self.links)
                _forget(unit.rows, work)
                unit.rows.settle(work)

        self.desk.retried(tell)

    def _failed(self, work: Work, failure: _Failure, counts: Counter[str]) -> bool:
        """Note a failure; whether the message will be tried again."""
        with self.desk.read() as unit:
            record = unit.rows.get(FAILURES, work.id)
        failures = 1 + (0 if record is None else int(record.document["count"]))
        again = failure.retryable and failures < self.settings.attempts
        wait = backoff(self.settings, failures, self.random)
        if failure.after is not None:
            wait = max(wait, timedelta(seconds=failure.after))
        counts["failed" if again else "dead"] += 1
        _log.warning("message %s was not delivered: %s", work.id, failure.message)

        def settle(rows: Transaction) -> None:
            if again:
                revision = 0 if record is None else record.revision
                note = Record(
                    kind=FAILURES, id=work.id, revision=revision + 1, document={"count": failures}
                )
                rows.put(note, revision or None)
                rows.settle(work, retry_at=self.desk.clock() + wait, error=failure.message)
            else:
                _forget(rows, work)
                rows.settle(work, dead=True, error=failure.message)

        self._settle(work, settle, forget=False)
        return again

    def _postpone(self, work: Work, *, rest: bool) -> None:
        """Give back what was not tried: behind an earlier one, or because its destination rests."""
        wait = timedelta(seconds=self.settings.base if rest else 0)

        def settle(rows: Transaction) -> None:
            rows.settle(work, retry_at=self.desk.clock() + wait, error=work.error)

        self._settle(work, settle, forget=False)

    def _settle(
        self, work: Work, action: Callable[[Transaction], None], *, forget: bool = True
    ) -> None:
        """Settle in a unit; if the lease ran out and another worker has it, it is his."""

        def settle() -> None:
            with self.desk.storage.begin() as rows:
                if forget:
                    _forget(rows, work)
                action(rows)

        try:
            self.desk.retried(settle)
        except StaleRevision:
            _log.info("message %s is held by another worker by now", work.id)


def _forget(rows: Transaction, work: Work) -> None:
    record = rows.get(FAILURES, work.id)
    if record is not None:
        rows.remove(FAILURES, work.id, record.revision)


def _message(work: Work, recipient: Recipient | None) -> Message:
    data = work.payload
    subject = str(data.get("subject", ""))
    return Message(
        id=str(data["id"]),
        sort="event" if recipient is None else "notice",
        type=str(data["type"]),
        at=instant(str(data["at"])),
        data=data["data"],
        about=str(data.get("about", "")),
        recipient=recipient,
        subject=subject,
        body=subject,
        link=str(data.get("link", "")),
    )
