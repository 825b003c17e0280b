"""Erasing a person: words and payloads go, ids and hashes stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from attrs import evolve, field, frozen

from marketplace_sdk.domain.campaigns import CampaignItem
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.inbox import InboxMessage
from marketplace_sdk.domain.people import SYSTEM, Facts, Person
from marketplace_sdk.domain.preferences import Digest, PersonPreferences
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.rights import require, roles_in
from marketplace_sdk.errors import Conflict, InvalidInput, Problem
from marketplace_sdk.ports.storage import Storage
from marketplace_sdk.services._forgetting import BATCH, Run, batches, dead_letters, forget
from marketplace_sdk.wire.codec import text_of
from marketplace_sdk.work.chains import AUDIT, erased_by, read_log
from marketplace_sdk.work.deputising import end_deputyships_of
from marketplace_sdk.work.unit import Unit

__all__ = ["Eraser", "Erasure"]


@frozen(kw_only=True)
class Erasure:
    """What was erased.

    Attributes:
        person: whose it was.
        events: payloads of events.
        requests: requests of the person that hold no words any more, and requests of others that
            hold none of the person's: reasons, questions back, and answers to such.
        items: items of campaigns that hold no reason any more, by the person or about them.
        messages: messages in the person's inbox.
        deliveries: messages that could not be delivered and spoke of the person.
    """

    person: str
    events: int = 0
    requests: int = 0
    items: int = 0
    messages: int = 0
    deliveries: int = 0


@frozen(kw_only=True)
class Eraser:
    """Erases one person.

    Attributes:
        person: the id.
        reason: why.
        storage: where it is kept.
    """

    person: str
    reason: str = field(repr=False)
    storage: Storage = field(repr=False)

    def run(self, run: Run) -> Erasure:
        """Do it, batch by batch; the log comes last, so that no batch is forgotten by another."""
        run(self._begin)
        return Erasure(
            person=self.person,
            requests=self._requests(run),
            items=self._items(run),
            messages=self._messages(run),
            deliveries=self._deliveries(run),
            events=self._events(run),
        )

    @property
    def _token(self) -> str:
        return f"user:{self.person}"

    def _forget(self, unit: Unit, *events: str, **data: Any) -> None:
        forget(unit, "audit.erased", events, person=self.person, reason=self.reason, **data)

    def _begin(self, unit: Unit, facts: Facts) -> None:
        self._may(facts)
        if self.person == SYSTEM:
            raise InvalidInput("cannot erase", problems=[Problem("person", "is not a person")])
        for key, value in (("requester", self.person), ("beneficiary", self._token)):
            found = unit.find(AccessRequest, (key, [value]), ("state", ["pending"]))
            if any(each.seen_at(unit.now).open for each in found):
                raise self._refusal("a request of theirs is pending", "cancel it first")
        if unit.find(AccessRequest, ("emergency_by", [self.person]), limit=1):
            raise self._refusal(
                "an emergency of theirs is not closed", "have it reviewed, and settled if need be"
            )
        if unit.find(Grant, ("open_beneficiary", [self._token]), limit=1):
            raise self._refusal("access of theirs has not ended", "revoke it first, and deliver")
        end_deputyships_of(unit, self.person, facts.id)
        known = unit.get(Person, self.person)
        if known is not None and not known.active:
            self._erase_facts(unit, known)
        kept = (unit.get(PersonPreferences, self.person), unit.get(Digest, self.person))
        for each in kept:
            if each is not None:
                unit.delete(each)
        if any(kept):
            self._forget(unit, preferences=True)

    def _erase_facts(self, unit: Unit, known: Person) -> None:
        bare = Person(id=known.id, kind=known.kind, owner=known.owner, active=False)
        if bare == known:
            return
        for connection, name in known.principals.items():
            unit.release(f"principal|{connection}|{name}", self._token)
        unit.save(bare)
        self._forget(unit, facts=True)

    def _requests(self, run: Run) -> int:
        keys = (
            ("requester", self.person),
            ("beneficiary", self._token),
            ("determined_by", self.person),
            ("asked_by", self.person),
            ("answered_by", self.person),
            ("reviewed_by", self.person),
        )
        return sum(self._requests_by(run, key, value) for key, value in keys)

    def _requests_by(self, run: Run, key: str, value: str) -> int:
        done = 0
        after: tuple[str, str] | None = None

        def work(unit: Unit, facts: Facts) -> tuple[int, tuple[str, str] | None]:
            self._may(facts)
            found = unit.find(AccessRequest, (key, [value]), after=after, limit=BATCH)
            changed = [request.id for request in found if self._change(unit, request)]
            if changed:
                self._forget(unit, requests=changed)
            last = found[-1] if len(found) == BATCH else None
            return len(changed), None if last is None else (text_of(last.created_at), last.id)

        while True:
            count, after = run(work)
            done += count
            if after is None:
                return done

    def _change(self, unit: Unit, request: AccessRequest) -> bool:
        """Take away what is to go of a request; whether there was anything."""
        if self.person == request.requester or self._token == request.beneficiary.token:
            if request.seen_at(unit.now).open:
                raise self._refusal("a request of theirs is pending", "cancel it first")
            after = request.erased(unit.now)
        else:
            after = request.without_words_of(self.person)
        if after == request:
            return False
        unit.save(after)
        return True

    def _items(self, run: Run) -> int:
        keys = (("decided_by", self.person), ("barred", self._token))
        return sum(self._items_by(run, key, value) for key, value in keys)

    def _items_by(self, run: Run, key: str, value: str) -> int:
        done = 0
        after: tuple[str, str] | None = None

        def work(unit: Unit, facts: Facts) -> tuple[int, tuple[str, str] | None]:
            self._may(facts)
            records = unit.rows.find("campaign_item", [(key, [value])], after=after, limit=BATCH)
            found = [unit.value_of(CampaignItem, record) for record in records]
            spoken = [item for item in found if item.reason]
            for item in spoken:
                unit.save(evolve(item, reason=""))
            if spoken:
                self._forget(unit, items=[item.id for item in spoken])
            last = records[-1] if len(records) == BATCH else None
            return len(spoken), None if last is None else (last.order, last.id)

        while True:
            count, after = run(work)
            done += count
            if after is None:
                return done

    def _messages(self, run: Run) -> int:
        def work(unit: Unit, facts: Facts) -> int:
            self._may(facts)
            found = unit.find(InboxMessage, ("person", [self.person]), limit=BATCH)
            for message in found:
                unit.delete(message)
            if found:
                self._forget(unit, messages=len(found))
            return len(found)

        done = 0
        while count := run(work):
            done += count
        return done

    def _deliveries(self, run: Run) -> int:
        def work(batch: list[str], unit: Unit, facts: Facts) -> int:
            self._may(facts)
            gone = [id for id in batch if unit.rows.discard(id)]
            if gone:
                self._forget(unit, deliveries=gone)
            return len(gone)

        letters = dead_letters(self.storage, lambda letter: self._speaks(letter.payload))
        return sum(run(partial(work, batch)) for batch in letters)

    def _events(self, run: Run) -> int:
        def work(batch: list[str], unit: Unit, facts: Facts) -> int:
            self._may(facts)
            self._forget(unit, *batch)
            return len(batch)

        return sum(run(partial(work, batch)) for batch in batches(self._about()))

    def _about(self) -> Iterator[str]:
        """Ids of events that speak of the person; what says why others are gone stays."""
        for row in read_log(self.storage):
            if row.aggregate != AUDIT and not erased_by(row):
                own = row.aggregate == f"person:{self.person}"
                if own or self._speaks(row.payload):
                    yield row.id

    def _speaks(self, data: object) -> bool:
        """Whether the person's id stands anywhere in plain data."""
        if isinstance(data, str):
            return data in (self.person, self._token)
        if isinstance(data, Mapping):
            return any(map(self._speaks, data.values()))
        return isinstance(data, list) and any(map(self._speaks, data))

    def _may(self, facts: Facts) -> None:
        require("audit.erase", roles_in(facts), facts, f"person {self.person}")

    def _refusal(self, why: str, hint: str) -> Conflict:
        return Conflict(f"cannot erase person {self.person}: {why}", code="not_over", hint=hint)
