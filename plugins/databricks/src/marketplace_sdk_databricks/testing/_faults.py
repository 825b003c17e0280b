"""What goes wrong between a client and the service, and when."""

from __future__ import annotations

import threading
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import attrs


@attrs.define
class Fault:
    """Something that happens to chosen requests; see ``Faults.add``."""

    method: str
    path: str
    nth: int
    times: int | None
    after: bool
    status: int | None
    error_code: str
    message: str
    retry_after: int | None
    html: str | None
    redirect: str | None
    drop: bool
    delay: float
    drip: float
    stale: bool
    page_size: int | None
    empty_pages: int | None
    edit: Callable[[], Any] | None
    failed: str | None
    seen: int = 0

    @property
    def answers(self) -> bool:
        """Whether it takes the place of the answer."""
        return self.drop or bool(self.status or self.failed or self.html or self.redirect)

    @property
    def spent(self) -> bool:
        """Whether it has happened as often as it was to."""
        return self.times is not None and self.seen >= self.nth + self.times - 1


class Faults:
    """The faults that are still to come, first added first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(
        self,
        method: str = "*",
        path: str = "*",
        *,
        nth: int = 1,
        times: int | None = 1,
        after: bool = False,
        status: int | None = None,
        error_code: str = "INTERNAL_ERROR",
        message: str = "The fake was told to fail.",
        retry_after: int | None = None,
        html: str | None = None,
        redirect: str | None = None,
        drop: bool = False,
        delay: float = 0,
        drip: float = 0,
        stale: bool = False,
        page_size: int | None = None,
        empty_pages: int | None = None,
        edit: Callable[[], Any] | None = None,
        failed: str | None = None,
    ) -> Fault:
        """Let something happen to the requests that match.

        Args:
            method: of the request, or a star.
            path: pattern of the raw path with stars, without the query.
            nth: the first of the matching requests that it happens to, counted from now, without
                those that a fault added before took.
            times: to how many from there on; None to all.
            after: the answer is lost or replaced after the request was carried out; else before.
            status: of an answer instead, with ``error_code``, ``message`` and ``retry_after`` in
                seconds; with ``html`` the body is that page.
            html: a page instead of JSON, with status 200 unless another is given.
            redirect: an address to go to instead; ``"."`` is the same one again, for ever.
            drop: the connection is closed without an answer.
            delay: seconds before the request is carried out, or after it.
            drip: seconds between the bytes of the answer.
            stale: answered from the state before the last change.
            page_size: of this listing only.
            empty_pages: pages of this listing without an entry that come first.
            edit: called before the request is carried out, as what somebody else does meanwhile.
            failed: the message of a statement that fails, with status 200.
        """
        fault = Fault(
            method,
            path,
            nth,
            times,
            after,
            status,
            error_code,
            message,
            retry_after,
            html,
            redirect,
            drop,
            delay,
            drip,
            stale,
            page_size,
            empty_pages,
            edit,
            failed,
        )
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._faults.clear()

    def hit(self, method: str, path: str) -> Fault | None:
        """The first fault that is due for this request; later ones do not see the request."""
        with self._lock:
            for fault in self._faults:
                if fault.method not in {"*", method} or not fnmatchcase(path, fault.path):
                    continue
                if fault.spent:
                    continue
                fault.seen += 1
                if fault.seen >= fault.nth:
                    return fault
        return None

    @property
    def remembers(self) -> bool:
        """Whether the state before a change will be asked for."""
        with self._lock:
            return any(fault.stale and not fault.spent for fault in self._faults)
