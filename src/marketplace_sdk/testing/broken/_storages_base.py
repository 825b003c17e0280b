"""The store in memory on which each broken one stands."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, cast

from marketplace_sdk.errors import StorageError
from marketplace_sdk.memory.storage import MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marketplace_sdk.ports.storage import StoreFacts, Transaction

__all__ = ["SoundStorage", "SoundTransaction"]


class SoundTransaction:
    """Hands everything on to the memory store, but for what a broken one does itself."""

    def __init__(self, inner: Transaction, store: SoundStorage) -> None:
        self.inner = inner
        self.store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class SoundStorage:
    """A store without a fault.

    Args:
        place: what is opened; the same place may be opened many times.

    Attributes:
        caught_by: names of the checks of the kit that tell.
    """

    transaction: ClassVar[type[SoundTransaction]] = SoundTransaction
    caught_by: ClassVar[tuple[str, ...]] = ()

    def __init__(self, place: MemoryStorage | None = None) -> None:
        self.place: MemoryStorage = place or MemoryStorage()
        self.closed: bool = False
        self.capabilities: frozenset[str] = self.place.capabilities

    def setup(self) -> None:
        """There is nothing to make ready."""

    def describe(self) -> StoreFacts:
        """See the port."""
        return self.place.describe()

    @contextmanager
    def begin(self, *, write: bool = True) -> Iterator[Transaction]:
        """One unit of work; see the port."""
        if self.closed:
            raise StorageError("cannot open storage: it is closed")
        with self.place.begin(write=write) as inner:
            yield cast("Transaction", self.transaction(inner, self))

    def close(self) -> None:
        """Let this object begin no more; the place stays."""
        self.closed = True
