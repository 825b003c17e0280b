"""Requests that wait: stewards who are added after a time, and an end of the wait."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from datetime import timedelta

import pytest

from marketplace_sdk import (
    AlreadyDetermined,
    AlreadyRequested,
    DomainPolicy,
    Duration,
    Escalation,
    InvalidInput,
    Marketplace,
    NotAllowed,
    NotFound,
    Question,
    ReviewFlow,
    Seat,
    Stage,
    TransitionNotAllowed,
    domain_permission,
    group,
)
from marketplace_sdk.testing import MemoryStorage
from tests.services.helpers import grant_of, kept, nothing_written, small_world, types_of
from tests.services.test_concurrency import race, split
from tests.world import GOV, LEGAL, PRIVACY, TEAM, UNA, MemoryLake, World, all_of, any_of

FINAL = {"request.approved", "request.denied", "request.canceled"}
TO_UNA = Escalation(after=Duration(3, "days"), to=UNA)
MONTH = Duration(30, "days")


def ask(world, review=None, *, escalation=TO_UNA, expire_after=None, by="con", **more):
    """A request under a form with patience."""
    form = world.form(
        review or any_of(LEGAL), escalation=escalation, expire_after=expire_after, **more
    )
    world.product = world.publish(form=form)
    return world.ask(world.product, by=by)


def waiting(world, who):
    return [each.id for each in world.market.requests.awaiting(by=who)]


def timers(world):
    with world.market._storage.begin(write=False) as rows:
        return sorted(each.id.split(":", 1)[0] for each in rows.work("timer"))


def finals(world, request):
    return [each for each in types_of(world, f"request:{request.id}") if each in FINAL]


# Escalation


@pytest.mark.parametrize("worker", [True, False])
def test_after_its_time_others_may_decide_too(small, worker):
    """The instant is honoured by the rule itself, even when no worker ran."""
    request = ask(small)
    small.clock.advance(timedelta(days=3, microseconds=-1))
    if worker:
        small.deliver()
    assert waiting(small, "una") == []
    with nothing_written(small), pytest.raises(NotAllowed) as refused:
        small.approve(request, "una")
    assert refused.value.hint == "user una may from 2026-01-04 12:00:00 UTC on, if it is open then"

    small.clock.advance(timedelta(microseconds=1))
    if worker:
        small.deliver()

    assert waiting(small, "una") == waiting(small, "ana") == [request.id]
    done = small.approve(request, "una")
    assert done.state == "approved"
    assert [match.by for match in done.determinations[0].matched] == ["escalation to user una"]


def test_whoever_is_added_finds_it_by_every_list_and_sees_what_waits(small):
    """Lists, preview and names of who could decide are for them as for other stewards."""
    request = ask(small)
    explained = small.market.requests.explain(request.id, by="una")
    assert (explained.escalation, explained.escalates_at) == (
        "user una",
        small.clock() + timedelta(days=3),
    )
    assert explained.candidates == {}
    assert "from 2026-01-04 12:00 UTC on user una may decide, too" in explained.text
    with pytest.raises(NotAllowed):
        small.market.grants.preview(request.id, by="una")

    small.clock.advance(days=3)

    explained = small.market.requests.explain(request.id, by="una")
    assert explained.candidates == {"group Legal": ("ana", "bo", "una")}
    assert "since 2026-01-04 12:00 UTC user una may decide, too" in explained.text
    assert small.market.requests.find(review="awaiting_me", by="una").items
    assert small.market.grants.preview(request.id, by="una").changes
    assert small.market.requests.ask(request.id, "Why?", by="una").open_inquiries


def test_a_request_is_nobodys_business_who_is_not_named(small):
    """Being added makes readers of those who are named, and of nobody else."""
    request = ask(small)
    small.clock.advance(days=3)

    with pytest.raises(NotFound):
        small.market.requests.get(request.id, by="sal")
    small.approve(request, "ana")
    with pytest.raises(NotFound):
        small.market.requests.get(request.id, by="una")


def test_an_escalation_is_told_once_to_those_concerned(small):
    request = ask(small)
    small.clock.advance(days=3)
    for _ in range(2):
        small.deliver()

    assert types_of(small, f"request:{request.id}").count("request.escalated") == 1
    (event,) = small.sent("data_product.access_requests.escalated")
    assert event.data["escalation"] == {
        "stage": 0,
        "to": "user una",
        "at": small.clock().isoformat(),
    }
    assert small.told("una") == ["decision_escalated"]
    assert small.told("con").count("request_escalated") == 1
    assert small.told("dee").count("request_escalated") == 1
    assert "request_escalated" not in small.told("ana")
    small.clock.advance(minutes=1)  # an inbox is in the order of time
    small.approve(request, "ana")
    assert "determination_made" in small.told("una")


def test_nobody_is_told_of_what_is_decided_in_time(small):
    request = ask(small)
    small.approve(request, "ana")
    small.clock.advance(days=3)
    small.deliver()

    assert "request.escalated" not in types_of(small, f"request:{request.id}")
    assert small.told("una") == []


def test_each_stage_escalates_by_itself(small):
    """Counted anew from the moment at which it opens; told anew, too."""
    flow = ReviewFlow.review(Stage.any_of(LEGAL), Stage.any_of(PRIVACY))
    request = ask(small, flow)
    small.clock.advance(days=3)
    small.deliver()
    small.approve(request, "una")
    assert waiting(small, "una") == []
    small.clock.advance(days=2)
    small.deliver()
    assert small.told("una").count("decision_escalated") == 1

    small.clock.advance(days=1)
    small.deliver()

    assert small.told("una").count("decision_escalated") == 2
    assert small.approve(request, "una").state == "approved"


def test_one_who_is_added_fills_every_open_seat_and_no_number_is_lowered(small):
    every = ask(small, all_of(LEGAL, PRIVACY, TEAM))
    two = ask(small, ReviewFlow.review(Stage.all_of(Seat(LEGAL, approvals=2))))
    apart = ask(small, all_of(LEGAL, PRIVACY, distinct=True))
    small.clock.advance(days=3)

    assert small.approve(every, "una").state == "approved"
    assert small.approve(two, "una").state == "pending"
    assert small.approve(two, "ana").state == "approved"
    assert small.approve(apart, "una").state == "pending"
    assert small.approve(apart, "ana").state == "approved"


def test_nobody_who_is_added_decides_for_themselves(small):
    small.market.people.link("una", "lake", small.platform.principal("una_there"), by="uma")
    request = ask(small, by="una")
    small.clock.advance(days=3)
    small.deliver()

    assert waiting(small, "una") == []
    assert "decision_escalated" not in small.told("una")
    with nothing_written(small), pytest.raises(NotAllowed) as refused:
        small.approve(request, "una")
    assert refused.value.code == "self_review"


def test_what_the_domain_demands_beside_the_form_does_not_escalate(small):
    """A form's manager cannot give the seats of the domain's policy to others."""
    policy = DomainPolicy(extra_stages=(Stage.any_of(PRIVACY),))
    small.market.domains.set_policy("HR", policy, by="gil")
    request = ask(small)
    small.clock.advance(days=3)
    small.approve(request, "una")
    small.clock.advance(days=300)
    small.deliver()

    assert waiting(small, "una") == []
    with pytest.raises(NotAllowed):
        small.approve(request, "una")
    assert small.approve(request, "cy").state == "approved"


def test_the_managers_of_the_products_domain_may_be_added(small):
    manager = Escalation(after=timedelta(days=3), to=domain_permission("MANAGE_DATA_PRODUCTS"))
    request = ask(small, escalation=manager)
    small.clock.advance(days=3)

    with pytest.raises((NotAllowed, NotFound)):
        small.approve(request, "dan")
    assert small.approve(request, "dee").state == "approved"


def test_whoever_stands_in_goes_on_to_when_others_are_added(small):
    """An escalation adds people and takes nothing away; what nobody can fill is said as it is."""
    request = ask(small, all_of(LEGAL, group("Empty")), fallback=TEAM)
    assert waiting(small, "fay") == [request.id]
    explain = small.market.requests.explain
    assert explain(request.id, by="con").stuck == ("group Empty",)

    small.clock.advance(days=3)
    small.deliver()

    assert explain(request.id, by="con").stuck == ()
    assert waiting(small, "fay") == waiting(small, "una") == [request.id]
    assert small.approve(request, "fay").state == "pending"
    assert small.approve(request, "una").state == "approved"


def test_an_escalation_to_nobody_leaves_it_stuck(small):
    empty = Escalation(after=timedelta(days=3), to=group("Nobody"))
    request = ask(small, any_of(group("Empty")), escalation=empty)
    small.clock.advance(days=3)
    small.deliver()

    assert small.market.requests.explain(request.id, by="con").stuck == ("group Empty",)
    assert small.state(request) == "pending"


def test_a_worker_that_was_away_delays_the_message_and_not_the_right(small):
    request = ask(small)
    small.clock.advance(days=20)

    assert waiting(small, "una") == [request.id]
    small.deliver()
    assert small.told("una").count("decision_escalated") == 1


# The end of the wait


@pytest.fixture
def overdue(small):
    """A request that nobody has decided in time, and no worker ran."""
    request = ask(small, escalation=None, expire_after=MONTH)
    small.clock.advance(days=30)
    return request


def test_every_read_past_the_instant_shows_it_canceled(small, overdue):
    """Whether it was swept or not."""
    requests = small.market.requests
    end = small.clock()
    small.clock.advance(days=1)
    with nothing_written(small):
        seen = requests.get(overdue.id, by="con")
        assert (seen.state, seen.cause, seen.ended_at) == ("canceled", "timed_out", end)
        assert [each.id for each in requests.find(state="canceled", by="con")] == [overdue.id]
        assert not requests.find(state="pending", by="con").items
        assert waiting(small, "ana") == []
        assert not requests.find(review="awaiting_me", by="ana").items
        assert small.market.products.get(overdue.product, by="con").status == "canceled"
        explained = requests.explain(overdue.id, by="con")
        assert (explained.state, explained.open_seats) == ("canceled", ())
        assert "called off at 2026-01-31 12:00 UTC: nobody decided in time" in explained.text


def test_no_command_reaches_it_past_the_instant(small, overdue):
    requests = small.market.requests
    with nothing_written(small):
        for act in (requests.approve, requests.deny):
            with pytest.raises(AlreadyDetermined, match="it is canceled") as refused:
                act(overdue.id, reason="x", by="ana")
            assert refused.value.hint == "nobody decided in time; ask again"
        for who in ("con", "gil"):
            with pytest.raises(TransitionNotAllowed, match="it is canceled"):
                requests.cancel(overdue.id, by=who)
        with pytest.raises(TransitionNotAllowed):
            requests.revoke(overdue.id, reason="x", by="dee")
        with pytest.raises(TransitionNotAllowed):
            requests.extend(overdue.id, answers={"why": "x"}, by="con")
        with pytest.raises(AlreadyDetermined):
            requests.ask(overdue.id, "Why?", by="ana")
        with pytest.raises(TransitionNotAllowed):
            small.market.grants.preview(overdue.id, by="dee")


def test_an_open_question_is_none_any_more_past_the_instant(small):
    request = ask(small, escalation=None, expire_after=MONTH)
    asked = small.market.requests.ask(request.id, "Why?", by="ana")
    small.clock.advance(days=30)

    assert not small.market.requests.find(inquiry="open", by="ana").items
    assert not small.market.requests.find(inquiry="awaiting_me", by="con").items
    with pytest.raises(AlreadyDetermined):
        small.market.requests.answer(request.id, asked.inquiries[0].id, "So.", by="con")


def test_the_sweep_calls_it_off_once_and_tells_everybody(small, overdue):
    """One final event; requester, beneficiary and stewards are told."""
    for _ in range(2):
        small.deliver()
        small.clock.advance(days=1)

    assert finals(small, overdue) == ["request.canceled"]
    (event,) = small.sent("data_product.access_requests.canceled")
    assert (event.data["cause"], event.data["request"]["state"]) == ("timed_out", "canceled")
    assert not small.sent("data_product.access_requests.consumer.updated")
    for who in ("con", "ana", "bo"):
        assert small.told(who).count("request_timed_out") == 1
    assert small.reads("con") == "none"


def test_a_read_says_the_same_before_the_sweep_and_after(small, overdue):
    small.clock.advance(days=3)
    before = small.market.requests.get(overdue.id, by="con")
    small.deliver()

    assert small.market.requests.get(overdue.id, by="con") == before


def test_it_may_be_asked_anew_at_once(small, overdue):
    """Even before the sweep: the place is given back by time, not by whoever asks next."""
    again = small.ask(small.product)

    assert again.state == "pending"
    small.deliver()
    assert finals(small, overdue) == ["request.canceled"]
    (canceled,) = [
        row
        for row in small.market.audit.events(f"request:{overdue.id}", by="aud")
        if row.type == "request.canceled"
    ]
    assert canceled.actor == "system"
    assert small.state(again) == "pending"
    with pytest.raises(AlreadyRequested):
        small.ask(small.product)


def test_the_same_call_again_is_answered_as_reads_are(small):
    small.product = small.publish(form=small.form(any_of(LEGAL), expire_after=MONTH))
    small.ask(small.product, id="mine")
    small.clock.advance(days=30)

    assert small.ask(small.product, id="mine").state == "canceled"


def test_what_is_decided_in_time_is_left_alone(small):
    approved = ask(small, expire_after=MONTH)
    small.approve(approved, "ana")
    denied = ask(small, expire_after=MONTH, by="pat")
    small.deny(denied, "ana")
    small.clock.advance(days=60)
    small.deliver()

    assert (small.state(approved), small.state(denied)) == ("approved", "denied")
    assert small.reads("con") == "clear"


def test_a_request_decided_in_part_is_called_off_too(small):
    """Seats that are filled count for nothing by themselves."""
    request = ask(small, all_of(LEGAL, PRIVACY), escalation=None, expire_after=MONTH)
    small.approve(request, "ana")
    small.clock.advance(days=30)
    small.deliver()

    assert small.state(request) == "canceled"
    assert small.reads("con") == "none"


def test_an_extension_that_times_out_leaves_the_old_access_as_it_is(small):
    request = ask(small, escalation=None, expire_after=MONTH)
    small.approve(request, "ana", until=Duration(90, "days"))
    longer = small.market.requests.extend(request.id, answers={"why": "x"}, by="con")
    before = grant_of(small).until
    small.clock.advance(days=30)
    small.deliver()

    assert (small.state(longer), small.state(request)) == ("canceled", "approved")
    assert grant_of(small).until == before
    assert small.reads("con") == "clear"
    assert (
        small.market.requests.extend(request.id, answers={"why": "x"}, by="con").state == "pending"
    )


def test_a_masking_exception_times_out_as_well(small):
    product = small.publish(form=small.form(any_of(LEGAL), expire_after=MONTH))
    exception = small.ask_unmasked(product)
    small.clock.advance(days=30)
    small.deliver()

    kept_one = small.market.requests.get(exception.id, by="con")
    assert (kept_one.state, kept_one.cause) == ("canceled", "timed_out")
    assert small.ask_unmasked(product).state == "pending"


@pytest.mark.parametrize("end", ["delete", "leave"])
def test_what_was_over_already_has_timed_out_whoever_comes(small, overdue, end):
    if end == "delete":
        small.market.products.delete(overdue.product, by="dee")
    else:
        small.market.people.deactivate("con", by="uma")

    assert small.market.requests.get(overdue.id, by="gil").cause == "timed_out"
    small.deliver()
    assert finals(small, overdue) == ["request.canceled"]


def test_what_somebody_wrote_is_erased_though_no_worker_has_called_it_off(small, overdue):
    """They could not cancel it any more."""
    small.market.audit.erase("con", reason="they asked", by="gil")
    small.deliver()

    assert not small.market.requests.get(overdue.id, by="gil").answers
    assert small.state(overdue) == "canceled"


def test_many_are_called_off_in_order_after_a_long_absence(small):
    """What was due first comes first; each is one unit of work of its own."""
    ids = []
    product = small.publish(form=small.form(any_of(LEGAL), expire_after=MONTH))
    for number in range(120):
        small.market.people.add(f"p{number}", principals={"lake": f"q{number}"}, by="uma")
        small.platform.principal(f"q{number}")
        ids.append(small.ask(product, by=f"p{number}").id)
        small.clock.advance(minutes=1)
    small.clock.advance(days=90)
    small.deliver()

    ended = [
        row.aggregate.removeprefix("request:")
        for row in small.market.audit.events(limit=1000, by="aud")
        if row.type == "request.canceled"
    ]
    assert ended == ids
    assert not small.market.requests.find(state="pending", limit=1000, by="gil").items


def test_after_an_absence_nobody_is_asked_for_what_is_over(small):
    """Escalation, warning and end are all due: only the end is told."""
    request = ask(small, expire_after=MONTH)
    small.clock.advance(days=45)
    small.deliver()

    assert small.told("una") == []
    assert set(small.told("ana")) <= {"access_requested", "request_timed_out"}
    assert types_of(small, f"request:{request.id}") == ["request.submitted", "request.canceled"]


def test_stewards_are_warned_a_day_before(small):
    """Whoever may decide then, whom the escalation added among them; once."""
    request = ask(small, expire_after=MONTH)
    small.clock.advance(days=28, hours=23)
    small.deliver()
    assert "request_timing_out" not in small.told("ana")

    small.clock.advance(hours=1)
    small.deliver()

    for who in ("ana", "bo", "una"):
        assert small.told(who).count("request_timing_out") == 1
    assert "request_timing_out" not in small.told("con")
    assert small.state(request) == "pending"


# Forms


def test_a_form_without_patience_writes_nothing_more(small):
    """One timer, the daily look whether it is stuck; and so it was before."""
    small.ask(small.publish(any_of(LEGAL)))
    small.deliver()
    plain = [each for each in timers(small) if each in ("stuck", "escalate")]
    assert plain == ["stuck"]
    assert not any(each.startswith("time_out") for each in timers(small))

    ask(small, expire_after=MONTH, by="pat")
    assert {"escalate", "time_out", "time_out_soon"} <= set(timers(small))


class Counted:
    """A storage that counts what is asked of it."""

    def __init__(self, storage):
        self._storage = storage
        self.calls = Counter()

    def __getattr__(self, name):
        return getattr(self._storage, name)

    @contextmanager
    def begin(self, **more):
        with self._storage.begin(**more) as rows:
            yield CountedRows(rows, self.calls)


class CountedRows:
    def __init__(self, rows, calls):
        self._rows, self._calls = rows, calls

    def __getattr__(self, name):
        self._calls[name] += 1
        return getattr(self._rows, name)


def test_a_life_costs_as_many_calls_of_the_storage_as_before():
    """With patience, too: its timers are written with the rest, and nothing is read for it."""
    storage = Counted(MemoryStorage())
    world = small_world(storage)
    flow = ReviewFlow.review(Stage.any_of(LEGAL), Stage.any_of(PRIVACY))
    plain = world.publish(form=world.form(flow))
    patient = world.publish(form=world.form(flow, escalation=TO_UNA, expire_after=MONTH))
    seen = []
    for product in (plain, patient):
        storage.calls.clear()
        request = world.ask(product)
        world.approve(request, "ana", "cy")
        seen.append(dict(storage.calls))
    world.close()

    assert seen[0] == seen[1]


def test_later_edits_change_nothing_that_is_pending(small):
    """Pinned at submission; `cancel and ask again` moves to the new version."""
    requests, forms = small.market.requests, small.market.forms
    form = small.form(any_of(LEGAL), escalation=TO_UNA, expire_after=MONTH)
    product = small.publish(form=form)
    request = small.ask(product)
    now = small.clock()
    forms.edit(
        form,
        escalation=Escalation(after=Duration(1, "hours"), to=TEAM),
        expire_after=Duration(2, "days"),
        by="dee",
    )

    small.clock.advance(days=2)
    small.deliver()
    pinned = requests.get(request.id, by="con")
    assert (pinned.state, pinned.escalates_at, pinned.expires_at) == (
        "pending",
        now + timedelta(days=3),
        now + timedelta(days=30),
    )
    with pytest.raises(NotFound):
        small.approve(request, "fay")

    requests.cancel(request.id, by="con")
    again = small.ask(product)
    assert (again.escalates_at, again.expires_at) == (
        small.clock() + timedelta(hours=1),
        small.clock() + timedelta(days=2),
    )
    small.clock.advance(hours=1)
    assert small.approve(again, "fay").state == "approved"


def test_patience_can_be_changed_and_taken_away(small):
    forms = small.market.forms
    form = small.form(any_of(LEGAL), escalation=TO_UNA, expire_after=MONTH)

    questions = [Question.short_answer("why", "And why?")]
    edited = forms.edit(form, questions=questions, by="dee").current
    assert (edited.escalation, edited.expire_after) == (TO_UNA, MONTH)
    edited = forms.edit(form, escalation=None, expire_after=timedelta(days=4), by="dee").current
    assert (edited.escalation, edited.expire_after) == (None, Duration(345_600, "seconds"))
    edited = forms.edit(form, expire_after=None, by="dee").current
    assert edited.expire_after is None
    assert forms.edit(form, expire_after=None, by="dee").current.number == edited.number


@pytest.mark.parametrize(
    "change", [{"escalation": TO_UNA}, {"expire_after": MONTH}, {"expire_after": None}]
)
def test_patience_needs_the_forms_manager(small, change):
    """Like the fallback; and GOVERNANCE when products of other domains use the form."""
    form = small.form(any_of(LEGAL), expire_after=Duration(9, "days"))
    with nothing_written(small), pytest.raises(NotAllowed):
        small.market.forms.edit(form, by="ana", **change)
    assert small.market.forms.edit(form, by="dee", **change).current.number == 2

    shared = small.form(any_of(LEGAL), domain=None, by="gil", expire_after=Duration(9, "days"))
    small.publish(form=shared)
    with nothing_written(small), pytest.raises(NotAllowed):
        small.market.forms.edit(shared, by="dee", **change)
    assert small.market.forms.edit(shared, by="gil", **change).current.number == 2


def test_an_escalation_that_never_comes_before_the_end_is_refused(small):
    late = Escalation(after=Duration(30, "days"), to=UNA)
    with nothing_written(small), pytest.raises(InvalidInput) as refused:
        small.form(any_of(LEGAL), escalation=late, expire_after=MONTH)
    assert dict(refused.value.problems) == {
        "escalation.after": "must always be shorter than expire_after"
    }
    form = small.form(any_of(LEGAL), escalation=TO_UNA)
    with nothing_written(small), pytest.raises(InvalidInput):
        small.market.forms.edit(form, expire_after=Duration(2, "days"), by="dee")


def test_an_escalation_to_nobody_is_a_warning(small):
    """As for every other selector."""
    made = small.market.forms.create(
        "Escalates to nobody",
        domain="HR",
        questions=[Question.short_answer("why", "Why?")],
        review=any_of(LEGAL),
        escalation=Escalation(after=timedelta(days=1), to=group("Nobody")),
        by="dee",
    )

    assert made.warnings == ("group Nobody matches nobody",)
    assert small.market.forms.edit(made.id, escalation=TO_UNA, by="dee").warnings == ()


# Workers


@pytest.fixture(params=["sqlite", "postgresql"])
def shared(request):
    """A marketplace on a store that another process shares, whose clock is a second ahead."""
    url = (
        request.getfixturevalue("postgres_url")
        if request.param == "postgresql"
        else f"sqlite:///{request.getfixturevalue('tmp_path')}/market.db"
    )
    world = World(url, MemoryLake(), discover=True)
    world.url = url
    yield world
    world.close()


def test_a_sweep_and_a_steward_at_once_have_one_outcome(shared):
    """Whoever is first; the other changes nothing, and one final event leaves."""
    product = shared.publish(form=shared.form(any_of(LEGAL), expire_after=MONTH))
    states = []
    for _ in range(8):
        request = shared.ask(product)
        shared.deliver()
        shared.clock.advance(timedelta(days=30, seconds=-1))
        ahead = shared.clock() + timedelta(seconds=1)
        with Marketplace(
            shared.url,
            connections={"lake": shared.platform.connection(shared.token)},
            clock=lambda ahead=ahead: ahead,
        ) as other:
            _, lost = split(
                race(lambda request=request: shared.approve(request, "ana"), other.deliver)
            )
        shared.clock.advance(seconds=1)
        shared.deliver()
        states.append(shared.state(request))
        assert finals(shared, request) == [f"request.{states[-1]}"]
        assert [each.state for each in lost] == (["canceled"] if states[-1] == "canceled" else [])
        assert shared.reads("con") == ("clear" if states[-1] == "approved" else "none")
        if states[-1] == "approved":
            shared.market.requests.revoke(request.id, reason="next round", by="dee")
            shared.deliver()
    assert set(states) <= {"approved", "canceled"}


def test_several_workers_call_off_and_escalate_each_request_once(shared):
    """Two workers at once, many requests: nothing is told twice."""
    product = shared.publish(form=shared.form(any_of(LEGAL), escalation=TO_UNA, expire_after=MONTH))
    requests = []
    for number in range(12):
        shared.market.people.add(f"p{number}", principals={"lake": f"q{number}"}, by="uma")
        shared.platform.principal(f"q{number}")
        requests.append(shared.ask(product, by=f"p{number}"))
    with Marketplace(
        shared.url,
        connections={"lake": shared.platform.connection(shared.token)},
        clock=shared.clock,
    ) as other:
        for days in (3, 27):
            shared.clock.advance(days=days)
            split(race(shared.market.deliver, other.deliver, other.deliver))
            for _ in range(3):  # what a busy file made fail is tried again
                shared.clock.advance(minutes=10)
                shared.deliver()

    for request in requests:
        assert types_of(shared, f"request:{request.id}") == [
            "request.submitted",
            "request.escalated",
            "request.canceled",
        ]
    assert shared.told("una").count("decision_escalated") == len(requests)


def test_a_store_of_an_earlier_release_goes_on_as_it_was():
    """Forms and requests that know of no patience have none."""
    world = small_world()
    request = world.ask(world.publish(any_of(GOV)))
    with world.market._storage.begin(write=False) as rows:
        document = rows.get("request", request.id).document
    assert not {"escalates", "escalated"} & set(document)
    assert kept(world)
    world.clock.advance(days=400)
    world.deliver()
    assert world.state(request) == "pending"
    world.close()
