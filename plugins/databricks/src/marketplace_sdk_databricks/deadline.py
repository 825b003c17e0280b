"""The end of a call, kept by everything that the SDK may wait for.

The SDK looks at its own budget before an attempt only, sleeps as long as ``Retry-After`` says, and
gives sockets a time limit for each read but none for all of them. Here its clock refuses to sleep
beyond the call, connections are cut when the call is over, and so no thread is left behind.
"""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import requests
from attrs import define, field
from databricks.sdk.clock import Clock
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from marketplace_sdk.plugin import Call
    from marketplace_sdk_databricks.throttle import Throttle

__all__ = ["Deadline", "DeadlineAdapter", "NoAnswer", "OutOfTime", "Redirected", "Trouble"]

T = TypeVar("T")
R = TypeVar("R")

_AT_ONCE = 8
_GRACE = 0.25
"""Seconds beyond the end after which connections are cut: their own time limits come first."""
_LONGEST_CONNECT = 10.0


class Trouble(OSError):
    """What is ours beside the SDK's errors, all of which are OSError too.

    None is an error of requests, so that the SDK does not try again by itself: whoever calls us
    looks at the platform first.
    """


class OutOfTime(Trouble):
    """The call is over, or would be before the wait that the platform asks for.

    Attributes:
        wait: seconds that were to be waited, or None.
    """

    def __init__(self, wait: float | None = None) -> None:
        super().__init__("no time is left")
        self.wait = wait


class NoAnswer(Trouble):
    """The platform could not be reached, or did not answer; what was sent may have happened."""


class Redirected(Trouble):
    """Another address answered that we should ask elsewhere, as logins and proxies do.

    Not followed: a PATCH would arrive there as a GET, and its answer be taken for success.
    """


@define
class _Running:
    """A call in the thread that works for it."""

    call: Call
    sockets: list[socket.socket] = field(factory=list)
    waited: float = 0.0


class Deadline(Clock):
    """The SDK's clock, which knows until when the running thread may work."""

    def __init__(self) -> None:
        self._local = threading.local()

    @contextmanager
    def of(self, call: Call) -> Iterator[None]:
        """Work for a call; what is still going on when it is over is cut off."""
        if call.over:
            raise OutOfTime
        outer = getattr(self._local, "running", None)
        running = self._local.running = _Running(call)
        cut = threading.Timer(call.seconds_left() + _GRACE, _cut, [running.sockets])
        cut.daemon = True
        cut.start()
        try:
            yield
        finally:
            cut.cancel()
            self._local.running = outer

    @property
    def left(self) -> float:
        """Seconds that are left.

        Raises:
            OutOfTime: none are.
        """
        if self.remaining <= 0:
            raise OutOfTime
        return self.remaining

    @property
    def remaining(self) -> float:
        """Seconds that are left; 0 or less: none."""
        return self._running.call.seconds_left()

    @property
    def waited(self) -> float:
        """Seconds that the platform, or our own throttle, made this call wait so far."""
        return self._running.waited

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait, if the call lasts that long.

        Raises:
            OutOfTime: it does not; nothing was waited.
        """
        if seconds >= self.left:
            raise OutOfTime(seconds)
        self._running.waited += seconds
        time.sleep(seconds)

    def each(self, work: Callable[[T], R], items: Collection[T]) -> list[R]:
        """What the work makes of each item, in their order, several at a time.

        Every answer of the platform is far away: one after the other, the look at a large product
        would outlast its call. All threads have ended when it returns.
        """
        call = self._running.call
        if len(items) <= 1:
            return [work(item) for item in items]

        def within(item: T) -> R:
            with self.of(call):
                return work(item)

        with ThreadPoolExecutor(max_workers=min(_AT_ONCE, len(items))) as pool:
            return list(pool.map(within, items))

    def watch(self, line: socket.socket | None) -> None:
        """Cut this connection too when the call is over."""
        if line is not None:
            self._running.sockets.append(line)

    @property
    def _running(self) -> _Running:
        running: _Running | None = getattr(self._local, "running", None)
        if running is None:
            raise RuntimeError("the platform is only talked to within a call")
        return running


def _cut(sockets: list[socket.socket]) -> None:
    """Break the lines, so that a thread that waits on one wakes up with an error."""
    for line in sockets:
        try:
            line.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue


class DeadlineAdapter(HTTPAdapter):
    """Sends with the time that is left, and follows nobody elsewhere.

    A connection that was kept and is dead by now is replaced once, which is safe for every request
    of ours: each says what is to be, not what is to be added.
    """

    def __init__(self, deadline: Deadline, throttle: Throttle) -> None:
        self._deadline = deadline
        self._throttle = throttle
        super().__init__(pool_maxsize=20)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Have every connection watched."""
        super().init_poolmanager(*args, **kwargs)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = _watched(self._deadline)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]  # passed on as they come
        """Send within the call, as fast as the throttle lets us, and read the whole answer.

        Raises:
            OutOfTime: the call is over, or would be; nothing was sent.
            NoAnswer: nothing, or not all of it, came back.
            Redirected: the answer is to ask elsewhere.
        """
        wait = self._throttle.take(self._deadline.left)
        if wait:
            self._deadline.sleep(wait)
        left = self._deadline.left
        for again in (True, False):
            options["timeout"] = (min(left, _LONGEST_CONNECT), left)
            try:
                response = super().send(request, **options)
                _ = response.content  # read here, where what goes wrong is understood
            except requests.Timeout:
                raise NoAnswer("it did not answer in time") from None
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                left = self._deadline.remaining
                if not again or left <= 0:
                    raise NoAnswer("it cannot be reached, or hung up") from None
            else:
                if response.status_code == requests.codes.too_many_requests:
                    self._throttle.empty()
                if response.is_redirect:
                    raise Redirected("it answers with a redirect")
                return response
        raise AssertionError("unreachable")


def _watched(deadline: Deadline) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            deadline.watch(self.sock)

        def request(self, *args: Any, **kwargs: Any) -> None:
            deadline.watch(self.sock)
            super().request(*args, **kwargs)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            deadline.watch(self.sock)

        def request(self, *args: Any, **kwargs: Any) -> None:
            deadline.watch(self.sock)
            super().request(*args, **kwargs)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
