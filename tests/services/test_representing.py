"""Deciding in somebody's place: with their seats, under both names, and with one voice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace_sdk import (
    AlreadyDetermined,
    Deputyship,
    Duration,
    InvalidInput,
    MarketplaceError,
    NotAllowed,
    NotFound,
    Person,
    ReviewFlow,
    Seat,
    Stage,
    group,
    user,
)
from marketplace_sdk.work.unit import Unit
from tests.services.helpers import grant_of, nothing_written, small_world
from tests.services.test_leavers import Company
from tests.world import LEGAL, PRIVACY, all_of, any_of

WEEK = Duration(1, "weeks")


@pytest.fixture
def away(small):
    """ana, of Legal, has named sal, who is nobody's steward, and waits for nothing yet."""
    small.market.deputies.name("sal", until=WEEK, id="away", by="ana")
    return small


@pytest.fixture
def asked(away):
    """con asks for pat; ana or bo decide."""
    request = away.ask(away.publish(any_of(LEGAL), name="Heads", id="heads"), on_behalf_of="pat")
    away.deliver()
    return request


def approve(world, request, by="sal", deputy_for="ana", **more):
    more.setdefault("reason", "fine")
    return world.market.requests.approve(request.id, deputy_for=deputy_for, by=by, **more)


def refused(world, request, by="sal", deputy_for="ana", verb="approve", kind=NotAllowed):
    """The error, which has changed nothing; the same for every act."""
    acts = {
        "approve": lambda more: world.market.requests.approve(request.id, reason="x", **more),
        "deny": lambda more: world.market.requests.deny(request.id, reason="x", **more),
        "ask": lambda more: world.market.requests.ask(request.id, "Why?", **more),
    }
    for act in acts.values() if verb == "approve" else (acts[verb],):
        with nothing_written(world), pytest.raises(kind) as caught:
            act({"by": by, "deputy_for": deputy_for})
    return caught.value


# -- acting --------------------------------------------------------------------------------


def test_both_names_and_how_the_one_represented_matched_are_on_record(away, asked):
    approved = approve(away, asked, until=timedelta(days=30))

    (act,) = approved.determinations
    assert approved.state == "approved"
    assert (act.by, act.deputy_for, act.deputyship, act.who) == (
        "sal",
        "ana",
        "away",
        "sal for ana",
    )
    assert [match.by for match in act.matched] == ["group Legal"]
    assert act.as_of == away.clock()
    row = away.market.requests.history(asked.id, by="con")[-1]
    said = row.payload["determination"]
    assert (row.actor, said["by"], said["deputy_for"], said["deputyship"]) == (
        "sal",
        "sal",
        "ana",
        "away",
    )
    assert "approved for group Legal: sal for ana" in str(
        away.market.requests.explain(asked.id, by="con")
    )
    assert '"deputy_for":"ana"' in "".join(away.market.audit.export(by="aud")).replace(" ", "")
    assert grant_of(away, "pat").state == "wanted"


def test_a_denial_names_both_too(away, asked):
    denied = away.market.requests.deny(asked.id, reason="no", deputy_for="ana", by="sal")

    assert denied.state == "denied"
    assert "denied by sal for ana" in str(away.market.requests.explain(asked.id, by="ana"))


def test_a_deputy_asks_back_for_whom_they_represent(away, asked):
    inquiry = away.market.requests.ask(
        asked.id, "Which heads?", inquiry="i", deputy_for="ana", by="sal"
    ).inquiries[0]

    assert (inquiry.asked_by, inquiry.deputy_for) == ("sal", "ana")
    assert "asked by sal for ana, not answered: Which heads?" in str(
        away.market.requests.explain(asked.id, by="con")
    )
    with nothing_written(away):
        away.market.requests.ask(asked.id, "Which heads?", inquiry="i", deputy_for="ana", by="sal")
    away.market.requests.answer(asked.id, "i", "All.", by="con")
    assert "question_answered" in away.told("sal")


def test_the_same_act_again_is_a_no_op_and_as_somebody_else_a_conflict(away, asked):
    first = approve(away, asked, determination="d")

    with nothing_written(away):
        assert approve(away, asked, determination="d") == first
    with nothing_written(away), pytest.raises(MarketplaceError, match="id is taken"):
        away.market.requests.approve(asked.id, reason="fine", determination="d", by="ana")


def test_only_what_the_one_represented_is_at_this_moment_counts(away, asked):
    """Their memberships of today, not those of when they named somebody."""
    away.market.people.update("ana", groups=[], by="uma")
    with pytest.raises(NotFound):
        approve(away, asked)
    away.market.people.update("ana", groups=["Legal"], by="uma")

    assert approve(away, asked).state == "approved"


def test_nobody_acts_for_who_has_left_or_has_left_oneself(away, asked):
    away.market.people.deactivate("ana", by="uma")
    assert refused(away, asked).code == "deputyship_over"
    away.market.people.reactivate("ana", by="uma")
    away.market.deputies.name("sal", until=WEEK, by="ana")
    away.market.people.deactivate("sal", by="uma")

    assert refused(away, asked).code == "unknown_actor"


def test_stages_open_for_whom_is_represented(away):
    """The next stage opens, and only the seats of the one represented are theirs to fill."""
    flow = ReviewFlow.review(Stage.any_of(PRIVACY), Stage.any_of(LEGAL))
    request = away.ask(away.publish(flow))

    assert "an earlier stage" in refused(away, request).hint
    away.approve(request, "cy")
    assert approve(away, request).state == "approved"


def test_who_stands_in_for_an_empty_seat_may_be_represented(away):
    """A deputy fills it as the one represented would."""
    form = away.form(any_of(group("Nobody")), fallback=user("ana"))
    request = away.ask(away.publish(form=form))

    assert "stuck" in str(away.market.requests.explain(request.id, by="sal"))
    assert approve(away, request).determinations[0].matched[0].by == "fallback"


def test_it_is_the_same_whatever_keeps_it(storage_url):
    """Named, found by who may look, acted under, over by time, and ended."""
    world = small_world(storage_url)
    deputies, requests = world.market.deputies, world.market.requests
    product = world.publish(any_of(LEGAL), name="Heads", id="heads")
    deputies.name("sal", until=timedelta(days=1), id="short", by="bo")
    ship = deputies.name("sal", until=WEEK, product="heads", id="away", by="ana")
    first, second = world.ask(product), world.ask(product, by="pat")
    assert {each.id for each in requests.awaiting(by="sal")} == {first.id, second.id}
    assert deputies.find(live=True, by="sal").items == (ship, deputies.get("short", by="bo"))

    world.clock.advance(days=1)
    with pytest.raises(NotAllowed):
        approve(world, first, deputy_for="bo")
    assert approve(world, first).determinations[0].deputyship == "away"
    page = requests.find(review="awaiting_me", limit=1, by="sal")
    assert ([each.id for each in page], page.next) == ([second.id], None)
    world.market.people.deactivate("ana", by="uma")
    assert requests.awaiting(by="sal").items == ()
    assert deputies.get("away", by="sal").ended_by == "uma"
    assert world.market.audit.verify().ok
    world.close()


# -- refusals ------------------------------------------------------------------------------


def test_without_a_deputyship_nobody_acts_for_another(away, asked):
    """The same words whether the request, or the person, exists."""
    for person in ("bo", "zoe"):
        error = refused(away, asked, deputy_for=person)
        assert (error.code, error.hint) == (
            "no_deputyship",
            f"{person} names a deputy with market.deputies.name",
        )
    assert refused(away, asked, by="ana", deputy_for="sal").code == "no_deputyship"
    assert refused(away, asked, deputy_for="", kind=InvalidInput)


def test_before_and_after_its_window_and_when_it_was_ended_it_gives_nothing(small):
    begins = small.clock() + timedelta(days=1)
    small.market.deputies.name("sal", since=begins, until=WEEK, id="away", by="ana")
    request = small.ask(small.publish(any_of(LEGAL)))

    assert refused(small, request).code == "deputyship_ahead"
    small.clock.set(begins + timedelta(days=7))
    assert refused(small, request).code == "deputyship_over"
    small.clock.set(begins)
    small.market.deputies.end("away", by="ana")
    assert refused(small, request).code == "deputyship_over"
    with pytest.raises(NotFound):
        small.market.requests.get(request.id, by="sal")


def test_the_last_instant_is_out_and_the_first_is_in(small):
    begins = small.clock() + timedelta(days=1)
    ends = begins + timedelta(days=1)
    small.market.deputies.name("sal", since=begins, until=ends, by="ana")
    first, last = (small.ask(small.publish(any_of(LEGAL))) for _ in range(2))

    small.clock.set(begins)
    assert approve(small, first).state == "approved"
    small.clock.set(ends - timedelta(microseconds=1))
    assert small.market.requests.get(last.id, by="sal").open
    small.clock.set(ends)
    assert refused(small, last).code == "deputyship_over"


def test_out_of_scope_is_not_found_or_refused_if_it_may_be_seen(small):
    """Neither says more of a request than the deputy may know."""
    small.market.domains.grant("FIN", permission="MANAGE_DATA_PRODUCTS", to="sal", by="uma")
    small.market.deputies.name("sal", until=WEEK, domain="FIN", by="ana")
    request = small.ask(small.publish(any_of(LEGAL)))

    for id in (request.id, "nothing"):
        with pytest.raises(NotFound) as hidden:
            small.market.requests.deny(id, reason="x", deputy_for="ana", by="sal")
        assert hidden.value.hint == ("you represent ana for domain FIN, where they are a steward")
    small.market.people.update("sal", permissions=["AUDIT"], by="uma")
    assert refused(small, request).code == "out_of_scope"


@pytest.mark.parametrize("scope", [{"domain": "HR"}, {"product": "heads"}, {}])
def test_within_scope_they_may(small, scope):
    product = small.publish(any_of(LEGAL), name="Heads", id="heads")
    small.market.deputies.name("sal", until=WEEK, **scope, by="ana")

    assert approve(small, small.ask(product)).state == "approved"


def test_of_several_scopes_the_one_that_fits_is_on_record(small):
    product = small.publish(any_of(LEGAL), name="Heads", id="heads")
    for id, scope in (("a", {"domain": "FIN"}), ("b", {"product": "heads"})):
        small.market.deputies.name("sal", until=WEEK, id=id, **scope, by="ana")

    assert approve(small, small.ask(product)).determinations[0].deputyship == "b"


def test_a_deputy_of_a_deputy_decides_nothing(away, asked):
    """No chains: sal represents ana, fay represents sal, so fay represents nobody here."""
    away.market.deputies.name("fay", until=WEEK, by="sal")

    error = refused(away, asked, by="fay")
    assert (error.code, error.hint) == (
        "deputy_chain",
        "a deputy has no deputy: sal acts, or ana names fay",
    )
    with pytest.raises(NotFound):
        away.market.requests.approve(asked.id, reason="x", deputy_for="sal", by="fay")
    assert away.market.requests.awaiting(by="fay").items == ()


def barred(world):
    """Requests by what bars sal from deciding them for ana, or ana from being represented."""
    market = world.market
    world.publish(any_of(LEGAL), name="Heads", id="heads")
    market.people.add("robot", kind="service_account", owner="sal", by="uma")
    market.people.add("bot", kind="service_account", owner="ana", by="uma")
    for name in ("sal", "ana", "robot", "bot"):
        world.platform.principal(name)
        market.people.link(name, "lake", name, by="uma")
    market.people.update("sal", groups=["crew"], by="uma")
    for name in ("crew", "Legal"):
        world.platform.principal(name)
        market.people.link(group(name), "lake", name, by="uma")
    to = world.market.requests.request_access
    why = {"why": "x"}
    yield "requester", to("heads", answers=why, on_behalf_of="pat", by="sal")
    yield "requester represented", to("heads", answers=why, on_behalf_of="con", by="ana")
    for who in ("sal", "ana", "robot", "bot", group("crew"), group("Legal")):
        yield f"beneficiary {who}", to("heads", answers=why, on_behalf_of=who, by="fay")


def test_never_to_the_receiving_side_nor_from_it(away):
    """Requester, beneficiary, member of the group, owner of the account: of both."""
    seen = {}
    for what, request in barred(away):
        seen[what] = refused(away, request).code
        assert away.market.requests.awaiting(by="sal").items == (), what

    assert set(seen.values()) == {"self_review"}
    assert len(seen) == 8


def test_allow_self_review_does_not_open_this_way(small):
    """ana may decide for herself there; nobody does it for her, and sal not for himself."""
    small.market.deputies.name("sal", until=WEEK, by="ana")
    form = small.form(any_of(LEGAL), allow_self_review=True)
    for who in ("ana", "sal"):
        small.platform.principal(who)
        small.market.people.link(who, "lake", who, by="uma")
        request = small.ask(small.publish(form=form), by=who)
        assert refused(small, request).code == "self_review"


def test_who_says_nothing_acts_by_themselves_and_is_told_what_to_say(away, asked):
    """Explicit only; the hint names for whom they could."""
    with nothing_written(away), pytest.raises(NotAllowed) as error:
        away.market.requests.approve(asked.id, reason="x", by="sal")
    assert error.value.hint == "ana has named you as a deputy: say deputy_for='ana'"
    away.market.people.update("sal", permissions=["AUDIT"], by="uma")
    with nothing_written(away), pytest.raises(NotAllowed, match="say deputy_for='ana'"):
        away.market.requests.ask(asked.id, "Why?", by="sal")
    with pytest.raises(NotFound):
        away.market.requests.approve(asked.id, reason="x", by="fay")


def test_a_deputyship_hands_on_no_other_right(away, asked):
    """Not GOVERNANCE, not revoking, not canceling, not the list of everything."""
    market = away.market
    market.people.update("ana", permissions=["GOVERNANCE", "AUDIT"], by="uma")
    other = away.ask(away.publish(any_of(PRIVACY)))
    approved = away.approve(asked, "bo")

    refused(away, other, verb="ask", kind=NotFound)
    for act in (market.requests.revoke, market.requests.cancel):
        with pytest.raises(MarketplaceError):
            act(approved.id, reason="x", by="sal")
    with pytest.raises(NotFound):
        market.requests.get(other.id, by="sal")
    assert market.requests.find(by="sal").items == ()
    with pytest.raises(NotAllowed):
        market.audit.events(by="sal")


# -- one human, one voice ------------------------------------------------------------------


def test_who_has_determined_is_not_represented_on_that_stage_any_more(away):
    """And the other way round; a later stage is another matter."""
    flow = ReviewFlow.review(Stage.all_of(LEGAL, PRIVACY), Stage.any_of(LEGAL))
    product = away.publish(flow)
    first, second = away.ask(product), away.ask(away.publish(flow))

    away.approve(first, "ana")
    with nothing_written(away), pytest.raises(AlreadyDetermined, match="ana has determined"):
        approve(away, first)
    approve(away, second)
    with (
        nothing_written(away),
        pytest.raises(AlreadyDetermined, match="sal for ana has determined"),
    ):
        away.approve(second, "ana")
    away.approve(second, "cy")
    assert away.approve(second, "ana").state == "approved"


@pytest.mark.parametrize("first", ["alone", "for ana"])
def test_of_two_approvals_of_one_seat_a_deputy_gives_one(small, first):
    """By themselves or for another, not both."""
    small.market.people.update("sal", groups=["Legal"], by="uma")
    small.market.deputies.name("sal", until=WEEK, by="ana")
    flow = ReviewFlow.review(Stage.any_of(Seat(LEGAL, approvals=2)))
    request = small.ask(small.publish(flow))
    acts = [lambda: small.approve(request, "sal"), lambda: approve(small, request)]
    one, other = acts if first == "alone" else reversed(acts)

    assert one().state == "pending"
    with nothing_written(small), pytest.raises(AlreadyDetermined, match="same voice"):
        other()
    assert small.market.requests.awaiting(by="sal").items == ()
    assert small.approve(request, "bo").state == "approved"


@pytest.mark.parametrize("first", ["alone", "for ana"])
def test_distinct_stewards_are_different_humans(small, first):
    """sal of Privacy may fill one of the two, whichever first."""
    small.market.people.update("sal", groups=["Privacy"], by="uma")
    small.market.deputies.name("sal", until=WEEK, by="ana")
    request = small.ask(small.publish(all_of(LEGAL, PRIVACY, distinct=True)))
    acts = [lambda: small.approve(request, "sal"), lambda: approve(small, request)]
    one, other = acts if first == "alone" else reversed(acts)

    assert one().state == "pending"
    with nothing_written(small), pytest.raises(AlreadyDetermined):
        other()
    assert small.market.requests.awaiting(by="sal").items == ()
    assert small.approve(request, "bo").state == "approved"


def test_where_one_human_may_fill_both_seats_they_may_do_so_for_another(small):
    """Without distinct stewards, as somebody of both groups would with one act."""
    small.market.people.update("sal", groups=["Privacy"], by="uma")
    small.market.deputies.name("sal", until=WEEK, by="ana")
    request = small.ask(small.publish(all_of(LEGAL, PRIVACY)))

    small.approve(request, "sal")
    assert [each.id for each in small.market.requests.awaiting(by="sal")] == [request.id]
    assert approve(small, request).state == "approved"


def test_a_seat_that_only_the_same_voices_could_fill_is_stuck(small):
    """Legal is ana and sal; once sal has spoken for ana, nobody is left for the second."""
    small.market.people.update("bo", groups=[], by="uma")
    small.market.people.update("sal", groups=["Legal"], by="uma")
    small.market.deputies.name("sal", until=WEEK, by="ana")
    flow = ReviewFlow.review(Stage.any_of(Seat(LEGAL, approvals=2)))
    request = small.ask(small.publish(flow))

    assert approve(small, request).state == "pending"
    assert small.market.requests.get(request.id, by="gil").stuck == ("2 of group Legal",)


def test_whoever_acts_for_themselves_asks_for_no_deputyship(away, monkeypatch):
    """Asking, approving, denying and revoking cost what they cost without deputies."""
    read = []
    find = Unit.find
    monkeypatch.setattr(
        Unit, "find", lambda unit, kind, *a, **b: read.append(kind) or find(unit, kind, *a, **b)
    )
    product = away.publish(any_of(LEGAL))
    approved = away.approve(away.ask(product), "ana")
    away.market.requests.revoke(approved.id, reason="over", by="ana")
    away.deny(away.ask(product, by="pat"), "bo")

    assert read
    assert Deputyship not in read


# -- reading, lists and messages -----------------------------------------------------------


def test_a_deputy_reads_what_their_steward_does_while_it_lasts(away, asked):
    requests, grants = away.market.requests, away.market.grants

    assert requests.get(asked.id, by="sal").answers == asked.answers
    assert requests.history(asked.id, by="sal") != ()
    assert requests.explain(asked.id, by="sal").candidates == {"group Legal": ("ana", "bo")}
    assert grants.preview(asked.id, by="sal").changes != ()
    away.clock.advance(days=7)
    for read in (requests.get, requests.history, requests.explain, grants.preview):
        with pytest.raises(NotFound):
            read(asked.id, by="sal")


def test_what_waits_for_whom_they_represent_is_in_their_list(away, asked):
    """Within the scope, and no more of the other's list."""
    market = away.market
    market.people.update("ana", permissions=["AUDIT"], by="uma")
    other = away.ask(away.publish(any_of(PRIVACY)))
    ids = [asked.id]

    assert [each.id for each in market.requests.awaiting(by="sal")] == ids
    assert [each.id for each in market.requests.find(review="awaiting_me", by="sal")] == ids
    found = market.requests.find(review="awaiting_me", role="steward", domain="HR", by="sal")
    assert [each.id for each in found] == ids
    assert market.requests.find(review="awaiting_me", role="requester", by="sal").items == ()
    market.deputies.end("away", by="sal")
    market.deputies.name("sal", until=WEEK, domain="FIN", by="ana")
    assert market.requests.awaiting(by="sal").items == ()
    assert other.open


def test_who_was_represented_finds_what_was_decided_in_their_name(away, asked):
    """A deputy finds there what they may still read as themselves."""
    away.market.people.update("sal", permissions=["AUDIT"], by="uma")
    approve(away, asked)

    for who in ("ana", "sal"):
        found = away.market.requests.find(review="by_me", by=who)
        assert [each.id for each in found] == [asked.id]


def subjects(world, who):
    world.deliver()
    return [each.subject for each in world.market.inbox.of(who, by=who)]


def test_the_deputy_is_asked_to_decide_for_whom_they_represent(away, asked):
    assert "con asks for access to Heads; please decide for ana." in subjects(away, "sal")
    assert subjects(away, "ana") == ["con asks for access to Heads; please decide."]


def test_who_is_barred_is_not_asked(away):
    """A request of sal's own is not sal's to decide, for nobody."""
    away.platform.principal("sal")
    away.market.people.link("sal", "lake", "sal", by="uma")
    away.ask(away.publish(any_of(LEGAL)), by="sal")

    assert away.told("sal") == ["deputy_named"]


def test_the_one_represented_hears_of_it_at_once_and_of_the_end_once(away):
    request = away.ask(away.publish(all_of(LEGAL, PRIVACY), name="Heads"))
    approve(away, request)
    assert "sal has approved for ana: access to Heads for con." in subjects(away, "ana")

    away.approve(request, "cy")
    assert "approved, not yet active for con: access to Heads." in subjects(away, "ana")
    assert away.told("ana").count("deputy_acted") == 1


def test_who_decided_for_whom_is_told_with_the_decision(away, asked):
    approve(away, asked)

    told = "approved, not yet active for pat: access to Heads, decided by sal for ana."
    for who in ("ana", "bo", "con", "pat"):
        assert told in subjects(away, who)
    assert told not in subjects(away, "sal")


def test_the_daily_reminder_goes_to_the_deputy_as_well(away, asked):
    away.clock.advance(days=1)
    away.deliver()

    (told,) = [
        each for each in away.market.inbox.of("sal", by="sal") if each.kind == "requests_pending"
    ]
    assert told.subject == "Waiting for your decision: 1, the oldest for 1 days."
    assert told.data["requests"][0]["deputy_for"] == "ana"
    assert "requests_pending" in away.told("ana")


def test_what_was_gathered_for_a_deputy_is_told_while_they_still_may(small):
    """In the digest of their channel, and not any more when the deputyship is over."""
    small.market.preferences.set("sal", channels={"MemoryNotifier-1": "digest"}, by="sal")
    small.market.deputies.name("sal", until=timedelta(days=3), by="ana")
    small.ask(small.publish(any_of(LEGAL), name="Heads"))
    small.deliver()
    small.clock.advance(days=1)
    small.deliver()
    (digest,) = [each for each in small.hook.notices if each.recipient.id == "sal"]
    assert "please decide for ana" in digest.body

    small.ask(small.publish(any_of(LEGAL), name="Tails"))
    small.deliver()
    small.clock.advance(days=7)
    small.deliver()
    last = [each for each in small.hook.notices if each.recipient.id == "sal"][1:]
    assert not any("Tails" in each.body for each in last)


def test_the_reasons_of_a_webhook_name_both(away, asked):
    away.market.destinations.create(
        "https://hook.example/", secret="env:HOOK_ONE", id="hook", include=["reasons"], by="ada"
    )
    approve(away, asked, reason="budget is there")
    away.deliver()

    sent = [each.data for each in away.sites.received["https://hook.example/"]]
    (decided,) = [each for each in sent if "determination" in each]
    assert decided["determination"]["deputy_for"] == "ana"
    assert decided["reasons"] == [
        {"by": "sal", "deputy_for": "ana", "verdict": "approve", "reason": "budget is there"}
    ]


def test_a_directory_elsewhere_says_who_is_represented():
    """Asked when they act, and in no unit of work."""
    company = Company()
    company.put("sal")
    request = company.ask("Heads")
    company.market.deputies.name("sal", until=WEEK, by="ana")
    company.market.deliver()
    told = {each.kind for each in company.market.inbox.of("sal", by="sal")}
    assert told == {"access_requested", "deputy_named"}
    assert [each.id for each in company.market.requests.awaiting(by="sal")] == [request.id]

    company.people.put(Person(id="ana", active=False))
    with pytest.raises(NotAllowed) as error:
        approve(company, request)
    assert error.value.code == "represented_left"
    company.put("ana")
    assert approve(company, request).state == "approved"
    company.market.close()
