"""Asking: what is pinned, what is refused, and who may ask for whom."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from marketplace_sdk import (
    AlreadyRequested,
    Answer,
    DataUseAgreement,
    DomainPolicy,
    DuplicateName,
    Duration,
    InvalidInput,
    NotAllowed,
    NotFound,
    Question,
    ReviewFlow,
    Rule,
    Seat,
    Stage,
    StaleRevision,
    TransitionNotAllowed,
    group,
    user,
)
from tests.services.helpers import nothing_written
from tests.world import GOV, LEGAL, PRIVACY, UNA, any_of

FORBIDDEN = (NotAllowed, NotFound)
AUTOMATIC = ReviewFlow.approve(justification="harmless")


def test_everything_is_pinned_at_submission(small):
    """Pinned: form version, answers, flow, agreement text with hash, policy; edits change nothing."""
    terms = DataUseAgreement("Terms", "Do not copy.")
    form = small.form(any_of(LEGAL), agreements=[terms], allow_self_review=True)
    product = small.publish(form=form)
    request = small.ask(product, acknowledge=["Terms"])

    small.market.forms.edit(
        form,
        questions=[Question.short_answer("other", "Other?")],
        review=any_of(PRIVACY),
        agreements=[DataUseAgreement("Terms 2", "Copy.")],
        allow_self_review=False,
        by="dee",
    )
    small.market.products.update(
        product.id, name="Renamed", max_duration=Duration(1, "days"), by="dee"
    )
    policy = DomainPolicy(
        max_duration=Duration(1, "hours"), extra_stages=[Stage.any_of(GOV)], self_review="never"
    )
    small.market.domains.set_policy("HR", policy, by="gil")

    kept = small.market.requests.get(request.id, by="con")
    assert [question.key for question in kept.form.questions] == ["why"]
    assert dict(kept.answers) == {"why": "to count heads"}
    assert kept.form.agreements[0].body == "Do not copy."
    assert kept.acknowledged[0].body_hash == hashlib.sha256(b"Do not copy.").hexdigest()
    assert (kept.acknowledged[0].by, kept.acknowledged[0].at) == ("con", small.clock())
    assert kept.allow_self_review
    assert kept.product_name == product.name
    with pytest.raises(FORBIDDEN):
        small.approve(request, "cy")
    approved = small.approve(request, "ana")
    assert (approved.state, approved.until) == ("approved", None)
    small.deliver()
    assert small.reads("con") == "clear"


def test_cancel_and_ask_again_moves_to_the_new_version(small):
    """The way to the new version of a form."""
    form = small.form(any_of(LEGAL))
    product = small.publish(form=form)
    request = small.ask(product)
    small.market.forms.edit(form, review=any_of(PRIVACY), by="dee")

    small.market.requests.cancel(request.id, by="con")
    again = small.ask(product)

    assert again.form.number == 2
    with pytest.raises(FORBIDDEN):
        small.approve(again, "ana")
    assert small.approve(again, "cy").state == "approved"


def test_a_form_that_was_edited_meanwhile_must_be_read_again(small):
    """E33: submit carries the version that was shown; a stale one is refused, asking to reload."""
    form = small.form(any_of(LEGAL))
    product = small.publish(form=form)
    shown = small.market.forms.get(form, by="con").current.id
    small.market.forms.edit(form, name="New name", by="dee")

    with nothing_written(small), pytest.raises(StaleRevision, match="ask again"):
        small.ask(product, form_version=shown)
    current = small.market.forms.get(form, by="con").current.id
    assert small.ask(product, form_version=current).form.id == current


@pytest.mark.parametrize("acknowledge", [[], ["Terms"], ["Terms", "Nothing"]])
def test_every_agreement_is_acknowledged_and_no_other(small, acknowledge):
    """Submission needs each agreement of the form, and names no other."""
    terms = [DataUseAgreement("Terms", "x"), DataUseAgreement("More", "y")]
    product = small.publish(form=small.form(any_of(LEGAL), agreements=terms))

    with nothing_written(small), pytest.raises(InvalidInput, match="acknowledge"):
        small.ask(product, acknowledge=acknowledge)


def test_an_agreement_is_never_changed(small):
    """E34: another text needs another name; nothing is retroactive."""
    small.market.forms.create_agreement("Terms", "x", by="dee")

    assert small.market.forms.create_agreement("Terms", "x", by="dee").body == "x"
    with pytest.raises(DuplicateName, match="new name"):
        small.market.forms.create_agreement("Terms", "y", by="dee")


def test_the_same_wish_is_pending_once(small):
    """E12: AlreadyRequested carries the existing id; another kind or person is another wish."""
    product = small.publish(any_of(LEGAL))
    request = small.ask(product)

    with nothing_written(small), pytest.raises(AlreadyRequested) as caught:
        small.ask(product, answers={"why": "another reason"})

    assert caught.value.existing == request.id
    assert small.ask(product, by="pat").state == "pending"
    assert small.ask_unmasked(product).state == "pending"


def test_somebody_elses_request_for_me_is_the_same_wish(small):
    """The same beneficiary, product and kind, whoever asks."""
    product = small.publish(any_of(LEGAL))
    request = small.ask(product, by="pat", on_behalf_of="con")

    with pytest.raises(AlreadyRequested) as caught:
        small.ask(product)

    assert caught.value.existing == request.id


def test_standing_access_can_only_be_extended(small):
    """For standing access: hint `extend`."""
    product = small.publish(any_of(LEGAL))
    request = small.approve(small.ask(product), "ana", until=timedelta(days=30))

    with pytest.raises(AlreadyRequested, match="extend") as caught:
        small.ask(product)

    assert caught.value.existing == request.id


@pytest.mark.parametrize("end", ["deny", "cancel", "revoke", "relinquish", "expire"])
def test_after_an_end_the_same_wish_can_be_asked_again(small, end):
    """R14: a new request; the old one is kept as it ended."""
    product = small.publish(any_of(LEGAL))
    request = small.ask(product)
    requests = small.market.requests
    if end == "deny":
        small.deny(request, "ana")
    elif end == "cancel":
        requests.cancel(request.id, by="con")
    else:
        small.approve(request, "ana", until=timedelta(days=1))
        small.deliver()
    if end == "revoke":
        requests.revoke(request.id, reason="x", by="dee")
    elif end == "relinquish":
        requests.relinquish(request.id, by="con")
    elif end == "expire":
        small.clock.advance(days=2)
    small.deliver()
    old = small.state(request)
    assert small.reads("con") == "none"

    again = small.ask(product)
    small.approve(again, "ana")
    small.deliver()

    assert again.id != request.id
    assert small.state(request) == old
    assert small.reads("con") == "clear"


def test_an_end_that_no_worker_has_seen_is_an_end_all_the_same(small):
    """Expiry is honoured everywhere even if no worker runs: asking again is not refused."""
    product = small.publish(any_of(LEGAL))
    old = small.approve(small.ask(product), "ana", until=timedelta(days=1))
    small.deliver()
    small.clock.advance(days=1)

    again = small.ask(product)

    assert (again.state, small.state(old)) == ("pending", "expired")
    small.deliver()
    assert small.reads("con") == "none"
    small.approve(again, "ana")
    small.deliver()
    assert small.reads("con") == "clear"
    assert small.state(old) == "expired"
    assert len(small.sent("data_product.access_requests.expired")) == 1
    (ended,) = [
        row
        for row in small.market.audit.events(f"request:{old.id}", by="aud")
        if row.type == "request.expired"
    ]
    assert ended.actor == "system", "time ended it, not whoever asked next"


def test_the_same_request_id_again_is_a_no_op(small):
    """`id=`: the same with the same content is a no-op, with other content a conflict."""
    product = small.publish(any_of(LEGAL))
    request = small.ask(product, id="mine")

    with nothing_written(small):
        assert small.ask(product, id="mine").id == request.id
        with pytest.raises(DuplicateName):
            small.ask(product, id="mine", answers={"why": "other"})
        with pytest.raises(DuplicateName):
            small.ask(product, by="pat", id="mine")


@pytest.mark.parametrize("since", ["edited", "decided", "retired", "suspended"])
def test_a_repeated_call_is_answered_whatever_has_changed_since(small, since):
    """A caller whose answer was lost asks again: the form and the product may be others by then."""
    form = small.form(any_of(LEGAL))
    product = small.publish(form=form)
    request = small.ask(product, id="mine")
    if since == "edited":
        questions = [Question.short_answer("what", "What for?")]
        small.market.forms.edit(form, questions=questions, by="dee")
    elif since == "decided":
        small.approve(request, "ana")
    elif since == "retired":
        small.market.products.retire(product.id, by="dee")
    else:
        small.market.products.suspend(product.id, reason="x", by="dee")

    with nothing_written(small):
        assert small.ask(product, id="mine").id == request.id
        with pytest.raises(DuplicateName):
            small.ask(product, id="mine", answers={"what": "other"})


def test_ids_given_on_create_are_taken_once(small):
    """The same id with the same content is a no-op, with other content a conflict."""
    market = small.market
    question = [Question.short_answer("q", "Q?")]
    market.forms.create("One", questions=question, domain="HR", id="f", by="dee")
    market.forms.create_agreement("Terms", "x", id="a", by="dee")
    market.products.publish("P", domain="HR", sources=["people"], form="f", id="p", by="dee")

    with nothing_written(small):
        market.forms.create("One", questions=question, domain="HR", id="f", by="dee")
        market.forms.create_agreement("Terms", "x", id="a", by="dee")
        market.products.publish("P", domain="HR", sources=["people"], form="f", id="p", by="dee")
        for again in (
            lambda: market.forms.create("Two", questions=question, domain="HR", id="f", by="dee"),
            lambda: market.forms.create("One", questions=question, domain="HR", by="dee"),
            lambda: market.forms.create_agreement("Other", "x", id="a", by="dee"),
            lambda: market.products.publish(
                "P", domain="HR", sources=["leave"], form="f", id="p", by="dee"
            ),
            lambda: market.products.publish("p", domain="HR", sources=["people"], by="dee"),
            lambda: market.people.add("con", groups=["x"], by="uma"),
            lambda: market.domains.create("HR", description="other", by="gil"),
        ):
            with pytest.raises(DuplicateName):
                again()


def test_a_beneficiary_unknown_to_the_platform_is_refused(small):
    """`no_principal`, at submission, saying who links it; nothing is asked of the platform."""
    product = small.publish(any_of(LEGAL))
    calls = len(small.platform.platform.calls)

    with nothing_written(small), pytest.raises(InvalidInput, match=r"people\.link") as caught:
        small.ask(product, by="sal")

    assert caught.value.code == "no_principal"
    assert len(small.platform.platform.calls) == calls
    small.market.people.link("sal", "lake", small.platform.principal("sal_there"), by="uma")
    assert small.ask(product, by="sal").state == "pending"


def test_an_unreachable_platform_refuses_no_request(small):
    """The check is repeated when the grant starts."""
    product = small.publish(any_of(LEGAL))
    small.platform.platform.unreachable = True

    request = small.approve(small.ask(product), "ana")

    assert request.state == "approved"
    small.platform.platform.unreachable = False
    small.deliver()
    assert small.reads("con") == "clear"


def test_requester_and_beneficiary_are_both_told(small):
    """E30: both, when it is filed, decided and ended."""
    product = small.publish(any_of(LEGAL))

    request = small.ask(product, by="con", on_behalf_of="pat")
    assert small.told("con") == small.told("pat") == ["requested_on_behalf"]
    small.approve(request, "ana", until=timedelta(days=30))
    small.deliver()
    assert (small.reads("pat"), small.reads("con")) == ("clear", "none")
    small.clock.advance(days=23)
    small.deliver()
    small.clock.advance(days=7)
    small.deliver()

    for side in ("con", "pat"):
        told = small.told(side)
        assert [
            told.count(kind) for kind in ("determination_made", "access_expiring", "access_expired")
        ] == [1, 1, 1]
    assert small.reads("pat") == "none"


def test_an_owner_answers_for_a_service_account(small):
    """A service account can be the beneficiary; its owner may not decide, and is told."""
    role = small.platform.principal("robot_there")
    small.market.people.add(
        "robot", kind="service_account", owner="ana", principals={"lake": role}, by="uma"
    )
    product = small.publish(any_of(LEGAL))

    request = small.ask(product, on_behalf_of="robot")
    with pytest.raises(NotAllowed, match="for themselves"):
        small.approve(request, "ana")
    small.approve(request, "bo")
    small.deliver()

    assert small.platform.reads(role, small.objects["people"], "name") == "clear"
    assert "determination_made" in small.told("ana")
    assert small.market.requests.relinquish(request.id, by="ana").state == "revoked"
    small.deliver()
    assert small.platform.reads(role, small.objects["people"], "name") == "none"


def test_an_owner_is_told_of_the_product_too(small):
    """E30: whoever answers for an account hears what becomes of its access, as the requester does."""
    principal = small.platform.principal("robot_there")
    small.market.people.add(
        "robot", kind="service_account", owner="pat", principals={"lake": principal}, by="uma"
    )
    product = small.publish(any_of(LEGAL))
    small.approve(small.ask(product, on_behalf_of="robot"), "ana")

    small.market.products.suspend(product.id, reason="x", by="dee")
    small.market.products.resume(product.id, by="dee")
    small.market.products.delete(product.id, cascade=True, by="dee")

    for who in ("pat", "con"):
        assert {"product_suspended", "product_resumed", "product_deleted"} <= set(small.told(who))


def test_an_account_of_a_manager_is_never_approved_automatically(small):
    """Its owner is on the receiving side: an owner who manages the product goes to the review."""
    principal = small.platform.principal("robot_there")
    small.market.people.add(
        "robot", kind="service_account", owner="dee", principals={"lake": principal}, by="uma"
    )

    request = small.ask(small.publish(AUTOMATIC), on_behalf_of="robot")

    assert request.state == "pending"
    with pytest.raises(NotAllowed, match="for themselves"):
        small.approve(request, "dee")
    assert small.approve(request, "gil").state == "approved"


def test_the_owner_of_now_may_not_decide_either(small):
    """Neither the owner at submission nor the owner at the moment of the act."""
    role = small.platform.principal("robot_there")
    small.market.people.add(
        "robot", kind="service_account", owner="sal", principals={"lake": role}, by="uma"
    )
    request = small.ask(small.publish(any_of(LEGAL)), on_behalf_of="robot")

    small.market.people.update("robot", owner="ana", by="uma")

    with pytest.raises(NotAllowed):
        small.approve(request, "ana")
    small.deliver()
    assert small.platform.reads(role, small.objects["people"], "name") == "none"
    assert small.approve(request, "bo").state == "approved"


def test_nothing_is_asked_for_an_account_that_nobody_answers_for(small):
    """A service account has an owner, who is told and may not decide: somebody who is there."""
    role = small.platform.principal("robot_there")
    people = small.market.people
    people.add("robot", kind="service_account", owner="sal", principals={"lake": role}, by="uma")
    product, other = small.publish(any_of(LEGAL)), small.publish(any_of(LEGAL))
    held = small.ask(product, on_behalf_of="robot")
    small.approve(held, "ana", until=timedelta(days=3))
    people.deactivate("sal", by="uma")

    with nothing_written(small), pytest.raises(InvalidInput, match="owner has left") as caught:
        small.ask(other, on_behalf_of="robot")
    assert "USER_ADMIN" in caught.value.hint
    with nothing_written(small), pytest.raises(InvalidInput, match="owner has left"):
        small.market.requests.extend(held.id, answers={"why": "x"}, by="con")

    people.update("robot", owner="pat", by="uma")
    assert small.ask(other, on_behalf_of="robot").state == "pending"


def test_a_service_account_does_not_ask(small):
    """People ask, on behalf of a service account."""
    role = small.platform.principal("robot_there")
    small.market.people.add(
        "robot", kind="service_account", owner="con", principals={"lake": role}, by="uma"
    )
    product = small.publish(any_of(LEGAL))

    with nothing_written(small), pytest.raises(NotAllowed, match="on_behalf_of"):
        small.ask(product, by="robot")


def test_members_of_a_beneficiary_group_do_not_decide_for_it(small):
    """No member of that group may determine; membership counts at the moment of the act."""
    role = small.platform.principal("analysts_there")
    small.market.people.add("tim", groups=["Analysts"], by="uma")
    small.market.people.link(group("Analysts"), "lake", role, by="uma")
    request = small.ask(small.publish(any_of(LEGAL)), on_behalf_of=group("Analysts"))
    small.market.people.update("ana", groups=["Legal", "Analysts"], by="uma")

    with pytest.raises(NotAllowed, match="for themselves"):
        small.approve(request, "ana")
    small.approve(request, "bo")
    small.deliver()

    assert small.platform.reads(role, small.objects["people"], "name") == "clear"
    assert "determination_made" in small.told("tim")


@pytest.mark.parametrize("who", ["nobody", group("Nobody"), user("con"), ""])
def test_an_unknown_beneficiary_is_an_error(small, who):
    """An unknown beneficiary is refused; so is one that is no person and no group."""
    product = small.publish(any_of(LEGAL))

    with nothing_written(small), pytest.raises(InvalidInput, match="on_behalf_of"):
        small.ask(product, on_behalf_of=who)


def test_a_product_that_is_gone_cannot_be_asked_for(small):
    """`retire` closes it for new requests; a deleted one is not found."""
    product = small.publish(any_of(LEGAL))
    small.market.products.retire(product.id, by="dee")
    with nothing_written(small), pytest.raises(TransitionNotAllowed, match="retired"):
        small.ask(product)

    small.market.products.delete(product.id, by="dee")
    with nothing_written(small), pytest.raises(NotFound):
        small.ask(product)


def test_rules_are_tried_in_order_and_the_first_decides(small):
    """Rules: the first that matches; a missing fact makes the rule not match."""
    flow = ReviewFlow.with_rules(
        Rule(Answer(key="why", contains="forbidden"), ReviewFlow.deny(reason="never")),
        Rule(Answer(key="why", equals="harmless"), AUTOMATIC),
        default=any_of(LEGAL),
    )
    product = small.publish(flow)

    denied = small.ask(product, answers={"why": "forbidden things"})
    given = small.ask(product, answers={"why": "harmless"})
    asked = small.ask(product, by="pat")
    small.deliver()

    assert [denied.state, given.state, asked.state] == ["denied", "approved", "pending"]
    assert (small.reads("con"), small.reads("pat")) == ("clear", "none")
    assert "determination_made" in small.told("con")


def test_an_automatic_denial_gives_the_wish_back(small):
    """R3: denied at once by a rule; nobody is asked and it may be asked again."""
    product = small.publish(ReviewFlow.deny(reason="closed"))

    assert small.ask(product).state == "denied"
    assert small.ask(product).state == "denied"
    assert small.told("ana") == []


@pytest.mark.parametrize("manager", ["requester", "beneficiary", "group"])
def test_who_manages_the_product_is_never_approved_automatically(small, manager):
    """Automatic approval is withheld from a managing requester or beneficiary: default review."""
    market = small.market
    market.people.add(
        "max",
        groups=["Managers"],
        principals={"lake": small.platform.principal("max_there")},
        by="uma",
    )
    market.domains.grant("HR", permission="MANAGE_DATA_PRODUCTS", to=group("Managers"), by="uma")
    market.people.link(
        group("Managers"), "lake", small.platform.principal("managers_there"), by="uma"
    )
    product = small.publish(AUTOMATIC)

    if manager == "requester":
        request = small.ask(product, by="max", on_behalf_of="con")
    elif manager == "beneficiary":
        request = small.ask(product, by="con", on_behalf_of="max")
    else:
        request = small.ask(product, by="con", on_behalf_of=group("Managers"))

    assert request.state == "pending"
    if manager != "group":
        with pytest.raises(NotAllowed):
            small.approve(request, "max")
    assert small.approve(request, "dee").state == "approved"


def test_a_domain_may_forbid_automatic_approval(small):
    """Domain policy `auto_approve`: no; then the default review decides."""
    small.market.domains.set_policy("HR", DomainPolicy(auto_approve=False), by="gil")

    request = small.ask(small.publish(AUTOMATIC))

    assert request.state == "pending"
    assert small.approve(request, "dee").state == "approved"


@pytest.mark.parametrize(("allowed", "state"), [(False, "pending"), (True, "approved")])
def test_a_delegating_form_says_whether_the_product_may_approve_by_itself(small, allowed, state):
    """`delegate(allow_automatic=)`, default no."""
    form = small.form(ReviewFlow.delegate(allow_automatic=allowed))

    assert small.ask(small.publish(form=form, review=AUTOMATIC)).state == state


def test_delegation_without_a_flow_falls_back_to_the_default(small):
    """E32: any of GOVERNANCE and the managers."""
    request = small.ask(small.publish(form=small.form(ReviewFlow.delegate())))

    with pytest.raises(FORBIDDEN):
        small.approve(request, "ana")
    assert small.approve(request, "gil").state == "approved"


def test_extra_stages_of_the_domain_come_last(small):
    """Domain policy `extra_stages`: after the flow, automatic approvals included."""
    small.market.domains.set_policy("HR", DomainPolicy(extra_stages=[Stage.any_of(UNA)]), by="gil")
    reviewed = small.ask(small.publish(any_of(LEGAL)))
    automatic = small.ask(small.publish(AUTOMATIC))

    with pytest.raises(NotAllowed, match="earlier stage"):
        small.approve(reviewed, "una")
    assert small.approve(reviewed, "ana").state == "pending"
    assert "stage_opened" in small.told("una")
    small.deliver()
    assert small.reads("con") == "none"
    assert small.approve(reviewed, "una").state == "approved"
    assert automatic.state == "pending"
    assert small.approve(automatic, "una").state == "approved"


def test_the_answer_bounds_only_an_automatic_approval(small):
    """The duration answer is the requester's wish, shown to stewards; E8 when automatic."""
    questions = [Question.access_duration("long")]
    week = {"long": {"amount": 7, "unit": "days"}}
    reviewed = small.publish(form=small.form(any_of(LEGAL), questions=questions))
    flow = ReviewFlow.approve(justification="x", duration=Duration(3, "days"))
    automatic = small.publish(form=small.form(flow, questions=questions))

    asked = small.ask(reviewed, answers=week)
    given = small.ask(automatic, answers=week)

    assert asked.wish == Duration(7, "days")
    assert small.approve(asked, "ana").until is None
    assert given.until == small.clock() + timedelta(days=3)


def test_seats_named_twice_collapse(small):
    """W22: duplicate sources are one seat; N of M is a seat with approvals."""
    twice = small.ask(small.publish(ReviewFlow.review(Stage.all_of(LEGAL, LEGAL))))
    both = small.ask(small.publish(ReviewFlow.review(Stage.all_of(Seat(LEGAL, approvals=2)))))

    assert small.approve(twice, "ana").state == "approved"
    assert small.approve(both, "ana").state == "pending"
    assert small.approve(both, "bo").state == "approved"
