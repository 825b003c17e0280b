"""What happened, who is told, and what has to be done about it: all as data.

Services keep an ``Effects`` in the same unit of work as the state it came with.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import field, frozen

from marketplace_sdk.domain.selectors import StewardSelector
from marketplace_sdk.domain.values import FrozenMap, freeze

__all__ = ["Effects", "Event", "Mark", "Notice", "Timer"]


@frozen(kw_only=True)
class Event:
    """Something that happened to one aggregate.

    Attributes:
        type: name from the catalogue.
        aggregate: ``kind:id``.
        data: plain data without secrets and what people wrote about a request.
    """

    type: str
    aggregate: str
    data: FrozenMap[str, Any] = field(factory=FrozenMap, converter=freeze)


@frozen(kw_only=True)
class Notice:
    """Something that people are told; who they are is looked up when it is delivered.

    Attributes:
        kind: key of ``NOTICES``.
        about: ``kind:id`` of the aggregate.
        audience: whoever matches one of these.
        exclude: ids of people who are not told, for example because they did it.
        data: words for the text, and ids for links.
    """

    kind: str
    about: str
    audience: tuple[StewardSelector, ...]
    exclude: tuple[str, ...] = ()
    data: FrozenMap[str, Any] = field(factory=FrozenMap, converter=freeze)


@frozen(kw_only=True)
class Timer:
    """Something to look at when its time has come.

    Attributes:
        kind: such as ``expire``, ``warn`` or ``stuck``.
        about: ``kind:id`` of the aggregate.
        due: not before this instant.
        data: what the handler needs.
        step: of work that is done in steps, each of which sets the next one for the same instant.
    """

    kind: str
    about: str
    due: datetime
    step: int = 0
    data: FrozenMap[str, Any] = field(factory=FrozenMap, converter=freeze)


@frozen(kw_only=True)
class Mark:
    """A target on a connection whose privileges have to be looked at again.

    Without a product and a column it stands for the masks of the connection: what is registered
    as masked has changed, so that other targets may have to be looked at.

    Attributes:
        connection: name of the configured connection.
        product: id of the product; empty for a column.
        object: name as registered; empty for a product.
        column: name of the column; empty for a product.
    """

    connection: str
    product: str = ""
    object: str = ""
    column: str = ""

    @property
    def target(self) -> str:
        """Key of the target: ``product:<id>``, ``column:<object>|<column>`` or ``masks``."""
        if self.product:
            return f"product:{self.product}"
        return f"column:{self.object}|{self.column}" if self.column else "masks"

    @property
    def of_masks(self) -> bool:
        """Whether it stands for the masks of its connection."""
        return not (self.product or self.column)

    @property
    def key(self) -> str:
        """Key of the target with its connection; marks of one key are worked on together."""
        return f"{self.connection}|{self.target}"


@frozen(kw_only=True)
class Effects:
    """What follows from a decision, beside the new state."""

    events: tuple[Event, ...] = ()
    notices: tuple[Notice, ...] = ()
    timers: tuple[Timer, ...] = ()
    marks: tuple[Mark, ...] = ()

    def __add__(self, other: Effects) -> Effects:
        return Effects(
            events=self.events + other.events,
            notices=self.notices + other.notices,
            timers=self.timers + other.timers,
            marks=self.marks + other.marks,
        )
