"""Another side for tests of notifiers that speak HTTP: a server on a loopback address.

::

    class Pagers(LoopbackSite):
        secrets = (TOKEN,)

        def connect(self):
            return PagerNotifier(f"http://127.0.0.1:{self.port}/pages", allow=["127.0.0.0/8"])

        def answer(self, path, headers, body):
            self.pages.append(...)
            return 200, b""

It is a world of ``marketplace_sdk.testing.conformance.NotifierConformance``; needs pytest.
"""

from __future__ import annotations

import threading
from abc import abstractmethod
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from marketplace_sdk.testing.conformance import NotifierWorld

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from email.message import Message

__all__ = ["LoopbackSite"]

_LONGEST_SILENCE = 30.0


class LoopbackSite(NotifierWorld):
    """An HTTP server that can refuse, be gone and keep silent; ``close`` it in the end.

    Attributes:
        port: on 127.0.0.1; the same after it was gone.
    """

    def __init__(self) -> None:
        self.port: int = 0
        self._refusal: tuple[int, Mapping[str, str]] | None = None
        self._silent, self._over = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._listen()

    @abstractmethod
    def answer(self, path: str, headers: Message, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to one POST; one is asked at a time.

        ``headers["Content-Type"]`` is found whatever its case, and None when it is missing.
        """

    @contextmanager
    def refusing(self, status: int = 503, **headers: str) -> Iterator[None]:
        """It answers with this status, these headers, and what it was given as body."""
        self._refusal = (status, headers)
        yield
        self._refusal = None

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        """Nobody listens."""
        self._hang_up()
        yield
        self._listen()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """It takes requests and answers none."""
        self._silent.set()
        yield
        self._over.set()
        self._silent.clear()

    def close(self) -> None:
        """Stop; whoever still waits is let go."""
        self._over.set()
        self._hang_up()

    def _listen(self) -> None:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if site._silent.is_set():
                    site._over.wait(_LONGEST_SILENCE)
                    return
                status, headers, said = site._answered(self.path, self.headers, body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(OSError):  # senders need not wait for a body
                    self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                """Nothing on the terminal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    def _answered(
        self, path: str, headers: Message, body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        with self._lock:
            if self._refusal is not None:
                return (*self._refusal, body)
            status, said = self.answer(path, headers, body)
            return status, {}, said

    def _hang_up(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
