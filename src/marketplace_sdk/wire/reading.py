"""Plain data that people wrote, read with the place of everything in mind."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from attrs import evolve, field, frozen

from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.errors import InvalidInput, Problem

__all__ = ["At", "Path", "nearest"]

T = TypeVar("T")
Path = tuple[str | int, ...]


def nearest(word: str, known: Collection[str]) -> str:
    """What may have been meant, for the end of a message."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(known))}"


@frozen
class At:
    """A piece of data and where it stands.

    Every method that reads raises InvalidInput with that place when the data is of another shape;
    no value is repeated.

    Attributes:
        data: mappings, lists and scalars.
        path: keys and numbers that lead to it.
        places: place (``file:line``) by path; what is missing has the place of what holds it.
    """

    data: Any = field(repr=False)
    path: Path = ()
    places: Mapping[Path, str] = field(factory=dict, repr=False)

    @property
    def place(self) -> str:
        """``file:line``, or empty."""
        for length in range(len(self.path), -1, -1):
            if self.path[:length] in self.places:
                return self.places[self.path[:length]]
        return ""

    def wrong(self, message: str) -> InvalidInput:
        """The error that says what is wrong here."""
        words = ".".join(map(str, self.path))
        path = f"{self.place}: {words}" if self.place else words
        return InvalidInput("cannot read declarations", problems=[Problem(path, message)])

    def made(self, make: Callable[[], T]) -> T:
        """What ``make`` makes of the data here; what it finds wrong is wrong here."""
        try:
            return make()
        except InvalidInput as error:
            if error.message.startswith("cannot read declarations"):
                raise  # it knows its place already
            told = "; ".join(problem.message for problem in error.problems) or error.message
            raise self.wrong(told) from None

    def mapping(self) -> dict[str, At]:
        """By key, in order."""
        if not isinstance(self.data, Mapping):
            raise self.wrong("must be a mapping")
        return {key: self._under(key, each) for key, each in self.data.items()}

    def items(self) -> list[At]:
        """One after the other."""
        if not isinstance(self.data, (list, tuple)):
            raise self.wrong("must be a list")
        return [self._under(number, each) for number, each in enumerate(self.data)]

    def get(self, key: str) -> At | None:
        """What stands under a key, if the key is there and holds something."""
        found = self.mapping().get(key)
        return None if found is None or found.data is None else found

    def key(self, key: str) -> At:
        """What stands under a key that must be there."""
        found = self.mapping().get(key)
        if found is None:
            raise self.wrong(f"needs {key}")
        return found

    def only(self, known: Collection[str]) -> None:
        """Refuse keys that are not known, with the nearest that is."""
        for key, at in self.mapping().items():
            if key not in known:
                raise at.wrong(f"unknown; {nearest(key, known)}")

    def one_of(self, kinds: Collection[str], *, also: Collection[str] = ()) -> str:
        """The one of some keys that is there; ``also`` may stand beside it."""
        self.only((*kinds, *also))
        found = [key for key in self.mapping() if key in kinds]
        if len(found) != 1:
            raise self.wrong(f"must have exactly one of {', '.join(kinds)}")
        return found[0]

    def text(self) -> str:
        """A text; what looks like a number or a yes must stand in quotes."""
        if not isinstance(self.data, str):
            raise self.wrong("must be text; put it in quotes")
        return self.data

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.data, bool):
            raise self.wrong("must be true or false")
        return self.data

    def whole(self) -> int:
        """A whole number."""
        if isinstance(self.data, bool) or not isinstance(self.data, int):
            raise self.wrong("must be a whole number")
        return self.data

    def duration(self) -> Duration:
        """A duration such as ``30 days``."""
        text = self.text()
        return self.made(lambda: Duration.parse(text))

    def _under(self, step: str | int, data: Any) -> At:
        return evolve(self, data=data, path=(*self.path, step))
