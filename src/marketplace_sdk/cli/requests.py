"""``marketplace requests``: file, look, ask back, decide, take back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from marketplace_sdk.cli.asking import answers_of, holder, pairs, sure, until
from marketplace_sdk.cli.each import done, done_each
from marketplace_sdk.cli.emergencies import emergencies
from marketplace_sdk.cli.grouping import Group
from marketplace_sdk.cli.opening import acting, confirmed
from marketplace_sdk.cli.showing import (
    clean,
    day,
    paged,
    print_json,
    print_page,
    print_table,
    say,
    shown,
)
from marketplace_sdk.cli.telling import show_request, what_of

if TYPE_CHECKING:
    from marketplace_sdk.domain.requests import AccessRequest
    from marketplace_sdk.marketplace import Services

__all__ = ["requests"]

STANDINGS = ("any", "open", "overdue", "justified", "unjustified", "awaiting_me")
STATES = ("pending", "approved", "denied", "canceled", "revoked", "expired")

_deputised = click.option(
    "--deputy-for", metavar="PERSON", help="The steward who has named you as a deputy."
)


@click.group(cls=Group)
def requests() -> None:
    """Access requests: file, look, ask back, decide, take back."""


for _each in emergencies:
    requests.add_command(_each)


@requests.command("list")
@click.option("--state", type=click.Choice(STATES))
@click.option("--kind", type=click.Choice(["access", "masking_exception"]))
@click.option("--product", metavar="ID", help="Only of this product.")
@click.option("--domain", metavar="NAME", help="Only of products of this domain.")
@click.option("--requester", metavar="PERSON", help="Only of who asked.")
@click.option(
    "--for",
    "beneficiary",
    callback=holder,
    metavar="WHO",
    help="Only for this person or group:NAME.",
)
@click.option("--mine", is_flag=True, help="Only those that await a decision of yours.")
@click.option("--to-answer", is_flag=True, help="Only those with a question for you.")
@click.option("--emergency", type=click.Choice(STANDINGS), help="Only emergency access.")
@paged
@shown
@acting
def list_(
    market: Services,
    *,
    mine: bool,
    to_answer: bool,
    as_json: bool,
    limit: int,
    after: str | None,
    every: bool,
    **filters: Any,
) -> None:
    """Requests that you may see, newest first."""
    filters["review"] = "awaiting_me" if mine else None
    filters["inquiry"] = "awaiting_me" if to_answer else None
    print_page(
        lambda **page: market.requests.find(**filters, **page),
        {
            "id": lambda each: each.id,
            "state": lambda each: each.state,
            "what": what_of,
            "product": lambda each: each.product_name,
            "for": lambda each: each.beneficiary,
            "asked by": lambda each: each.requester,
            "asked at": lambda each: day(each.created_at),
            "until": lambda each: day(each.until),
        },
        as_json=as_json,
        limit=limit,
        after=after,
        every=every,
    )


@requests.command()
@click.argument("id")
@shown
@acting
def show(market: Services, *, id: str, as_json: bool) -> None:
    """Everything about one request that you may see."""
    show_request(market.requests.get(id), as_json=as_json)


@requests.command()
@click.argument("id")
@shown
@acting
def explain(market: Services, *, id: str, as_json: bool) -> None:
    """Where a request stands: who approved, and who is still needed."""
    found = market.requests.explain(id)
    if as_json:
        print_json(found)
    else:
        say(found)


@requests.command()
@click.argument("id")
@shown
@acting
def history(market: Services, *, id: str, as_json: bool) -> None:
    """Everything that happened to a request, oldest first."""
    found = market.requests.history(id)
    if as_json:
        print_json(found)
    else:
        print_table(("at", "what", "by"), ((day(each.at), each.type, each.actor) for each in found))


@requests.command()
@click.argument("product")
@click.option(
    "--answer",
    "given",
    callback=pairs,
    multiple=True,
    metavar="KEY=VALUE",
    help="An answer of the form.",
)
@click.option("--acknowledge", multiple=True, metavar="AGREEMENT", help="Id or name of one.")
@click.option(
    "--for", "beneficiary", callback=holder, metavar="WHO", help="Who gets it, instead of you."
)
@click.option("--column", "columns", multiple=True, help="Ask to see this masked SOURCE.COLUMN.")
@shown
@acting
def create(
    market: Services,
    *,
    product: str,
    given: tuple[tuple[str, str], ...],
    acknowledge: tuple[str, ...],
    beneficiary: Any,
    columns: tuple[str, ...],
    as_json: bool,
) -> None:
    """Ask for access to PRODUCT, or with --column for a masking exception."""
    kind = "masking_exception" if columns else "access"
    form = market.forms.get(market.products.get(product).form_for(kind) or "standard").current
    more: dict[str, Any] = {
        "answers": answers_of(form, given),
        "acknowledge": acknowledge,
        "on_behalf_of": beneficiary,
        "form_version": form.id,
    }
    if columns:
        filed = market.requests.request_masking_exception(product, columns=columns, **more)
    else:
        filed = market.requests.request_access(product, **more)
    done(filed, as_json=as_json)


@requests.command()
@click.argument("id")
@click.argument("question")
@_deputised
@shown
@acting
def ask(market: Services, *, id: str, question: str, deputy_for: str | None, as_json: bool) -> None:
    """Ask the requester of ID something before you decide; it stays pending."""
    done(market.requests.ask(id, question, deputy_for=deputy_for), as_json=as_json)


@requests.command()
@click.argument("id")
@click.argument("answer")
@click.option("--inquiry", metavar="ID", help="Of the question, if more than one is open.")
@shown
@acting
def answer(market: Services, *, id: str, answer: str, inquiry: str | None, as_json: bool) -> None:
    """Answer what was asked about your request ID."""
    to = inquiry or _only_open(market.requests.get(id))
    done(market.requests.answer(id, to, answer), as_json=as_json)


@requests.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reason", required=True, help="Why; it is kept.")
@click.option(
    "--until", callback=until, metavar="WHEN", help="When access ends: '30 days', or a time."
)
@_deputised
@shown
@acting
def approve(
    market: Services,
    *,
    ids: tuple[str, ...],
    reason: str,
    until: Any,
    deputy_for: str | None,
    as_json: bool,
) -> None:
    """Approve as a steward, one or several; with --until for a while only."""
    said = {"reason": reason, "until": until, "deputy_for": deputy_for}
    done_each(
        ids,
        lambda id: market.requests.approve(id, **said),
        lambda all_: market.requests.approve_each(all_, **said),
        as_json=as_json,
    )


@requests.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reason", required=True, help="Why; it is kept.")
@_deputised
@shown
@acting
def deny(
    market: Services, *, ids: tuple[str, ...], reason: str, deputy_for: str | None, as_json: bool
) -> None:
    """Deny as a steward, one or several; one denial ends a request."""
    said: dict[str, Any] = {"reason": reason, "deputy_for": deputy_for}
    done_each(
        ids,
        lambda id: market.requests.deny(id, **said),
        lambda all_: market.requests.deny_each(all_, **said),
        as_json=as_json,
    )


@requests.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reason", default="", help="Why; it is kept.")
@shown
@acting
def cancel(market: Services, *, ids: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Call off pending requests, one or several."""
    done_each(
        ids,
        lambda id: market.requests.cancel(id, reason=reason),
        lambda all_: market.requests.cancel_each(all_, reason=reason),
        as_json=as_json,
    )


@requests.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reason", required=True, help="Why; it is kept.")
@confirmed
@shown
@acting
def revoke(
    market: Services, *, ids: tuple[str, ...], reason: str, yes: bool, as_json: bool
) -> None:
    """Take back what requests gave, one or several; shows what that is, and asks first."""
    if not yes:
        found = [market.requests.get(id) for id in dict.fromkeys(ids)]
        for request in found:
            if request.grant:
                _tell_grant(market, request)
        whose = ", ".join(dict.fromkeys(clean(request.beneficiary) for request in found))
        sure(f"revoke the access of {whose}?", yes=yes)
    done_each(
        ids,
        lambda id: market.requests.revoke(id, reason=reason),
        lambda all_: market.requests.revoke_each(all_, reason=reason),
        as_json=as_json,
    )


@requests.command()
@click.argument("id")
@click.option("--reason", default="", help="Why; it is kept.")
@confirmed
@shown
@acting
def relinquish(market: Services, *, id: str, reason: str, yes: bool, as_json: bool) -> None:
    """Give up what you have; shows what that is, and asks first."""
    request = market.requests.get(id)
    if request.grant and not yes:
        _tell_grant(market, request)
    sure("give it up?", yes=yes)
    done(market.requests.relinquish(id, reason=reason), as_json=as_json)


@requests.command()
@click.argument("id")
@click.option(
    "--answer",
    "given",
    callback=pairs,
    multiple=True,
    metavar="KEY=VALUE",
    help="An answer of the form.",
)
@click.option("--acknowledge", multiple=True, metavar="AGREEMENT", help="Id or name of one.")
@shown
@acting
def extend(
    market: Services,
    *,
    id: str,
    given: tuple[tuple[str, str], ...],
    acknowledge: tuple[str, ...],
    as_json: bool,
) -> None:
    """Ask for a later end of what request ID gave."""
    before = market.requests.get(id)
    form_id = market.products.get(before.product).form_for(before.kind) or "standard"
    answers = answers_of(market.forms.get(form_id).current, given)
    filed = market.requests.extend(id, answers=answers, acknowledge=acknowledge)
    done(filed, as_json=as_json)


def _only_open(request: AccessRequest) -> str:
    """Id of the one question that waits for an answer."""
    waiting = request.open_inquiries
    if len(waiting) != 1:
        known = ", ".join(each.id for each in waiting) or "none"
        raise click.UsageError(f"say with --inquiry which question; open are: {clean(known)}")
    return waiting[0].id


def _tell_grant(market: Services, request: AccessRequest) -> None:
    """What would be taken away, in the words of the platforms; on the side of questions."""
    grant = market.grants.get(request.grant)
    for line in (str(grant), *map(str, grant.items)):
        click.echo(clean(line), err=True)
