"""Verifying a log: every link of every chain, every payload that is gone, every seal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from attrs import field, frozen

from marketplace_sdk.domain.seals import MerkleTree, Seal
from marketplace_sdk.errors import StorageError
from marketplace_sdk.ports.storage import EventRow, Storage
from marketplace_sdk.services._notebook import Notebook
from marketplace_sdk.wire.codec import digest
from marketplace_sdk.work.chains import AUDIT, BEFORE_ALL, chain_hash, erased_by, read_log
from marketplace_sdk.work.sealing import noted_seal, stored_seal

__all__ = ["Finding", "LogCheck", "Verification", "by_number", "verify_storage"]

MOST_FINDINGS = 1000


@frozen(kw_only=True)
class Finding:
    """One thing that does not fit.

    Attributes:
        what: in words, without anything of a payload.
        aggregate: whose chain; empty when it is not about a link of one.
        sequence: number of the link; 0 when it is not about one.
        event: id of the event; empty when it is not about one.
        seal: number of the seal; 0 when it is not about one.
    """

    what: str
    aggregate: str = ""
    sequence: int = 0
    event: str = ""
    seal: int = 0

    def __str__(self) -> str:
        if self.event or self.aggregate:
            return f"event {self.event} ({self.aggregate}, number {self.sequence}) {self.what}"
        return f"seal {self.seal} {self.what}" if self.seal else self.what


@frozen(kw_only=True)
class Verification:
    """What a check of a log found.

    Attributes:
        events: how many links were looked at.
        seals: how many seals.
        sealed_at: when the newest of them was made, or None.
        unsealed: how many events stand behind the newest seal. Whether more of them were there
            once, or in another order, cannot be known.
        erased: how many payloads are gone because somebody erased them, on record.
        findings: what does not fit, the first thousand; empty when all is well.
        more: how many findings beyond those.
    """

    events: int
    seals: int = 0
    sealed_at: datetime | None = None
    unsealed: int = 0
    erased: int = 0
    findings: tuple[Finding, ...] = field(default=())
    more: int = 0

    @property
    def ok(self) -> bool:
        """Whether everything fits."""
        return not self.findings

    def __str__(self) -> str:
        lines = [str(finding) for finding in self.findings]
        if self.more:
            lines.append(f"and {self.more} more")
        fits = "everything fits" if self.ok else f"{len(self.findings) + self.more} do not fit"
        lines.append(
            f"events: {self.events}, seals: {self.seals}, payloads erased on record: "
            f"{self.erased}; {fits}"
        )
        newest = f"behind seal {self.seals}" if self.seals else "under no seal"
        lines.append(
            f"events {newest}: {self.unsealed}; whether others were cut off there cannot be known"
        )
        return "\n".join(lines)


class LogCheck:
    """Takes links in the order of the log, and knows at the end what does not fit.

    Memory stays flat however long the log is: what has to be remembered is on disk.

    Args:
        seals: number and seal, by number; None for a seal that cannot be read.
        kept: seals that were kept elsewhere, in any order.
        part: the links are a part of a log: each chain may begin anywhere.
    """

    def __init__(
        self,
        seals: Iterable[tuple[int, Seal | None]] = (),
        *,
        kept: Iterable[Seal] = (),
        part: bool = False,
    ) -> None:
        self._notebook = Notebook()
        self._seals = iter(seals)
        self._part = part
        self._findings: list[Finding] = []
        self._more = 0
        self._events = 0
        self._unsealed = 0
        self._position = BEFORE_ALL
        self.number = 0
        self._seal: Seal | None = None
        self._newest: Seal | None = None
        # Hash of the seal before, None when that is not known; and whether events may stand before
        # the next seal because the one that they were under is gone.
        self._before: str | None = ""
        self._gap = False
        self._tree = MerkleTree()
        for seal in kept:
            self._keep(seal)
        self._next_seal()

    def add(self, row: EventRow) -> None:
        """Look at one more link."""
        self._events += 1
        if row.position <= self._position:
            self._event(row, "stands out of order in the log")
        self._position = row.position
        self._link(row)
        self._payload(row)
        self._place(row)

    def find(self, what: str, *, seal: int = 0) -> None:
        """Note something that does not fit."""
        self._note(Finding(what=what, seal=seal))

    def erasure(self, row: EventRow) -> None:
        """Look up only which payloads this event says were erased."""
        events = row.payload.get("events") if row.aggregate == AUDIT and _fits(row) else None
        if isinstance(events, list):
            self._notebook.list_erased(row.id, events)

    @property
    def unexplained(self) -> bool:
        """Whether there is a payload that is gone without an event that says so."""
        return next(self._notebook.unexplained(), None) is not None

    def end(self, *, noted: tuple[int, str] | None = None) -> Verification:
        """What was found.

        Args:
            noted: number and hash of the newest seal, as the store noted them.
        """
        while self._seal is not None:
            self._close_seal()
        self._compare_note(noted)
        for event, aggregate, sequence in self._notebook.unexplained():
            what = "has lost its payload, and no event says that it was erased"
            self._note(Finding(what=what, aggregate=aggregate, sequence=sequence, event=event))
        for number in self._notebook.unseen():
            self.find("was kept elsewhere and is missing here", seal=number)
        return Verification(
            events=self._events,
            seals=self.number,
            sealed_at=None if self._newest is None else self._newest.at,
            unsealed=self._unsealed,
            erased=self._notebook.explained(),
            findings=tuple(self._findings),
            more=self._more,
        )

    def close(self) -> None:
        """Let go of what was remembered."""
        self._notebook.close()

    # -- links ----------------------------------------------------------------------------

    def _link(self, row: EventRow) -> None:
        head = self._notebook.head(row.aggregate)
        sequence, hash = head or (0, "")
        if head is not None or not self._part:
            if row.sequence > sequence + 1:
                self._event(row, f"comes after number {sequence}: what was between is missing")
            elif row.sequence <= sequence:
                self._event(row, f"comes after number {sequence} of its chain")
            elif row.previous != hash:
                self._event(row, "does not follow the one before it: one of them was replaced")
        if not _same(row):
            self._event(row, "was changed")
        if row.sequence > sequence:
            self._notebook.set_head(row.aggregate, row.sequence, row.hash)

    def _payload(self, row: EventRow) -> None:
        if _fits(row):
            self.erasure(row)
        elif by := erased_by(row):
            self._notebook.erased(row.id, by, row.aggregate, row.sequence)
        else:
            self._event(row, "has another payload than when it was written")

    # -- seals ----------------------------------------------------------------------------

    def _place(self, row: EventRow) -> None:
        """Count the link to the seal that it stands under."""
        while self._seal is not None and row.position > self._seal.last:
            self._close_seal()
        if self._seal is None:
            self._unsealed += 1
        elif row.position >= self._seal.first:
            self._tree.add(row.position, row.hash)
        elif not self._gap:
            self._event(row, f"was inserted before the events of seal {self._seal.number}")

    def _close_seal(self) -> None:
        seal = self._seal
        assert seal is not None  # noqa: S101  # asked before
        where = f"from position {seal.first} to {seal.last}"
        if self._tree.count != seal.count:
            self.find(
                f"was made over {seal.count} events, and {self._tree.count} are there {where}",
                seal=seal.number,
            )
        elif self._tree.root != seal.root:
            self.find(f"was made over other events than those {where}", seal=seal.number)
        self._gap = False
        self._next_seal()

    def _next_seal(self) -> None:
        """Take up the next seal that says what it said when it was made."""
        self._tree = MerkleTree()
        self._seal = None
        for number, seal in self._seals:
            for missing in range(self.number + 1, number):
                self._missing(missing)
                self._gap, self._before = True, None
            self.number = number
            self._compare(number, seal)
            if seal is None or seal.number != number or not seal.genuine:
                self.find("was changed", seal=number)
                self._gap, self._before = True, None
                continue
            if self._before is not None and seal.previous != self._before:
                self.find(f"does not follow seal {number - 1}", seal=number)
            self._before = seal.hash
            self._seal = self._newest = seal
            return

    def _compare_note(self, noted: tuple[int, str] | None) -> None:
        if noted is None:
            return
        number, hash = noted
        for missing in range(self.number + 1, min(number, self.number + MOST_FINDINGS) + 1):
            self._missing(missing)
        if number < self.number:
            self.find("the note of the newest seal was changed or removed")
        elif number == self.number and self._before not in (None, hash):
            self.find("the note of the newest seal was changed")

    def _keep(self, seal: Seal) -> None:
        if not seal.genuine:
            self.find("as it was kept elsewhere was changed", seal=seal.number)
        elif not self._notebook.keep(seal.number, seal.hash):
            self.find("was kept elsewhere twice, with two hashes", seal=seal.number)

    def _missing(self, number: int) -> None:
        self.find("is missing", seal=number)
        self._notebook.kept(number)  # it is told once, whether it was kept elsewhere or not

    def _compare(self, number: int, seal: Seal | None) -> None:
        kept = self._notebook.kept(number)
        if kept is not None and (seal is None or seal.hash != kept):
            self.find("is not the one that was kept elsewhere", seal=number)

    def _event(self, row: EventRow, what: str) -> None:
        self._note(Finding(what=what, aggregate=row.aggregate, sequence=row.sequence, event=row.id))

    def _note(self, finding: Finding) -> None:
        if len(self._findings) < MOST_FINDINGS:
            self._findings.append(finding)
        else:
            self._more += 1


def verify_storage(storage: Storage, kept: Sequence[Seal] = ()) -> Verification:
    """Check the log of a store; see ``Audit.verify``."""
    with storage.begin(write=False) as rows:
        noted = noted_seal(rows)
        newest = rows.find("seal", descending=True, limit=1)
    number = int(newest[0].id) if newest and newest[0].id.isdecimal() else noted[0]
    check = LogCheck(_stored(storage, number), kept=kept)
    try:
        _add_all(storage, check)
        return check.end(noted=noted)
    finally:
        check.close()


def _add_all(storage: Storage, check: LogCheck) -> None:
    last = BEFORE_ALL
    try:
        for row in read_log(storage):
            check.add(row)
            last = row.position
    except StorageError as error:
        if error.retryable:
            raise
        check.find(f"the log cannot be read behind position {max(last, 0)}: {error.code}")
    # A payload that was erased meanwhile is explained by an event behind those that were read.
    if check.unexplained:
        for row in read_log(storage, AUDIT, after=last):
            check.erasure(row)


def _stored(storage: Storage, newest: int) -> Iterator[tuple[int, Seal | None]]:
    for number in range(1, newest + 1):
        with storage.begin(write=False) as rows:
            try:
                seal = stored_seal(rows, number)
            except StorageError as error:
                if error.retryable:
                    raise
                yield number, None
            else:
                if seal is not None:
                    yield number, seal


def by_number(seals: Iterable[Seal]) -> Iterator[tuple[int, Seal]]:
    """Seals that were kept elsewhere as the seals of a log that has none of its own."""
    found = {seal.number: seal for seal in seals}
    return iter(sorted(found.items()))


def _same(row: EventRow) -> bool:
    try:
        return chain_hash(row) == row.hash
    except (TypeError, ValueError):  # a column of another type than it was written with
        return False


def _fits(row: EventRow) -> bool:
    return digest(row.payload) == row.payload_hash
