"""Sessions on one account, shared by threads, and what is retried on them."""

from __future__ import annotations

import json
import random
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from marketplace_sdk.plugin import ProvisioningError
from marketplace_sdk_snowflake.failures import Failure
from marketplace_sdk_snowflake.lines import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from marketplace_sdk.plugin import Call
    from marketplace_sdk_snowflake.lines import Answer, Row
    from marketplace_sdk_snowflake.settings import Login

__all__ = ["Acting", "Sessions", "Talk", "problem"]

_IDLE = 4
_OLDEST = 300.0
"""Seconds after which an idle session is not trusted any more."""

_TRIES = 3
_PAUSE = 0.2
_WHO = "SELECT CURRENT_ACCOUNT(), CURRENT_REGION(), CURRENT_ROLE(), CURRENT_USER()"


@frozen(kw_only=True)
class Acting:
    """Who acts on which account, read once per session.

    Attributes:
        platform: ``snowflake:<region>/<account locator>``.
        role: of the session, ours.
        user: of the session.
    """

    platform: str
    role: str
    user: str


@frozen
class _Session:
    line: Line
    acting: Acting
    used: float


class Sessions:
    """Opens, keeps and replaces sessions.

    Args:
        login: how to log in.
        name: of the connection, for messages.
    """

    def __init__(self, login: Login, *, name: str) -> None:
        self.name = name
        self._login = login
        self._lock = threading.Lock()
        self._idle: list[_Session] = []

    def close(self) -> None:
        """Log out of what is idle; what is in use is closed when its call ends."""
        with self._lock:
            idle, self._idle = self._idle, []
        for session in idle:
            session.line.close(seconds=5)

    @contextmanager
    def use(self, call: Call) -> Iterator[Talk]:
        """A session for one call.

        Raises:
            ProvisioningError: the account cannot be reached in time.
        """
        talk = Talk(self, call)
        try:
            yield talk
        finally:
            talk.end()

    def failure(self, verb: str, failure: Failure) -> ProvisioningError:
        """What a failed look at the platform is told as."""
        row = failure.row
        return ProvisioningError(
            f"cannot {verb} connection {self.name}: {failure.said}",
            hint=row.advice,
            retryable=row.passing,
        )

    def take(self, call: Call) -> _Session:
        """An idle session, or a new one; raises ProvisioningError."""
        if call.over:
            raise ProvisioningError(
                f"cannot reach connection {self.name}: no time is left", retryable=True
            )
        while True:
            with self._lock:
                session = self._idle.pop() if self._idle else None
            if session is None:
                return self._open(call)
            if time.monotonic() - session.used < _OLDEST:
                return session
            session.line.close()

    def give_back(self, session: _Session) -> None:
        """Keep a session for the next call, if it can be used again."""
        if not session.line.lost:
            with self._lock:
                if len(self._idle) < _IDLE:
                    self._idle.append(evolve(session, used=time.monotonic()))
                    return
            session.line.close()

    def _open(self, call: Call) -> _Session:
        try:
            line = Line(self._login, call.seconds_left())
            answer = line.run(_WHO, tag(call), call.seconds_left())
        except Failure as failure:
            # A log-in is tried once: after several wrong ones a user is locked.
            raise self.failure("reach", failure) from None
        account, region, role, user = next(iter(answer.rows)).values()
        platform = f"snowflake:{region}/{account}"
        return _Session(line, Acting(platform=platform, role=role, user=user), time.monotonic())


class Talk:
    """What one call says to Snowflake; takes another session when its own is over."""

    def __init__(self, sessions: Sessions, call: Call) -> None:
        self._sessions = sessions
        self._session = sessions.take(call)
        self.call = call

    @property
    def acting(self) -> Acting:
        """Who acts."""
        return self._session.acting

    def read(self, statement: str) -> Sequence[Row]:
        """Rows of a statement that changes nothing.

        Raises:
            Failure: it did not work out.
        """
        return self.change(statement).rows

    def change(self, statement: str) -> Answer:
        """Send a statement; only one that was certainly not carried out is sent again.

        Where there was no answer, the connector has sent it again already, under the same id.

        Raises:
            Failure: it was refused, or nobody knows what became of it (``uncertain``).
        """
        again = 0
        while True:
            try:
                return self._once(statement)
            except Failure as failure:
                again += 1
                relogin = failure.kind in ("expired", "login_again")
                if failure.kind not in _NOT_DONE or again >= (2 if relogin else _TRIES):
                    raise
                pause = 0.0 if relogin else _PAUSE * 2**again * (0.5 + random.random() / 2)  # noqa: S311 - spreads load
                if pause >= self.call.seconds_left():
                    raise
                time.sleep(pause)

    def end(self) -> None:
        """Give the session back."""
        self._sessions.give_back(self._session)

    def _once(self, statement: str) -> Answer:
        if self._session.line.lost:
            before, self._session = self._session, self._sessions.take(self.call)
            if self._session.acting != before.acting:
                # Whatever was decided for one account or role is not done by another.
                raise Failure(kind="unknown", text="the connection leads elsewhere now")
        left = self.call.seconds_left()
        if left <= 0:
            raise Failure(kind="interrupted", text="no time is left")
        return self._session.line.run(statement, tag(self.call), left)


_NOT_DONE = ("expired", "login_again", "interrupted")


def problem(failure: Failure) -> str:
    """What went wrong, and what to do if the number alone says it."""
    advice = failure.row.advice
    return f"{failure.said}; {advice}" if advice else failure.said


def tag(call: Call) -> str:
    """The query tag of a call: nothing in it is about people or products."""
    return json.dumps({"app": "marketplace", "req": call.correlation_id}, separators=(",", ":"))
