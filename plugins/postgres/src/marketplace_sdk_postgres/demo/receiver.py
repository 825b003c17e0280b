"""A receiver of webhooks as another company would write it: it trusts signatures only."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from attrs import frozen
from standardwebhooks import Webhook

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

__all__ = ["Hook", "Receiver"]

_FRESH = timedelta(minutes=5)


@frozen(kw_only=True)
class Hook:
    """A webhook whose signature was right."""

    id: str
    type: str
    data: dict[str, Any]


class Receiver:
    """Listens on a free port of 127.0.0.1 for as long as a ``with`` block.

    Attributes:
        secret: shared with the sender.
        hooks: what came with a right signature, each id once, in order.
        refused: how many came without.

    Args:
        clock: the marketplace's clock, by which messages are fresh or old.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        self.hooks: list[Hook] = []
        self.refused = 0
        self._clock = clock
        self._webhook = Webhook(self.secret)
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/marketplace"

    def of_type(self, type: str) -> list[Hook]:
        """What came of one type."""
        return [hook for hook in self.hooks if hook.type == type]

    def receive(self, headers: Mapping[str, str], body: bytes) -> int:
        """Take one message; returns the HTTP status to answer with."""
        with self._lock:
            if not self._genuine(headers, body):
                self.refused += 1
                return 401
            id, content = headers["webhook-id"], json.loads(body)
            # The sender may repeat itself; the id says so.
            if all(hook.id != id for hook in self.hooks):
                self.hooks.append(Hook(id=id, type=content["type"], data=content["data"]))
            return 204

    def _genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the independent package would have signed it like that, and just now.

        Its ``verify`` does both in one call, but by the clock of the machine, and ours runs ahead.
        """
        try:
            sent = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
            right = self._webhook.sign(headers["webhook-id"], sent, body.decode())
            given = headers["webhook-signature"].split()
        except (KeyError, ValueError):
            return False
        signed = any(hmac.compare_digest(right.encode(), each.encode()) for each in given)
        return signed and abs(self._clock() - sent) < _FRESH

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(receiver.receive(headers, body))
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing: the report tells the story."""

        return Handler

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
