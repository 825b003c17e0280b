"""``marketplace domains``, ``forms`` and ``sources``: what products are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from marketplace_sdk.cli.grouping import Group
from marketplace_sdk.cli.opening import FOUND, acting
from marketplace_sdk.cli.showing import (
    busy,
    paged,
    print_json,
    print_page,
    print_record,
    say,
    shown,
)

if TYPE_CHECKING:
    from marketplace_sdk.domain.review import FlowEvent, ReviewFlow
    from marketplace_sdk.marketplace import Services

__all__ = ["domains", "forms", "sources"]


@click.group(cls=Group)
def domains() -> None:
    """Domains, in which sources are governed together."""


@domains.command("list")
@paged
@shown
@acting
def list_domains(
    market: Services, *, as_json: bool, limit: int, after: str | None, every: bool
) -> None:
    """Domains by name."""
    print_page(
        market.domains.find,
        {
            "name": lambda each: each.name,
            "filled by": lambda each: "tags" if each.dynamic else "hand",
            "sources": lambda each: "" if each.dynamic else len(each.sources),
            "description": lambda each: each.description,
        },
        as_json=as_json,
        limit=limit,
        after=after,
        every=every,
    )


@domains.command("show")
@click.argument("name")
@shown
@acting
def show_domain(market: Services, *, name: str, as_json: bool) -> None:
    """One domain, and the sources that are in it now."""
    domain = market.domains.get(name)
    inside = market.domains.sources(name)
    if as_json:
        print_json({"domain": domain, "sources": inside})
        return
    policy = domain.policy
    print_record(
        {
            "name": domain.name,
            "description": domain.description,
            "tags": ", ".join(rule.tag for rule in domain.rules),
            "sources": ", ".join(inside),
            "permissions": "\n".join(f"{name}: {who}" for name, who in sorted(domain.permissions)),
            "automatic approval": "" if policy.auto_approve else "never",
            "self review": policy.self_review,
            "longest access": policy.max_duration,
            "extra stages": len(policy.extra_stages) or "",
            "widening": policy.widening,
            "leaving": policy.leaving,
        }
    )


@click.group(cls=Group)
def forms() -> None:
    """Request forms: what requesters are asked, and who decides."""


@forms.command("list")
@click.option("--domain", metavar="NAME", help="Only of this domain.")
@paged
@shown
@acting
def list_forms(
    market: Services,
    *,
    domain: str | None,
    as_json: bool,
    limit: int,
    after: str | None,
    every: bool,
) -> None:
    """Forms by name."""
    print_page(
        lambda **page: market.forms.find(domain=domain, **page),
        {
            "id": lambda each: each.id,
            "name": lambda each: each.name,
            "domain": lambda each: each.domain or "everybody",
            "version": lambda each: each.current.number,
            "questions": lambda each: len(each.current.questions),
            "decided by": lambda each: _flow(each.current.review),
        },
        as_json=as_json,
        limit=limit,
        after=after,
        every=every,
    )


@forms.command("show")
@click.argument("id")
@shown
@acting
def show_form(market: Services, *, id: str, as_json: bool) -> None:
    """One form in its current version."""
    form = market.forms.get(id)
    if as_json:
        print_json(form)
        return
    current = form.current
    print_record(
        {
            "id": form.id,
            "name": form.name,
            "domain": form.domain or "everybody",
            "version": f"{current.number} ({current.id})",
            "questions": "\n".join(
                f"{each.key}{'' if each.required else ' (optional)'}: {each.label} [{each.kind}]"
                for each in current.questions
            ),
            "agreements": ", ".join(each.name for each in current.agreements),
            "decided by": _flow(current.review),
            "self review": "allowed" if current.allow_self_review else "",
            "fallback": current.fallback,
            "escalates to": current.escalation,
            "called off": "" if current.expire_after is None else f"after {current.expire_after}",
        }
    )


@click.group(cls=Group)
def sources() -> None:
    """Data sources: tables, views and file sets on platforms."""


@sources.command("list")
@click.option("--connection", metavar="NAME", help="Only on this connection.")
@click.option("--tag", help="Only with this tag.")
@paged
@shown
@acting
def list_sources(
    market: Services,
    *,
    connection: str | None,
    tag: str | None,
    as_json: bool,
    limit: int,
    after: str | None,
    every: bool,
) -> None:
    """Sources by name."""
    print_page(
        lambda **page: market.sources.find(connection=connection, tag=tag, **page),
        {
            "name": lambda each: each.name,
            "connection": lambda each: each.connection,
            "object": lambda each: each.object,
            "columns": lambda each: len(each.columns),
            "masked": lambda each: ", ".join(sorted(each.masked)),
            "tags": lambda each: ", ".join(sorted(tag.name for tag in each.tags)),
        },
        as_json=as_json,
        limit=limit,
        after=after,
        every=every,
    )


@sources.command("show")
@click.argument("name")
@shown
@acting
def show_source(market: Services, *, name: str, as_json: bool) -> None:
    """One source with its columns."""
    source = market.sources.get(name)
    if as_json:
        print_json(source)
        return
    print_record(
        {
            "name": source.name,
            "connection": source.connection,
            "object": source.object,
            "kind": source.kind,
            "owner": source.owner,
            "description": source.description,
            "tags": ", ".join(sorted(f"{tag.name} ({tag.origin})" for tag in source.tags)),
            "columns": "\n".join(
                " ".join(filter(None, [each.name, each.type, "masked" if each.masked else ""]))
                for each in source.columns
            ),
        }
    )


@sources.command()
@click.argument("connection")
@click.argument("pattern", default="*")
@shown
@acting
def discover(market: Services, *, connection: str, pattern: str, as_json: bool) -> None:
    """Register or update a source for each object on CONNECTION whose name fits PATTERN.

    Ends with 1 when an object could not be registered.
    """
    with busy(f"looking at {connection}"):
        found = market.sources.discover(connection, pattern)
    if as_json:
        print_json(found)
    else:
        say(found)
    if found.problems:
        raise SystemExit(FOUND)


def _flow(flow: ReviewFlow) -> str:
    """Where a flow leads, in one line."""
    rules = f"{len(flow.rules)} rules, else " if flow.rules else ""
    return rules + _event(flow.default)


def _event(event: FlowEvent) -> str:
    if event.kind != "review":
        return {"approve": "approved at once", "deny": "denied", "delegate": "the product says"}[
            event.kind
        ]
    stages = (
        " and ".join(" or ".join(str(seat) for seat in each) for each in stage.sets)
        for stage in event.stages
    )
    return "; then ".join(stages)
