"""Draws the pictures of these pages: ``python docs/pictures.py``.

What the code knows is taken from it: states, rooms, and how long a message waits.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Mapping
from pathlib import Path

from drawing import Picture
from terminal import session

from marketplace_sdk.delivery.settings import Settings
from marketplace_sdk.domain.destinations import GROWTH, JITTER
from marketplace_sdk.domain.grants import GRANT_STEPS
from marketplace_sdk.domain.products import PRODUCT_STEPS
from marketplace_sdk.domain.requests import REQUEST_STEPS

HERE = Path(__file__).parent

PLACES = {
    "request": {
        "pending": (0, 1),
        "approved": (1, 0),
        "denied": (1, 1),
        "canceled": (1, 2),
        "revoked": (2, 0),
        "expired": (2, 1),
    },
    "grant": {
        "wanted": (0, 1),
        "active": (1, 0),
        "withheld": (1, 2),
        "ending": (2, 1),
        "ended": (3, 1),
    },
    "product": {
        "published": (0, 1),
        "suspended": (1, 0),
        "retired": (1, 2),
        "deleting": (2, 1),
        "deleted": (3, 1),
    },
}
"""Column and row of each state. One that the code has and this has not is an error."""

ROOMS = {
    "testing": "fixtures and kits for tests",
    "cli": "the command",
    "marketplace": "puts everything together, and does little else",
    "_building": "the parts of a marketplace, from settings and plugins",
    "_configuration": "the file",
    "_declaring": "products and forms as files",
    "_system": "time and random ids",
    "services": "one use case a module",
    "delivery": "bringing changes to the outside",
    "_plugins": "finds plugins, checks them, keeps their failures apart",
    "memory": "storage, directory, notifier and platform for tests and demos",
    "hookspecs": "the hooks",
    "plugin": "the one import for plugin authors",
    "work": "units of work: typed values in and out of one transaction",
    "wire": "values to plain data and back",
    "ports": "what the outside must be able to do",
    "domain": "the rules",
    "errors": "everything that can be raised",
}


def pictures() -> Mapping[Path, str]:
    """Every file by its path."""
    drawn = (
        _story(),
        _states("request", "An access request", REQUEST_STEPS),
        _states("grant", "A grant", GRANT_STEPS),
        _states("product", "A data product", PRODUCT_STEPS),
        _quorum(),
        _rooms(),
        _approval(),
        _exception(),
        _retries(),
        _terminal(),
    )
    return {HERE / "pictures" / f"{each.name}.svg": each.svg() for each in drawn}


def _story() -> Picture:
    """What the library is for, in five steps."""
    steps = (
        ("Find", "a data product,", "in your portal"),
        ("Ask", "a form says", "what to answer"),
        ("Decide", "stewards say yes,", "no, or yes for a time"),
        ("Open", "the platform grants", "exactly that"),
        ("End", "on time or revoked,", "nothing left behind"),
    )
    picture = Picture(
        "story",
        (760, 214),
        "From a wish to access, and back",
        "Five steps from left to right: somebody finds a data product in your portal; asks, by a"
        " form; stewards decide; the data platform grants exactly that; access ends on time or is"
        " revoked. Find to Decide is your portal with this library; Open and End are done on"
        " Snowflake, Databricks or PostgreSQL. Below all of them: every step is an event in a chain"
        " of hashes.",
    )
    boxes = [
        picture.box(10 + 152 * place, 44, 132, 82, *words) for place, words in enumerate(steps)
    ]
    for before, after in itertools.pairwise(boxes):
        picture.arrow(before, after)
    picture.text(228, 22, "your portal, with this library", kind="dim")
    picture.text(608, 22, "Snowflake, Databricks, PostgreSQL", kind="dim")
    picture.path([(456, 12), (456, 134)], kind="dashed", head=False)
    every = "every step is an event in a chain of hashes that can be verified"
    picture.box(10, 146, 740, 54, "Explained and audited", every, kind="open")
    return picture


def _states(name: str, title: str, steps: Mapping[tuple[str, str], str]) -> Picture:
    places = PLACES[name]
    states = list(dict.fromkeys((*(before for before, _ in steps), *steps.values())))
    wide, high = 196, 80
    columns, rows = (max(place) for place in zip(*places.values(), strict=True))
    loops = any(before == after for (before, _), after in steps.items())
    picture = Picture(
        f"states-{name}",
        (columns * wide + 140, rows * high + (114 if loops else 76)),
        f"{title}: its states",
        "; ".join(
            f"{before}, on {event}, becomes {after}" for (before, event), after in steps.items()
        )
        + ".",
    )
    ends = set(states) - {before for before, _ in steps}
    boxes = {
        state: picture.box(
            10 + places[state][0] * wide,
            18 + places[state][1] * high,
            120,
            42,
            state,
            kind="open" if state in ends else "",
        )
        for state in states
    }
    between: dict[tuple[str, str], list[str]] = {}
    for (before, event), after in steps.items():
        between.setdefault((before, after), []).append(event)
    for (before, after), events in between.items():
        words = ", ".join(events)
        if before == after:
            picture.loop(boxes[before], words)
        else:
            bend = 14 if (after, before) in between else 0
            picture.arrow(boxes[before], boxes[after], words, bend=bend)
    return picture


def _quorum() -> Picture:
    picture = Picture(
        "quorum",
        (640, 330),
        "Seats, sets and stages",
        "Three stages side by side. Any of A, B: one set with one seat that both A and B may fill;"
        " one yes is enough. All of A, B: two sets, one seat in each; both must be filled. Two of"
        " A: one set with one seat that wants two approvals, from two different people.",
    )
    for place, (title, below, sets) in enumerate(
        (
            ("any of A, B", "one yes from A or B", (("seat", "A or B"),)),
            ("all of A, B", "a yes from A and one from B", (("seat", "A"), ("seat", "B"))),
            ("two of A", "two people from A", (("seat", "A, 2 approvals"),)),
        )
    ):
        left = 10 + place * 210
        picture.text(left + 100, 20, title, kind="strong")
        picture.box(left, 40, 200, 246, kind="open")
        picture.text(left + 12, 58, "stage", kind="dim", anchor="start")
        for row, seat in enumerate(sets):
            top = 72 + row * 114
            picture.box(left + 16, top, 168, 94)
            picture.text(left + 28, top + 16, "set", kind="dim", anchor="start")
            picture.box(left + 44, top + 28, 112, 58, *seat, kind="main")
        if len(sets) > 1:
            picture.text(left + 100, 176, "and", kind="dim")
        picture.text(left + 100, 308, below, kind="dim")
    return picture


def _rooms() -> Picture:
    """From the contract that the linter proves."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (
        each for each in project["tool"]["importlinter"]["contracts"] if each["id"] == "rooms"
    )
    layers = [[room.strip() for room in layer.split("|")] for layer in contract["layers"]]
    width, high = 640, 46
    picture = Picture(
        "rooms",
        (width, len(layers) * high + 12),
        "The rooms of the package",
        "From top to bottom, each imports only from those below it: "
        + "; ".join(" beside ".join(f"{room} ({ROOMS[room]})" for room in each) for each in layers)
        + ".",
    )
    for row, rooms in enumerate(layers):
        wide = (width - 20 - 8 * (len(rooms) - 1)) / len(rooms)
        for column, room in enumerate(rooms):
            pure = room in {"domain", "ports", "errors"}
            picture.box(
                10 + column * (wide + 8),
                8 + row * high,
                wide,
                high - 6,
                room,
                ROOMS[room],
                kind="main" if pure else "",
            )
    return picture


def _approval() -> Picture:
    """How one yes becomes a right on a platform."""
    steps = (
        (0, 1, "approve"),
        (1, 1, "a pure function decides"),
        (1, 2, "request, event, message, mark"),
        (2, 2, "one transaction, or nothing"),
        (1, 0, "approved"),
        (3, 2, "claim the mark, with a lease"),
        (3, 4, "what is there? is it masked?"),
        (3, 2, "ledger: what will be ours"),
        (3, 4, "GRANT"),
        (3, 4, "what is there now?"),
        (3, 2, "grant active, evidence"),
    )
    return _sequence(
        "approval",
        "How an approval becomes a GRANT",
        ("portal", "services", "storage", "worker", "platform"),
        steps,
        760,
    )


def _exception() -> Picture:
    """Seeing one masked column."""
    steps = (
        (0, 1, "access to the product"),
        (2, 1, "yes"),
        (1, 3, "SELECT, once masks are seen"),
        (0, 3, "reads salary: masked"),
        (0, 1, "exception for salary"),
        (2, 1, "yes, from its own stewards"),
        (1, 3, "lets bob through the mask"),
        (0, 3, "reads salary: clear"),
        (0, 3, "reads iban: still masked"),
        (1, 1, "access is revoked or ends"),
        (1, 3, "first the mask, then SELECT"),
        (0, 3, "reads nothing"),
    )
    return _sequence(
        "masking-exception",
        "A masking exception, from access to its end",
        ("bob", "marketplace", "stewards", "platform"),
        steps,
        640,
    )


def _sequence(
    name: str, title: str, who: tuple[str, ...], steps: tuple[tuple[int, int, str], ...], width: int
) -> Picture:
    says = "; ".join(
        f"{who[start]}: {words}" if start == end else f"{who[start]} to {who[end]}: {words}"
        for start, end, words in steps
    )
    picture = Picture(name, (width, 60 + 40 * len(steps) + 10), title, f"In this order: {says}.")
    picture.sequence(who, steps)
    return picture


def _retries() -> Picture:
    """When a message is tried again, as the settings say that nobody changed."""
    settings = Settings()
    waits = [
        min(settings.longest_pause, settings.base * GROWTH**failures)
        for failures in range(settings.attempts - 1)
    ]
    picture = Picture(
        "retries",
        (720, 134),
        "When a message is tried again",
        f"{settings.attempts} attempts: at once, and again after "
        + ", ".join(map(_spoken, waits))
        + f", each up to {JITTER:.0%} longer. After the last one the message is set aside.",
    )
    picture.path([(20, 64), (712, 64)])
    for number, words in enumerate(("at once", *(f"+{_spoken(wait)}" for wait in waits))):
        x = 44 + number * 60
        picture.dot(x, 64)
        picture.text(x, 88, words, kind="dim")
    picture.text(360, 30, f"{settings.attempts} attempts, and the wait before each", kind="dim")
    picture.text(360, 116, "then it is set aside, and can be sent again by hand", kind="dim")
    return picture


def _terminal() -> Picture:
    told = session()
    rows = sum(len(lines) + 1 for _, lines in told)
    picture = Picture(
        "terminal",
        (680, rows * 20 + 26),
        "Deciding on the command line",
        "A terminal. "
        + " ".join(f"{command} prints: {'; '.join(lines)}." for command, lines in told),
    )
    picture.box(2, 2, 676, rows * 20 + 22)
    y = 22
    for command, lines in told:
        for line, kind in ((f"$ {command}", "code strong"), *((each, "code") for each in lines)):
            picture.text(16, y, line, kind=kind, anchor="start")
            y += 20
    return picture


def _spoken(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size * 1.2:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds:g} s"


if __name__ == "__main__":
    for path, text in pictures().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
