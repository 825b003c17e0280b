"""What an error of Snowflake or of its connector means, told by its number and SQLSTATE alone.

Classes and texts of errors differ between versions of the connector and of the service.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import field, frozen

__all__ = ["TABLE", "Failure", "Kind", "Row", "classify", "read_failure", "status_failure"]

Kind = Literal[
    "absent",
    "exists",
    "denied",
    "partial",
    "dependent",
    "other_policy",
    "edition",
    "syntax",
    "unknown_column",
    "no_warehouse",
    "interrupted",
    "expired",
    "login_again",
    "auth",
    "transport",
    "late",
    "unknown",
]


@frozen
class Row:
    """One meaning.

    Attributes:
        kind: the meaning.
        numbers: of the error; also ranges.
        states: prefixes of the SQLSTATE that must be there as well; empty: any.
        advice: what a person does about it; empty if it depends on the statement.
        passing: waiting may help.
    """

    kind: Kind
    numbers: Sequence[int | range]
    states: Sequence[str] = ()
    advice: str = ""
    passing: bool = False


TABLE: Sequence[Row] = (
    Row("absent", [2003, 2043]),
    Row("exists", [2002]),
    Row("denied", [3001, 3102, 3103]),
    Row("partial", [3011, 3012], passing=True),
    Row("dependent", [3036], advice="other grants depend on it; take those away first"),
    Row("other_policy", [3529], advice="the column has another policy, which is never replaced"),
    Row("edition", [2], ["0A000"], "edition_required: the account's edition lacks this feature"),
    Row("syntax", [1003], advice="the server does not know this statement; report it"),
    Row("unknown_column", [904], advice="the registered columns are out of date"),
    Row("no_warehouse", [606], advice="set `warehouse` of the connection"),
    Row("interrupted", [604, 630], passing=True),
    Row("expired", [390112], passing=True),
    Row("login_again", [390114, 390111, 390104], passing=True),
    Row("auth", [390189], advice="the role is not there, or not granted to the user"),
    Row("auth", [394303], advice="check this machine's clock, and log-in settings"),
    Row(
        "auth",
        [390100, 390144, 394304, 390303, 390318],
        advice="the log-in is refused: check user, key or token",
    ),
    Row(
        "transport",
        [250001, 250003, 250006, 251011, range(290000, 291000), 580500],
        passing=True,
    ),
    Row("transport", [4], passing=True),
    Row("transport", [14], ["HYT00"], passing=True),
)
"""In order; whatever is not in it is ``transport`` if its SQLSTATE is 08xxx, else ``unknown``."""

_CONNECTION_STATES = "08"
_LONGEST = 500
_OTHER: Mapping[Kind, Row] = {
    "transport": Row("transport", [], passing=True),
    "late": Row("late", [], passing=True),
    "unknown": Row("unknown", []),
}


@frozen(kw_only=True)
class Failure(Exception):
    """A statement, or a log-in, that failed.

    Attributes:
        kind: what it means.
        number: of the error, or None.
        state: the SQLSTATE, or empty text.
        text: what was said, on one line and without secrets.
        query: Snowflake's id of the statement, or empty text.
    """

    kind: Kind
    number: int | None = None
    state: str = ""
    text: str = ""
    query: str = field(default="")

    @property
    def row(self) -> Row:
        """The row of the table that it belongs to."""
        found = _find(self.number, self.state)
        return found if found is not None and found.kind == self.kind else _OTHER[self.kind]

    @property
    def said(self) -> str:
        """What was said, with the numbers by which it can be looked up."""
        numbers = " ".join(part for part in (_padded(self.number), self.state) if part)
        words = " ".join(part for part in (self.text, f"({numbers})" if numbers else "") if part)
        return words or self.kind

    @property
    def uncertain(self) -> bool:
        """Whether the statement may have been carried out all the same."""
        # What the service numbered it has refused, even if nobody knows the number.
        return self.kind in ("transport", "late") or (self.kind == "unknown" and not self.number)

    def __str__(self) -> str:
        return self.said

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (self.kind, self.number, self.state, self.text, self.query)


def _again(kind: Kind, number: int | None, state: str, text: str, query: str) -> Failure:
    return Failure(kind=kind, number=number, state=state, text=text, query=query)


def classify(number: int | None, state: str) -> Kind:
    """The meaning of an error number, and of the SQLSTATE if the number says nothing."""
    found = _find(number, state)
    if found is not None:
        return found.kind
    return "transport" if state.startswith(_CONNECTION_STATES) else "unknown"


def read_failure(error: BaseException, secrets: Sequence[str] = ()) -> Failure:
    """An exception of the connector, or of whatever it is built on."""
    number = getattr(error, "errno", None)
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        number = None
    state = getattr(error, "sqlstate", None)
    # Version 4 writes n/a where it has none.
    state = state if isinstance(state, str) and re.fullmatch(r"[0-9A-Z]{5}", state) else ""
    text = getattr(error, "raw_msg", None) or getattr(error, "msg", None)
    if not isinstance(text, str) or not text:
        # Of an error that is none of the connector's only the type is told: it may show anything.
        text = type(error).__name__
    query = getattr(error, "sfqid", None)
    return Failure(
        kind=classify(number, state),
        number=number,
        state=state,
        text=_plain(text, secrets),
        query=query if isinstance(query, str) else "",
    )


def status_failure(status: str, query: str = "") -> Failure | None:
    """A statement that was answered like a success and says that nothing was done."""
    lowered = status.lower()
    if "partially executed" in lowered:
        return Failure(kind="partial", number=3011, state="42501", text=status, query=query)
    if "not executed" in lowered:
        return Failure(kind="denied", number=3102, state="42501", text=status, query=query)
    return None


def _find(number: int | None, state: str) -> Row | None:
    for row in TABLE:
        for each in row.numbers:
            if number == each or (isinstance(each, range) and number in each):
                if not row.states or state in row.states:
                    return row
                break
    return None


def _plain(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    words = " ".join(text.split())
    # Version 5 puts ids behind its messages; they are kept elsewhere.
    words = re.sub(r" ?\((?:request_id|sfqid)=[^)]*\)", "", words)
    words = re.sub(r"^\d{6} \(\w{5}\):(?: [0-9a-f-]{36}:)? ?", "", words)
    return words[:_LONGEST]


def _padded(number: int | None) -> str:
    return "" if number is None else f"{number:06d}"
