"""``marketplace plan``, ``apply`` and ``export``: the marketplace as files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from marketplace_sdk.cli.asking import sure
from marketplace_sdk.cli.opening import FOUND, acting, confirmed, explained
from marketplace_sdk.cli.showing import busy, clean, counting, print_json, say, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from marketplace_sdk.domain.declarations import Declaration, DeclarationPlan, DeclaredChange
    from marketplace_sdk.marketplace import Services

__all__ = ["apply", "export", "import_", "plan"]

_EXAMPLE = """\b
For example, in market.yaml:
  sources:
    orders: {connection: lake, object: sales.orders, columns: {id: {}, email: {masked: true}}}
  domains:
    sales:
      sources: [orders]
      permissions: {MANAGE_DATA_PRODUCTS: [{group: sales-managers}]}
  forms:
    finance:
      domain: sales
      questions: {why: {label: Why do you need it}}
      review: {stages: [any_of: [{user: fin}, {group: finance-stewards}]]}
  products:
    orders: {domain: sales, sources: [orders], form: finance}
"""


def _declared(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the files, and ``--prune``."""
    prune = click.option(
        "--prune",
        is_flag=True,
        help="Take away, too, what no file mentions, of the kinds that files declare.",
    )
    return click.argument("paths", nargs=-1, required=True, metavar="PATH...")(prune(command))


@click.command(epilog=_EXAMPLE)
@_declared
@shown
@acting
def plan(market: Services, *, paths: tuple[str, ...], prune: bool, as_json: bool) -> None:
    """Show what would have to change to be what files say; changes nothing.

    PATH is a YAML file, or a folder that holds some. Ends with 1 when something differs.
    """
    found = _plan(market, paths, prune=prune)
    if as_json:
        print_json({"changes": _changes(found.changes), "problems": found.problems})
    else:
        say(found)
    if found.changes or found.problems:
        raise SystemExit(FOUND)


@click.command(epilog=_EXAMPLE)
@_declared
@confirmed
@shown
@acting
def apply(
    market: Services, *, paths: tuple[str, ...], prune: bool, yes: bool, as_json: bool
) -> None:
    """Make the marketplace what files say; shows what would change, and asks first.

    PATH is a YAML file, or a folder that holds some. Each change is made by itself, and needs the
    rights that it needs anywhere. Ends with 1 when one of them failed; once more does the rest.
    """
    found = _plan(market, paths, prune=prune)
    click.echo(clean(found), err=True)
    if found.changes:
        sure("make these changes?", yes=yes)
    with counting("applying", len(found.changes)) as count:
        made = market.declarations.apply(found, done=lambda change: count(change.title))
    if as_json:
        failed = [*found.problems, *made.failed]
        print_json({"done": _changes(made.done), "failed": failed})
    else:
        say(made)
    if made.failed or found.problems:
        raise SystemExit(FOUND)


@click.command()
@click.option("--to", "folder", metavar="FOLDER", help="Write a file for each kind there.")
@shown
@acting
def export(market: Services, *, folder: str | None, as_json: bool) -> None:
    """Write what there is as files of declarations, or print it as one document."""
    with busy("reading"):
        found = market.declarations.export()
    _written(found, folder, as_json=as_json)


@click.command("import")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--connection", required=True, metavar="NAME", help="Where the objects are.")
@click.option("--domain", metavar="NAME", help="Of the products, instead of the one they name.")
@click.option("--server", metavar="NAME", help="Of each contract, instead of its first.")
@click.option(
    "--mask",
    "masked",
    multiple=True,
    default=("restricted",),
    show_default=True,
    metavar="CLASSIFICATION",
    help="Columns classified so are masked.",
)
@click.option("--to", "folder", metavar="FOLDER", help="Write a file for each kind there.")
@shown
@explained
def import_(*, paths: tuple[str, ...], folder: str | None, as_json: bool, **how: Any) -> None:
    """Make declarations from data contracts and data products of the open standards.

    PATH is a YAML file of the Open Data Contract Standard (versions 3) or of the Open Data Product
    Standard (0.9 and 1), or a folder that holds some. Changes nothing: look at what it writes, and
    apply it.
    """
    from marketplace_sdk._declaring import import_standards

    _written(import_standards(*paths, **how), folder, as_json=as_json)


def _written(found: tuple[Declaration, ...], folder: str | None, *, as_json: bool) -> None:
    from marketplace_sdk._declaring import write_declarations
    from marketplace_sdk.wire.declarations import data_of

    text = write_declarations(found, folder)
    if as_json:
        print_json(data_of(found))
    elif folder is None:
        click.echo(text, nl=False)
    else:
        click.echo(f"{len(found)} declarations are in {folder}")


def _plan(market: Services, paths: tuple[str, ...], *, prune: bool) -> DeclarationPlan:
    from marketplace_sdk._declaring import read_declarations

    with busy("comparing"):
        return market.declarations.plan(read_declarations(*paths), prune=prune)


def _changes(changes: tuple[DeclaredChange, ...]) -> list[dict[str, Any]]:
    return [
        {
            "action": each.action,
            "kind": each.kind,
            "id": each.id,
            "before": each.before,
            "after": each.after,
            "place": "" if each.declaration is None else each.declaration.place,
        }
        for each in changes
    ]
