"""What the author of a notifier supplies: another side that a test can look at and break."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from contextlib import AbstractContextManager
from typing import NoReturn

import pytest
from attrs import frozen

from marketplace_sdk.ports.notifier import Notifier

__all__ = ["CAPABILITIES", "Arrival", "NotifierWorld"]

CAPABILITIES = {
    "deadlines": "the world can make the other side keep silent (`hanging`)",
    "events": "it delivers events, which are for systems",
    "ids": "the other side is told the id of each message",
    "notices": "it delivers notices, which are for one person each",
    "outage": "the world can make the other side unreachable (`unreachable`)",
    "refusal": "the world can make the other side refuse (`refusing`)",
    "secrets": "the notifier is given a secret, such as a password (`secrets`)",
}
"""What a notifier or its world can do; what cannot be done is declared."""


@frozen
class Arrival:
    """A message as it came out on the other side.

    Attributes:
        id: of the message, as the other side is told it; empty without ``ids``.
        content: everything else that the other side can see and keep, equal for equal messages:
            a body, a subject, an address. Not the time of the attempt.
    """

    id: str
    content: Hashable


class NotifierWorld(ABC):
    """Another side of a notifier, for one test.

    Override what stands below the abstract methods as well, or declare the capability missing.

    Attributes:
        secrets: texts that no repr, log or error may show.
    """

    secrets: Sequence[str] = ()

    @abstractmethod
    def connect(self) -> Notifier:
        """A notifier as the marketplace builds it; the world closes it when the test is over."""

    @abstractmethod
    def arrived(self) -> Sequence[Arrival]:
        """What the other side has got until now, in the order in which it came."""

    def refusing(self) -> AbstractContextManager[object]:
        """While the block runs, the other side refuses for now what it is given (``refusal``).

        It must be a refusal that trying again may overcome, such as status 503 or 451.
        """
        self._missing("refusing", "refusal")

    def unreachable(self) -> AbstractContextManager[object]:
        """While the block runs, nobody is there on the other side (``outage``)."""
        self._missing("unreachable", "outage")

    def hanging(self) -> AbstractContextManager[object]:
        """While the block runs, the other side takes it and never answers (``deadlines``)."""
        self._missing("hanging", "deadlines")

    def _missing(self, method: str, capability: str) -> NoReturn:
        pytest.fail(
            f"{type(self).__name__} does not override {method}(); do so, or declare the "
            f"capability {capability!r} missing with a reason",
            pytrace=False,
        )
