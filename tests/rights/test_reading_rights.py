"""The reading rights of the design (behaviour section B), cell by cell.

Every read of the public API is a row here, every role a column. A cell says what somebody with
exactly that role gets:

- ``yes``: the answer holds the thing;
- ``-``: an answer without the thing, as if it did not exist;
- ``no``: `NotAllowed`;
- ``hid``: `NotFound`, in the same words as for what really does not exist.
"""

from __future__ import annotations

import re

import pytest

from marketplace_sdk import (
    Declaration,
    Duration,
    Escalation,
    InvalidInput,
    NotAllowed,
    NotFound,
    Page,
    ReviewFlow,
    Stage,
    group,
    user,
)
from tests.rights.cast import CAST, NOBODY, Row, Scene, cells, name_of
from tests.rights.test_permission_matrix import (
    LONG,
    a_dead_letter,
    a_message_to_ana,
    approved,
    asked_back,
    asked_under,
    campaign_over,
    deputy_named,
    exception_approved,
    glass_broken,
    taken_by_hand,
)
from tests.world import LEGAL, PRIVACY, all_of, any_of

READING = "behaviour B, reading rights: "
ANSWERS = READING + (
    "answers and reasons of a request: requester, beneficiary, matching stewards, the domain's "
    "managers, GOVERNANCE, AUDIT; what one may not see is NotFound"
)
NAMES = READING + (
    "names of who could fill a seat: stewards of it, managers, GOVERNANCE, others see the "
    "selector only"
)
INQUIRIES = "ADR 0006: whoever may see a request's answers sees what was asked back; " + ANSWERS
GLASS = "ADR 0009: as private as other reasons; " + ANSWERS
CAMPAIGN = (
    "ADR 0010: its managers, GOVERNANCE and AUDIT read all of a campaign, whoever is asked their "
    "items, and for others there is none"
)
INBOX = READING + "inbox: oneself"
PREFERENCES = "behaviour 11: per user, per channel, per type preferences, as private as the inbox"
CHANNELS = "behaviour 11: whoever chooses knows between what (the design is silent)"
AUDIT = READING + "audit: AUDIT, GOVERNANCE"
PREVIEW = (
    "behaviour B, reading rights: preview of platform statements: stewards of the open seat, "
    "managers, GOVERNANCE, without other people's names"
)
DRIFT = "architecture 8, who may beyond the matrix: drift of a product: GOVERNANCE and its managers"
GRANTS = "architecture 6: a request or grant exists for those who may see its answers"
FOR_ALL = "architecture 6: products, forms, domains and source names exist for all"
SEARCH = "behaviour 4: search products: everybody"
HIDDEN = "architecture 6: unless hide_products: products exist for those who have to do with them"
PERSON = "README of people.get: oneself, USER_ADMIN, GOVERNANCE and AUDIT (the design is silent)"
DEAD = "architecture 7: a dead letter that a person can replay; beside webhooks: APPLICATION_ADMIN"
WEBHOOKS = "behaviour 4: configure webhooks: APPLICATION_ADMIN"
DEPUTY = "ADR 0007: the two, and who may end it; AUDIT reads"
FOR_ANOTHER = (
    "ADR 0007: while it lasts a deputy reads what the one represented reads as a steward; "
)
HOOK = "https://hook.example/"

ALL_ = "         yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes"
SEEN = "         yes  yes  hid  yes  hid  hid  yes  yes  yes  hid  hid"
ASKED = "        yes  yes  hid  yes  hid  hid  yes  hid  hid  hid  hid"
LISTED = "       yes  yes  -    yes  -    -    yes  yes  yes  -    -  "


def half_approved(s: Scene) -> None:
    """A request of all{Legal, Privacy} which ana has approved; bo or cy is missing."""
    asked_under(all_of(LEGAL, PRIVACY))(s)
    s.world.approve(s.request, "ana", reason="the budget is there")


def answered_back(s: Scene) -> None:
    """ana wanted to know two things, and was told one."""
    asked_back(s)
    s.market.requests.answer(s.request.id, "heads?", "All.", by="con")
    s.market.requests.ask(s.request.id, "For whom?", inquiry="whom?", by="ana")


def denied(s: Scene) -> None:
    s.request = s.world.deny(s.request, "ana")


def granted(s: Scene) -> None:
    approved(s)
    (s.found,) = s.market.grants.of("pat", by="pat")


def two_stages(s: Scene) -> None:
    """cy's group decides first, ana's then."""
    asked_under(ReviewFlow.review(Stage.any_of(PRIVACY), Stage.any_of(LEGAL)))(s)


def exception_granted(s: Scene) -> None:
    exception_approved(s)
    (s.found,) = s.market.grants.of("pat", by="pat")


def ended(s: Scene) -> None:
    granted(s)
    s.market.requests.revoke(s.request.id, reason="left", by="gil")
    s.world.deliver()
    assert s.market.grants.get(s.found.id, by="gil").state == "ended"


def of_extension(s: Scene) -> None:
    """The grant was made by others; its extension is ana's to decide, and to revoke."""
    asked_under(any_of(PRIVACY))(s)
    s.world.approve(s.request, "cy", until=LONG)
    s.market.forms.edit(s.form, review=any_of(LEGAL), by="dee")
    s.request = s.market.requests.extend(s.request.id, answers={"why": "more"}, by="pat")
    s.request = s.world.approve(s.request, "ana")
    (s.found,) = s.market.grants.of("pat", by="pat")


def retired(s: Scene) -> None:
    s.market.products.retire(s.product.id, by="gil")


def deleted(s: Scene) -> None:
    s.market.products.delete(s.product.id, by="gil")
    s.world.deliver()


def holds(page: Page, wanted: str) -> bool:
    """Whether a list holds it, by id or name."""
    return any(wanted in (getattr(each, "id", ""), getattr(each, "name", "")) for each in page)


def every_answer(_: Scene, request) -> bool:
    return (
        request.answers["why"] == "to count heads"
        and [each.reason for each in request.determinations] == ["the budget is there"]
        and request.form.questions != ()
    )


def a_webhook(s: Scene) -> None:
    s.market.destinations.create(HOOK, secret="env:HOOK_ONE", id="hook", by="ada")


def something_sent(s: Scene) -> None:
    a_webhook(s)
    s.world.deliver()


READS = [
    # deputies
    Row(
        what="ana's deputyship of sal",
        covers="deputies.get",
        rule=DEPUTY,
        cells="  yes  hid  hid  yes  yes  hid  yes  hid  hid  hid  yes",
        prepare=deputy_named,
        act=lambda s, do, **who: do.deputies.get("away", **who),
        shows=lambda s, found: found.deputy == "sal",
    ),
    Row(
        what="deputies of ana in a list",
        covers="deputies.find",
        rule=DEPUTY,
        cells="  yes  -    -    yes  yes  -    yes  -    -    -    yes",
        prepare=deputy_named,
        act=lambda s, do, **who: do.deputies.find(of="ana", **who),
        shows=lambda s, page: holds(page, "away"),
    ),
    Row(
        what="answers of a request that ana decides, who has named sal",
        covers="requests.get",
        rule=FOR_ANOTHER + ANSWERS,
        cells="  yes  yes  hid  yes  hid  hid  yes  yes  yes  hid  yes",
        prepare=deputy_named,
        act=lambda s, do, **who: do.requests.get(s.request.id, **who),
        shows=lambda s, found: found.answers["why"] == "to count heads",
    ),
    Row(
        what="what an approval by ana would change, who has named sal",
        covers="grants.preview",
        rule=FOR_ANOTHER + PREVIEW,
        cells="  yes  yes  hid  yes  hid  hid  no   no   no   hid  yes",
        prepare=deputy_named,
        act=lambda s, do, **who: do.grants.preview(s.request.id, **who),
        shows=lambda s, found: found.changes != (),
    ),
    Row(
        what="requests that await ana, who has named sal",
        covers="requests.awaiting",
        rule=FOR_ANOTHER + ANSWERS,
        cells="  -    -    -    yes  -    -    -    -    -    -    yes",
        prepare=deputy_named,
        act=lambda s, do, **who: do.requests.awaiting(**who),
        shows=lambda s, page: holds(page, s.request.id),
    ),
    # requests
    Row(
        what="answers and reasons of a request",
        covers="requests.get",
        rule=ANSWERS,
        cells=SEEN,
        prepare=half_approved,
        act=lambda s, do, **who: do.requests.get(s.request.id, **who),
        shows=every_answer,
    ),
    Row(
        what="the reason of a denial",
        covers="requests.get",
        rule=ANSWERS,
        cells=SEEN,
        prepare=denied,
        act=lambda s, do, **who: do.requests.get(s.request.id, **who),
        shows=lambda s, found: found.determinations[0].reason == "no need",
    ),
    Row(
        what="a masking exception request",
        covers="requests.get",
        rule=ANSWERS,
        cells=SEEN,
        prepare=exception_approved,
        act=lambda s, do, **who: do.requests.get(s.request.id, **who),
        shows=lambda s, found: found.columns == ("people.salary",),
    ),
    Row(
        what="answers and reasons of requests in a list",
        covers="requests.find",
        rule=ANSWERS,
        cells=LISTED,
        prepare=half_approved,
        act=lambda s, do, **who: do.requests.find(**who),
        shows=lambda s, page: any(
            each.id == s.request.id and every_answer(s, each) for each in page
        ),
    ),
    Row(
        what="requests of a person, asked for by name",
        covers="requests.find",
        rule=ANSWERS,
        cells=LISTED,
        act=lambda s, do, **who: do.requests.find(requester="con", beneficiary="pat", **who),
        shows=lambda s, page: holds(page, s.request.id),
    ),
    Row(
        what="requests of a product, asked for by name",
        covers="requests.find",
        rule=ANSWERS,
        cells=LISTED,
        prepare=granted,
        act=lambda s, do, **who: do.requests.find(product="heads", state="approved", **who),
        shows=lambda s, page: holds(page, s.request.id),
    ),
    Row(
        what="the history of a request",
        covers="requests.history",
        rule=ANSWERS,
        cells=SEEN,
        prepare=half_approved,
        act=lambda s, do, **who: do.requests.history(s.request.id, **who),
        shows=lambda s, rows: "request.determined" in [row.type for row in rows],
    ),
    Row(
        what="where a request stands, and which seats are open",
        covers="requests.explain",
        rule=NAMES + "; " + ANSWERS,
        cells=SEEN,
        prepare=half_approved,
        act=lambda s, do, **who: do.requests.explain(s.request.id, **who),
        shows=lambda s, found: (
            [str(seat) for seat in found.open_seats] != []
            and "Privacy" in found.text
            and "ana" in "".join(found.filled_seats)
        ),
    ),
    Row(
        what="what was asked back about a request, and answered",
        covers="requests.get",
        rule=INQUIRIES,
        cells=SEEN,
        prepare=answered_back,
        act=lambda s, do, **who: do.requests.get(s.request.id, **who),
        shows=lambda s, found: (
            [(each.question, each.answer) for each in found.inquiries]
            == [("Which heads?", "All."), ("For whom?", "")]
        ),
    ),
    Row(
        what="what was asked back and waits for an answer, in words",
        covers="requests.explain",
        rule=INQUIRIES,
        cells=SEEN,
        prepare=answered_back,
        act=lambda s, do, **who: do.requests.explain(s.request.id, **who),
        shows=lambda s, found: (
            "asked by ana, not answered: For whom?" in found.text
            and [each.id for each in found.open_inquiries] == ["whom?"]
        ),
    ),
    Row(
        what="requests about which something was asked back",
        covers="requests.find",
        rule=INQUIRIES,
        cells=LISTED,
        prepare=answered_back,
        act=lambda s, do, **who: do.requests.find(inquiry="open", **who),
        shows=lambda s, page: holds(page, s.request.id),
    ),
    Row(
        what="requests about which one could answer a question",
        covers="requests.find",
        rule=INQUIRIES,
        cells="     -    -    -    -    -    -    -    yes  yes  -    -  ",
        prepare=answered_back,
        act=lambda s, do, **who: do.requests.find(inquiry="awaiting_me", **who),
        shows=lambda s, page: holds(page, s.request.id),
    ),
    Row(
        what="why the glass was broken",
        covers="requests.get",
        rule=GLASS,
        cells="     yes  yes  hid  yes  hid  hid  yes  yes  hid  hid  hid",
        prepare=glass_broken,
        act=lambda s, do, **who: do.requests.get(s.request.id, **who),
        shows=lambda s, found: found.emergency.reason == "it is down",
    ),
    Row(
        what="emergency access of others",
        covers="requests.find",
        rule=GLASS,
        cells="     yes  yes  -    yes  -    -    yes  yes  -    -    -  ",
        prepare=glass_broken,
        act=lambda s, do, **who: do.requests.find(emergency="any", **who),
        shows=lambda s, page: holds(page, s.request.id),
    ),
    Row(
        what="emergency access that waits for one's review",
        covers="requests.find",
        rule=GLASS,
        cells="     -    -    -    yes  -    -    -    -    -    -    -  ",
        prepare=glass_broken,
        act=lambda s, do, **who: do.requests.find(emergency="awaiting_me", **who),
        shows=lambda s, page: holds(page, s.request.id),
    ),
    Row(
        what="names of who could fill a seat",
        covers="requests.explain",
        rule=NAMES,
        cells="     yes  yes  hid  yes  hid  hid  -    -    -    hid  hid",
        prepare=half_approved,
        act=lambda s, do, **who: do.requests.explain(s.request.id, **who),
        shows=lambda s, found: (
            any("cy" in ids for ids in found.candidates.values())
            or bool(re.search(r"\b(bo|cy)\b", repr(found) + str(found)))
        ),
    ),
    Row(
        what="requests that await one's decision",
        covers="requests.awaiting",
        rule="architecture 6: awaiting my decision: open seats joined with one's memberships",
        cells="     -    -    -    yes  -    -    -    -    -    -    -  ",
        act=lambda s, do, **who: do.requests.awaiting(**who),
        shows=lambda s, page: holds(page, s.request.id),
    ),
    Row(
        what="requests under the default review that await one's decision",
        covers="requests.awaiting",
        rule="architecture 8: default review: any of GOVERNANCE and the domain's managers",
        cells="     yes  yes  -    -    -    -    -    -    -    -    -  ",
        job="yes",
        prepare=asked_under(None),
        act=lambda s, do, **who: do.requests.awaiting(**who),
        shows=lambda s, page: holds(page, s.request.id),
    ),
    # grants
    Row(
        what="grants of a person",
        covers="grants.of",
        rule=GRANTS,
        cells=LISTED,
        prepare=granted,
        act=lambda s, do, **who: do.grants.of("pat", **who),
        shows=lambda s, page: holds(page, s.found.id),
    ),
    Row(
        what="ended grants of a person",
        covers="grants.of",
        rule=GRANTS,
        cells=LISTED,
        prepare=ended,
        act=lambda s, do, **who: do.grants.of("pat", ended=True, **who),
        shows=lambda s, page: holds(page, s.found.id),
    ),
    Row(
        what="grants on a product",
        covers="grants.find",
        rule=GRANTS,
        cells=LISTED,
        prepare=granted,
        act=lambda s, do, **who: do.grants.find(product="heads", **who),
        shows=lambda s, page: holds(page, s.found.id),
    ),
    Row(
        what="all grants",
        covers="grants.find",
        rule=GRANTS,
        cells=LISTED,
        prepare=exception_granted,
        act=lambda s, do, **who: do.grants.find(**who),
        shows=lambda s, page: holds(page, s.found.id),
    ),
    Row(
        what="one grant",
        covers="grants.get",
        rule=GRANTS,
        cells=SEEN,
        prepare=granted,
        act=lambda s, do, **who: do.grants.get(s.found.id, **who),
        shows=lambda s, found: found.beneficiary == "user:pat",
    ),
    Row(
        what="one masking exception",
        covers="grants.get",
        rule=GRANTS,
        cells=SEEN,
        prepare=exception_granted,
        act=lambda s, do, **who: do.grants.get(s.found.id, **who),
        shows=lambda s, found: found.columns == ("people.salary",),
    ),
    Row(
        what="a grant of which one is steward by its extension",
        covers="grants.get",
        rule=GRANTS + " and those who may revoke it",
        cells=SEEN,
        prepare=of_extension,
        act=lambda s, do, **who: do.grants.get(s.found.id, **who),
        shows=lambda s, found: s.request.id in found.requests,
    ),
    Row(
        what="what an approval would change",
        covers="grants.preview",
        rule=PREVIEW,
        cells="     yes  yes  hid  yes  hid  hid  no   no   no   hid  hid",
        act=lambda s, do, **who: do.grants.preview(s.request.id, **who),
        shows=lambda s, seen: s.world.principals["pat"] in str(seen),
    ),
    Row(
        what="what an approval would change, for a steward of a later stage",
        covers="grants.preview",
        rule=PREVIEW,
        cells="     yes  yes  hid  no   hid  hid  no   no   no   hid  hid",
        prepare=two_stages,
        act=lambda s, do, **who: do.grants.preview(s.request.id, **who),
        shows=lambda s, seen: s.world.principals["pat"] in str(seen),
    ),
    Row(
        what="what other sources of a product would change",
        covers="products.preview",
        rule=PREVIEW,
        cells="     yes  yes  no   no   no   no   no   no   no   no   no ",
        prepare=granted,
        act=lambda s, do, **who: do.products.preview(
            s.product.id, sources=["people", "leave"], **who
        ),
        shows=lambda s, seen: "GRANT SELECT" in str(seen) and "pat" not in str(seen),
    ),
    Row(
        what="what has drifted anywhere",
        covers="grants.drift",
        rule=DRIFT,
        cells="     yes  no   no   no   no   no   no   no   no   no   no ",
        prepare=taken_by_hand,
        act=lambda s, do, **who: do.grants.drift(**who),
        shows=lambda s, drift: [each.kind for each in drift.findings] == ["missing"],
    ),
    Row(
        what="what has drifted of a product",
        covers="grants.drift",
        rule=DRIFT,
        cells="     yes  yes  no   no   no   no   no   no   no   no   no ",
        prepare=taken_by_hand,
        act=lambda s, do, **who: do.grants.drift(product="heads", **who),
        shows=lambda s, drift: [each.kind for each in drift.findings] == ["missing"],
    ),
    Row(
        what="what has drifted of a product, where products are hidden",
        covers="grants.drift",
        rule=DRIFT,
        cells="     yes  yes  hid  hid  hid  hid  hid  hid  hid  hid  hid",
        more={"hide_products": True},
        act=lambda s, do, **who: do.grants.drift(product="heads", **who),
        shows=lambda s, drift: drift.targets == 1,
    ),
    # people
    Row(
        what="a person",
        covers="people.get",
        rule=PERSON,
        cells="     yes  hid  hid  hid  yes  hid  yes  hid  yes  hid  hid",
        act=lambda s, do, **who: do.people.get("pat", **who),
        shows=lambda s, found: found.id == "pat" and bool(found.principals),
    ),
    Row(
        what="all people",
        covers="people.find",
        rule=PERSON,
        cells="     yes  no   no   no   yes  no   yes  no   no   no   no ",
        act=lambda s, do, **who: do.people.find(**who),
        shows=lambda s, page: holds(page, "pat"),
    ),
    # what exists for all
    Row(
        what="a product",
        covers="products.get",
        rule=FOR_ALL,
        cells=ALL_,
        act=lambda s, do, **who: do.products.get("heads", **who),
        shows=lambda s, found: found.name == "Heads",
    ),
    Row(
        what="a product that is closed",
        covers="products.get",
        rule=FOR_ALL,
        cells=ALL_,
        prepare=retired,
        act=lambda s, do, **who: do.products.get("heads", **who),
        shows=lambda s, found: found.state == "retired",
    ),
    Row(
        what="the tombstone of a product",
        covers="products.get",
        rule="behaviour B, product withdrawn: a tombstone stays (for managers, GOVERNANCE, AUDIT)",
        cells="     yes  yes  hid  hid  hid  hid  yes  hid  hid  hid  hid",
        prepare=deleted,
        act=lambda s, do, **who: do.products.get("heads", **who),
        shows=lambda s, found: found.state == "deleted",
    ),
    Row(
        what="that pat has asked, told by the product's status",
        covers="products.get",
        rule="architecture 8: products.get(id, by=) with the viewer's status",
        cells="     -    -    -    -    -    -    -    -    yes  -    -  ",
        act=lambda s, do, **who: do.products.get("heads", **who),
        shows=lambda s, found: found.status == "pending",
    ),
    Row(
        what="products found by search",
        covers="products.search",
        rule=SEARCH,
        cells=ALL_,
        act=lambda s, do, **who: do.products.search("heads", **who),
        shows=lambda s, page: holds(page, "Heads"),
    ),
    Row(
        what="a hidden product",
        covers="products.get",
        rule=HIDDEN,
        cells="     yes  yes  hid  yes  hid  hid  yes  yes  yes  hid  hid",
        more={"hide_products": True},
        act=lambda s, do, **who: do.products.get("heads", **who),
        shows=lambda s, found: found.name == "Heads",
    ),
    Row(
        what="a hidden product that nobody has asked for",
        covers="products.get",
        rule=HIDDEN,
        cells="     yes  yes  hid  yes  hid  hid  yes  hid  hid  hid  hid",
        more={"hide_products": True},
        prepare=lambda s: s.world.publish(form=s.form, id="fresh", name="Fresh"),
        act=lambda s, do, **who: do.products.get("fresh", **who),
        shows=lambda s, found: found.name == "Fresh",
    ),
    Row(
        # The matrix gives a steward, and "those who have to do with them" gives requester and
        # beneficiary, a yes here: by the request that they may see.
        what="hidden products found by search",
        covers="products.search",
        rule=HIDDEN,
        cells="     yes  yes  -    yes  -    -    yes  yes  yes  -    -  ",
        more={"hide_products": True},
        act=lambda s, do, **who: do.products.search("heads", **who),
        shows=lambda s, page: holds(page, "Heads"),
    ),
    Row(
        what="a form",
        covers="forms.get",
        rule=FOR_ALL,
        cells=ALL_,
        act=lambda s, do, **who: do.forms.get(s.form, **who),
        shows=lambda s, found: found.name == "Form",
    ),
    Row(
        what="a version of a form",
        covers="forms.version",
        rule=FOR_ALL,
        cells=ALL_,
        act=lambda s, do, **who: do.forms.version(s.request.form.id, **who),
        shows=lambda s, found: found.form == s.form,
    ),
    Row(
        what="all forms",
        covers="forms.find",
        rule=FOR_ALL,
        cells=ALL_,
        act=lambda s, do, **who: do.forms.find(**who),
        shows=lambda s, page: holds(page, s.form),
    ),
    Row(
        what="schemas of the kinds of questions",
        covers="forms.kinds",
        rule=FOR_ALL,
        cells=ALL_,
        act=lambda s, do, **who: do.forms.kinds(**who),
        shows=lambda s, kinds: dict(kinds) == {},
    ),
    Row(
        what="a domain",
        covers="domains.get",
        rule=FOR_ALL,
        cells=ALL_,
        act=lambda s, do, **who: do.domains.get("HR", **who),
        shows=lambda s, found: found.name == "HR",
    ),
    Row(
        what="all domains",
        covers="domains.find",
        rule=FOR_ALL,
        cells=ALL_,
        act=lambda s, do, **who: do.domains.find(**who),
        shows=lambda s, page: holds(page, "HR"),
    ),
    Row(
        what="what there is as declarations",
        covers="declarations.export",
        rule=FOR_ALL,
        cells=ALL_,
        act=lambda s, do, **who: do.declarations.export(**who),
        shows=lambda s, found: ("domain", "HR") in {(each.kind, each.id) for each in found},
    ),
    Row(
        what="a plan of declarations",
        covers="declarations.plan",
        rule=FOR_ALL,
        cells=ALL_,
        act=lambda s, do, **who: do.declarations.plan(
            [Declaration(kind="domain", id="HR", fields={"description": "x"})], **who
        ),
        shows=lambda s, plan: [each.title for each in plan.changes] == ["~ domain HR"],
    ),
    Row(
        what="names of a domain's sources",
        covers="domains.sources",
        rule=FOR_ALL,
        cells=ALL_,
        act=lambda s, do, **who: do.domains.sources("HR", **who),
        shows=lambda s, names: names == ("leave", "people"),
    ),
    Row(
        what="a source",
        covers="sources.get",
        rule=FOR_ALL,
        cells=ALL_,
        act=lambda s, do, **who: do.sources.get("people", **who),
        shows=lambda s, found: found.name == "people",
    ),
    Row(
        what="all sources",
        covers="sources.find",
        rule=FOR_ALL,
        cells=ALL_,
        act=lambda s, do, **who: do.sources.find(**who),
        shows=lambda s, page: holds(page, "people"),
    ),
    # messages and the log
    Row(
        what="how ana is told",
        covers="preferences.get",
        rule=PREFERENCES,
        cells="     hid  hid  hid  yes  hid  hid  hid  hid  hid  hid  hid",
        act=lambda s, do, **who: do.preferences.get("ana", **who),
        shows=lambda s, view: view.person == "ana",
    ),
    Row(
        what="which channels there are",
        covers="preferences.defaults",
        rule=CHANNELS,
        cells=ALL_,
        act=lambda s, do, **who: do.preferences.defaults(**who),
        shows=lambda s, channels: [each.name for each in channels] == ["MemoryNotifier-1"],
    ),
    Row(
        what="ana's inbox",
        covers="inbox.of",
        rule=INBOX,
        cells="     hid  hid  hid  yes  hid  hid  hid  hid  hid  hid  hid",
        prepare=a_message_to_ana,
        act=lambda s, do, **who: do.inbox.of("ana", **who),
        shows=lambda s, page: holds(page, s.found.id),
    ),
    Row(
        what="what ana has not read",
        covers="inbox.of",
        rule=INBOX,
        cells="     hid  hid  hid  yes  hid  hid  hid  hid  hid  hid  hid",
        prepare=a_message_to_ana,
        act=lambda s, do, **who: do.inbox.of("ana", unread=True, **who),
        shows=lambda s, page: holds(page, s.found.id),
    ),
    Row(
        what="events of the audit log",
        covers="audit.events",
        rule=AUDIT,
        cells="     yes  no   no   no   no   no   yes  no   no   no   no ",
        act=lambda s, do, **who: do.audit.events(limit=1000, **who),
        shows=lambda s, rows: "request.submitted" in [row.type for row in rows],
    ),
    Row(
        what="events about a request, in the audit log",
        covers="audit.events",
        rule=AUDIT,
        cells="     yes  no   no   no   no   no   yes  no   no   no   no ",
        act=lambda s, do, **who: do.audit.events(s.request.aggregate, **who),
        shows=lambda s, rows: "request.submitted" in [row.type for row in rows],
    ),
    Row(
        what="the audit log exported",
        covers="audit.export",
        rule=AUDIT,
        cells="     yes  no   no   no   no   no   yes  no   no   no   no ",
        act=lambda s, do, **who: do.audit.export(**who),
        shows=lambda s, lines: any("request.submitted" in line for line in lines),
    ),
    Row(
        what="the audit log as a table",
        covers="audit.export",
        rule=AUDIT,
        cells="     yes  no   no   no   no   no   yes  no   no   no   no ",
        act=lambda s, do, **who: do.audit.export(format="csv", **who),
        shows=lambda s, lines: any("request.submitted" in line for line in lines),
    ),
    Row(
        what="seals over the audit log",
        covers="audit.seals",
        rule=AUDIT,
        cells="     yes  no   no   no   no   no   yes  no   no   no   no ",
        prepare=lambda s: s.market.audit.seal(),
        act=lambda s, do, **who: do.audit.seals(**who),
        shows=lambda s, seals: [seal.number for seal in seals] == [1],
    ),
    Row(
        what="dead letters",
        covers="deliveries.dead",
        rule=DEAD,
        cells="     no   no   no   no   no   yes  no   no   no   no   no ",
        prepare=a_dead_letter,
        act=lambda s, do, **who: do.deliveries.dead(**who),
        shows=lambda s, found: [each.id for each in found] == [s.found.id],
    ),
    Row(
        what="a webhook",
        covers="destinations.get",
        rule=WEBHOOKS,
        cells="     no   no   no   no   no   yes  no   no   no   no   no ",
        prepare=a_webhook,
        act=lambda s, do, **who: do.destinations.get("hook", **who),
        shows=lambda s, found: found.url == HOOK,
    ),
    Row(
        what="all destinations",
        covers="destinations.find",
        rule=WEBHOOKS,
        cells="     no   no   no   no   no   yes  no   no   no   no   no ",
        prepare=a_webhook,
        act=lambda s, do, **who: do.destinations.find(**who),
        shows=lambda s, found: {each.id for each in found} == {"hook", "MemoryNotifier-1"},
    ),
    Row(
        what="what became of messages to a webhook",
        covers="destinations.history",
        rule=WEBHOOKS,
        cells="     no   no   no   no   no   yes  no   no   no   no   no ",
        prepare=something_sent,
        act=lambda s, do, **who: do.destinations.history("hook", **who),
        shows=lambda s, found: {each.state for each in found} == {"delivered"},
    ),
    # campaigns
    Row(
        what="a campaign",
        covers="campaigns.get",
        rule=CAMPAIGN,
        cells=ASKED,
        prepare=campaign_over,
        act=lambda s, do, **who: do.campaigns.get(s.found.campaign, **who),
        shows=lambda s, found: found.name == "Review",
    ),
    Row(
        what="campaigns in a list",
        covers="campaigns.find",
        rule=CAMPAIGN,
        cells="       yes  yes  -    yes  -    -    yes  -    -    -    -  ",
        prepare=campaign_over,
        act=lambda s, do, **who: do.campaigns.find(**who),
        shows=lambda s, page: holds(page, s.found.campaign),
    ),
    Row(
        what="how far a campaign is",
        covers="campaigns.progress",
        rule=CAMPAIGN,
        cells="       yes  yes  hid  no   hid  hid  yes  hid  hid  hid  hid",
        prepare=campaign_over,
        act=lambda s, do, **who: do.campaigns.progress(s.found.campaign, **who),
        shows=lambda s, found: found.open == 1,
    ),
    Row(
        what="items of a campaign",
        covers="campaigns.items",
        rule=CAMPAIGN,
        cells=ASKED,
        prepare=campaign_over,
        act=lambda s, do, **who: do.campaigns.items(s.found.campaign, **who),
        shows=lambda s, page: holds(page, s.found.id),
    ),
    Row(
        what="items of a campaign that await one's answer",
        covers="campaigns.items",
        rule=CAMPAIGN,
        cells="       -    -    hid  yes  hid  hid  -    hid  hid  hid  hid",
        job="-",
        prepare=campaign_over,
        act=lambda s, do, **who: do.campaigns.items(s.found.campaign, awaiting_me=True, **who),
        shows=lambda s, page: holds(page, s.found.id),
    ),
    Row(
        what="the report of a campaign",
        covers="campaigns.report",
        rule=CAMPAIGN,
        cells=ASKED,
        prepare=campaign_over,
        act=lambda s, do, **who: list(do.campaigns.report(s.found.campaign, **who)),
        shows=lambda s, lines: s.found.id in "".join(lines),
    ),
]
ON_SQLITE = (
    "answers and reasons of requests in a list",
    "names of who could fill a seat",
    "hidden products found by search",
    "requests that await one's decision",
)
BY_NAME = {row.what: row for row in READS}


@pytest.fixture(scope="module")
def scenes():
    """One world for each row, made when first needed: reading changes nothing."""
    made: dict[str, Scene] = {}

    def scene(row: Row) -> Scene:
        if row.what not in made:
            made[row.what] = row.scene()
            made[row.what].add_leaver()
        return made[row.what]

    yield scene
    for each in made.values():
        each.close()


def gets(row: Row, scene: Scene, word: str, do, **who) -> None:
    """Read it, and check that the answer is what the cell says."""
    before = scene.log()
    if word in ("yes", "-"):
        found = row.act(scene, do, **who)
        assert bool(row.shows(scene, found)) is (word == "yes")
    else:
        error = {"no": NotAllowed, "hid": NotFound}[word]
        asked = len(scene.calls)
        with pytest.raises(error) as caught:
            row.act(scene, do, **who)
        assert type(caught.value) is error
        assert len(scene.calls) == asked, "refused, and yet the platform was asked"
    assert scene.log() == before, "a read changed something"


@pytest.mark.parametrize(("row", "column", "word"), cells(READS), ids=name_of)
def test_a_cell_of_the_reading_rights(scenes, row, column, word):
    """Everybody sees what the design gives their role, and nothing else."""
    scene = scenes(row)
    gets(row, scene, word, scene.market, by=CAST[column])


@pytest.mark.parametrize("what", ON_SQLITE)
def test_a_row_of_the_reading_rights_on_sqlite(what, tmp_path):
    """What a person may see is a condition of the store's own, so another store has to agree."""
    row = BY_NAME[what]
    scene = row.scene(f"sqlite:///{tmp_path}/market.db")
    for column, word in row.cell.items():
        gets(row, scene, word, scene.market, by=CAST[column])
    scene.close()


@pytest.mark.parametrize("row", READS, ids=name_of)
def test_a_job_reads_what_the_four_global_permissions_read(scenes, row):
    """`as_system` may read what GOVERNANCE, USER_ADMIN, APPLICATION_ADMIN or AUDIT may."""
    scene = scenes(row)
    words = [row.cell[rank] for rank in ("GOVERNANCE", "USER_ADMIN", "APPLICATION_ADMIN", "AUDIT")]
    best = next(word for word in ("yes", "-", "no", "hid") if word in words)
    job = scene.market.as_system("report")
    gets(row, scene, row.job or best, job)


@pytest.mark.parametrize("who", NOBODY)
@pytest.mark.parametrize("row", READS, ids=name_of)
def test_a_read_needs_somebody_who_can_act(scenes, row, who):
    """Every read has an actor too; blank, unknown, inactive and reserved ids are refused."""
    scene = scenes(row)
    by, error = NOBODY[who]
    asked = len(scene.calls)
    with pytest.raises(error):
        row.act(scene, scene.market, by=by)
    if by is not None:
        with pytest.raises(error):
            row.act(scene, scene.market.acting(by))
    assert len(scene.calls) == asked, "the platform was asked for nobody"


# -- rules with more than one person in them ------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        ("request", lambda do, id: do.requests.get(id, by="sal")),
        ("request", lambda do, id: do.requests.explain(id, by="sal")),
        ("request", lambda do, id: do.requests.history(id, by="sal")),
        ("request", lambda do, id: do.requests.approve(id, reason="r", by="sal")),
        ("request", lambda do, id: do.requests.deny(id, reason="r", by="sal")),
        ("request", lambda do, id: do.requests.cancel(id, by="sal")),
        ("request", lambda do, id: do.requests.revoke(id, reason="r", by="sal")),
        ("request", lambda do, id: do.requests.relinquish(id, by="sal")),
        ("request", lambda do, id: do.requests.extend(id, by="sal")),
        ("grant", lambda do, id: do.grants.get(id, by="sal")),
        ("product", lambda do, id: do.products.get(id, by="sal")),
        ("product", lambda do, id: do.products.update(id, description="d", by="sal")),
        ("product", lambda do, id: do.products.set_sources(id, ["people"], by="sal")),
        ("product", lambda do, id: do.products.confirm_sources(id, ["people"], by="sal")),
        ("product", lambda do, id: do.products.suspend(id, reason="r", by="sal")),
        ("product", lambda do, id: do.products.resume(id, by="sal")),
        ("product", lambda do, id: do.products.retire(id, by="sal")),
        ("product", lambda do, id: do.products.delete(id, by="sal")),
        ("person", lambda do, id: do.people.get(id, by="sal")),
        ("inbox", lambda do, id: do.inbox.of(id, by="sal")),
        ("message", lambda do, id: do.inbox.mark_read(id, by="sal")),
    ],
)
def test_what_one_may_not_see_answers_as_what_does_not_exist(kind, read):
    """`NotFound` is the same, word for word, whether the thing is hidden or is not there."""
    scene = Scene(hide_products=True)
    granted(scene)
    message = _message(scene)
    id = {
        "request": scene.request.id,
        "grant": scene.found.id,
        "product": "heads",
        "person": "pat",
        "inbox": "ana",
        "message": message,
    }[kind]

    errors = []
    for each in (id, "no-such-thing"):
        with pytest.raises(NotFound) as caught:
            read(scene.market, each)
        error = caught.value
        errors.append((error.code, str(error).replace(each, "it"), error.hint.replace(each, "it")))

    assert errors[0] == errors[1]
    scene.close()


def _message(scene: Scene) -> str:
    scene.world.deliver()
    return scene.market.inbox.of("bo", by="bo").items[0].id


def test_a_member_of_the_group_that_gets_it_reads_the_request_and_the_grant():
    """Answers and reasons: the beneficiary, so every member of a beneficiary group."""
    scene = Scene()
    market = scene.market
    market.people.link(group("Crew"), "lake", scene.world.platform.principal("crew"), by="uma")
    market.people.update("fay", groups=["Crew"], by="uma")
    request = scene.world.ask(scene.product, on_behalf_of=group("Crew"))
    scene.world.approve(request, "ana")

    assert market.requests.get(request.id, by="fay").answers["why"] == "to count heads"
    assert holds(market.requests.find(by="fay"), request.id)
    assert not market.requests.explain(request.id, by="fay").candidates
    (grant,) = market.grants.of(group("Crew"), by="fay")
    assert market.grants.get(grant.id, by="fay") == grant
    assert not market.grants.of(group("Crew"), by="sal").items
    scene.close()


def test_the_owner_of_the_account_that_gets_it_reads_the_request_and_the_grant():
    """The owner answers for a service account, and so reads what it asks for and has."""
    scene = Scene()
    market = scene.market
    principals = {"lake": scene.world.platform.principal("bot")}
    market.people.add("bot", kind="service_account", owner="fay", principals=principals, by="uma")
    request = scene.world.ask(scene.product, on_behalf_of="bot")
    scene.world.approve(request, "ana")

    assert market.requests.get(request.id, by="fay").answers["why"] == "to count heads"
    assert holds(market.requests.find(by="fay"), request.id)
    (grant,) = market.grants.of("bot", by="fay")
    assert market.grants.get(grant.id, by="fay") == grant
    assert not market.grants.of("bot", by="sal").items
    scene.close()


def test_a_steward_who_lost_the_group_does_not_read_on():
    """Matching stewards read; whoever left the group is none, though their vote stands."""
    scene = Scene()
    half_approved(scene)
    scene.market.people.update("ana", groups=[], by="uma")

    with pytest.raises(NotFound):
        scene.market.requests.get(scene.request.id, by="ana")
    assert not scene.market.requests.find(by="ana").items
    assert len(scene.market.requests.get(scene.request.id, by="cy").determinations) == 1
    scene.close()


def test_whoever_could_have_stood_in_does_not_read_what_is_decided():
    """Answers are for matching stewards (section B); the fallback is one while it may stand in.

    Afterwards it reads only what it has decided itself, as lists have it.
    """
    scene = Scene()
    requests, world = scene.market.requests, scene.world
    staffed = world.ask(world.publish(form=world.form(any_of(LEGAL), fallback=user("sal"))))
    form = world.form(any_of(group("Nobody")), fallback=user("sal"))
    vacant = world.ask(world.publish(form=form))
    assert requests.get(staffed.id, by="sal").answers == {"why": "to count heads"}

    world.approve(staffed, "ana")
    world.approve(vacant, "sal")

    with pytest.raises(NotFound):
        requests.get(staffed.id, by="sal")
    assert not holds(requests.find(by="sal"), staffed.id)
    assert requests.get(vacant.id, by="sal").state == "approved"
    scene.close()


def test_whoever_would_be_added_reads_what_waits_and_not_what_is_decided():
    """ADR 0008: like a fallback, so that they can be told from when on they may decide."""
    scene = Scene()
    requests, world = scene.market.requests, scene.world
    after = Escalation(after=Duration(3, "days"), to=user("sal"))
    form = world.form(any_of(LEGAL), escalation=after, expire_after=Duration(9, "days"))
    product = world.publish(form=form)
    one = world.ask(product)
    other, late = world.ask_unmasked(product), world.ask(product, on_behalf_of="pat")
    for each in (one, other, late):
        assert requests.get(each.id, by="sal").answers
        assert not requests.explain(each.id, by="sal").candidates
    scene.world.clock.advance(days=3)
    assert requests.explain(one.id, by="sal").candidates

    world.approve(one, "ana")
    world.approve(other, "sal")
    scene.world.clock.advance(days=6)

    for each in (one, late):
        with pytest.raises(NotFound):
            requests.get(each.id, by="sal")
    assert requests.get(other.id, by="sal").state == "approved"
    scene.close()


def test_pages_do_not_tell_of_what_is_hidden():
    """A list never holds, counts or leads on to what the reader may not see."""
    scene = Scene()
    for _ in range(3):
        scene.world.ask(scene.world.publish(form=scene.form), on_behalf_of="pat")

    page = scene.market.requests.find(limit=1, by="sal")
    assert (page.items, page.next) == ((), None)
    page = scene.market.requests.find(limit=3, by="pat")
    assert len(page) == 3
    assert len(scene.market.requests.find(limit=3, after=page.next, by="pat")) == 1
    scene.close()


def test_the_status_of_a_product_is_the_viewers_own():
    """`products.get(id, by=)` shows the viewer's status, never somebody else's."""
    scene = Scene()

    status = {
        who: scene.market.products.get("heads", by=who).status
        for who in ("pat", "con", "sal", "dee")
    }

    assert status == {"pat": "pending", "con": "none", "sal": "none", "dee": "publisher"}
    scene.close()


def test_history_holds_neither_answers_nor_reasons_of_others():
    """Answers and reasons never leave in events, so the log has none to show."""
    scene = Scene()
    half_approved(scene)

    logged = "\n".join(scene.log())

    assert "to count heads" not in logged
    assert "the budget is there" not in logged
    scene.close()


def test_a_reader_cannot_reach_others_by_an_odd_filter():
    """Filters narrow what one sees; they never widen it."""
    scene = Scene()

    for filters in ({"requester": "*"}, {"beneficiary": group("%")}, {"product": "heads"}):
        assert not scene.market.requests.find(by="sal", **filters).items
    with pytest.raises(InvalidInput):
        scene.market.requests.find(after="heads", by="sal")
    scene.close()
