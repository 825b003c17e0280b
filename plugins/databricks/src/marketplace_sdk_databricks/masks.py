"""What a mask of ours consists of: the text of its function, and how it is known again. Pure."""

from __future__ import annotations

import hashlib
from typing import Literal, get_args

from attrs import frozen

from marketplace_sdk_databricks.naming import quote_literal, quote_name

__all__ = [
    "Mask",
    "MaskState",
    "Style",
    "body",
    "consults",
    "exception_key",
    "fingerprint",
    "is_ours",
]

Style = Literal["null", "fixed"]
MaskState = Literal["ours", "exceptions", "external", "foreign", "changed", "unreadable"]

STYLES = get_args(Style)


@frozen(kw_only=True)
class Mask:
    """What hides a column.

    Attributes:
        state: ``ours`` (consults our group), ``exceptions`` (ours, consults the table of
            exceptions), ``external`` (somebody's, consults the group that the connection names),
            ``foreign`` (somebody's), ``changed`` (was ours, and somebody has altered it) or
            ``unreadable`` (it cannot be told whether one applies).
        by: what it is, for people.
        group: whose members it lets through, for ``ours`` and ``external``.
        key: of the column in the table of exceptions, for ``exceptions``.
    """

    state: MaskState
    by: str
    group: str = ""
    key: str = ""

    @property
    def hides(self) -> bool | None:
        """Whether others do not see the values; None: it cannot be told.

        A mask of somebody else hides what its owner wanted to be hidden; one of ours that was
        altered may show everything.
        """
        if self.state == "unreadable":
            return None
        return self.state != "changed"


def exception_key(name: str, column: str) -> str:
    """How a column is named in the table of exceptions."""
    return f"{name}.{column.lower()}"


def body(style: Style, *, group: str = "", exceptions: str = "", key: str = "") -> str:
    """The expression of a function of one parameter ``v``, which stands after RETURN.

    Args:
        style: what others see: nothing, or ``***``.
        group: whose members see the value.
        exceptions: instead, the dotted name of the table of exceptions.
        key: of the column in it.
    """
    if exceptions:
        held = (
            f"x.mask = {quote_literal(key)} AND x.principal = session_user()"
            " AND (x.until IS NULL OR x.until > current_timestamp())"
        )
        table = quote_name(exceptions)
        asked = f"EXISTS (SELECT 1 FROM {table} AS x WHERE {held})"  # noqa: S608 - quoted
    else:
        asked = f"is_account_group_member({quote_literal(group)})"
    shown = "NULL" if style == "null" else quote_literal("***")
    return f"CASE WHEN {asked} THEN v ELSE {shown} END"


def is_ours(definition: str, *, group: str = "", exceptions: str = "", key: str = "") -> bool:
    """Whether a function is still one that we made, whatever it shows to others."""
    texts = (body(style, group=group, exceptions=exceptions, key=key) for style in STYLES)
    return _plain(definition) in {_plain(text) for text in texts}


def fingerprint(definition: str) -> str:
    """By which a function that a policy of ours uses is known again."""
    return hashlib.sha256(_plain(definition).encode()).hexdigest()


def consults(definition: str, group: str) -> bool:
    """Whether somebody's function asks for members of a group, in so many words."""
    plain = _plain(definition)
    spoken = (f"is_account_group_member({quote}{group}{quote})" for quote in "'\"")
    return any(each in plain for each in spoken)


def _plain(text: str) -> str:
    return " ".join(text.split())
