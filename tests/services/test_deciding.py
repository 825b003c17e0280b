"""Deciding: who may, what counts, what comes too late, and until when it holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from marketplace_sdk import (
    AlreadyDetermined,
    Conflict,
    DomainPolicy,
    Duration,
    InvalidInput,
    NotAllowed,
    NotFound,
    Person,
    ReviewFlow,
    Seat,
    Stage,
    StaleRevision,
    group,
)
from marketplace_sdk.services._stuck import check_stuck
from tests.services.helpers import nothing_written, types_of
from tests.world import GOV, LEGAL, PRIVACY, UNA, all_of, any_of

FORBIDDEN = (NotAllowed, NotFound)
EMPTY = group("Empty")


def test_a_steward_is_who_is_one_now(small):
    """W17, W14: membership is checked live at the moment of the act."""
    request = small.ask(small.publish(any_of(LEGAL)))
    with pytest.raises(FORBIDDEN):
        small.approve(request, "sal")

    small.market.people.update("sal", groups=["Legal"], by="uma")

    assert small.approve(request, "sal").state == "approved"


def test_a_counted_vote_stands_when_its_steward_leaves(small):
    """W16, E24: the vote stands with its proof; the leaver cannot vote any more."""
    request = small.ask(small.publish(all_of(LEGAL, PRIVACY)))
    other = small.ask(small.publish(any_of(LEGAL)))
    small.approve(request, "ana")

    small.market.people.deactivate("ana", by="uma")

    with pytest.raises(NotAllowed):
        small.approve(other, "ana")
    done = small.approve(request, "cy")
    small.deliver()
    assert done.state == "approved"
    vote = done.determinations[0]
    assert (vote.by, vote.as_of) == ("ana", small.clock())
    assert vote.matched, "the proof: which seats, by which membership"
    assert small.reads("con") == "clear"


def test_one_act_fills_every_seat_unless_people_must_differ(small):
    """W9, E2: bo is in both groups; with distinct stewards a later vote may move an earlier one."""
    plain = small.ask(small.publish(all_of(LEGAL, PRIVACY)))
    distinct = small.ask(small.publish(all_of(LEGAL, PRIVACY, distinct=True)))

    assert small.approve(plain, "bo").state == "approved"
    assert small.approve(distinct, "bo").state == "pending"
    assert small.approve(distinct, "ana").state == "approved", "bo's vote moves to Privacy"


def test_a_filled_seat_is_not_filled_again(small):
    """W8: refused as already determined; a denial is still possible."""
    request = small.ask(small.publish(all_of(Seat(LEGAL), Seat(GOV))))
    small.approve(request, "ana")

    with nothing_written(small), pytest.raises(AlreadyDetermined):
        small.approve(request, "bo")
    with nothing_written(small), pytest.raises(AlreadyDetermined, match="never edited"):
        small.approve(request, "ana")
    assert small.deny(request, "bo").state == "denied"


def test_stages_open_in_order_and_a_denial_in_any_ends_it(small):
    """W19: gil's stage is not open yet; the next opens when the one before is complete."""
    flow = ReviewFlow.review(Stage.all_of(LEGAL), Stage.any_of(GOV))
    request = small.ask(small.publish(flow))

    with nothing_written(small), pytest.raises(NotAllowed, match="earlier stage"):
        small.approve(request, "gil")
    small.approve(request, "ana")
    assert small.deny(request, "gil").state == "denied"
    small.deliver()
    assert small.reads("con") == "none"


@pytest.mark.parametrize("act", ["approve", "deny"])
def test_nobody_decides_for_themselves(small, act):
    """E1, W20: neither requester nor beneficiary approves or denies."""
    small.market.people.link("ana", "lake", small.platform.principal("ana_there"), by="uma")
    product = small.publish(any_of(LEGAL))
    own = small.ask(product, by="ana")
    for_ana = small.market.requests.request_masking_exception(
        product.id, columns=["people.salary"], answers={"why": "x"}, on_behalf_of="ana", by="con"
    )

    for request in (own, for_ana):
        with nothing_written(small), pytest.raises(NotAllowed) as caught:
            getattr(small.market.requests, act)(request.id, reason="mine", by="ana")
        assert caught.value.code == "self_review"
    assert small.approve(own, "bo").state == "approved"


def test_a_form_may_allow_self_review_and_it_is_recorded(small):
    """`allow_self_review`, recorded with the determination."""
    small.market.people.link("ana", "lake", small.platform.principal("ana_there"), by="uma")
    product = small.publish(form=small.form(any_of(LEGAL), allow_self_review=True))

    done = small.approve(small.ask(product, by="ana"), "ana")

    assert done.state == "approved"
    assert done.determinations[0].self_review
    assert not small.approve(small.ask(product), "bo").determinations[0].self_review


def test_a_domain_may_forbid_self_review(small):
    """Domain policy `self_review="never"` wins over the form."""
    small.market.people.link("ana", "lake", small.platform.principal("ana_there"), by="uma")
    product = small.publish(form=small.form(any_of(LEGAL), allow_self_review=True))
    small.market.domains.set_policy("HR", DomainPolicy(self_review="never"), by="gil")

    with pytest.raises(NotAllowed):
        small.approve(small.ask(product, by="ana"), "ana")


@pytest.mark.parametrize("act", ["approve", "deny"])
def test_every_verdict_has_a_reason(small, act):
    """E35."""
    request = small.ask(small.publish(any_of(LEGAL)))

    with nothing_written(small), pytest.raises(InvalidInput, match="reason"):
        getattr(small.market.requests, act)(request.id, reason=" ", by="ana")


def test_the_same_determination_again_is_a_no_op(small):
    """Also after the decision; with other content it is a conflict."""
    request = small.ask(small.publish(all_of(LEGAL, PRIVACY)))
    small.approve(request, "ana", determination="d1")

    with nothing_written(small):
        assert small.approve(request, "ana", determination="d1").state == "pending"
        with pytest.raises(Conflict):
            small.approve(request, "ana", determination="d1", reason="other")
        with pytest.raises(Conflict):
            small.approve(request, "cy", determination="d1")
    small.approve(request, "cy", determination="d2")
    with nothing_written(small):
        assert small.approve(request, "cy", determination="d2").state == "approved"
    assert len(small.sent("data_product.access_requests.consumer.updated")) == 1


def test_a_determination_may_carry_the_revision_that_was_seen(small):
    """An older one is refused."""
    request = small.ask(small.publish(all_of(LEGAL, PRIVACY)))
    seen = small.market.requests.get(request.id, by="ana").revision
    small.approve(request, "ana")

    with nothing_written(small), pytest.raises(StaleRevision):
        small.approve(request, "cy", revision=seen)
    now = small.market.requests.get(request.id, by="cy").revision
    assert small.approve(request, "cy", revision=now).state == "approved"


def test_an_approval_is_not_denied_but_revoked(small):
    """Deny after approve is refused; nothing is ever reopened."""
    request = small.approve(small.ask(small.publish(any_of(LEGAL))), "ana")

    with nothing_written(small), pytest.raises(AlreadyDetermined, match="revoke") as caught:
        small.deny(request, "bo")
    assert caught.value.state == "approved"
    small.deliver()
    assert small.reads("con") == "clear"


def test_only_people_decide_and_ask(small):
    """A job may do what administrators may; it never decides and never asks."""
    product = small.publish(any_of(GOV))
    request = small.ask(product)
    job = small.market.as_system("nightly")

    with nothing_written(small):
        with pytest.raises(NotAllowed):
            job.requests.approve(request.id, reason="x")
        with pytest.raises(NotAllowed):
            job.requests.request_access(product.id, answers={"why": "x"})
    assert "system.acting" in types_of(small, "system")


def test_a_service_account_is_no_steward(small):
    """A seat's approvals are by different people, and nobody decides for themselves (section B).

    An account decides nothing, whatever it is in: it would be its owner's vote. Nobody waits for
    it, and a seat that only it could fill is stuck.
    """
    groups = ["Legal", "Robots"]
    small.market.people.add("bot", kind="service_account", owner="con", groups=groups, by="uma")
    request = small.ask(small.publish(any_of(LEGAL)))
    lone = small.ask(small.publish(any_of(group("Robots"))))

    with nothing_written(small):
        for act in (small.market.requests.approve, small.market.requests.deny):
            with pytest.raises(NotAllowed, match="only people decide"):
                act(request.id, reason="x", by="bot")
        with pytest.raises(NotAllowed, match="only people ask"):
            small.market.requests.ask(request.id, "Which?", by="bot")
    assert small.market.requests.awaiting(by="bot").items == ()
    assert small.market.requests.explain(request.id, by="dee").candidates == {
        "group Legal": ("ana", "bo")
    }
    assert stuck(small, lone) == ("group Robots",)
    assert "access_requested" not in small.told("bot")


# -- until when -------------------------------------------------------------------------


def test_the_earliest_of_all_ends_holds(small):
    """Flow, approvers, product and domain: the earliest, each counted from the final act."""
    small.market.domains.set_policy("HR", DomainPolicy(max_duration=Duration(40, "days")), by="gil")
    product = small.publish(all_of(LEGAL, PRIVACY), max_duration=Duration(30, "days"))
    ends = {}
    for who, first, second in (
        ("con", None, None),
        ("pat", Duration(90, "days"), Duration(20, "days")),
    ):
        request = small.ask(product, by=who)
        small.approve(request, "ana", until=first)
        small.clock.advance(days=2)
        ends[who] = small.approve(request, "cy", until=second).until - small.clock()

    assert ends == {"con": timedelta(days=30), "pat": timedelta(days=20)}


@pytest.mark.parametrize(
    ("product_limit", "domain_limit", "flow_limit", "days"),
    [(10, 20, 30, 10), (20, 10, 30, 10), (30, 20, 10, 10), (None, None, 5, 5), (None, 7, None, 7)],
)
def test_limits_bound_automatic_approvals_too(small, product_limit, domain_limit, flow_limit, days):
    """The earliest of the flow's, the product's and the domain's maximum."""

    def length(amount):
        return None if amount is None else Duration(amount, "days")

    small.market.domains.set_policy("HR", DomainPolicy(max_duration=length(domain_limit)), by="gil")
    flow = ReviewFlow.approve(justification="x", duration=length(flow_limit))

    request = small.ask(small.publish(flow, max_duration=length(product_limit)))

    assert request.until == small.clock() + timedelta(days=days)


def test_an_absolute_end_is_an_instant_in_any_zone(small):
    """`until=` takes an aware datetime; it is kept in UTC."""
    from zoneinfo import ZoneInfo

    request = small.ask(small.publish(any_of(LEGAL)))
    end = datetime(2026, 3, 1, 9, tzinfo=ZoneInfo("Asia/Tokyo"))

    approved = small.approve(request, "ana", until=end)

    assert approved.until == datetime(2026, 3, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "until",
    [
        datetime(2026, 3, 1),  # noqa: DTZ001  # naive is what this is about
        datetime(2026, 1, 1, 12, tzinfo=UTC),
        datetime(2020, 1, 1, tzinfo=UTC),
        timedelta(0),
        timedelta(days=-1),
    ],
)
def test_an_end_is_in_the_future_and_names_an_instant(small, until):
    """Naive and past ends are refused, and nothing changes."""
    request = small.ask(small.publish(any_of(LEGAL)))

    with nothing_written(small), pytest.raises(InvalidInput):
        small.approve(request, "ana", until=until)


def test_a_window_that_has_passed_at_the_final_act_is_refused(small):
    """A window already past at approval is refused; a denial is still possible."""
    request = small.ask(small.publish(all_of(LEGAL, PRIVACY)))
    small.approve(request, "ana", until=small.clock() + timedelta(days=1))
    small.clock.advance(days=2)

    with nothing_written(small), pytest.raises(InvalidInput, match="past"):
        small.approve(request, "cy")
    assert small.deny(request, "cy").state == "denied"


def test_months_are_counted_on_the_calendar(small):
    """E9: clamped to the end of the month, UTC."""
    small.clock.set(datetime(2026, 1, 31, 10, tzinfo=UTC))
    request = small.ask(small.publish(any_of(LEGAL)))

    assert small.approve(request, "ana", until=Duration(1, "months")).until == datetime(
        2026, 2, 28, 10, tzinfo=UTC
    )


# -- stuck ------------------------------------------------------------------------------


def stuck(small, request):
    small.deliver()
    return small.market.requests.explain(request.id, by="dee").stuck


def test_an_empty_seat_is_never_approved_by_itself(small):
    """E4: stays pending, says which seat, tells managers and GOVERNANCE."""
    request = small.ask(small.publish(all_of(LEGAL, EMPTY)))

    assert stuck(small, request) == ("group Empty",)
    assert small.approve(request, "ana").state == "pending"
    for who in ("dee", "gil"):
        assert "access_stuck" in small.told(who)
    assert "access_stuck" not in small.told("dan")
    assert "request.stuck" in types_of(small, f"request:{request.id}")
    small.deliver()
    assert small.reads("con") == "none"


def test_one_empty_alternative_is_not_stuck(small):
    """E3: in an *any*, others may act; all empty is stuck."""
    assert stuck(small, small.ask(small.publish(any_of(LEGAL, EMPTY)))) == ()
    assert stuck(small, small.ask(small.publish(any_of(EMPTY, group("Also empty"))))) != ()


def test_a_requester_who_is_the_only_steward_is_stuck(small):
    """W21: una asks for herself."""
    small.market.people.link("una", "lake", small.platform.principal("una_there"), by="uma")

    assert stuck(small, small.ask(small.publish(any_of(UNA)), by="una")) == ("user una",)


def test_too_few_members_for_a_seat_are_stuck(small):
    """N approvals of a group with fewer members."""
    flow = ReviewFlow.review(Stage.all_of(Seat(LEGAL, approvals=3)))
    request = small.ask(small.publish(flow))

    assert len(stuck(small, request)) == 1
    small.market.people.add("lea", groups=["Legal"], by="uma")
    assert stuck(small, request) == ()


@pytest.mark.parametrize("how", ["deactivate", "update"])
def test_stuck_is_looked_at_again_when_the_directory_changes(small, how):
    """W15: Privacy is emptied after submission; somebody joins again."""
    request = small.ask(small.publish(all_of(LEGAL, PRIVACY)))
    small.approve(request, "ana")
    assert stuck(small, request) == ()
    for who in ("bo", "cy"):
        if how == "deactivate":
            small.market.people.deactivate(who, by="uma")
        else:
            small.market.people.update(who, groups=[], by="uma")

    assert stuck(small, request) == ("group Privacy",)
    assert small.told("dee").count("access_stuck") == 1
    small.market.people.update("sal", groups=["Privacy"], by="uma")
    assert stuck(small, request) == ()
    assert small.approve(request, "sal").state == "approved"


def test_a_look_at_a_request_that_was_changed_meanwhile_is_taken_again(small):
    """Who looked at the request of before does not leave it unmarked until the timer comes."""
    request = small.ask(small.publish(all_of(LEGAL, PRIVACY)))
    small.approve(request, "ana")
    context = small.market.requests._context
    with context.unit("uma") as unit:
        for who in ("bo", "cy"):
            unit.save(evolve(unit.need(Person, who, "empty"), groups=[]))

    check_stuck(context, request)

    assert small.market.requests.get(request.id, by="gil").stuck == ("group Privacy",)


def test_a_manager_who_leaves_through_a_group_makes_it_stuck(small):
    """A domain permission held through a group changes with the group."""
    from marketplace_sdk import domain_permission

    small.market.people.add("pol", groups=["Policy"], by="uma")
    small.market.domains.grant("HR", permission="MANAGE_POLICIES", to=group("Policy"), by="uma")
    request = small.ask(small.publish(any_of(domain_permission("MANAGE_POLICIES"))))
    assert stuck(small, request) == ()

    small.market.people.update("pol", groups=[], by="uma")

    assert stuck(small, request) == ("domain permission MANAGE_POLICIES in HR",)
    small.market.domains.grant("HR", permission="MANAGE_POLICIES", to="sal", by="uma")
    assert stuck(small, request) == ()


def test_stuck_is_looked_at_when_a_stage_opens(small):
    """Computed when a stage opens."""
    flow = ReviewFlow.review(Stage.any_of(LEGAL), Stage.any_of(EMPTY))
    request = small.ask(small.publish(flow))
    assert stuck(small, request) == ()

    small.approve(request, "ana")

    assert stuck(small, request) == ("group Empty",)


def test_a_fallback_fills_only_what_nobody_else_can(small):
    """A form may name a fallback selector; it counts for vacant seats only."""
    product = small.publish(form=small.form(all_of(LEGAL, EMPTY), fallback=UNA))
    other = small.publish(form=small.form(any_of(LEGAL), fallback=UNA))
    vacant = small.ask(product)
    staffed = small.ask(other)

    with pytest.raises(NotAllowed):
        small.approve(staffed, "una")
    assert staffed.id not in {each.id for each in small.market.requests.awaiting(by="una")}
    assert vacant.id in {each.id for each in small.market.requests.awaiting(by="una")}
    assert small.approve(vacant, "una").state == "pending", "not for Legal's seat"
    assert small.approve(vacant, "ana").state == "approved"
    small.deliver()
    assert small.reads("con") == "clear"


def test_a_fallback_takes_no_alternative_while_another_can_be_filled(small):
    """E3: others may act; only when every alternative is empty somebody stands in."""
    flow = ReviewFlow.review(Stage.any_of(Seat(LEGAL), Seat(EMPTY)))
    request = small.ask(small.publish(form=small.form(flow, fallback=UNA)))

    with nothing_written(small), pytest.raises(NotAllowed):
        small.approve(request, "una")
    for who in ("ana", "bo"):
        small.market.people.deactivate(who, by="uma")
    assert small.approve(request, "una").state == "approved"


def test_a_steward_of_one_seat_stands_in_for_another(small):
    """One act fills every seat they match, the vacant one that they stand in for too."""
    product = small.publish(form=small.form(all_of(LEGAL, PRIVACY, EMPTY), fallback=LEGAL))
    request = small.ask(product)

    assert small.approve(request, "ana").state == "pending", "not for Privacy"
    assert small.approve(request, "cy").state == "approved"


def test_a_fallback_is_asked_when_the_seat_is_vacant(small):
    """It is their turn, so they are told; once, however many others act."""
    request = small.ask(small.publish(form=small.form(all_of(LEGAL, EMPTY), fallback=UNA)))
    small.approve(request, "ana")

    assert small.told("una").count("access_requested") == 1
    assert small.told("gil").count("access_stuck") == 1


def test_a_large_seat_is_not_vacant_because_lists_of_people_are_short(small):
    """As many are looked for as the seat needs, and those who may not decide do not count."""
    for number in range(70):
        groups = ["Board", "Team"] if number < 55 else ["Board"]
        small.market.people.add(f"m{number:02}", groups=groups, by="uma")
    small.market.people.link(group("Team"), "lake", small.platform.principal("team"), by="uma")
    board = ReviewFlow.review(Stage.all_of(Seat(group("Board"), approvals=60)))

    wide = small.ask(small.publish(form=small.form(board, fallback=UNA)))
    side = small.ask(small.publish(any_of(group("Board"))), on_behalf_of=group("Team"))
    none = small.ask(small.publish(board), on_behalf_of=group("Team"))

    assert stuck(small, wide) == stuck(small, side) == ()
    assert stuck(small, none) == ("60 of group Board",)
    with nothing_written(small), pytest.raises(NotAllowed):
        small.approve(wide, "una")
    assert (
        len(small.market.requests.explain(wide.id, by="dee").candidates["60 of group Board"]) == 50
    )


def test_seats_that_want_different_people_are_stuck_when_there_is_only_one(small):
    """An unsatisfiable seat is one that the same person would have to fill a second time."""
    small.market.people.add("two", groups=["One", "Two"], by="uma")
    flow = all_of(group("One"), group("Two"), distinct=True)
    request = small.ask(small.publish(flow))

    assert stuck(small, request) == ("group Two",)
    assert small.approve(request, "two").state == "pending"
    small.market.people.update("sal", groups=["Two"], by="uma")
    assert stuck(small, request) == ()
    assert small.approve(request, "sal").state == "approved"


def test_a_publication_with_nobody_to_decide_is_not_refused(small):
    """E5: groups fill later."""
    assert small.publish(any_of(EMPTY)).state == "published"
