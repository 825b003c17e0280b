"""What commands print: tables for people, JSON for machines, progress for who waits."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from marketplace_sdk.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marketplace_sdk.work.pages import Page

__all__ = [
    "as_data",
    "busy",
    "clean",
    "counting",
    "day",
    "paged",
    "print_json",
    "print_page",
    "print_record",
    "print_table",
    "say",
    "shown",
]

T = TypeVar("T")
Columns = Mapping[str, Callable[[T], object]]
"""Title of each column, and what stands in it."""

UNFOLDED = 500
"""Width of a table that goes into a file or a pipe, where nothing has to fit."""


def shown(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--json`` to a command, as its argument ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")(command)


def paged(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--limit``, ``--after`` and ``--all`` to a command that lists."""
    for option in (
        click.option("--all", "every", is_flag=True, help="Every page, one after the other."),
        click.option("--after", metavar="NEXT", help="Go on where the page before ended."),
        click.option(
            "--limit",
            type=click.IntRange(1, 1000),
            default=50,
            show_default=True,
            help="How many on a page.",
        ),
    ):
        command = option(command)
    return command


def as_data(value: Any) -> Any:
    """A value as plain data with every field, those of their default too."""
    import attrs

    from marketplace_sdk.domain.conditions import Condition
    from marketplace_sdk.wire.codec import dump, text_of

    if isinstance(value, Condition):
        return dump(value)
    if isinstance(value, datetime):
        return text_of(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [as_data(each) for each in value]
        return items if isinstance(value, (list, tuple)) else sorted(items, key=json.dumps)
    if attrs.has(type(value)):
        value = {each.name: getattr(value, each.name) for each in attrs.fields(type(value))}
    if isinstance(value, Mapping):
        return {str(key): as_data(each) for key, each in value.items()}
    return value


def print_json(value: Any) -> None:
    """Any value as JSON, in ASCII, so that no character of it can act on a terminal."""
    click.echo(json.dumps(as_data(value), indent=2))


def clean(text: object) -> str:
    """Text in which nothing can act on a terminal: people may have written it."""
    return printable(str(text), lines=True)


def say(text: object) -> None:
    """Print a text."""
    click.echo(clean(text))


def day(moment: datetime | None) -> str:
    """A time as people read it."""
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


def print_table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows below titles; in a pipe nothing is folded."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    Console(width=None if sys.stdout.isatty() else UNFOLDED).print(table)


def print_record(rows: Mapping[str, object]) -> None:
    """One thing, a line for each fact that there is."""
    known = {title: clean(value) for title, value in rows.items() if value not in ("", None, ())}
    width = max(map(len, known), default=0)
    for title, value in known.items():
        click.echo(f"{title:<{width}}  " + value.replace("\n", f"\n{'':<{width}}  "))


def print_page(
    read: Callable[..., Page[T]],
    columns: Columns[T],
    *,
    as_json: bool,
    limit: int,
    after: str | None,
    every: bool,
) -> None:
    """One page of a list, or all that follow.

    Args:
        read: takes ``limit`` and ``after``.
        columns: of the table.
        as_json: print ``{"items": [...], "next": ...}`` instead.
        limit, after, every: as ``paged`` gives them.
    """
    page = read(limit=limit, after=after)
    items = list(page)
    while every and page.next is not None:
        page = read(limit=limit, after=page.next)
        items += page
    if as_json:
        print_json({"items": items, "next": page.next})
        return
    if not items:
        click.echo("nothing")
    else:
        print_table(list(columns), ([tell(each) for tell in columns.values()] for each in items))
    if page.next is not None:
        click.echo(f"there is more: --after {page.next}", err=True)


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Show on a terminal that something is being waited for."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(what):
        yield


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[str], None]]:
    """A progress bar on a terminal; what it yields is called with each thing that is done."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, advance=1, description=clean(done))
