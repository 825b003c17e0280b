"""Which things are stored, and by what they can be found.

Index keys are the only way lists are made: what a person may see is a condition on ``audience``
entries, what awaits them one on ``open_seat`` entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from attrs import frozen

from marketplace_sdk.domain.announcing import answerers
from marketplace_sdk.domain.campaigns import Campaign, CampaignCount, CampaignItem
from marketplace_sdk.domain.catalog import DataSource, Domain
from marketplace_sdk.domain.deciding import asked_in_time, done
from marketplace_sdk.domain.deputies import Deputyship
from marketplace_sdk.domain.destinations import Delivery, Destination, Standing
from marketplace_sdk.domain.emergency import EmergencyAccess
from marketplace_sdk.domain.forms import DataUseAgreement, FormVersion, RequestForm
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.inbox import InboxMessage
from marketplace_sdk.domain.people import Facts, GroupFacts, Person
from marketplace_sdk.domain.preferences import Channel, Digest, PersonPreferences
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.reviewing import reviewers
from marketplace_sdk.wire.codec import text_of
from marketplace_sdk.work.listing import Lookup, product_texts, stewards_of

__all__ = ["INDEX_VERSION", "KINDS", "Kind", "exception_key"]

T = TypeVar("T")
Entries = Iterable[tuple[str, str]]

INDEX_VERSION = 5
"""Raised by every change of what records are found by; ``marketplace migrate`` writes them anew."""


@frozen
class Kind(Generic[T]):
    """How one sort of value is stored.

    Attributes:
        name: of the record kind.
        type: of the value.
        id: its id.
        index: what it can be found by.
        order: text by which its lists are sorted.
        more: index entries that depend on other values.
        texts: what it can be searched by; see ``domain.search``.
    """

    name: str
    type: type[T]
    id: Callable[[Any], str]
    index: Callable[[Any], Entries]
    order: Callable[[Any], str] = lambda _: ""
    more: Callable[[Any, Lookup], Entries] = lambda _, __: ()
    texts: Callable[[Any, Lookup], tuple[str, ...]] = lambda _, __: ()


def _person(value: Person) -> Entries:
    if value.active:
        yield from (("token", token) for token in Facts(person=value).tokens)
    yield from (("principal", f"{where}|{name}") for where, name in value.principals.items())
    if value.owner:
        yield "owner", value.owner


def _group(value: GroupFacts) -> Entries:
    return (("principal", f"{where}|{name}") for where, name in value.principals.items())


def _domain(value: Domain) -> Entries:
    yield from {("holder", holder) for _, holder in value.permissions}
    yield from (("source", source) for source in value.sources)
    if value.dynamic:
        yield "dynamic", "yes"


def _source(value: DataSource) -> Entries:
    yield "connection", value.connection
    yield "object", f"{value.connection}|{value.object}"
    yield from (("tag", tag.name) for tag in value.tags)


def _form(value: RequestForm) -> Entries:
    yield "domain", value.domain or ""
    yield from (("agreement", agreement.id) for agreement in value.current.agreements)


def _product(value: DataProduct) -> Entries:
    yield "domain", value.domain
    yield "state", value.state
    if value.state != "deleted":
        yield "kept", "yes"
        yield "id", value.id
        yield "name", value.name.casefold()
        yield "owner", value.created_by
        # Whoever has to do with all products of the domain, for when the others are hidden.
        yield "audience", "permission:GOVERNANCE"
        yield "audience", "permission:AUDIT"
        yield "audience", f"domain:MANAGE_DATA_PRODUCTS:{value.domain}"
        yield "audience", f"product:{value.id}"
        yield from (("source", source) for source in value.sources)
        yield from {("form", form) for form in (value.form, value.masking_form) if form}
        yield from (("tag", tag) for tag in value.tags)


def _stewarded(value: DataProduct, get: Lookup) -> Entries:
    if value.state != "deleted":
        for steward in stewards_of(get, value):
            yield "steward", steward.token
            yield "audience", steward.token


def _request(value: AccessRequest) -> Entries:
    yield "state", value.state
    yield "kind", value.kind
    yield "product", value.product
    yield "domain", value.domain
    yield "requester", value.requester
    yield "beneficiary", value.beneficiary.token
    if value.grant:
        yield "grant", value.grant
    yield from audience(value)
    if value.state in ("approved", "revoked", "expired"):
        yield "ends", "no" if value.until is None else "yes"
    yield from {("steward", one.token) for one in value.stewards}
    yield from {("determined_by", who) for each in value.determinations for who in each.voices}
    if not value.determinations:
        yield "determined_by", ""
    yield from {("asked_by", each.asked_by) for each in value.inquiries}
    yield from {("answered_by", each.answered_by) for each in value.inquiries if each.answered_by}
    if value.open_inquiries:
        yield "inquiry", "open"
        yield from (("answerable_by", side.token) for side in answerers(value))
    if value.emergency is not None:
        yield from _emergency(value, value.emergency)
    if value.open:
        yield from (("open_seat", one.token) for one in asked_in_time(value))
        # Whoever has a seat and may not take it: the receiving side, and who took one already.
        yield from {("barred", f"user:{each.steward}") for each in done(value)}
        if not value.allow_self_review:
            yield "barred", f"user:{value.requester}"
            # Not the owner of a service account, which is whoever it is at the moment of asking.
            yield "barred", value.beneficiary.token


def _emergency(value: AccessRequest, kept: EmergencyAccess) -> Entries:
    yield "emergency", "any"
    yield "emergency", kept.standing
    if kept.pending:
        yield "emergency_by", value.requester
    # Those of after the deadline, too, whoever looks knows the time.
    yield from (("open_review", one.token) for one in reviewers(value, kept.review_due))
    yield from {("reviewed_by", each.by) for each in (kept.review, kept.settled) if each}


def audience(value: AccessRequest) -> Entries:
    """Tokens of everybody who may see a request's answers, or revoke it."""
    tokens = _readers(value)
    if value.open and value.form.fallback is not None:
        tokens.add(value.form.fallback.bound(value.domain).token)
    if value.open and value.escalation is not None:
        tokens.add(value.escalation.to.token)
    return (("audience", token) for token in tokens)


def _readers(value: AccessRequest) -> set[str]:
    tokens = {
        f"user:{value.requester}",
        value.beneficiary.token,
        "permission:GOVERNANCE",
        "permission:AUDIT",
        f"domain:MANAGE_DATA_PRODUCTS:{value.domain}",
        *(one.token for one in value.stewards),
    }
    if value.owner:
        tokens.add(f"user:{value.owner}")
    return tokens


def _grant(value: Grant) -> Entries:
    yield "state", value.state
    yield "kind", value.kind
    yield "product", value.product
    yield "beneficiary", value.beneficiary.token
    yield from (("request", request) for request in value.requests)
    if value.state != "ended":
        yield "open", "yes"
        yield "open_product", value.product
        yield "open_beneficiary", value.beneficiary.token
        yield from (("open_column", column) for column in value.columns)
        for source in {column.split(".", 1)[0] for column in value.columns}:
            yield "open_source", source
            yield "open_exception", exception_key(source, value.beneficiary.token)


def _campaign(value: Campaign) -> Entries:
    yield "state", value.state
    yield from (("domain", each) for each in value.domains)
    yield from (("product", each) for each in value.products)


def _item(value: CampaignItem) -> Entries:
    yield "campaign", value.campaign
    yield "state", value.state
    yield "domain", value.domain
    yield "product", value.product
    yield "subject", value.subject
    yield "grant", value.grant
    yield "beneficiary", value.beneficiary.token
    # Whose own access it is; not the owner of an account, who is whoever it is when asked.
    yield "barred", value.beneficiary.token
    yield from {("barred", f"user:{each}") for each in value.requesters}
    if value.decided_by:
        yield "decided_by", value.decided_by
    if value.open:
        yield "open_campaign", value.campaign
        yield "open_grant", value.grant


def exception_key(source: str, beneficiary: str) -> str:
    """By which the exceptions of a beneficiary (a token) on a source are found with one look."""
    return f"{source}.{beneficiary}"  # a source's name has no dot


def _seen_by(value: Grant, get: Lookup) -> Entries:
    """Whoever has a grant may see it, and whoever may see a request that it came from."""
    tokens = {value.beneficiary.token}
    for id in value.requests:
        request = get(AccessRequest, id)
        tokens |= set() if request is None else _readers(request)
    return (("audience", token) for token in tokens)


def _inbox(value: InboxMessage) -> Entries:
    yield "person", value.person
    if value.read_at is None:
        yield "unread", value.person


def _destination(value: Destination) -> Entries:
    if not value.deleted:
        yield "kept", "yes"
    elif not value.drained:
        yield "draining", "yes"


def _standing(value: Standing) -> Entries:
    if not value.active:
        yield "stopped", "yes"


def _deputyship(value: Deputyship) -> Entries:
    yield "person", value.person
    yield "deputy", value.deputy
    if value.ended_at is None:
        yield "standing", "yes"
    yield from {("audience", f"user:{id}") for id in (value.person, value.deputy)}
    yield from (
        ("audience", f"permission:{name}") for name in ("USER_ADMIN", "GOVERNANCE", "AUDIT")
    )


def _delivery(value: Delivery) -> Entries:
    yield "destination", value.destination
    yield "state", value.state


def _id(value: Any) -> str:
    return str(value.id)


def _name(value: Any) -> str:
    return str(value.name)


def _person_of(value: Any) -> str:
    return str(value.person)


def _created(value: Any) -> str:
    return text_of(value.created_at)


def _listed(value: CampaignItem) -> str:
    """Items of one product stand together, and in it those of one beneficiary."""
    return f"{value.product}|{value.beneficiary.token}"


KINDS: Mapping[type[Any], Kind[Any]] = {
    each.type: each
    for each in (
        Kind("person", Person, _id, _person),
        Kind("group", GroupFacts, _name, _group),
        Kind("domain", Domain, _name, _domain),
        Kind("source", DataSource, _name, _source),
        Kind("agreement", DataUseAgreement, _id, lambda _: ()),
        Kind("form", RequestForm, _id, _form, lambda value: value.name.casefold()),
        Kind("form_version", FormVersion, _id, lambda value: [("form", value.form)]),
        Kind(
            "product",
            DataProduct,
            _id,
            _product,
            lambda value: value.name.casefold(),
            more=_stewarded,
            texts=product_texts,
        ),
        Kind("request", AccessRequest, _id, _request, _created),
        Kind("grant", Grant, _id, _grant, _created, more=_seen_by),
        Kind("campaign", Campaign, _id, _campaign, _created),
        Kind("campaign_count", CampaignCount, _id, lambda _: ()),
        Kind("campaign_item", CampaignItem, _id, _item, _listed),
        Kind("destination", Destination, _id, _destination),
        Kind("standing", Standing, _name, _standing),
        Kind("delivery", Delivery, _id, _delivery, lambda value: text_of(value.at)),
        Kind("inbox", InboxMessage, _id, _inbox, lambda value: text_of(value.at)),
        Kind("preferences", PersonPreferences, _person_of, lambda _: ()),
        Kind("channel", Channel, _name, lambda _: ()),
        Kind("digest", Digest, _person_of, lambda _: ()),
        Kind("deputyship", Deputyship, _id, _deputyship, lambda value: text_of(value.until)),
    )
}
"""By type of the value. The ledger's kinds are the reconciler's own."""
