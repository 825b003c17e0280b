"""The permission matrix of the design (behaviour section 4), cell by cell, the empty ones included.

Every command of the public API is a row here, every role a column. The table is a transcription of
the design, not of the code. A cell says what somebody with exactly that role meets:

- ``yes``: it is done, and the effect can be read back;
- ``no``: `NotAllowed`, and nothing has changed;
- ``hid``: `NotFound`, because for this person the thing does not exist, and nothing has changed.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace_sdk import (
    Actor,
    AlreadyDetermined,
    AlreadyRequested,
    DataSource,
    DataUseAgreement,
    Declaration,
    DomainPolicy,
    Duration,
    Emergency,
    Escalation,
    InvalidInput,
    Marketplace,
    NotAllowed,
    NotFound,
    Question,
    ReviewFlow,
    domain_permission,
    group,
    user,
)
from marketplace_sdk.domain.events import Effects, Notice
from marketplace_sdk.domain.inbox import InboxMessage
from tests.rights.cast import CAST, NOBODY, REFUSED, Row, Scene, cells, name_of
from tests.world import GOV, LEGAL, PRIVACY, all_of, any_of

MDP = "MANAGE_DATA_PRODUCTS"
WHAT = Question.short_answer("what", "What for?")
LONG = Duration(30, "days")
TO_PRIVACY = Escalation(after=Duration(3, "days"), to=PRIVACY)
HOOK, FIRST, SECOND = "https://hook.example/", "env:HOOK_ONE", "env:HOOK_TWO"

# -- what the rows need beyond the scene --------------------------------------------------


def a_new_source(s: Scene) -> None:
    """Source ``extra``, in no domain."""
    s.market.sources.register(new_source(s), by="gil")


def new_source(s: Scene) -> DataSource:
    return DataSource("extra", connection="lake", object=s.world.objects["leave"], columns=["id"])


def tagged(s: Scene) -> None:
    s.market.sources.tag("leave", ["Staff"], by="gil")


def nothing_asked(s: Scene) -> None:
    """A product that nobody has asked for, and fay, who could get it."""
    s.product = s.world.publish(form=s.form, name="Fresh")
    s.world.platform.principal("fay")
    s.market.people.link("fay", "lake", "fay", by="uma")


def approved(s: Scene) -> None:
    """pat has access for 30 days."""
    s.world.approve(s.request, "ana", until=LONG)


def made_again(s: Scene) -> None:
    """pat's access is held, because somebody else made the table again."""
    approved(s)
    s.world.deliver()
    platform, name = s.world.platform.platform, s.world.objects["people"]
    platform.create(name, ["id", "name", "salary"], owner="mallory")
    platform.protect(name, "salary")
    s.market.sources.update("people", description="made again", by="gil")
    s.world.deliver()
    assert s.world.reads("pat") == "none"


def handed_over(s: Scene) -> None:
    """pat has access, and the table belongs to somebody else since."""
    platform, name = s.world.platform.platform, s.world.objects["people"]
    platform.hand_over(name, "loader")
    approved(s)
    s.world.deliver()
    platform.hand_over(name, "etl")
    assert s.market.grants.drift(by="gil").of("owner_changed")


def taken_by_hand(s: Scene) -> None:
    """pat has access, and an administrator has taken it away."""
    approved(s)
    s.world.deliver()
    s.world.platform.platform.revoke_by_hand(s.world.principals["pat"], s.world.objects["people"])


def had_before(s: Scene) -> None:
    """pat could read the table before anybody approved it."""
    platform = s.world.platform.platform
    platform.grant_by_hand(s.world.principals["pat"], s.world.objects["people"])
    approved(s)
    s.world.deliver()
    (s.found,) = s.market.grants.of("pat", by="pat")


def deputy_named(s: Scene) -> None:
    """ana, whom the flow names, has named sal for a month."""
    s.market.deputies.name("sal", until=LONG, id="away", by="ana")


def asked_back(s: Scene) -> None:
    """ana wants to know something about con's request for pat."""
    s.market.requests.ask(s.request.id, "Which heads?", inquiry="heads?", by="ana")


def campaign_over(s: Scene, silence: str = "keep") -> None:
    """A campaign asks about what pat holds."""
    approved(s)
    campaign = s.market.campaigns.start(
        "Review", domain="HR", deadline=timedelta(days=20), silence=silence, by="gil"
    )
    s.world.deliver()
    (s.found,) = s.market.campaigns.items(campaign.id, by="gil")


def campaign_without_stewards(s: Scene) -> None:
    """The form approves by itself, so that nobody is named: managers and GOVERNANCE stand in."""
    s.form = s.world.form(ReviewFlow.approve(justification="harmless"), name="Harmless")
    s.product = s.world.publish(form=s.form, name="Harmless")
    s.request = s.world.ask(s.product, on_behalf_of="pat")
    assert s.request.state == "approved"
    campaign = s.market.campaigns.start(
        "Review", products=[s.product.id], deadline=timedelta(days=20), silence="keep", by="gil"
    )
    s.world.deliver()
    (s.found,) = s.market.campaigns.items(campaign.id, by="gil")


def item(s: Scene):
    (found,) = s.market.campaigns.items(s.found.campaign, by="gil")
    return found


def exception_approved(s: Scene) -> None:
    """pat has a masking exception."""
    s.request = s.world.ask_unmasked(s.product, on_behalf_of="pat")
    s.world.approve(s.request, "ana", until=LONG)


def exception_asked(s: Scene) -> None:
    s.request = s.world.ask_unmasked(s.product, on_behalf_of="pat")


def asked_under(review: ReviewFlow | None, **more) -> object:
    """A product under another form, and con's request for pat under it."""

    def prepare(s: Scene) -> None:
        s.form = s.world.form(review, name="Other", **more)
        s.product = s.world.publish(form=s.form, name="Others")
        s.request = s.world.ask(s.product, on_behalf_of="pat")

    return prepare


def suspended(s: Scene) -> None:
    s.market.products.suspend(s.product.id, reason="audit", by="gil")


def widened_by_asking(s: Scene) -> None:
    """Source ``leave`` was added, and waits for the stewards' word."""
    s.market.domains.set_policy("HR", DomainPolicy(widening="ask"), by="gil")
    s.market.products.set_sources(s.product.id, ["people", "leave"], by="gil")


def unused_form(s: Scene) -> None:
    s.form = s.world.form(any_of(LEGAL), name="Unused")


def another_form(s: Scene) -> None:
    s.found = s.world.form(any_of(PRIVACY), name="Another")


def form_for_everybody(s: Scene) -> None:
    """A form of any{Legal} that belongs to everybody, used by products of HR and of FIN."""
    s.form = s.world.form(any_of(LEGAL), name="Everybody", domain=None, by="gil")
    s.world.publish(form=s.form, name="Ours")
    s.world.publish(form=s.form, name="Theirs", domain="FIN", sources=["ledger"], by="dan")


def delegating_form(s: Scene) -> None:
    """A form that delegates; the product names Legal."""
    s.form = s.world.form(ReviewFlow.delegate(), name="Delegating")
    s.product = s.world.publish(any_of(LEGAL), form=s.form, name="Delegated")


def an_empty_domain(s: Scene) -> None:
    """Domain OLD without products, which dee manages."""
    s.market.domains.create("OLD", by="gil")
    s.market.domains.grant("OLD", permission=MDP, to="dee", by="uma")


def a_dead_letter(s: Scene) -> None:
    s.world.hook.fail()
    s.world.deliver()
    (s.found,) = s.market.deliveries.dead(by="ada")


def a_webhook(s: Scene) -> None:
    s.market.destinations.create(HOOK, secret=FIRST, id="hook", by="ada")


def a_webhook_that_has_all(s: Scene) -> None:
    a_webhook(s)
    s.world.deliver()
    s.world.sites.received.clear()


def a_disabled_webhook(s: Scene) -> None:
    a_webhook(s)
    s.market.destinations.disable("hook", reason="moves", by="ada")


def old_and_sealed(s: Scene) -> None:
    """Everything happened 60 days ago, and is under a seal."""
    s.market.audit.seal()
    s.world.clock.advance(days=60)


def a_message_to_ana(s: Scene) -> None:
    s.world.deliver()
    s.found = s.market.inbox.of("ana", by="ana").items[0]


def a_message_to_everybody(s: Scene) -> None:
    """Jobs, which nobody writes to otherwise, included."""
    everybody = tuple(user(id) for id in (*CAST.values(), "system"))
    told = Notice(kind="product_published", about="product:heads", audience=everybody)
    with s.market._context.unit("system") as unit:
        unit.keep(Effects(notices=(told,)))
    s.world.deliver()


def something_read(s: Scene) -> bool:
    with s.market._context.unit("system", write=False) as unit:
        return any(each.read_at for each in unit.find(InboxMessage))


def a_read_message_to_ana(s: Scene) -> None:
    a_message_to_ana(s)
    s.market.inbox.mark_read(s.found.id, by="ana")


def emergency(*who) -> Emergency:
    return Emergency(duration=Duration(4, "hours"), review_within=Duration(2, "days"), who=who)


def opened_to_con(s: Scene) -> None:
    """A product on which con may break the glass."""
    s.product = s.world.publish(form=s.form, name="Open", emergency=emergency(user("con")))


def opened_to_legal(s: Scene) -> None:
    """A product on which all of Legal may, of whom the platform knows ana."""
    s.product = s.world.publish(form=s.form, name="Open", emergency=emergency(LEGAL))
    s.world.platform.principal("ana")
    s.market.people.link("ana", "lake", "ana", by="uma")


def glass_broken(s: Scene) -> None:
    """con has access in an emergency, which ana reviews."""
    opened_to_con(s)
    s.request = s.market.requests.break_glass(s.product.id, reason="it is down", by="con")


def review_overdue(s: Scene) -> None:
    glass_broken(s)
    s.world.clock.advance(days=3)
    s.world.deliver()


def found_unjustified(s: Scene) -> None:
    glass_broken(s)
    s.market.requests.review_emergency(s.request.id, justified=False, reason="no", by="ana")


# -- reading effects back ------------------------------------------------------------------


def current(s: Scene):
    """The form as it is, read by somebody who holds nothing."""
    return s.market.forms.get(s.form, by="sal").current


def product(s: Scene):
    return s.market.products.get(s.product.id, by="gil")


def request(s: Scene):
    return s.market.requests.get(s.request.id, by="gil")


def only(results):
    """The one result of a call for many, raised if it is an error."""
    (result,) = results
    if isinstance(result, Exception):
        raise result


def declared(s: Scene, do, **who) -> None:
    """A declaration of a domain, planned and applied; what fails is told, not raised."""
    wanted = Declaration(kind="domain", id="HR", fields={"description": "Declared"})
    plan = s.market.declarations.plan([wanted], by="gil")
    made = do.declarations.apply(plan, **who)
    if made.failed:
        assert "may not" in made.failed[0]
        raise NotAllowed(made.failed[0])


def domain(s: Scene, name: str = "HR"):
    return s.market.domains.get(name, by="sal")


def source(s: Scene, name: str = "leave"):
    return s.market.sources.get(name, by="sal")


def _own_id(who) -> str:
    """Who acts; a job has no facts of its own, so it takes fay."""
    by = who.get("by")
    return by if isinstance(by, str) and by else "fay"


def person(s: Scene, id: str):
    """The person, or None."""
    return next((each for each in s.market.people.find(by="uma") if each.id == id), None)


def named(page, name: str) -> bool:
    return any(each.name == name for each in page)


def state(s: Scene, *states: str) -> bool:
    return request(s).state in states


# -- the matrix ----------------------------------------------------------------------------

SECTION_4 = "behaviour 4: "
BEYOND = "architecture 8, who may beyond the matrix: "
CREATE_DOMAIN = SECTION_4 + "create a domain, assign data sources: GOVERNANCE"
POLICY = "behaviour B: domain policy: set by GOVERNANCE"
GRANT = SECTION_4 + "grant Manage Data Products: USER_ADMIN"
SOURCES = BEYOND + "sources register, tag: GOVERNANCE"
REPAIR = BEYOND + "domain policy; repair; adopt: GOVERNANCE"
DECIDED = (
    "architecture 7, replaced objects: else held and told; beyond the matrix: adopt: GOVERNANCE"
)
PUBLISH = SECTION_4 + "publish / manage a data product: GOVERNANCE, Manage Data Products"
ALTER = SECTION_4 + "alter a data product: GOVERNANCE, Manage Data Products (partial reads no)"
STEP = BEYOND + "product suspend, resume, retire, delete, set sources: GOVERNANCE and its managers"
CONFIRM = "behaviour B, domain policy: new requests only, until the stewards confirm"
ATTACH = (
    SECTION_4 + "attach a form to a data product: GOVERNANCE, managers (if owner: their domain)"
)
CREATE_FORM = SECTION_4 + "create a request form: GOVERNANCE, Manage Data Products"
EVERYBODY = "behaviour B, forms: belong to a domain, or to everybody (GOVERNANCE)"
EDIT_FORM = SECTION_4 + "edit a request form: GOVERNANCE, managers, steward if named in the form"
EDIT_REVIEW = (
    "behaviour B, forms: the review flow, agreements, fallback and allow_self_review need the "
    "form's manager, and GOVERNANCE when products of other domains use the form"
)
EDIT_PATIENCE = (
    "ADR 0008: escalation and the end of the wait are the form's manager's, and GOVERNANCE's when "
    "products of other domains use the form"
)
DELETE_FORM = SECTION_4 + "delete a request form (unused only): GOVERNANCE, Manage Data Products"
DECIDE = SECTION_4 + "decide a request: stewards; GOVERNANCE and managers only if steward"
SELF = "behaviour B, who may decide: neither requester nor beneficiary, unless allow_self_review"
ASK = SECTION_4 + "create an access request: anyone"
CAMPAIGN = "behaviour B, recertification: a campaign over active grants by the owner (ADR 0010)"
CERTIFY = "behaviour B, recertification: nobody certifies themselves; the named stewards (ADR 0010)"
ASK_BACK = "ADR 0006: whoever may decide a pending request now asks back; GOVERNANCE too"
ANSWER_BACK = "ADR 0006: requester and beneficiary answer, nobody else"
DEPUTY = "behaviour B, delegation: a steward may name a deputy for a time window and scope"
FOR_ANOTHER = DEPUTY + "; no chains, never to the requester; both names recorded"
END_DEPUTY = "ADR 0007: either of the two ends it, and USER_ADMIN and GOVERNANCE do"
CANCEL = BEYOND + "cancel: requester, beneficiary, GOVERNANCE"
REVOKE = SECTION_4 + "revoke a member: GOVERNANCE, Manage Data Products, data steward"
REVOKE_MASKING = SECTION_4 + "revoke a masking exception: GOVERNANCE, managers, data steward"
RELINQUISH = BEYOND + "relinquish: beneficiary"
GLASS = "behaviour B, break-glass, and ADR 0009: "
EXTEND = BEYOND + "extend: requester, beneficiary"
PEOPLE = BEYOND + "people add, update, link, deactivate: USER_ADMIN"
DEAD = "architecture 7: a dead letter that a person can replay; beside webhooks: APPLICATION_ADMIN"
WEBHOOKS = SECTION_4 + "configure webhooks: APPLICATION_ADMIN"
FORGET = "architecture 6: payloads may be erased; audit: AUDIT reads, GOVERNANCE governs"
INBOX = "behaviour B, reading rights: inbox: oneself"
PREFERENCES = (
    "behaviour 11: APPLICATION_ADMIN may switch it off for all, each user for himself; admin sets "
    "whether a channel is on and its default"
)

ALL_ = "     yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes"
GOV_ = "     yes  no   no   no   no   no   no   no   no   no   no "
MGR_ = "     yes  yes  no   no   no   no   no   no   no   no   no "
UADM = "     no   no   no   no   yes  no   no   no   no   no   no "
APP_ADMIN = "no   no   no   no   no   yes  no   no   no   no   no "

MATRIX = [
    # domains
    Row(
        what="create a domain",
        covers="domains.create",
        rule=CREATE_DOMAIN,
        cells=GOV_,
        act=lambda s, do, **who: do.domains.create("NEW", **who),
        shows=lambda s: named(s.market.domains.find(by="sal"), "NEW"),
    ),
    Row(
        what="create a domain that fills itself",
        covers="domains.create",
        rule=CREATE_DOMAIN,
        cells=GOV_,
        act=lambda s, do, **who: do.domains.create("NEW", tags=["Staff"], **who),
        shows=lambda s: named(s.market.domains.find(by="sal"), "NEW"),
    ),
    Row(
        what="assign sources to a domain",
        covers="domains.assign",
        rule=CREATE_DOMAIN,
        cells=GOV_,
        prepare=a_new_source,
        act=lambda s, do, **who: do.domains.assign("HR", ["extra"], **who),
        shows=lambda s: "extra" in s.market.domains.sources("HR", by="sal"),
    ),
    Row(
        what="remove sources from a domain",
        covers="domains.remove",
        rule=CREATE_DOMAIN,
        cells=GOV_,
        act=lambda s, do, **who: do.domains.remove("HR", ["leave"], **who),
        shows=lambda s: "leave" not in s.market.domains.sources("HR", by="sal"),
    ),
    Row(
        what="change what is said about a domain",
        covers="domains.update",
        rule=CREATE_DOMAIN,
        cells=GOV_,
        act=lambda s, do, **who: do.domains.update("HR", description="People", **who),
        shows=lambda s: domain(s).description == "People",
    ),
    Row(
        what="apply a declaration of a domain",
        covers="declarations.apply",
        rule=CREATE_DOMAIN,
        cells=GOV_,
        act=declared,
        shows=lambda s: domain(s).description == "Declared",
    ),
    Row(
        what="set a domain's policy",
        covers="domains.set_policy",
        rule=POLICY,
        cells=GOV_,
        act=lambda s, do, **who: do.domains.set_policy("HR", DomainPolicy(widening="ask"), **who),
        shows=lambda s: domain(s).policy.widening == "ask",
    ),
    Row(
        what="delete a domain",
        covers="domains.delete",
        rule=CREATE_DOMAIN,
        cells=GOV_,
        prepare=an_empty_domain,
        act=lambda s, do, **who: do.domains.delete("OLD", **who),
        shows=lambda s: not named(s.market.domains.find(by="sal"), "OLD"),
    ),
    Row(
        what="grant Manage Data Products",
        covers="domains.grant",
        rule=GRANT,
        cells=UADM,
        act=lambda s, do, **who: do.domains.grant("HR", permission=MDP, to="fay", **who),
        shows=lambda s: (MDP, "user:fay") in domain(s).permissions,
    ),
    Row(
        what="grant Manage Data Products to a group",
        covers="domains.grant",
        rule=GRANT,
        cells=UADM,
        act=lambda s, do, **who: do.domains.grant("HR", permission=MDP, to=PRIVACY, **who),
        shows=lambda s: (MDP, "group:Privacy") in domain(s).permissions,
    ),
    Row(
        what="grant another domain permission",
        covers="domains.grant",
        rule=GRANT,
        cells=UADM,
        act=lambda s, do, **who: do.domains.grant(
            "HR", permission="MANAGE_POLICIES", to="fay", **who
        ),
        shows=lambda s: ("MANAGE_POLICIES", "user:fay") in domain(s).permissions,
    ),
    Row(
        what="take Manage Data Products away",
        covers="domains.ungrant",
        rule=GRANT,
        cells=UADM,
        act=lambda s, do, **who: do.domains.ungrant("HR", permission=MDP, to="dee", **who),
        shows=lambda s: (MDP, "user:dee") not in domain(s).permissions,
    ),
    # sources
    Row(
        what="register a source",
        covers="sources.register",
        rule=SOURCES,
        cells=GOV_,
        act=lambda s, do, **who: do.sources.register(new_source(s), **who),
        shows=lambda s: named(s.market.sources.find(by="sal"), "extra"),
    ),
    Row(
        what="update a source",
        covers="sources.update",
        rule=SOURCES,
        cells=GOV_,
        act=lambda s, do, **who: do.sources.update("leave", description="Days off", **who),
        shows=lambda s: source(s).description == "Days off",
    ),
    Row(
        what="tag a source",
        covers="sources.tag",
        rule=SOURCES,
        cells=GOV_,
        act=lambda s, do, **who: do.sources.tag("leave", ["Staff"], **who),
        shows=lambda s: named(source(s).tags, "Staff"),
    ),
    Row(
        what="take a tag off a source",
        covers="sources.untag",
        rule=SOURCES,
        cells=GOV_,
        prepare=tagged,
        act=lambda s, do, **who: do.sources.untag("leave", ["Staff"], **who),
        shows=lambda s: not named(source(s).tags, "Staff"),
    ),
    Row(
        what="discover sources",
        covers="sources.discover",
        rule=SOURCES,
        cells=GOV_,
        prepare=lambda s: s.world.platform.platform.create("crm.clients", ["id"]),
        act=lambda s, do, **who: do.sources.discover("lake", "crm.*", **who),
        shows=lambda s: named(s.market.sources.find(by="sal"), "crm_clients"),
    ),
    Row(
        what="accept an object that was made again",
        covers="sources.accept_replaced",
        rule=DECIDED,
        cells=GOV_,
        prepare=made_again,
        act=lambda s, do, **who: do.sources.accept_replaced("people", **who),
        shows=lambda s: s.world.deliver() or s.world.reads("pat") == "clear",
    ),
    Row(
        what="accept that an object belongs to somebody else",
        covers="sources.accept_owner",
        rule=DECIDED,
        cells=GOV_,
        prepare=handed_over,
        act=lambda s, do, **who: do.sources.accept_owner("people", "etl", **who),
        shows=lambda s: s.market.grants.drift(by="gil").of("owner_changed") == (),
    ),
    # products
    Row(
        what="publish a product",
        covers="products.publish",
        rule=PUBLISH,
        cells=MGR_,
        act=lambda s, do, **who: do.products.publish(
            "New", domain="HR", sources=["people"], form=s.form, **who
        ),
        shows=lambda s: named(s.market.products.search(by="sal"), "New"),
    ),
    Row(
        what="update a product",
        covers="products.update",
        rule=ALTER,
        cells=MGR_,
        act=lambda s, do, **who: do.products.update(s.product.id, description="Heads", **who),
        shows=lambda s: product(s).description == "Heads",
    ),
    Row(
        what="choose the stewards of a product",
        covers="products.update",
        rule=ALTER,
        cells=MGR_,
        prepare=delegating_form,
        act=lambda s, do, **who: do.products.update(s.product.id, review=any_of(PRIVACY), **who),
        shows=lambda s: product(s).review == any_of(PRIVACY),
    ),
    Row(
        what="attach a form to a product",
        covers="products.update",
        rule=ATTACH,
        cells=MGR_,
        prepare=another_form,
        act=lambda s, do, **who: do.products.update(s.product.id, form=s.found, **who),
        shows=lambda s: s.found is not None and product(s).form == s.found,
    ),
    Row(
        what="attach a form for masking exceptions",
        covers="products.update",
        rule=ATTACH,
        cells=MGR_,
        prepare=another_form,
        act=lambda s, do, **who: do.products.update(s.product.id, masking_form=s.found, **who),
        shows=lambda s: s.found is not None and product(s).masking_form == s.found,
    ),
    Row(
        what="set the sources of a product",
        covers="products.set_sources",
        rule=STEP,
        cells=MGR_,
        act=lambda s, do, **who: do.products.set_sources(s.product.id, ["people", "leave"], **who),
        shows=lambda s: "leave" in product(s).sources,
    ),
    Row(
        what="confirm added sources",
        covers="products.confirm_sources",
        rule=CONFIRM,
        cells="yes  yes  no   yes  no   no   no   no   no   no   no ",
        prepare=widened_by_asking,
        act=lambda s, do, **who: do.products.confirm_sources(s.product.id, ["leave"], **who),
        shows=lambda s: not product(s).asked,
    ),
    Row(
        what="suspend a product",
        covers="products.suspend",
        rule=STEP,
        cells=MGR_,
        act=lambda s, do, **who: do.products.suspend(s.product.id, reason="audit", **who),
        shows=lambda s: product(s).state == "suspended",
    ),
    Row(
        what="resume a product",
        covers="products.resume",
        rule=STEP,
        cells=MGR_,
        prepare=suspended,
        act=lambda s, do, **who: do.products.resume(s.product.id, **who),
        shows=lambda s: product(s).state == "published",
    ),
    Row(
        what="retire a product",
        covers="products.retire",
        rule=STEP,
        cells=MGR_,
        act=lambda s, do, **who: do.products.retire(s.product.id, **who),
        shows=lambda s: product(s).state == "retired",
    ),
    Row(
        what="delete a product that nobody holds",
        covers="products.delete",
        rule=STEP,
        cells=MGR_,
        act=lambda s, do, **who: do.products.delete(s.product.id, **who),
        shows=lambda s: product(s).state in ("deleting", "deleted"),
    ),
    Row(
        what="delete a product and all access to it",
        covers="products.delete",
        rule=STEP,
        cells=MGR_,
        prepare=approved,
        act=lambda s, do, **who: do.products.delete(s.product.id, cascade=True, **who),
        shows=lambda s: state(s, "revoked"),
    ),
    # the same where products are hidden
    Row(
        what="update a hidden product",
        covers="products.update",
        rule="architecture 6: what somebody may not see answers NotFound; hide_products",
        cells="yes  yes  hid  no   hid  hid  no   no   no   hid  hid",
        more={"hide_products": True},
        act=lambda s, do, **who: do.products.update(s.product.id, description="Heads", **who),
        shows=lambda s: product(s).description == "Heads",
    ),
    Row(
        what="delete a hidden product",
        covers="products.delete",
        rule="architecture 6: what somebody may not see answers NotFound; hide_products",
        cells="yes  yes  hid  no   hid  hid  no   no   no   hid  hid",
        more={"hide_products": True},
        act=lambda s, do, **who: do.products.delete(s.product.id, **who),
        shows=lambda s: product(s).state in ("deleting", "deleted"),
    ),
    Row(
        what="confirm added sources of a hidden product",
        covers="products.confirm_sources",
        rule="architecture 6: what somebody may not see answers NotFound; hide_products",
        cells="yes  yes  hid  yes  hid  hid  no   no   no   hid  hid",
        more={"hide_products": True},
        prepare=widened_by_asking,
        act=lambda s, do, **who: do.products.confirm_sources(s.product.id, ["leave"], **who),
        shows=lambda s: not product(s).asked,
    ),
    # forms
    Row(
        what="create a form in a domain",
        covers="forms.create",
        rule=CREATE_FORM,
        cells=MGR_,
        act=lambda s, do, **who: do.forms.create("New", domain="HR", questions=[WHAT], **who),
        shows=lambda s: named(s.market.forms.find(domain="HR", by="sal"), "New"),
    ),
    Row(
        what="create a form for everybody",
        covers="forms.create",
        rule=EVERYBODY,
        cells=GOV_,
        act=lambda s, do, **who: do.forms.create("New", questions=[WHAT], **who),
        shows=lambda s: named(s.market.forms.find(domain="", by="sal"), "New"),
    ),
    Row(
        what="edit the questions of a form",
        covers="forms.edit",
        rule=EDIT_FORM,
        cells="yes  yes  no   yes  no   no   no   no   no   no   no ",
        act=lambda s, do, **who: do.forms.edit(s.form, questions=[WHAT], **who),
        shows=lambda s: current(s).questions == (WHAT,),
    ),
    Row(
        what="edit the questions of a form that delegates, as steward of the product",
        covers="forms.edit",
        rule="behaviour 13, case 42: given uma is steward by delegation, then Forbidden",
        cells=MGR_,
        prepare=delegating_form,
        act=lambda s, do, **who: do.forms.edit(s.form, questions=[WHAT], **who),
        shows=lambda s: current(s).questions == (WHAT,),
    ),
    Row(
        what="edit the questions of everybody's form",
        covers="forms.edit",
        rule=EVERYBODY + "; a steward named in a form may edit questions and help texts",
        cells="yes  no   no   yes  no   no   no   no   no   no   no ",
        prepare=form_for_everybody,
        act=lambda s, do, **who: do.forms.edit(s.form, questions=[WHAT], **who),
        shows=lambda s: current(s).questions == (WHAT,),
    ),
    Row(
        what="edit the review of a form",
        covers="forms.edit",
        rule=EDIT_REVIEW,
        cells=MGR_,
        act=lambda s, do, **who: do.forms.edit(s.form, review=any_of(PRIVACY), **who),
        shows=lambda s: current(s).review == any_of(PRIVACY),
    ),
    Row(
        what="edit questions and review of a form in one go",
        covers="forms.edit",
        rule=EDIT_REVIEW,
        cells=MGR_,
        act=lambda s, do, **who: do.forms.edit(
            s.form, questions=[WHAT], review=any_of(PRIVACY), **who
        ),
        shows=lambda s: current(s).questions == (WHAT,) or current(s).review == any_of(PRIVACY),
    ),
    Row(
        what="edit the agreements of a form",
        covers="forms.edit",
        rule=EDIT_REVIEW,
        cells=MGR_,
        act=lambda s, do, **who: do.forms.edit(
            s.form, agreements=[DataUseAgreement("Terms", "Be kind.")], **who
        ),
        shows=lambda s: named(current(s).agreements, "Terms"),
    ),
    Row(
        what="clear the agreements of a form",
        covers="forms.edit",
        rule=EDIT_REVIEW,
        cells=MGR_,
        prepare=lambda s: s.market.forms.edit(
            s.form, agreements=[DataUseAgreement("Terms", "Be kind.")], by="dee"
        ),
        act=lambda s, do, **who: do.forms.edit(s.form, agreements=[], **who),
        shows=lambda s: not current(s).agreements,
    ),
    Row(
        what="edit the fallback of a form",
        covers="forms.edit",
        rule=EDIT_REVIEW,
        cells=MGR_,
        act=lambda s, do, **who: do.forms.edit(s.form, fallback=PRIVACY, **who),
        shows=lambda s: current(s).fallback == PRIVACY,
    ),
    Row(
        what="edit whom a form adds when a stage stays open",
        covers="forms.edit",
        rule=EDIT_PATIENCE,
        cells=MGR_,
        act=lambda s, do, **who: do.forms.edit(s.form, escalation=TO_PRIVACY, **who),
        shows=lambda s: current(s).escalation == TO_PRIVACY,
    ),
    Row(
        what="edit when a form calls requests off",
        covers="forms.edit",
        rule=EDIT_PATIENCE,
        cells=MGR_,
        act=lambda s, do, **who: do.forms.edit(s.form, expire_after=Duration(30, "days"), **who),
        shows=lambda s: current(s).expire_after == Duration(30, "days"),
    ),
    Row(
        what="edit whom everybody's form adds, which products of other domains use",
        covers="forms.edit",
        rule=EDIT_PATIENCE,
        cells=GOV_,
        prepare=form_for_everybody,
        act=lambda s, do, **who: do.forms.edit(s.form, escalation=TO_PRIVACY, **who),
        shows=lambda s: current(s).escalation == TO_PRIVACY,
    ),
    Row(
        what="allow self-review in a form",
        covers="forms.edit",
        rule=EDIT_REVIEW,
        cells=MGR_,
        act=lambda s, do, **who: do.forms.edit(s.form, allow_self_review=True, **who),
        shows=lambda s: current(s).allow_self_review,
    ),
    Row(
        what="edit the review of everybody's form, which products of other domains use",
        covers="forms.edit",
        rule=EDIT_REVIEW,
        cells=GOV_,
        prepare=form_for_everybody,
        act=lambda s, do, **who: do.forms.edit(s.form, review=any_of(PRIVACY), **who),
        shows=lambda s: current(s).review == any_of(PRIVACY),
    ),
    Row(
        what="allow self-review in everybody's form",
        covers="forms.edit",
        rule=EDIT_REVIEW,
        cells=GOV_,
        prepare=form_for_everybody,
        act=lambda s, do, **who: do.forms.edit(s.form, allow_self_review=True, **who),
        shows=lambda s: current(s).allow_self_review,
    ),
    Row(
        what="delete a form that is not used",
        covers="forms.delete",
        rule=DELETE_FORM,
        cells=MGR_,
        prepare=unused_form,
        act=lambda s, do, **who: do.forms.delete(s.form, **who),
        shows=lambda s: (
            not named(s.market.forms.find(by="sal"), "Unused")
            and named(s.market.forms.find(by="sal"), "Form")
        ),
    ),
    Row(
        what="create a data use agreement",
        covers="forms.create_agreement",
        rule="architecture 8, forms.create_agreement: whoever may create a form, in any domain",
        cells="yes  yes  yes  no   no   no   no   no   no   no   no ",
        act=lambda s, do, **who: do.forms.create_agreement("Terms", "Be kind.", id="t", **who),
        # Agreements are read through forms: that this one exists only the log says.
        shows=lambda s: any('"agreement:t"' in line for line in s.market.audit.export(by="aud")),
    ),
    # deciding
    Row(
        what="approve a request",
        covers="requests.approve",
        rule=DECIDE,
        cells="no   no   hid  yes  hid  hid  no   no   no   hid  hid",
        act=lambda s, do, **who: do.requests.approve(s.request.id, reason="fine", **who),
        shows=lambda s: state(s, "approved"),
    ),
    Row(
        what="approve a request for some time",
        covers="requests.approve",
        rule=DECIDE,
        cells="no   no   hid  yes  hid  hid  no   no   no   hid  hid",
        act=lambda s, do, **who: do.requests.approve(
            s.request.id, reason="fine", until=LONG, **who
        ),
        shows=lambda s: state(s, "approved"),
    ),
    Row(
        what="approve a masking exception",
        covers="requests.approve",
        rule=DECIDE,
        cells="no   no   hid  yes  hid  hid  no   no   no   hid  hid",
        prepare=exception_asked,
        act=lambda s, do, **who: do.requests.approve(s.request.id, reason="fine", **who),
        shows=lambda s: state(s, "approved"),
    ),
    Row(
        what="deny a request",
        covers="requests.deny",
        rule=DECIDE,
        cells="no   no   hid  yes  hid  hid  no   no   no   hid  hid",
        act=lambda s, do, **who: do.requests.deny(s.request.id, reason="no need", **who),
        shows=lambda s: state(s, "denied"),
    ),
    Row(
        what="approve under the default review, which names GOVERNANCE and the managers",
        covers="requests.approve",
        rule=DECIDE + "; behaviour 13, case 21",
        cells="yes  yes  hid  hid  hid  hid  no   no   no   hid  hid",
        job="no",
        prepare=asked_under(None),
        act=lambda s, do, **who: do.requests.approve(s.request.id, reason="fine", **who),
        shows=lambda s: state(s, "approved"),
    ),
    Row(
        what="deny under the default review, which names GOVERNANCE and the managers",
        covers="requests.deny",
        rule=DECIDE + "; behaviour 13, case 21",
        cells="yes  yes  hid  hid  hid  hid  no   no   no   hid  hid",
        job="no",
        prepare=asked_under(None),
        act=lambda s, do, **who: do.requests.deny(s.request.id, reason="no need", **who),
        shows=lambda s: state(s, "denied"),
    ),
    Row(
        what="approve under a flow that names the managers only",
        covers="requests.approve",
        rule="behaviour B: GOVERNANCE alone is not enough; 13, case 24: not in another domain",
        cells="no   yes  hid  hid  hid  hid  no   no   no   hid  hid",
        prepare=asked_under(any_of(domain_permission(MDP))),
        act=lambda s, do, **who: do.requests.approve(s.request.id, reason="fine", **who),
        shows=lambda s: state(s, "approved"),
    ),
    Row(
        what="approve for oneself, as a steward",
        covers="requests.approve",
        rule=SELF,
        cells="no   no   hid  hid  hid  hid  no   no   no   hid  hid",
        prepare=asked_under(any_of(user("con"), user("pat"))),
        act=lambda s, do, **who: do.requests.approve(s.request.id, reason="fine", **who),
        shows=lambda s: state(s, "approved"),
    ),
    Row(
        what="deny one's own, as a steward",
        covers="requests.deny",
        rule=SELF,
        cells="no   no   hid  hid  hid  hid  no   no   no   hid  hid",
        prepare=asked_under(any_of(user("con"), user("pat"))),
        act=lambda s, do, **who: do.requests.deny(s.request.id, reason="no need", **who),
        shows=lambda s: state(s, "denied"),
    ),
    Row(
        what="approve for oneself, as a steward, where the form allows it",
        covers="requests.approve",
        rule=SELF,
        cells="no   no   hid  hid  hid  hid  no   yes  yes  hid  hid",
        prepare=asked_under(any_of(user("con"), user("pat")), allow_self_review=True),
        act=lambda s, do, **who: do.requests.approve(s.request.id, reason="fine", **who),
        shows=lambda s: state(s, "approved"),
    ),
    Row(
        what="approve for oneself where the form allows it, without being a steward",
        covers="requests.approve",
        rule=SELF,
        cells="no   no   hid  yes  hid  hid  no   no   no   hid  hid",
        prepare=asked_under(any_of(LEGAL), allow_self_review=True),
        act=lambda s, do, **who: do.requests.approve(s.request.id, reason="fine", **who),
        shows=lambda s: state(s, "approved"),
    ),
    # asking
    Row(
        what="request access",
        covers="requests.request_access",
        rule=ASK,
        cells=ALL_,
        job="no",
        prepare=nothing_asked,
        act=lambda s, do, **who: do.requests.request_access(
            s.product.id, answers={"why": "to know"}, on_behalf_of="fay", **who
        ),
        shows=lambda s: bool(s.market.requests.find(product=s.product.id, by="gil").items),
    ),
    Row(
        what="request a masking exception",
        covers="requests.request_masking_exception",
        rule=ASK,
        cells=ALL_,
        job="no",
        prepare=nothing_asked,
        act=lambda s, do, **who: do.requests.request_masking_exception(
            s.product.id,
            columns=["people.salary"],
            answers={"why": "to know"},
            on_behalf_of="fay",
            **who,
        ),
        shows=lambda s: bool(s.market.requests.find(product=s.product.id, by="gil").items),
    ),
    Row(
        what="ask for a later end",
        covers="requests.extend",
        rule=EXTEND,
        cells="no   no   hid  no   hid  hid  no   yes  yes  hid  hid",
        prepare=approved,
        act=lambda s, do, **who: do.requests.extend(s.request.id, answers={"why": "more"}, **who),
        shows=lambda s: any(each.extends for each in s.market.requests.find(by="gil")),
    ),
    Row(
        what="ask back about a pending request",
        covers="requests.ask",
        rule=ASK_BACK,
        cells="yes  no   hid  yes  hid  hid  no   no   no   hid  hid",
        job="no",
        act=lambda s, do, **who: do.requests.ask(s.request.id, "Which heads?", **who),
        shows=lambda s: len(request(s).open_inquiries) == 1,
    ),
    Row(
        what="ask back under the default review, which names GOVERNANCE and the managers",
        covers="requests.ask",
        rule=ASK_BACK,
        cells="yes  yes  hid  hid  hid  hid  no   no   no   hid  hid",
        job="no",
        prepare=asked_under(None),
        act=lambda s, do, **who: do.requests.ask(s.request.id, "Which heads?", **who),
        shows=lambda s: len(request(s).open_inquiries) == 1,
    ),
    Row(
        what="ask oneself, as a steward",
        covers="requests.ask",
        rule=SELF + "; " + ASK_BACK,
        cells="yes  no   hid  hid  hid  hid  no   no   no   hid  hid",
        job="no",
        prepare=asked_under(any_of(user("con"), user("pat"))),
        act=lambda s, do, **who: do.requests.ask(s.request.id, "Which heads?", **who),
        shows=lambda s: len(request(s).open_inquiries) == 1,
    ),
    Row(
        what="answer what was asked about a request",
        covers="requests.answer",
        rule=ANSWER_BACK,
        cells="no   no   hid  no   hid  hid  no   yes  yes  hid  hid",
        prepare=asked_back,
        act=lambda s, do, **who: do.requests.answer(s.request.id, "heads?", "All.", **who),
        shows=lambda s: request(s).inquiries[0].answer == "All.",
    ),
    Row(
        what="cancel a pending request",
        covers="requests.cancel",
        rule=CANCEL,
        cells="yes  no   hid  no   hid  hid  no   yes  yes  hid  hid",
        act=lambda s, do, **who: do.requests.cancel(s.request.id, **who),
        shows=lambda s: state(s, "canceled"),
    ),
    Row(
        what="cancel a pending request for a masking exception",
        covers="requests.cancel",
        rule=CANCEL,
        cells="yes  no   hid  no   hid  hid  no   yes  yes  hid  hid",
        prepare=exception_asked,
        act=lambda s, do, **who: do.requests.cancel(s.request.id, **who),
        shows=lambda s: state(s, "canceled"),
    ),
    # ending
    Row(
        what="revoke a member",
        covers="requests.revoke",
        rule=REVOKE,
        cells="yes  yes  hid  yes  hid  hid  no   no   no   hid  hid",
        prepare=approved,
        act=lambda s, do, **who: do.requests.revoke(s.request.id, reason="left", **who),
        shows=lambda s: state(s, "revoked"),
    ),
    Row(
        what="revoke a masking exception",
        covers="requests.revoke",
        rule=REVOKE_MASKING,
        cells="yes  yes  hid  yes  hid  hid  no   no   no   hid  hid",
        prepare=exception_approved,
        act=lambda s, do, **who: do.requests.revoke(s.request.id, reason="left", **who),
        shows=lambda s: state(s, "revoked"),
    ),
    Row(
        what="relinquish access",
        covers="requests.relinquish",
        rule=RELINQUISH,
        cells="no   no   hid  no   hid  hid  no   no   yes  hid  hid",
        prepare=approved,
        act=lambda s, do, **who: do.requests.relinquish(s.request.id, **who),
        shows=lambda s: state(s, "revoked"),
    ),
    Row(
        what="relinquish a masking exception",
        covers="requests.relinquish",
        rule=RELINQUISH,
        cells="no   no   hid  no   hid  hid  no   no   yes  hid  hid",
        prepare=exception_approved,
        act=lambda s, do, **who: do.requests.relinquish(s.request.id, **who),
        shows=lambda s: state(s, "revoked"),
    ),
    # emergencies
    Row(
        what="break the glass of a product",
        covers="requests.break_glass",
        rule=GLASS + "who: as the product says, whatever rank one has",
        cells="no   no   no   no   no   no   no   yes  no   no   no ",
        job="no",
        prepare=opened_to_con,
        act=lambda s, do, **who: do.requests.break_glass(s.product.id, reason="down", **who),
        shows=lambda s: bool(s.market.requests.find(emergency="any", by="gil").items),
    ),
    Row(
        what="break the glass of a product that allows it to everybody in Legal",
        covers="requests.break_glass",
        rule=GLASS + "a steward whom the product names; they review it not themselves",
        cells="no   no   no   yes  no   no   no   no   no   no   no ",
        job="no",
        prepare=opened_to_legal,
        act=lambda s, do, **who: do.requests.break_glass(s.product.id, reason="down", **who),
        shows=lambda s: bool(s.market.requests.find(emergency="any", by="gil").items),
    ),
    Row(
        what="review an emergency access",
        covers="requests.review_emergency",
        rule=GLASS + "whoever could have decided an ordinary request",
        cells="no   no   hid  yes  hid  hid  no   no   hid  hid  hid",
        job="no",
        prepare=glass_broken,
        act=lambda s, do, **who: do.requests.review_emergency(
            s.request.id, justified=True, reason="it was", **who
        ),
        shows=lambda s: request(s).emergency.standing == "justified",
    ),
    Row(
        what="review an emergency access when that is overdue",
        covers="requests.review_emergency",
        rule=GLASS + "once it is overdue GOVERNANCE, too",
        cells="yes  no   hid  yes  hid  hid  no   no   hid  hid  hid",
        job="no",
        prepare=review_overdue,
        act=lambda s, do, **who: do.requests.review_emergency(
            s.request.id, justified=False, reason="it was none", **who
        ),
        shows=lambda s: request(s).emergency.standing == "unjustified",
    ),
    Row(
        what="settle what was no emergency",
        covers="requests.settle_emergency",
        rule=GLASS + "GOVERNANCE",
        cells="yes  no   hid  no   hid  hid  no   no   hid  hid  hid",
        job="no",
        prepare=found_unjustified,
        act=lambda s, do, **who: do.requests.settle_emergency(s.request.id, reason="ok", **who),
        shows=lambda s: request(s).emergency.settled is not None,
    ),
    Row(
        what="allow emergency access to a product",
        covers="products.update",
        rule=GLASS + "per product opt-in of its manager",
        cells=MGR_,
        act=lambda s, do, **who: do.products.update(
            s.product.id, emergency=emergency(LEGAL), **who
        ),
        shows=lambda s: product(s).emergency is not None,
    ),
    # many at once: what one may not do to an item is told as the item's result
    Row(
        what="approve several requests",
        covers="requests.approve_each",
        rule=DECIDE,
        cells="no   no   hid  yes  hid  hid  no   no   no   hid  hid",
        act=lambda s, do, **who: only(do.requests.approve_each([s.request.id], reason="f", **who)),
        shows=lambda s: state(s, "approved"),
    ),
    Row(
        what="deny several requests",
        covers="requests.deny_each",
        rule=DECIDE,
        cells="no   no   hid  yes  hid  hid  no   no   no   hid  hid",
        act=lambda s, do, **who: only(do.requests.deny_each([s.request.id], reason="no", **who)),
        shows=lambda s: state(s, "denied"),
    ),
    Row(
        what="cancel several requests",
        covers="requests.cancel_each",
        rule=CANCEL,
        cells="yes  no   hid  no   hid  hid  no   yes  yes  hid  hid",
        act=lambda s, do, **who: only(do.requests.cancel_each([s.request.id], **who)),
        shows=lambda s: state(s, "canceled"),
    ),
    Row(
        what="revoke several members",
        covers="requests.revoke_each",
        rule=REVOKE,
        cells="yes  yes  hid  yes  hid  hid  no   no   no   hid  hid",
        prepare=approved,
        act=lambda s, do, **who: only(do.requests.revoke_each([s.request.id], reason="x", **who)),
        shows=lambda s: state(s, "revoked"),
    ),
    Row(
        what="request several products",
        covers="requests.request_each",
        rule=ASK,
        cells=ALL_,
        job="no",
        prepare=nothing_asked,
        act=lambda s, do, **who: only(
            do.requests.request_each(
                [s.product.id], answers={"why": "to count"}, on_behalf_of="fay", **who
            )
        ),
        shows=lambda s: bool(s.market.requests.find(product=s.product.id, by="gil").items),
    ),
    # people
    Row(
        what="add a person",
        covers="people.add",
        rule=PEOPLE,
        cells=UADM,
        act=lambda s, do, **who: do.people.add("new", **who),
        shows=lambda s: person(s, "new"),
    ),
    Row(
        what="add a service account",
        covers="people.add",
        rule=PEOPLE,
        cells=UADM,
        act=lambda s, do, **who: do.people.add("bot", kind="service_account", owner="sal", **who),
        shows=lambda s: person(s, "bot"),
    ),
    Row(
        what="update a person",
        covers="people.update",
        rule=PEOPLE,
        cells=UADM,
        act=lambda s, do, **who: do.people.update("fay", groups=["Legal"], **who),
        shows=lambda s: "Legal" in person(s, "fay").groups,
    ),
    Row(
        what="make oneself GOVERNANCE and the rest",
        covers="people.update",
        rule="architecture 6: whose permissions a USER_ADMIN sets (also for oneself)",
        cells=UADM,
        job="yes",
        act=lambda s, do, **who: do.people.update(
            _own_id(who), permissions=["GOVERNANCE", "USER_ADMIN"], **who
        ),
        shows=lambda s: any(
            {"GOVERNANCE", "USER_ADMIN"} <= each.permissions
            for each in s.market.people.find(by="uma")
        ),
    ),
    Row(
        what="say who somebody is on a platform",
        covers="people.link",
        rule=PEOPLE,
        cells=UADM,
        act=lambda s, do, **who: do.people.link("fay", "lake", "fay_there", **who),
        shows=lambda s: person(s, "fay").principals.get("lake") == "fay_there",
    ),
    Row(
        what="say who a group is on a platform",
        covers="people.link",
        rule=PEOPLE,
        cells=UADM,
        act=lambda s, do, **who: do.people.link(group("Legal"), "lake", "legal_there", **who),
        shows=lambda s: any('"group:Legal"' in line for line in s.market.audit.export(by="aud")),
    ),
    Row(
        what="say that somebody left",
        covers="people.deactivate",
        rule=PEOPLE,
        cells=UADM,
        act=lambda s, do, **who: do.people.deactivate("fay", **who),
        shows=lambda s: not person(s, "fay").active,
    ),
    Row(
        what="say that somebody is back",
        covers="people.reactivate",
        rule=PEOPLE,
        cells=UADM,
        prepare=lambda s: s.market.people.deactivate("fay", by="uma"),
        act=lambda s, do, **who: do.people.reactivate("fay", **who),
        shows=lambda s: person(s, "fay").active,
    ),
    # what may be forgotten
    Row(
        what="erase a person",
        covers="audit.erase",
        rule=FORGET,
        cells="yes  no   no   no   no   no   no   no   no   no   no ",
        prepare=lambda s: s.world.told("ana"),
        act=lambda s, do, **who: do.audit.erase("ana", reason="asked for it", **who),
        shows=lambda s: not s.market.inbox.of("ana", by="ana").items,
    ),
    Row(
        what="forget what is old",
        covers="audit.retain",
        rule=FORGET,
        cells="yes  no   no   no   no   no   no   no   no   no   no ",
        prepare=old_and_sealed,
        act=lambda s, do, **who: do.audit.retain(older_than=timedelta(days=30), **who),
        shows=lambda s: any('"erased"' in line for line in s.market.audit.export(by="aud")),
    ),
    # grants
    Row(
        what="repair what has drifted",
        covers="grants.repair",
        rule=REPAIR,
        cells=GOV_,
        prepare=taken_by_hand,
        act=lambda s, do, **who: do.grants.repair(**who),
        shows=lambda s: s.world.deliver() or s.world.reads("pat") == "clear",
    ),
    Row(
        what="adopt what was there before",
        covers="grants.adopt",
        rule=REPAIR,
        cells="     yes  no   hid  no   hid  hid  no   no   no   hid  hid",
        prepare=had_before,
        act=lambda s, do, **who: do.grants.adopt(s.found.id, **who),
        shows=lambda s: s.market.grants.get(s.found.id, by="gil").items[0].origin == "ours",
    ),
    # deputies
    Row(
        what="name a deputy for oneself",
        covers="deputies.name",
        rule=DEPUTY + "; what one has not, one does not hand on: anybody may name one",
        cells=ALL_,
        job="no",
        act=lambda s, do, **who: do.deputies.name("fay", until=LONG, id="mine", **who),
        shows=lambda s: any(each.id == "mine" for each in s.market.deputies.find(by="aud")),
    ),
    Row(
        what="end ana's deputyship of sal",
        covers="deputies.end",
        rule=END_DEPUTY,
        cells="yes  hid  hid  yes  yes  hid  no   hid  hid  hid  yes",
        prepare=deputy_named,
        act=lambda s, do, **who: do.deputies.end("away", **who),
        shows=lambda s: s.market.deputies.get("away", by="aud").ended_at is not None,
    ),
    Row(
        what="approve for ana, who has named sal",
        covers="requests.approve",
        rule=FOR_ANOTHER,
        cells="no   no   no   no   no   no   no   no   no   no   yes",
        prepare=deputy_named,
        act=lambda s, do, **who: do.requests.approve(
            s.request.id, reason="fine", deputy_for="ana", **who
        ),
        shows=lambda s: state(s, "approved"),
    ),
    Row(
        what="deny for ana, who has named sal",
        covers="requests.deny",
        rule=FOR_ANOTHER,
        cells="no   no   no   no   no   no   no   no   no   no   yes",
        prepare=deputy_named,
        act=lambda s, do, **who: do.requests.deny(
            s.request.id, reason="no", deputy_for="ana", **who
        ),
        shows=lambda s: state(s, "denied"),
    ),
    Row(
        what="ask back for ana, who has named sal",
        covers="requests.ask",
        rule=FOR_ANOTHER,
        cells="no   no   no   no   no   no   no   no   no   no   yes",
        prepare=deputy_named,
        act=lambda s, do, **who: do.requests.ask(
            s.request.id, "Which heads?", deputy_for="ana", **who
        ),
        shows=lambda s: request(s).inquiries != (),
    ),
    # preferences
    Row(
        what="choose how ana is told",
        covers="preferences.set",
        rule=PREFERENCES,
        cells="hid  hid  hid  yes  hid  hid  hid  hid  hid  hid  hid",
        act=lambda s, do, **who: do.preferences.set("ana", digest_at="17:00", **who),
        shows=lambda s: s.market.preferences.get("ana", by="ana").digest_at == "17:00",
    ),
    Row(
        what="switch a channel off for all",
        covers="preferences.set_default",
        rule=PREFERENCES,
        cells=APP_ADMIN,
        act=lambda s, do, **who: do.preferences.set_default("MemoryNotifier-1", on=False, **who),
        shows=lambda s: not s.market.preferences.defaults(by="sal")[0].on,
    ),
    # destinations
    Row(
        what="set up a webhook",
        covers="destinations.create",
        rule=WEBHOOKS,
        cells=APP_ADMIN,
        act=lambda s, do, **who: do.destinations.create(HOOK, secret=FIRST, id="new", **who),
        shows=lambda s: "new" in {x.id for x in s.market.destinations.find(by="ada")},
    ),
    Row(
        what="change a webhook",
        covers="destinations.update",
        rule=WEBHOOKS,
        cells=APP_ADMIN,
        prepare=a_webhook,
        act=lambda s, do, **who: do.destinations.update("hook", description="moved", **who),
        shows=lambda s: s.market.destinations.get("hook", by="ada").description == "moved",
    ),
    Row(
        what="exchange the secret of a webhook",
        covers="destinations.rotate_secret",
        rule=WEBHOOKS,
        cells=APP_ADMIN,
        prepare=a_webhook,
        act=lambda s, do, **who: do.destinations.rotate_secret("hook", secret=SECOND, **who),
        shows=lambda s: s.market.destinations.get("hook", by="ada").both_until is not None,
    ),
    Row(
        what="disable a webhook",
        covers="destinations.disable",
        rule=WEBHOOKS,
        cells=APP_ADMIN,
        prepare=a_webhook,
        act=lambda s, do, **who: do.destinations.disable("hook", reason="moves", **who),
        shows=lambda s: s.market.destinations.get("hook", by="ada").state == "disabled",
    ),
    Row(
        what="enable a webhook",
        covers="destinations.enable",
        rule=WEBHOOKS,
        cells=APP_ADMIN,
        prepare=a_disabled_webhook,
        act=lambda s, do, **who: do.destinations.enable("hook", **who),
        shows=lambda s: s.market.destinations.get("hook", by="ada").state == "active",
    ),
    Row(
        what="delete a webhook",
        covers="destinations.delete",
        rule=WEBHOOKS,
        cells=APP_ADMIN,
        prepare=a_webhook,
        act=lambda s, do, **who: do.destinations.delete("hook", **who),
        shows=lambda s: "hook" not in {x.id for x in s.market.destinations.find(by="ada")},
    ),
    Row(
        what="send to a webhook again",
        covers="destinations.redeliver",
        rule=WEBHOOKS,
        cells=APP_ADMIN,
        prepare=a_webhook_that_has_all,
        act=lambda s, do, **who: do.destinations.redeliver("hook", since=s.world.clock(), **who),
        shows=lambda s: s.world.deliver() or s.world.sites.received[HOOK],
    ),
    Row(
        what="try a webhook",
        covers="destinations.test",
        rule=WEBHOOKS,
        cells=APP_ADMIN,
        prepare=a_webhook,
        act=lambda s, do, **who: do.destinations.test("hook", **who),
        shows=lambda s: [each.type for each in s.world.sites.received[HOOK]] == ["test"],
    ),
    # messages
    Row(
        what="replay a dead letter",
        covers="deliveries.replay",
        rule=DEAD,
        cells="no   no   no   no   no   yes  no   no   no   no   no ",
        prepare=a_dead_letter,
        act=lambda s, do, **who: do.deliveries.replay(s.found.id, **who),
        shows=lambda s: not s.market.deliveries.dead(by="ada").items,
    ),
    Row(
        what="mark a message to ana as read",
        covers="inbox.mark_read",
        rule=INBOX,
        cells="hid  hid  hid  yes  hid  hid  hid  hid  hid  hid  hid",
        prepare=a_message_to_ana,
        act=lambda s, do, **who: do.inbox.mark_read(s.found.id, **who),
        shows=lambda s: any(each.read_at for each in s.market.inbox.of("ana", by="ana")),
    ),
    Row(
        what="mark a message to ana as unread",
        covers="inbox.mark_unread",
        rule=INBOX,
        cells="hid  hid  hid  yes  hid  hid  hid  hid  hid  hid  hid",
        prepare=a_read_message_to_ana,
        act=lambda s, do, **who: do.inbox.mark_unread(s.found.id, **who),
        shows=lambda s: not any(each.read_at for each in s.market.inbox.of("ana", by="ana")),
    ),
    Row(
        what="mark all of one's messages as read",
        covers="inbox.mark_all_read",
        rule=INBOX,
        cells=ALL_,
        prepare=a_message_to_everybody,
        act=lambda s, do, **who: do.inbox.mark_all_read(**who),
        shows=something_read,
    ),
    # campaigns
    Row(
        what="start a campaign over a domain",
        covers="campaigns.start",
        rule=CAMPAIGN,
        cells="yes  yes  no   no   no   no   no   no   no   no   no ",
        prepare=approved,
        act=lambda s, do, **who: do.campaigns.start(
            "Review", domain="HR", deadline=timedelta(days=20), silence="keep", **who
        ),
        shows=lambda s: len(s.market.campaigns.find(by="gil")) == 1,
    ),
    Row(
        what="start a campaign over a product",
        covers="campaigns.start",
        rule=CAMPAIGN,
        cells="yes  yes  no   no   no   no   no   no   no   no   no ",
        prepare=approved,
        act=lambda s, do, **who: do.campaigns.start(
            "Review", products=["heads"], deadline=timedelta(days=20), silence="keep", **who
        ),
        shows=lambda s: len(s.market.campaigns.find(by="gil")) == 1,
    ),
    Row(
        what="certify an access",
        covers="campaigns.certify",
        rule=CERTIFY,
        cells="no   no   hid  yes  hid  hid  no   hid  hid  hid  hid",
        job="no",
        prepare=campaign_over,
        act=lambda s, do, **who: do.campaigns.certify(s.found.id, reason="still needed", **who),
        shows=lambda s: item(s).state == "certified",
    ),
    Row(
        what="refuse an access",
        covers="campaigns.refuse",
        rule=CERTIFY,
        cells="no   no   hid  yes  hid  hid  no   hid  hid  hid  hid",
        job="no",
        prepare=campaign_over,
        act=lambda s, do, **who: do.campaigns.refuse(s.found.id, reason="has moved", **who),
        shows=lambda s: item(s).state == "refused" and state(s, "revoked"),
    ),
    Row(
        what="certify an access for which nobody is named",
        covers="campaigns.certify",
        rule=CERTIFY + "; fail towards somebody: the domain's managers and GOVERNANCE",
        cells="yes  yes  hid  hid  hid  hid  no   hid  hid  hid  hid",
        job="no",
        prepare=campaign_without_stewards,
        act=lambda s, do, **who: do.campaigns.certify(s.found.id, reason="still needed", **who),
        shows=lambda s: item(s).state == "certified",
    ),
    Row(
        what="close a campaign early",
        covers="campaigns.close",
        rule=CAMPAIGN,
        cells="yes  yes  hid  no   hid  hid  no   hid  hid  hid  hid",
        prepare=campaign_over,
        act=lambda s, do, **who: do.campaigns.close(s.found.campaign, reason="done", **who),
        shows=lambda s: s.market.campaigns.get(s.found.campaign, by="gil").state == "closed",
    ),
    Row(
        what="cancel a campaign",
        covers="campaigns.cancel",
        rule=CAMPAIGN,
        cells="yes  yes  hid  no   hid  hid  no   hid  hid  hid  hid",
        prepare=campaign_over,
        act=lambda s, do, **who: do.campaigns.cancel(s.found.campaign, reason="too early", **who),
        shows=lambda s: s.market.campaigns.get(s.found.campaign, by="gil").state == "canceled",
    ),
]

NEVER_A_JOB = {
    "deputies.name",
    "campaigns.certify",
    "campaigns.refuse",
    "requests.answer",
    "requests.approve",
    "requests.approve_each",
    "requests.break_glass",
    "requests.ask",
    "requests.deny",
    "requests.deny_each",
    "requests.request_access",
    "requests.request_each",
    "requests.request_masking_exception",
    "requests.extend",
    "requests.relinquish",
    "requests.review_emergency",
    "requests.settle_emergency",
}
ON_SQLITE = (
    "grant Manage Data Products",
    "publish a product",
    "edit the review of a form",
    "approve a request",
    "revoke a member",
)
BY_NAME = {row.what: row for row in MATRIX}


def meets(row: Row, scene: Scene, word: str, do, **who) -> None:
    """Do it, and check what the cell says: the effect, or the refusal and that nothing changed."""
    assert not row.shows(scene), "the scene shows the effect already: the row proves nothing"
    before = scene.picture()
    if word == "yes":
        row.act(scene, do, **who)
        assert row.shows(scene)
        assert scene.picture() != before
        return
    asked = len(scene.calls)
    with pytest.raises({"no": NotAllowed, "hid": NotFound}[word]) as caught:
        row.act(scene, do, **who)
    assert len(scene.calls) == asked, "refused, and yet the platform was asked"
    assert type(caught.value) is {"no": NotAllowed, "hid": NotFound}[word]
    assert not row.shows(scene)
    assert scene.picture() == before, "refused, and yet something changed"


@pytest.mark.parametrize(("row", "column", "word"), cells(MATRIX), ids=name_of)
def test_a_cell_of_the_permission_matrix(row, column, word):
    """What is allowed has its effect; what is refused, or does not exist, changes nothing."""
    scene = row.scene()
    meets(row, scene, word, scene.market, by=CAST[column])
    scene.close()


@pytest.mark.parametrize("what", ON_SQLITE)
def test_a_row_of_the_permission_matrix_on_sqlite(what, tmp_path):
    """The matrix is the same whatever keeps the marketplace's things."""
    row = BY_NAME[what]
    scene = row.scene(f"sqlite:///{tmp_path}/market.db")
    refusals_first = sorted(row.cell.items(), key=lambda cell: cell[1] == "yes")
    done = next(place for place, (_, word) in enumerate(refusals_first) if word == "yes")
    for column, word in refusals_first[: done + 1]:
        meets(row, scene, word, scene.market, by=CAST[column])
    scene.close()


@pytest.mark.parametrize("row", MATRIX, ids=name_of)
def test_a_job_has_the_four_global_permissions_and_never_decides_or_asks(row):
    """`as_system` may do what GOVERNANCE, USER_ADMIN, APPLICATION_ADMIN and AUDIT may, and no more.

    It never approves, denies or requests, not even where the flow names one of the four.
    """
    scene = row.scene()
    job = scene.market.as_system("nightly")
    words = [row.cell[rank] for rank in ("GOVERNANCE", "USER_ADMIN", "APPLICATION_ADMIN", "AUDIT")]
    expected = row.job or ("yes" if "yes" in words else "no" if "no" in words else "hid")
    if row.covers in NEVER_A_JOB:
        assert expected == "no"
    meets(row, scene, expected, job)
    scene.close()


@pytest.mark.parametrize("row", MATRIX, ids=name_of)
def test_a_command_needs_somebody_who_can_act(row):
    """Every command has an actor; blank, unknown, inactive and reserved ids are refused."""
    scene = row.scene()
    scene.add_leaver()
    before, logged = scene.picture(), len(scene.log())
    asked = len(scene.calls)
    for who, (by, error) in NOBODY.items():
        with pytest.raises(error):
            row.act(scene, scene.market, by=by)
        if by is not None:
            with pytest.raises(error):
                row.act(scene, scene.market.acting(by))
        assert len(scene.log()) == logged, f"{who} changed something"
        assert len(scene.calls) == asked, f"the platform was asked for {who}"
    assert scene.picture() == before
    scene.close()


@pytest.mark.parametrize("column", ["GOVERNANCE", "manager", "steward", "anyone"])
@pytest.mark.parametrize("what", ["publish a product", "approve a request", "revoke a member"])
def test_services_bound_to_an_actor_may_the_same(what, column):
    """`market.acting(actor)` returns the same services bound to the actor."""
    row = BY_NAME[what]
    scene = row.scene()
    bound = scene.market.acting(Actor(CAST[column], via="web"))
    meets(row, scene, row.cell[column], bound)
    scene.close()


@pytest.mark.parametrize("what", ["publish a product", "cancel a pending request"])
def test_a_name_given_with_the_call_goes_before_the_bound_one(what):
    """Bound to GOVERNANCE, called in the name of somebody who may not: refused."""
    row = BY_NAME[what]
    scene = row.scene()
    meets(row, scene, row.cell["anyone"], scene.market.acting("gil"), by="sal")
    scene.close()


# -- rules with more than one person in them ------------------------------------------------


@pytest.fixture
def crew():
    """con asks for group Crew, in which bo of Legal is a member; cy is one too."""
    scene = Scene()
    market = scene.market
    scene.world.platform.principal("crew_there")
    market.people.link(group("Crew"), "lake", "crew_there", by="uma")
    market.people.update("bo", groups=["Legal", "Crew"], by="uma")
    market.people.update("cy", groups=["Crew"], by="uma")
    scene.request = scene.world.ask(scene.product, on_behalf_of=group("Crew"))
    yield scene
    scene.close()


@pytest.fixture
def robot():
    """con asks for the service account bot, whose owner bo is of Legal."""
    scene = Scene()
    scene.market.people.add(
        "bot",
        kind="service_account",
        owner="bo",
        principals={"lake": scene.world.platform.principal("bot_there")},
        by="uma",
    )
    scene.request = scene.world.ask(scene.product, on_behalf_of="bot")
    yield scene
    scene.close()


@pytest.mark.parametrize("verb", ["approve", "deny"])
def test_a_member_of_the_group_that_would_get_it_does_not_decide(crew, verb):
    """Group as beneficiary: no member of that group may determine, steward or not."""
    decide = getattr(crew.market.requests, verb)
    before = crew.picture()

    for member in ("bo", "cy"):
        with pytest.raises(NotAllowed):
            decide(crew.request.id, reason="mine", by=member)

    assert crew.picture() == before
    assert decide(crew.request.id, reason="not mine", by="ana").state != "pending"


def test_a_member_of_the_group_neither_cancels_nor_relinquishes_for_all(crew):
    """Cancel: requester, beneficiary, GOVERNANCE; relinquish: beneficiary. A member is neither."""
    with pytest.raises(NotAllowed):
        crew.market.requests.cancel(crew.request.id, by="cy")
    assert request(crew).state == "pending"

    crew.world.approve(crew.request, "ana", until=LONG)
    for act in (crew.market.requests.relinquish, crew.market.requests.extend):
        with pytest.raises(NotAllowed):
            act(crew.request.id, by="cy")
    assert request(crew).state == "approved"


@pytest.mark.parametrize("verb", ["approve", "deny"])
def test_the_owner_of_the_account_that_would_get_it_does_not_decide(robot, verb):
    """Service account as beneficiary: not the account's owner, who is a steward here."""
    decide = getattr(robot.market.requests, verb)
    before = robot.picture()

    with pytest.raises(NotAllowed):
        decide(robot.request.id, reason="mine", by="bo")

    assert robot.picture() == before
    assert decide(robot.request.id, reason="not mine", by="ana").state != "pending"


def test_the_owner_of_an_account_gives_up_what_the_account_has(robot):
    """The owner answers for the account: relinquish is the beneficiary's, and so the owner's."""
    robot.world.approve(robot.request, "ana")

    robot.market.requests.relinquish(robot.request.id, by="bo")

    assert request(robot).state == "revoked"


def test_a_service_account_does_not_ask(robot):
    """A person asks, on behalf of the account if need be."""
    before = robot.picture()

    with pytest.raises(NotAllowed):
        robot.world.ask(robot.product, by="bot")

    assert robot.picture() == before


def test_who_held_a_right_and_lost_it_cannot_act():
    """Each act resolves its actor at that moment, so that a leaver cannot act."""
    scene = Scene()
    scene.market.domains.ungrant("HR", permission=MDP, to="dee", by="uma")
    scene.market.people.update("ana", groups=[], by="uma")
    scene.market.people.update("gil", permissions=[], by="uma")

    with pytest.raises(NotAllowed):
        scene.market.products.update(scene.product.id, description="mine", by="dee")
    with pytest.raises(NotFound):
        scene.market.requests.approve(scene.request.id, reason="fine", by="ana")
    with pytest.raises(NotAllowed):
        scene.market.domains.create("NEW", by="gil")

    assert scene.market.products.get(scene.product.id, by="aud").description == ""
    assert scene.market.requests.get(scene.request.id, by="aud").state == "pending"
    assert not named(scene.market.domains.find(by="aud"), "NEW")
    scene.close()


def test_a_right_held_through_a_group_counts():
    """Domain permissions are held directly or through a group."""
    scene = Scene()
    scene.market.domains.grant("HR", permission=MDP, to=group("Privacy"), by="uma")

    scene.market.products.update(scene.product.id, description="ours", by="cy")

    assert product(scene).description == "ours"
    scene.close()


def test_an_attribute_called_like_a_permission_is_none():
    """Permissions never come from an attribute that happens to be called GOVERNANCE."""
    scene = Scene()
    facts = {"GOVERNANCE": "GOVERNANCE", "permission": ["GOVERNANCE", "USER_ADMIN"]}
    scene.market.people.update("sal", attributes=facts, groups=["GOVERNANCE"], by="uma")

    for act in (scene.market.domains.create, scene.market.people.add):
        with pytest.raises(NotAllowed):
            act("mine", by="sal")

    scene.close()


def test_making_somebody_governance_is_told_to_the_auditors():
    """GOVERNANCE, also for oneself, raises an audit event."""
    scene = Scene()

    scene.market.people.update("uma", permissions=["USER_ADMIN", "GOVERNANCE"], by="uma")

    found = scene.market.audit.events("person:uma", by="aud")
    assert [(row.type, row.actor) for row in found][-1] == ("person.empowered", "uma")
    scene.close()


def test_a_person_does_not_say_who_they_are_on_a_platform():
    """People.link: by USER_ADMIN, never by the person, not even GOVERNANCE."""
    scene = Scene()
    before = scene.picture()

    for who in ("sal", "gil", "dee", "con"):
        with pytest.raises(NotAllowed):
            scene.market.people.link(who, "lake", "root", by=who)

    assert scene.picture() == before
    scene.close()


def test_a_job_is_audited_with_its_reason():
    """Jobs use `market.as_system(reason)`, audited; without a reason there is none."""
    scene = Scene()

    scene.market.as_system("nightly clean-up").requests.cancel(scene.request.id)

    said = [row for row in scene.market.audit.events(limit=1000, by="aud") if row.actor == "system"]
    assert ("system.acting", {"reason": "nightly clean-up"}) in [
        (row.type, dict(row.payload)) for row in said
    ]
    assert "request.canceled" in [row.type for row in said]
    scene.close()


def test_nobody_is_given_a_reserved_id():
    """Reserved ids are refused as people, as beneficiaries and as holders too."""
    scene = Scene()
    market = scene.market
    before = scene.picture()

    for act in (
        lambda: market.people.add("system", by="uma"),
        lambda: market.domains.grant("HR", permission=MDP, to="system", by="uma"),
        lambda: scene.world.ask(scene.product, on_behalf_of="system"),
    ):
        with pytest.raises(InvalidInput):
            act()

    assert scene.picture() == before
    scene.close()


def test_the_first_person_is_added_by_nobody_and_nobody_else_is():
    """`people.add` without an actor works on an empty directory only (bootstrap, audited)."""
    with Marketplace("memory", discover=False) as market:
        with pytest.raises(NotAllowed):
            market.people.add("con")
        market.people.add("uma", permissions=["USER_ADMIN", "AUDIT"])
        for permissions in ([], ["USER_ADMIN"]):
            with pytest.raises(NotAllowed):
                market.people.add("con", permissions=permissions)
        assert [each.id for each in market.people.find(by="uma")] == ["uma"]
        assert [row.type for row in market.audit.events(by="uma")] == ["person.added"]


def test_an_extension_is_decided_by_stewards_too():
    """Extension: own request; the beneficiary who asks for it does not decide it."""
    scene = Scene()
    approved(scene)
    more = scene.market.requests.extend(scene.request.id, answers={"why": "more"}, by="pat")

    for who in ("con", "pat", "gil", "dee"):
        with pytest.raises(REFUSED):
            scene.market.requests.approve(more.id, reason="mine", by=who)
    with pytest.raises(AlreadyRequested):
        scene.market.requests.extend(scene.request.id, answers={"why": "more"}, by="con")

    assert scene.world.approve(more, "ana", until=Duration(2, "months")).state == "approved"
    scene.close()


def test_only_stewards_of_the_open_stage_decide():
    """Stages in order: a steward of a later one sees the request and has to wait."""
    scene = Scene()
    two = ReviewFlow.review(*any_of(LEGAL).default.stages, *any_of(PRIVACY).default.stages)
    asked_under(two)(scene)
    before = scene.picture()

    for verb in (scene.market.requests.approve, scene.market.requests.deny):
        with pytest.raises(NotAllowed):
            verb(scene.request.id, reason="early", by="cy")

    assert scene.picture() == before
    assert scene.world.approve(scene.request, "ana", "cy").state == "approved"
    scene.close()


def test_one_seat_of_two_is_not_enough_for_a_denial_by_a_stranger():
    """Only who matches a seat of the open stage denies; GOVERNANCE does not by its rank."""
    scene = Scene()
    asked_under(all_of(LEGAL, PRIVACY))(scene)
    scene.world.approve(scene.request, "ana")

    for who in ("gil", "dee", "aud", "con", "pat"):
        with pytest.raises(NotAllowed):
            scene.world.deny(scene.request, who)
    for who in ("uma", "ada", "dan", "una", "sal"):
        with pytest.raises(NotFound):
            scene.world.deny(scene.request, who)

    assert request(scene).state == "pending"
    assert scene.world.deny(scene.request, "cy").state == "denied"
    scene.close()


def test_a_permission_named_in_the_flow_makes_a_steward_of_governance():
    """Decide: GOVERNANCE only if steward, which the flow may say by permission."""
    scene = Scene()
    asked_under(any_of(GOV))(scene)

    with pytest.raises(NotAllowed):
        scene.world.approve(scene.request, "dee")

    assert scene.world.approve(scene.request, "gil").state == "approved"
    scene.close()


def test_a_fallback_decides_only_where_nobody_else_can():
    """A form may name a fallback selector, for a seat that nobody can fill; and for no other."""
    scene = Scene()
    asked_under(any_of(LEGAL), fallback=user("fay"))(scene)
    for verb in (scene.market.requests.approve, scene.market.requests.deny):
        with pytest.raises(NotAllowed):
            verb(scene.request.id, reason="mine", by="fay")
    assert request(scene).state == "pending"

    for steward in ("ana", "bo"):
        scene.market.people.deactivate(steward, by="uma")

    assert scene.world.approve(scene.request, "fay").state == "approved"
    scene.close()


def test_whom_an_escalation_names_decides_from_its_instant_on():
    """ADR 0008: not before it, beside the named, and nobody else because of it."""
    scene = Scene()
    after = Escalation(after=Duration(3, "days"), to=user("fay"))
    asked_under(any_of(LEGAL), escalation=after)(scene)
    scene.world.clock.advance(timedelta(days=3, microseconds=-1))
    for verb in (scene.market.requests.approve, scene.market.requests.deny):
        with pytest.raises(NotAllowed):
            verb(scene.request.id, reason="early", by="fay")
    scene.world.clock.advance(timedelta(microseconds=1))

    for who in ("gil", "dee", "aud", "con", "pat"):
        with pytest.raises(NotAllowed):
            scene.world.approve(scene.request, who)
    for who in ("uma", "ada", "dan", "una", "sal"):
        with pytest.raises(NotFound):
            scene.world.approve(scene.request, who)

    assert request(scene).state == "pending"
    assert scene.world.approve(scene.request, "fay").state == "approved"
    scene.close()


def test_nobody_decides_what_is_called_off_by_time():
    """ADR 0008: from the instant on, whoever they are; reads and commands agree."""
    scene = Scene()
    asked_under(any_of(LEGAL), expire_after=Duration(3, "days"))(scene)
    scene.world.clock.advance(days=3)
    before = scene.picture()

    for verb in (scene.market.requests.approve, scene.market.requests.deny):
        for who in ("ana", "bo"):
            with pytest.raises(AlreadyDetermined):
                verb(scene.request.id, reason="late", by=who)

    assert scene.picture() == before
    assert request(scene).state == "canceled"
    scene.close()
