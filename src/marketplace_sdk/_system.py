"""The system's clock and random ids: the only module that asks for either."""

from __future__ import annotations

import os
import random
import secrets
import socket
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["jitter", "monotonic", "new_id", "new_installation", "utc_now", "worker_name"]

monotonic = time.monotonic
jitter = random.SystemRandom().random

_lock = threading.Lock()
_last = 0


def utc_now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A UUID of version 7: sorts by time, also within one process and millisecond."""
    global _last  # noqa: PLW0603 - ids of one process never go backwards
    with _lock:
        # 48 bits of milliseconds and 12 bits of a fraction, made to grow.
        stamp = max((time.time_ns() << 12) // 1_000_000, _last + 1)
        _last = stamp
    value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64
    value |= 0b10 << 62 | int.from_bytes(os.urandom(8), "big") >> 2
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_installation() -> str:
    """A short id that marks what belongs to one marketplace on its platforms."""
    return secrets.token_hex(5)


def worker_name() -> str:
    """Who holds leases: this host, process and a random part."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def read_secret(reference: str) -> str:
    """The value behind ``env:NAME`` or ``file:PATH``.

    Raises:
        ValueError: it is neither, or there is nothing behind it. The message holds no value.
    """
    kind, _, where = reference.partition(":")
    if kind == "env":
        value = os.environ.get(where)
        if value is None:
            raise ValueError(f"the environment variable {where} is not set")
        return value
    if kind == "file":
        try:
            return Path(where).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ValueError(f"the file cannot be read: {error.strerror}") from error
    raise ValueError("must be env:NAME or file:PATH")
