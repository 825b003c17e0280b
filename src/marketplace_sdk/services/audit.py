"""The audit log: what happened, who did it, and the proof that nobody changed the account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from marketplace_sdk.domain.people import Facts
from marketplace_sdk.domain.rights import require, roles_in
from marketplace_sdk.domain.seals import Seal
from marketplace_sdk.domain.values import aware, check_id, check_text
from marketplace_sdk.errors import InvalidInput, Problem
from marketplace_sdk.ports.storage import EventRow
from marketplace_sdk.services._checking import check_choice, check_filter, check_whole
from marketplace_sdk.services._context import By, Service
from marketplace_sdk.services._erasing import Eraser, Erasure
from marketplace_sdk.services._exporting import FORMATS, kept_seals, lines_of
from marketplace_sdk.services._retaining import Retainer, Retention
from marketplace_sdk.services._verifying import Verification, verify_storage
from marketplace_sdk.wire.codec import load
from marketplace_sdk.work.chains import read_log
from marketplace_sdk.work.pages import check_limit
from marketplace_sdk.work.sealing import seal_id, seal_log

__all__ = ["Audit"]


class Audit(Service):
    """Events, for AUDIT and GOVERNANCE; what may be forgotten, GOVERNANCE decides."""

    def events(
        self, aggregate: str | None = None, *, after: int = 0, limit: int = 100, by: By = None
    ) -> tuple[EventRow, ...]:
        """Events in the order of the log, behind position ``after``, of one aggregate or all.

        Args:
            aggregate: ``kind:id``, for example ``request:0192...``; None means all.
            after: position of the last event seen.
            limit: how many at most.
            by: who reads.
        """
        check_whole(after, "after")
        check_limit(limit)
        check_filter(aggregate, "aggregate")
        with self._reading(by) as (unit, facts):
            _may("audit.read", facts)
            return tuple(unit.rows.events(aggregate, after=after, limit=limit))

    def export(
        self,
        *,
        format: str = "jsonl",
        since: datetime | None = None,
        until: datetime | None = None,
        aggregate: str | None = None,
        by: By = None,
    ) -> Iterator[str]:
        """Events as lines of text, oldest first, read page by page while they are taken.

        Args:
            format: ``jsonl``, one JSON object a line, which ``verify_export`` takes; or ``csv``
                for spreadsheets.
            since: only what happened at or after this instant.
            until: only what happened before it.
            aggregate: only events of this ``kind:id``.
            by: who exports.

        Raises:
            InvalidInput, NotAllowed: at once, before the first line.
        """
        if check_choice(format, "format", FORMATS) is None:
            raise InvalidInput("cannot export", problems=[Problem("format", "is required")])
        for bound, path in ((since, "since"), (until, "until")):
            if bound is not None:
                aware(bound, path)
        check_filter(aggregate, "aggregate")
        with self._reading(by) as (_, facts):
            _may("audit.read", facts)
        rows = (
            row
            for row in read_log(self._context.storage, aggregate)
            if (since is None or row.at >= since) and (until is None or row.at < until)
        )
        return lines_of(rows, format)

    def seals(self, *, after: int = 0, limit: int = 100, by: By = None) -> tuple[Seal, ...]:
        """Seals by number, behind number ``after``; keep them where nobody of here can write."""
        check_whole(after, "after")
        check_limit(limit)
        with self._reading(by) as (unit, facts):
            _may("audit.read", facts)
            place = seal_id(after)
            found = unit.rows.find("seal", after=(place, place), limit=limit)
            return tuple(load(Seal, record.document) for record in found)

    def seal(self) -> Seal | None:
        """Seal what has happened since the last seal; an operator's call.

        Returns:
            The newest seal, which may be an older one when nothing has happened since; None when
            nothing has ever happened.
        """
        context = self._context
        return seal_log(context.storage, clock=context.clock)

    def verify(self, seals: Iterable[Any] | None = None) -> Verification:
        """Check every link, every payload and every seal; an operator's call.

        Memory stays flat however long the log is. Events that were cut off behind the newest seal
        cannot be missed: the answer says how many stand there.

        Args:
            seals: seals that were kept elsewhere (``Seal``, its plain data, or a JSON line of
                either), against which those of the store are compared.

        Raises:
            InvalidInput: one of ``seals`` is no seal.
        """
        kept = tuple(kept_seals(() if seals is None else seals))
        return verify_storage(self._context.storage, kept)

    def erase(self, person: str, *, reason: str, by: By = None) -> Erasure:
        """Erase what is kept of a person (GOVERNANCE); what they did stays, under their id.

        Gone are the answers and reasons of their requests and what was asked back about them,
        what they wrote about requests of others (reasons, questions, answers to such), the
        payloads of events that speak of them, their inbox, parked messages that speak of them,
        and, when they are kept here and have left, their facts. Their deputyships end. Ids stay,
        because every later link rests on them; the hashes stay, so the log still verifies. Each
        part is a transaction of its own and on record; whatever is interrupted is finished by doing
        it again, and doing it once more changes nothing.

        Args:
            person: the id.
            reason: why; it stays in the log, so it should say nothing of the person.
            by: who erases.

        Raises:
            Conflict: a request of theirs is pending, or access of theirs has not ended.
            InvalidInput, NotAllowed.
        """
        check_id(person, "person")
        why = check_text(reason, "reason", required=True)
        eraser = Eraser(person=person, reason=why, storage=self._context.storage)
        return eraser.run(lambda work: self._deciding(by, work))

    def retain(self, *, older_than: timedelta, by: By = None) -> Retention:
        """Erase payloads, messages and parked deliveries older than an age (GOVERNANCE).

        Links and hashes stay, so the log still verifies. Only sealed events are touched, and
        nothing of a request that is pending or of a grant that has not ended. Done in batches,
        each a transaction of its own and on record.

        Args:
            older_than: the age; at least a day.
            by: who decides.

        Raises:
            InvalidInput, NotAllowed.
        """
        if not isinstance(older_than, timedelta) or older_than < timedelta(days=1):
            raise InvalidInput(
                "cannot retain", problems=[Problem("older_than", "must be a day or more")]
            )
        retainer = Retainer(older_than=older_than, storage=self._context.storage)
        return retainer.run(lambda work: self._deciding(by, work))


def _may(action: str, facts: Facts) -> None:
    require(action, roles_in(facts), facts, "the audit log")
