"""What a worker says about itself: rounds, and over HTTP its health and its metrics."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import attrs
import click

from marketplace_sdk import _system
from marketplace_sdk.delivery.deliverer import Delivered
from marketplace_sdk.errors import InvalidInput, MarketplaceError, Problem
from marketplace_sdk.marketplace import Marketplace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client.metrics_core import Metric

__all__ = ["Rounds", "WatchedMarketplace", "address_of", "serving"]

LOOPBACK = "127.0.0.1"
PATIENCE = 5.0
"""Seconds in which whoever connects must have asked."""
UNKNOWN, UNABLE, NOT_NOW = 404, 501, 503


class _Handler(BaseHTTPRequestHandler):
    """Answers what is asked by GET, and nothing else."""

    answers: Mapping[str, Callable[[], tuple[int, str]]]
    timeout = PATIENCE
    server_version = "marketplace"
    sys_version = ""

    def do_GET(self) -> None:
        """Look up the path."""
        answer = self.answers.get(self.path.partition("?")[0])
        status, text = answer() if answer is not None else (UNKNOWN, "not found\n")
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Whoever looks every few seconds fills no log."""


class _Server6(ThreadingHTTPServer):
    """The same on IPv6."""

    address_family = socket.AF_INET6


class Rounds:
    """What the rounds of one worker did, added up; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.done: Delivered = Delivered()
        self.count: int = 0
        self.failures: int = 0
        self.seconds: float = 0.0
        self.last: float = 0.0

    def add(self, done: Delivered | None, seconds: float, at: float) -> None:
        """One round; None for one that broke off."""
        with self._lock:
            self.count += 1
            self.seconds += seconds
            if done is None:
                self.failures += 1
                return
            self.last = at
            sums = {
                name: count + getattr(self.done, name) for name, count in attrs.asdict(done).items()
            }
            self.done = Delivered(**sums)


class WatchedMarketplace(Marketplace):
    """A marketplace that counts its rounds, and tells of those in which something was done.

    Args:
        settings: as for the marketplace.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.rounds: Rounds = Rounds()
        self.tell: Callable[[Delivered], None] = tell

    def deliver(self, *, limit: int | None = None) -> Delivered:
        """One round, counted."""
        began = _system.monotonic()
        done: Delivered | None = None
        try:
            done = super().deliver(limit=limit)
        finally:
            now = self._clock().timestamp()
            self.rounds.add(done, _system.monotonic() - began, now)
        if any(attrs.astuple(done)):
            self.tell(done)
        return done


def address_of(text: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT``, ``:PORT`` or ``PORT``; without a host, this machine only.

    Raises:
        InvalidInput: it is none.
    """
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdecimal() or int(port) > 65_535:  # noqa: PLR2004 - ports end there
        raise InvalidInput(
            "cannot serve health", problems=[Problem("health", "must be HOST:PORT or PORT")]
        )
    return host.removeprefix("[").removesuffix("]") or LOOPBACK, int(port)


@contextmanager
def serving(
    market: WatchedMarketplace, where: tuple[str, int], stop: threading.Event
) -> Iterator[tuple[str, int]]:
    """Answer ``/live``, ``/ready`` and ``/metrics`` while the block runs.

    Args:
        market: whose health it is.
        where: host and port; port 0 takes a free one.
        stop: from when it is set, the worker is not ready any more.

    Yields:
        The host and port that it listens on.

    Raises:
        InvalidInput: nothing can listen there.
    """
    answers: Mapping[str, Callable[[], tuple[int, str]]] = {
        "/live": lambda: (200, "alive\n"),
        "/ready": lambda: _ready(market, stop),
        "/metrics": lambda: _metrics(market),
    }

    handler = type("Handler", (_Handler,), {"answers": answers})
    server_class = _Server6 if ":" in where[0] else ThreadingHTTPServer
    try:
        server = server_class(where, handler)
    except OSError as error:
        raise InvalidInput(
            f"cannot serve health on {where[0]}:{where[1]}: {error.strerror}"
        ) from None
    thread = threading.Thread(target=server.serve_forever, name="health", daemon=True)
    thread.start()
    try:
        yield (str(server.server_address[0]), int(server.server_address[1]))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def told(done: Delivered) -> str:
    """What a round did, in one line."""
    return ", ".join(f"{count} {what}" for what, count in attrs.asdict(done).items() if count)


def tell(done: Delivered) -> None:
    """Print what a round did where messages go."""
    click.echo(told(done), err=True)


def _ready(market: Marketplace, stop: threading.Event) -> tuple[int, str]:
    if stop.is_set():
        return NOT_NOW, "stopping\n"
    try:
        market.backlog()
    except MarketplaceError as error:
        return NOT_NOW, f"not ready: {error.code}\n"
    return 200, "ready\n"


def _metrics(market: WatchedMarketplace) -> tuple[int, str]:
    try:
        from prometheus_client import CollectorRegistry, generate_latest
    except ModuleNotFoundError:
        return UNABLE, "metrics need data-marketplace-sdk[metrics]\n"
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(market))
    return 200, generate_latest(registry).decode()


class _Collector:
    """Looks when it is asked, so that nothing is counted twice or goes stale."""

    def __init__(self, market: WatchedMarketplace) -> None:
        self._market = market

    def collect(self) -> Iterable[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        rounds = self._market.rounds
        done = CounterMetricFamily(
            "marketplace_delivered", "What this worker did, by kind.", labels=["what"]
        )
        for what, count in attrs.asdict(rounds.done).items():
            done.add_metric([what], count)
        yield done
        yield CounterMetricFamily(
            "marketplace_rounds", "Rounds of this worker.", value=rounds.count
        )
        yield CounterMetricFamily(
            "marketplace_round_failures", "Rounds that broke off.", value=rounds.failures
        )
        yield CounterMetricFamily(
            "marketplace_round_seconds", "Seconds spent in rounds.", value=rounds.seconds
        )
        yield GaugeMetricFamily(
            "marketplace_last_round_timestamp_seconds",
            "When a round last came to its end; 0: never.",
            value=rounds.last,
        )
        yield from _backlog(self._market)


def _backlog(market: Marketplace) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    up = GaugeMetricFamily("marketplace_storage_up", "Whether the storage answers.")
    work = GaugeMetricFamily(
        "marketplace_work", "Work in the storage, by queue and state.", labels=["queue", "state"]
    )
    oldest = GaugeMetricFamily(
        "marketplace_work_oldest_due_timestamp_seconds",
        "Since when the oldest work of a queue is due.",
        labels=["queue"],
    )
    try:
        queues = market.backlog()
    except MarketplaceError:
        up.add_metric([], 0)
        yield up
        return
    up.add_metric([], 1)
    for each in queues:
        for state in ("waiting", "due", "held", "expired", "dead"):
            work.add_metric([each.queue, state], getattr(each, state))
        if each.oldest is not None:
            oldest.add_metric([each.queue], each.oldest.timestamp())
    yield from (up, work, oldest)
