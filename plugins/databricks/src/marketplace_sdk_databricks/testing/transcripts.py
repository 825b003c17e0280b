"""Recorded conversations with a real workspace, and how the fake is held to them.

A transcript is a file of JSON lines: first what it is about, then how the workspace was set up (a
method of ``FakeDatabricks`` with its arguments), then each request with its redacted answer::

    {"transcript": 1, "about": "two grants, recorded 2026-03-01"}
    {"setup": "table", "with": {"name": "c.s.t", "columns": {"id": "bigint"}}}
    {"request": {"method": "GET", "target": "/api/...", "body": null},
     "answer": {"status": 200, "body": {"table_id": "{id:1}", "created_at": "{time}"}}}

``{id:1}`` and ``{token:1}`` stand for whatever the service chose: the same one wherever they are,
in later requests too. ``{time}`` stands for any moment; ``{me}``, ``{account}`` and ``{warehouse}``
for what they say. Lists are compared without their order.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import attrs

from marketplace_sdk_databricks.testing._fake import FakeDatabricks
from marketplace_sdk_databricks.testing._redaction import Redaction, kept

__all__ = ["Exchange", "Recorder", "Transcript", "load", "replay"]

_VERSION = 1
_PATIENCE = 30
_PLACEHOLDER = re.compile(r"\{(?:(?:id|token):\d+|me|account|warehouse)\}")
_SETUP = {
    "add_member",
    "admin",
    "catalog",
    "function",
    "give",
    "group",
    "local_group",
    "manage",
    "mask",
    "metastore_admin",
    "own",
    "pages",
    "policy",
    "schema",
    "service_principal",
    "table",
    "tag",
    "user",
}


@attrs.frozen
class Exchange:
    """A request and what came back.

    Attributes:
        target: raw path with the query, without the host.
        answer: the part of the body that is kept.
    """

    method: str
    target: str
    body: Any
    status: int
    answer: Any


@attrs.frozen
class Transcript:
    """A conversation, with what it is about and the setup it began from."""

    about: str
    setup: tuple[tuple[str, Mapping[str, Any]], ...]
    exchanges: tuple[Exchange, ...]


class Recorder:
    """Takes down a conversation with a real workspace; headers never come near it.

    Args:
        names: stand-ins by real name, as ``Redaction`` takes them.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._redaction = Redaction(names)
        self._exchanges: list[Exchange] = []

    def add(self, method: str, url: str, body: Any, status: int, answer: Any) -> None:
        """Take down one request.

        Raises:
            ValueError: something of somebody would be left; nothing of the request is kept.
        """
        self._redaction.learn(answer)
        self._exchanges.append(
            Exchange(
                method,
                self._redaction.target(url),
                self._redaction.value(body),
                status,
                self._redaction.value(kept(answer)),
            )
        )

    def heard(self, response: Any, *_: Any, **__: Any) -> None:
        """The same as a response hook of ``requests``; an answer that is not JSON is left out.

        Raises:
            ValueError: as ``add`` does.
        """
        try:
            answer = response.json() if response.content else {}
            sent = response.request.body
            body = json.loads(sent) if sent else None
        except ValueError:
            return
        self.add(response.request.method, response.url, body, response.status_code, answer)

    def write(
        self, path: Path, about: str, setup: Sequence[tuple[str, Mapping[str, Any]]] = ()
    ) -> None:
        """Write the transcript, whose setup is already without anybody's names."""
        lines: list[Any] = [{"transcript": _VERSION, "about": about}]
        lines += [{"setup": method, "with": arguments} for method, arguments in setup]
        lines += [
            {
                "request": {"method": one.method, "target": one.target, "body": one.body},
                "answer": {"status": one.status, "body": one.answer},
            }
            for one in self._exchanges
        ]
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def load(path: Path) -> Transcript:
    """Read a transcript.

    Raises:
        ValueError: the file is none, of another version, or sets up what it may not.
    """
    first, *lines = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    if first.get("transcript") != _VERSION:
        raise ValueError(f"cannot read {path.name}: it is no transcript of version {_VERSION}")
    setup, exchanges = [], []
    for line in lines:
        if "setup" in line:
            if line["setup"] not in _SETUP:
                raise ValueError(f"cannot read {path.name}: {line['setup']} is no setup")
            setup.append((line["setup"], line["with"]))
        else:
            request, answer = line["request"], line["answer"]
            exchanges.append(
                Exchange(
                    request["method"],
                    request["target"],
                    request.get("body"),
                    answer["status"],
                    answer.get("body"),
                )
            )
    return Transcript(first["about"], tuple(setup), tuple(exchanges))


def replay(transcript: Transcript, fake: FakeDatabricks) -> list[str]:
    """Have the fake carry out a conversation; where its answers differ, one line each.

    Args:
        fake: running, and as new.
    """
    known = {
        "{me}": fake.me,
        "{account}": fake.account_id,
        "{warehouse}": fake.warehouse_id,
    }
    for method, arguments in transcript.setup:
        getattr(fake, method)(**json.loads(_filled(json.dumps(arguments), known)))
    found: list[str] = []
    for number, exchange in enumerate(transcript.exchanges, 1):
        status, answer = _send(fake, exchange, known)
        where = f"{number}: {exchange.method} {exchange.target}"
        if status != exchange.status:
            found.append(f"{where}: recorded {exchange.status}, the fake {status}")
        else:
            found += _differences(exchange.answer, kept(answer), known, where)
    return found


def _filled(text: str, known: Mapping[str, str], *, encode: bool = False) -> str:
    def real(match: re.Match[str]) -> str:
        value = known.get(match[0], match[0])
        return quote(value, safe="") if encode else value

    return _PLACEHOLDER.sub(real, text)


def _send(fake: FakeDatabricks, exchange: Exchange, known: Mapping[str, str]) -> tuple[int, Any]:
    body = None
    if exchange.body is not None:
        # An id that was a number is a text in the file, and a number again here.
        text = _filled(json.dumps(exchange.body), known)
        body = re.sub(r'"principal_id": "(\d+)"', r'"principal_id": \1', text)
    target = _filled(exchange.target, known, encode=True)
    headers = {"Authorization": f"Bearer {fake.token}", "Content-Type": "application/json"}
    connection = HTTPConnection(urlsplit(fake.host).netloc, timeout=_PATIENCE)
    with contextlib.closing(connection):
        connection.request(exchange.method, target, body, headers)
        answer = connection.getresponse()
        given = answer.read()
    return answer.status, json.loads(given) if given else {}


def _differences(recorded: Any, given: Any, known: dict[str, str], where: str) -> list[str]:
    if isinstance(recorded, dict) and isinstance(given, dict):
        found = [f"{where}: the fake leaves out {key}" for key in recorded.keys() - given.keys()]
        found += [f"{where}: the fake adds {key}" for key in given.keys() - recorded.keys()]
        for key in sorted(recorded.keys() & given.keys()):
            found += _differences(recorded[key], given[key], known, f"{where}: {key}")
        return found
    if isinstance(recorded, list) and isinstance(given, list):
        return _unordered(recorded, given, known, where)
    if isinstance(recorded, str) and _same(recorded, given, known):
        return []
    return [] if recorded == given else [f"{where}: recorded {recorded!r}, the fake {given!r}"]


def _same(recorded: str, given: Any, known: dict[str, str]) -> bool:
    if recorded == "{time}":
        return isinstance(given, int)
    if _PLACEHOLDER.fullmatch(recorded):
        return known.setdefault(recorded, str(given)) == str(given)
    return bool(_filled(recorded, known) == given)


def _unordered(
    recorded: Sequence[Any], given: Sequence[Any], known: dict[str, str], where: str
) -> list[str]:
    left, found = list(given), []
    for entry in recorded:
        for candidate in left:
            tried = dict(known)
            if not _differences(entry, candidate, tried, where):
                known.update(tried)
                left.remove(candidate)
                break
        else:
            found.append(f"{where}: the fake has no entry {json.dumps(entry)}")
    return found + [f"{where}: the fake adds the entry {json.dumps(one)}" for one in left]
