"""Seals: a stretch of the log of events in one hash, each bound to the one before.

A seal that is kept where nobody can reach it who can write to the store shows later whether the
events before it are still the same, in the same places.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import reduce
from hashlib import sha256

from attrs import evolve, frozen

__all__ = ["MerkleTree", "Seal", "next_seal"]

# Leaves and nodes are told apart, so that no node can pass for an event (RFC 6962, section 2.1).
_LEAF, _NODE = b"\0", b"\1"


class MerkleTree:
    """The root over a list of entries, added one by one; keeps one hash per level of the tree.

    Attributes:
        count: how many entries were added.
    """

    def __init__(self) -> None:
        self.count: int = 0
        # Roots of complete trees, the highest first: one for each bit of ``count`` that is set.
        self._peaks: list[tuple[int, bytes]] = []

    def add(self, position: int, hash: str) -> None:
        """Add the link at a position of the log, by its hash."""
        node, height = sha256(_LEAF + f"{position}:{hash}".encode()).digest(), 0
        while self._peaks and self._peaks[-1][0] == height:
            node = sha256(_NODE + self._peaks.pop()[1] + node).digest()
            height += 1
        self._peaks.append((height, node))
        self.count += 1

    @property
    def root(self) -> str:
        """Hex root as RFC 6962 defines it; of no entries, the hash of nothing."""
        nodes = [node for _, node in reversed(self._peaks)]
        if not nodes:
            return sha256().hexdigest()
        return reduce(lambda right, left: sha256(_NODE + left + right).digest(), nodes).hex()


@frozen(kw_only=True)
class Seal:
    """What a stretch of the log was when it was sealed.

    Attributes:
        number: 1, 2, 3 ... without gaps.
        at: when it was sealed (UTC).
        first: position of the first event in it.
        last: position of the last.
        count: how many events there are in it.
        root: hex Merkle root over position and hash of each, in the order of the log.
        previous: hash of the seal before; empty for the first.
        hash: hex SHA-256 over all of this.
    """

    number: int
    at: datetime
    first: int
    last: int
    count: int
    root: str
    previous: str = ""
    hash: str = ""

    @property
    def genuine(self) -> bool:
        """Whether its hash is that of what it says."""
        return self.hash == _hash(self)


def next_seal(
    before: tuple[int, str], tree: MerkleTree, *, first: int, last: int, at: datetime
) -> Seal:
    """The seal over the events of ``tree``, which stand from position ``first`` to ``last``.

    ``before`` is number and hash of the seal before it; 0 and empty text when it is the first.
    """
    number, previous = before
    seal = Seal(
        number=number + 1,
        at=at.astimezone(UTC),
        first=first,
        last=last,
        count=tree.count,
        root=tree.root,
        previous=previous,
    )
    return evolve(seal, hash=_hash(seal))


def _hash(seal: Seal) -> str:
    # No field can hold a line feed, so the text can be read in one way only.
    parts = (
        "seal",
        seal.number,
        seal.at.astimezone(UTC).isoformat(timespec="microseconds"),
        seal.first,
        seal.last,
        seal.count,
        seal.root,
        seal.previous,
    )
    return sha256("\n".join(map(str, parts)).encode()).hexdigest()
