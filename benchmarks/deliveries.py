"""Signed deliveries per second on loopback; and a hundred destinations of which two are broken.

Lower bound of the first: a loop that posts the same bytes with an ``httpx.Client`` and, as every
delivery of ours does, opens a connection for each. It signs nothing, checks no address and writes
nothing down. A loop over one connection is measured beside it.

The second counts: what reaches the others while one destination hangs and one answers 500, what is
lost and what comes twice. As a program: ``--events 10000``.

Memory is told apart from what a store in memory holds by delivering from SQLite, 1,000 events and
4,000: ``--memory``. The peak is Python's own, by ``tracemalloc``, which makes everything slower, so
that no time is measured then.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
import tracemalloc
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx

from benchmarks._world import rounds
from marketplace_sdk import Marketplace, NotificationError
from marketplace_sdk.delivery.settings import Settings
from marketplace_sdk.domain.events import Effects, Event
from marketplace_sdk.plugin import NotifierSpec, hookimpl
from marketplace_sdk.testing import FrozenClock

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105  # of this benchmark only
DATA = {
    "product": {"id": "orders", "name": "Orders", "domain": "sales"},
    "by": "dee",
    "sources": ["orders"],
}


class _Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def _serve(port):
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Quiet)
    port.send(server.server_port)
    server.serve_forever()


@contextmanager
def _receiver():
    """In a process of its own: what the other side costs is nobody's here."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,))
    process.start()
    yield f"http://127.0.0.1:{ours.recv()}/hook"
    process.kill()
    process.join()


def _tell(market, numbers):
    """Events of as many products, as if they were published."""
    with market._context.unit("bench") as unit:
        events = [
            Event(type="product.published", aggregate=f"product:{n}", data={**DATA, "by": str(n)})
            for n in numbers
        ]
        unit.keep(Effects(events=tuple(events)))


def run(*, quick):
    """Microseconds per delivery, beside the bare loop's."""
    count = 100 if quick else 500
    closing = httpx.Limits(max_keepalive_connections=0)
    with (
        _receiver() as url,
        TemporaryDirectory() as folder,
        httpx.Client(limits=closing) as client,
        httpx.Client() as keeping,
    ):
        hook = {
            "plugin": "webhook",
            "url": url,
            "secret": SECRET,
            "allow_networks": ["127.0.0.0/8"],
        }
        market = Marketplace(f"sqlite:///{folder}/market.db", notifiers=[hook])
        market.deliver()
        begins = iter(range(0, 10**9, count))

        def ours():
            _tell(market, range(start := next(begins), start + count))
            done = market.deliver()
            assert done.messages == count, done

        def bare(client=client):
            for _ in range(count):
                client.post(url, json={"type": "t", "timestamp": "t", "data": DATA})

        ours()
        bare()
        times = 3 if quick else 5
        seconds = rounds(ours, bare, times=times)
        kept, _ = rounds(lambda: bare(keeping), lambda: None, times=times)
        market.close()
    per = [each / count * 1e6 for each in seconds]
    one = kept / count * 1e6
    return {
        "name": "signed deliveries on loopback, from the event in SQLite to its history",
        "ours": per[0],
        "bound": per[1],
        "unit": "µs",
        "ratio": per[0] / per[1],
        # 1.5 on a quiet machine; of a busy one's two cores the receiver has one only now and then.
        "limit": 3.0,
        "bound is": "httpx.Client.post of the same bytes in a loop, a connection for each",
        "facts": [
            f"{1e6 / per[0]:,.0f} per second; bare {1e6 / per[1]:,.0f}",
            f"bare over one connection {1e6 / one:,.0f} per second",
        ],
    }


class Ticking(FrozenClock):
    """A millionth of a second later each time: no retry becomes due, and no two moments are one."""

    def __call__(self):
        return self.advance(microseconds=1)


class Crowd:
    """Destinations in memory: one hangs, one answers 500, the others take what they get."""

    def __init__(self, seconds, events):
        self.got = {}
        self.last = {}
        self.seconds, self.events = seconds, events
        self.attempts = Counter()

    @hookimpl
    def marketplace_notifiers(self):
        yield NotifierSpec(name="crowd", build=self._build)

    def _build(self, _, context):
        return _Member(self, context.name)


class _Member:
    def __init__(self, crowd, name):
        self.crowd, self.name = crowd, name
        # A byte for each event, so that what is counted here takes next to no memory.
        crowd.got.setdefault(name, bytearray(crowd.events))

    def deliver(self, message, call):
        crowd = self.crowd
        crowd.attempts[self.name] += 1
        if self.name == "hangs":
            time.sleep(min(crowd.seconds, call.seconds_left()))
            raise NotificationError("no answer", code="timeout", retryable=True)
        if self.name == "fails":
            raise NotificationError("it answered 500", retryable=True)
        crowd.got[self.name][int(message.data["by"])] += 1
        crowd.last[self.name] = time.perf_counter()

    def close(self):
        pass


def crowd(*, destinations, events, storage="memory", hang=10.0, broken=True, traced=False):
    """What a crowd of destinations gets; figures of one run, with the peak of memory if traced."""
    members = Crowd(hang, events)
    names = [f"d{n}" for n in range(destinations - 2)] + ["hangs", "fails"]
    made = names if broken else names[:-2]
    market = Marketplace(
        storage,
        notifiers=[{"plugin": "crowd", "name": name} for name in made],
        plugins=[members],
        discover=storage != "memory",
        clock=Ticking(),
        delivery=Settings(),
    )
    market.deliver()
    for start in range(0, events, 200):
        _tell(market, range(start, min(start + 200, events)))
    peak = 0
    if traced:
        tracemalloc.start()
    began = time.perf_counter()
    done = market.deliver()
    took = time.perf_counter() - began
    if traced:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    good = [name for name in made if name.startswith("d")]
    lost = sum(members.got[name].count(0) for name in good)
    doubled = sum(times - 1 for name in good for times in members.got[name] if times)
    with market._storage.begin(write=False) as rows:
        waiting = {
            name: len(rows.work(f"outbox|{name}")) for name in ("hangs", "fails") if name in made
        }
    market.close()
    return {
        "messages": done.messages,
        "lost": lost,
        "doubled": doubled,
        "waiting": waiting,
        "attempts": {name: members.attempts[name] for name in waiting},
        "others": max(members.last.values()) - began,
        "took": took,
        "peak": peak,
    }


def run_crowd(*, quick):
    """Seconds until the good ones have everything, beside a crowd in which nobody is broken."""
    size = {"destinations": 20, "events": 100} if quick else {"destinations": 100, "events": 1000}
    well = crowd(**size, broken=False)
    ill = crowd(**size, hang=2.0)
    good = size["destinations"] - 2
    assert ill["lost"] == ill["doubled"] == 0, ill
    assert ill["waiting"] == {"hangs": size["events"], "fails": size["events"]}, ill
    return {
        "name": f"{good} destinations beside one that hangs and one that fails",
        "ours": ill["others"] / (good * size["events"]) * 1e6,
        "bound": well["others"] / (good * size["events"]) * 1e6,
        "unit": "µs",
        "ratio": ill["others"] / well["others"],
        "limit": 2.0,
        "bound is": "the same without the two, per delivery, until the last good one has all",
        "facts": [
            f"{size['events']:,} events, {good * size['events']:,} deliveries",
            f"{ill['lost']} lost, {ill['doubled']} doubled",
            f"{ill['attempts']['hangs']} and {ill['attempts']['fails']} attempts at the broken two",
        ],
    }


def _peak(events):
    """Bytes while so many events go from SQLite to ten destinations, two of them broken."""
    with TemporaryDirectory() as folder:
        found = crowd(
            destinations=10,
            events=events,
            storage=f"sqlite:///{folder}/market.db",
            hang=0.5,
            traced=True,
        )
    assert found["lost"] == found["doubled"] == 0, found
    return found["peak"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--destinations", type=int, default=100)
    parser.add_argument("--sqlite", action="store_true")
    parser.add_argument("--memory", action="store_true", help="the peak of 1,000 events and 4,000")
    options = parser.parse_args()
    if options.memory:
        for events in (1000, 4000):
            print(f"{events:,} events: peak of {_peak(events) / 1e6:.1f} MB")
        return
    with TemporaryDirectory() as folder:
        place = f"sqlite:///{folder}/market.db" if options.sqlite else "memory"
        found = crowd(
            destinations=options.destinations, events=options.events, storage=place, hang=10.0
        )
    print(f"{found['messages']:,} delivered in {found['took']:.1f} s")
    print(f"the good ones had everything after {found['others']:.1f} s")
    print(f"lost {found['lost']}, doubled {found['doubled']}, waiting {found['waiting']}")
    print(f"attempts at the broken two {found['attempts']}")


if __name__ == "__main__":
    main()
