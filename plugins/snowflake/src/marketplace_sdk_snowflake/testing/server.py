"""The socket: HTTP of the connector to ``service``."""

from __future__ import annotations

import gzip
import json
import re
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from marketplace_sdk_snowflake.testing.answers import SUCCESS
from marketplace_sdk_snowflake.testing.service import Dropped, Service, Unavailable

__all__ = ["Server"]


class Server(ThreadingHTTPServer):
    """A server on a free port of this machine, for as long as it is not stopped."""

    daemon_threads = False  # so that stopping waits for every one of them
    block_on_close = True
    request_queue_size = 64

    def __init__(self, service: Service) -> None:
        self.service = service
        self.unreachable = False
        self._open: set[Any] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.02}, name="fake-snowflake"
        )

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Serve, in threads of its own."""
        self.service.stopping.clear()
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and wait until each thread has ended."""
        self.service.stopping.set()
        self.shutdown()
        self.hang_up()
        self.server_close()
        self._thread.join()

    def hang_up(self) -> None:
        """Close the connections that are open now."""
        with self._guard:
            for connection in self._open:
                _close(connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        """A connection came in; it is closed at once while the server is unreachable."""
        if self.unreachable:
            self.shutdown_request(request)
            return
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """A connection ends."""
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error of ours; anything else is, and must be seen."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def _close(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was faster


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_POST(self) -> None:
        """Everything that a connector posts."""
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        if self.headers.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            body = {}
        try:
            answer = self._route(body if isinstance(body, dict) else {})
        except Dropped:
            self.close_connection = True
            _close(self.connection)
            return
        except Unavailable:
            self._send(503, b"Service Unavailable", "text/plain")
            return
        self._answer(answer)

    def do_GET(self) -> None:
        """The state of a query."""
        found = re.fullmatch(r"/monitoring/queries/+([0-9a-f-]+)", urlsplit(self.path).path)
        if found is None:
            self._send(404, b"", "text/plain")
            return
        self._answer(self.server.service.monitoring(found.group(1)))

    def _route(self, body: dict[str, Any]) -> dict[str, Any]:
        address = urlsplit(self.path)
        query = dict(parse_qsl(address.query))
        service, token = self.server.service, self._token()
        match address.path:
            case "/session/v1/login-request":
                return service.login(query, body)
            case "/queries/v1/query-request":
                return service.query(token, query.get("requestId", ""), body)
            case "/session/token-request":
                return service.renew(token)
            case "/session" if query.get("delete") == "true":
                return service.close(token)
            case _:
                return SUCCESS

    def _token(self) -> str:
        found = re.search(r'Snowflake Token="([^"]*)"', self.headers.get("Authorization") or "")
        return found.group(1) if found else ""

    def _answer(self, answer: dict[str, Any]) -> None:
        self._send(200, json.dumps(answer).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: statements are recorded by the service."""
