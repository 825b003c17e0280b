"""Messages that people find in their inbox."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import field, frozen

from marketplace_sdk.domain.values import FrozenMap, freeze

__all__ = ["InboxMessage"]


@frozen(kw_only=True)
class InboxMessage:
    """One notice to one person.

    Attributes:
        id: unique; the same notice never reaches the same person twice.
        person: whose inbox.
        kind: key of the catalogue of notices.
        about: ``kind:id`` of what it is about.
        subject: one line.
        at: when it happened.
        read_at: when the person read it, or None.
        data: ids and words, for links.
        link: page of the portal on ``about``, made when it is read; empty when the portal has
            named none.
        revision: of the stored record.
    """

    id: str
    person: str
    kind: str
    about: str
    subject: str
    at: datetime
    read_at: datetime | None = None
    data: FrozenMap[str, Any] = field(factory=FrozenMap, converter=freeze)
    link: str = field(default="", eq=False)
    revision: int = field(default=0, eq=False)
