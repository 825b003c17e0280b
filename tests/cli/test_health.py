"""``marketplace worker --health``: what an orchestrator and a monitor are told, over real sockets."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection

import pytest
from prometheus_client.parser import text_string_to_metric_families

from marketplace_sdk.cli.watching import WatchedMarketplace, address_of, serving
from marketplace_sdk.errors import InvalidInput, StorageError
from tests.cli.running import Shop


def get(where, path):
    """Status and body of what is served there."""
    connection = HTTPConnection(*where, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def samples(text):
    """Values by name and labels, as a Prometheus reads them."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def served(tmp_path):
    """A watched marketplace in which something is due, where it is served, and its stop."""
    shop = Shop(tmp_path)
    shop.asked()
    stop = threading.Event()
    with (
        WatchedMarketplace.from_config(shop.file) as market,
        serving(market, ("127.0.0.1", 0), stop) as where,
    ):
        yield market, where, stop


def test_a_worker_is_ready_while_its_storage_answers_and_nobody_asked_it_to_stop(served):
    _, where, stop = served

    assert get(where, "/live") == (200, "alive\n")
    assert get(where, "/ready?verbose") == (200, "ready\n")
    stop.set()
    assert get(where, "/ready") == (503, "stopping\n")
    assert get(where, "/live")[0] == 200
    assert get(where, "/")[0] == 404


def test_a_worker_whose_storage_is_gone_is_alive_and_not_ready(served, monkeypatch):
    market, where, _ = served

    def gone():
        raise StorageError("cannot reach postgresql://m:hush-hush@h/d", retryable=True)

    monkeypatch.setattr(market, "backlog", gone)

    assert get(where, "/live")[0] == 200
    assert get(where, "/ready") == (503, "not ready: storage_error\n")
    assert samples(get(where, "/metrics")[1])["marketplace_storage_up", ()] == 0


def test_metrics_say_what_waits_and_what_was_done(served):
    market, where, _ = served
    before = samples(get(where, "/metrics")[1])
    assert before["marketplace_rounds_total", ()] == 0
    assert before["marketplace_last_round_timestamp_seconds", ()] == 0
    assert before["marketplace_work", (("queue", "outbox"), ("state", "due"))] > 0

    market.deliver()
    after = samples(get(where, "/metrics")[1])

    assert after["marketplace_rounds_total", ()] == 1
    assert after["marketplace_round_seconds_total", ()] > 0
    assert after["marketplace_delivered_total", (("what", "notices"),)] >= 1
    assert after.get(("marketplace_work", (("queue", "outbox"), ("state", "due"))), 0) == 0
    assert abs(after["marketplace_last_round_timestamp_seconds", ()] - time.time()) < 60


def test_a_round_that_breaks_off_is_counted_as_one(served, monkeypatch):
    market, where, _ = served

    def broken(**_):
        raise StorageError("cannot read")

    monkeypatch.setattr(market._deliverer, "deliver", broken)
    with pytest.raises(StorageError):
        market.deliver()

    seen = samples(get(where, "/metrics")[1])
    assert (seen["marketplace_rounds_total", ()], seen["marketplace_round_failures_total", ()]) == (
        1,
        1,
    )
    assert seen["marketplace_last_round_timestamp_seconds", ()] == 0


def test_without_the_library_only_metrics_are_missing(served, monkeypatch):
    _, where, _ = served
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    assert get(where, "/metrics") == (501, "metrics need data-marketplace-sdk[metrics]\n")
    assert get(where, "/ready")[0] == 200


def test_without_a_host_only_this_machine_can_ask():
    assert address_of("8080") == ("127.0.0.1", 8080)
    assert address_of(":8080") == ("127.0.0.1", 8080)
    assert address_of("portal.example:1") == ("portal.example", 1)
    assert address_of("[::1]:0") == ("::1", 0)


@pytest.mark.parametrize("text", ["", "host", "host:", "host:x", "1:65536", "h:-1", "h:٣"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(InvalidInput, match="HOST:PORT"):
        address_of(text)


def test_a_place_that_is_taken_is_told(served):
    market, where, stop = served

    with pytest.raises(InvalidInput, match=f"cannot serve health on 127.0.0.1:{where[1]}"):
        serving(market, where, stop).__enter__()


def test_a_worker_serves_its_health_until_it_ends(tmp_path):
    shop = Shop(tmp_path)
    shop.asked()
    process = subprocess.Popen(
        [sys.executable, "-c", "from marketplace_sdk.cli import main; main()",
         "worker", "--health", ":0"],
        env={**os.environ, "MARKETPLACE_CONFIG": str(shop.file)},
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    host, port = re.search(r"health on http://([\d.]+):(\d+)", process.stderr.readline()).groups()
    assert "is running" in process.stderr.readline()

    assert "notices" in process.stderr.readline()  # a round in which something was done
    assert get((host, int(port)), "/ready") == (200, "ready\n")
    process.send_signal(signal.SIGTERM)

    process.communicate(timeout=30)
    assert process.returncode == 0
    with pytest.raises(ConnectionRefusedError):
        get((host, int(port)), "/live")


def test_json_goes_with_once_only(tmp_path):
    shop = Shop(tmp_path)
    shop.asked()

    assert shop.data("worker", "--once")["notices"] >= 1
    assert "--json goes with --once" in shop.run("worker", "--json", code=2)
