"""Breaking the glass on a marketplace: at once, for a short time, told to all, accounted for."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from marketplace_sdk import (
    AlreadyDetermined,
    AlreadyRequested,
    Conflict,
    DataUseAgreement,
    DomainPolicy,
    DuplicateName,
    Duration,
    Emergency,
    InvalidInput,
    NotAllowed,
    NotFound,
    Question,
    ReviewFlow,
    Stage,
    TransitionNotAllowed,
    domain_permission,
    group,
    user,
)
from marketplace_sdk.plugin import AddStage, Refuse, Shorten, hookimpl
from tests.services.helpers import grant_of, nothing_written, small_world, types_of
from tests.world import LEGAL, PRIVACY, any_of

WORDS = "SECRETWORDS"
URL = "https://hook.example/"
RULE = Emergency(
    duration=Duration(4, "hours"), review_within=Duration(2, "days"), who=[user("con")]
)


@pytest.fixture(params=["memory", "sqlite"])
def world(request, tmp_path):
    url = "memory" if request.param == "memory" else f"sqlite:///{tmp_path}/market.db"
    made = small_world(url)
    yield made
    made.close()


def open_to_emergencies(world, rule=RULE, review=None, **more):
    """A product on which con may break the glass; ana and bo are its stewards."""
    return world.publish(review or any_of(LEGAL), emergency=rule, **more)


def break_glass(world, product, reason="the payroll is broken", *, by="con", **more):
    return world.market.requests.break_glass(product.id, reason=reason, by=by, **more)


def review(world, request, *, justified=True, reason="looked at it", by="ana"):
    return world.market.requests.review_emergency(
        request.id, justified=justified, reason=reason, by=by
    )


# From beginning to end


def test_access_is_there_at_once_and_ends_by_itself(world):
    """The platform reads, and stops reading; nobody decided anything."""
    request = break_glass(world, open_to_emergencies(world))

    assert (request.state, request.emergency.standing) == ("approved", "open")
    assert request.until == world.clock() + timedelta(hours=4)
    world.deliver()
    assert (world.reads("con"), world.reads("con", column="salary")) == ("clear", "masked")
    assert world.reads("pat") == "none"

    world.clock.advance(hours=4)
    world.deliver()
    assert world.reads("con") == "none"
    assert world.state(request) == "expired"
    review(world, request)
    read = world.market.requests.get(request.id, by="con")
    assert (read.state, read.emergency.standing) == ("expired", "justified")
    assert types_of(world, f"request:{request.id}") == [
        "request.submitted",
        "request.approved",
        "request.emergency_opened",
        "request.expired",
        "request.emergency_reviewed",
    ]


def test_a_review_that_finds_none_revokes_at_once(world):
    request = break_glass(world, open_to_emergencies(world))
    world.deliver()
    assert world.reads("con") == "clear"

    found = review(world, request, justified=False)

    assert (found.state, found.emergency.standing) == ("revoked", "unjustified")
    world.deliver()
    assert world.reads("con") == "none"
    assert "access_revoked" in world.told("con")


@pytest.mark.parametrize("justified", [True, False])
def test_a_review_after_the_end_changes_nothing_but_itself(world, justified):
    """Whether the end was swept or not; the sweep ends it as ever."""
    request = break_glass(world, open_to_emergencies(world))
    world.deliver()
    world.clock.advance(hours=5)

    assert review(world, request, justified=justified).state == "expired"
    world.deliver()
    assert world.state(request) == "expired"
    assert grant_of(world, ended=True).cause == "expired"
    assert world.reads("con") == "none"


def test_everybody_concerned_is_told(world):
    """Stewards, managers of the domain, GOVERNANCE and whoever did it; nobody else."""
    break_glass(world, open_to_emergencies(world))

    for who in ("ana", "bo", "dee", "gil", "con"):
        assert "emergency_opened" in world.told(who), who
    for who in ("cy", "dan", "pat", "sal", "aud"):
        assert "emergency_opened" not in world.told(who), who
    (message,) = (
        each for each in world.market.inbox.of("gil", by="gil") if each.kind == "emergency_opened"
    )
    assert message.subject.startswith("con broke the glass: access to Product")


def test_it_waits_for_no_digest(world):
    """Who has their notices gathered is told of this one at once; who wants none is not."""
    name = "MemoryNotifier-1"
    world.market.preferences.set("ana", channels={name: "digest"}, by="ana")
    world.market.preferences.set("bo", channels={name: "off"}, by="bo")
    break_glass(world, open_to_emergencies(world))
    world.deliver()

    sent = {
        each.recipient.id for each in world.hook.messages
        if each.sort == "notice" and each.type == "emergency_opened"
    }  # fmt: skip
    assert "ana" in sent
    assert "bo" not in sent


# What a product, its domain and its form say


def test_a_product_allows_it_only_where_its_manager_says_so(world):
    product = world.publish(any_of(LEGAL))
    with nothing_written(world), pytest.raises(NotAllowed) as refused:
        break_glass(world, product)
    assert refused.value.code == "no_emergency"

    with pytest.raises(NotAllowed):
        world.market.products.update(product.id, emergency=RULE, by="dan")
    world.market.products.update(product.id, emergency=RULE, by="dee")
    assert break_glass(world, product).state == "approved"
    world.market.products.update(product.id, emergency=None, by="dee")
    with pytest.raises(NotAllowed):
        break_glass(world, product)
    with pytest.raises(InvalidInput):
        world.market.products.update(product.id, emergency="4 hours", by="dee")


def test_governance_forbids_it_for_a_whole_domain(world):
    """Whatever products say; what runs goes on to its end."""
    product = open_to_emergencies(world)
    world.market.domains.set_policy("HR", DomainPolicy(emergency="never"), by="gil")

    with nothing_written(world), pytest.raises(NotAllowed) as refused:
        break_glass(world, product)
    assert refused.value.code == "emergency_forbidden"


def test_who_may_is_looked_at_when_they_do(world):
    """A group, an attribute, a domain permission: as the directory says it then."""
    on_call = Emergency(
        duration=Duration(1, "hours"),
        review_within=Duration(1, "days"),
        who=[group("on call"), domain_permission("MANAGE_POLICIES")],
    )
    product = open_to_emergencies(world, on_call)
    with nothing_written(world), pytest.raises(NotAllowed) as refused:
        break_glass(world, product)
    assert refused.value.needs == "group on call or domain permission MANAGE_POLICIES in HR"

    world.market.people.update("con", groups=["on call"], by="uma")
    request = break_glass(world, product)
    assert request.emergency.admitted == "group on call"
    world.market.people.update("con", groups=[], by="uma")
    world.clock.advance(hours=2)
    with pytest.raises(NotAllowed):
        break_glass(world, product)


def test_a_rule_that_admits_nobody_is_told_when_it_is_saved(world):
    """It may be a typing error; a group may fill later."""
    empty = Emergency(
        duration=Duration(1, "hours"), review_within=Duration(1, "days"), who=[group("on cal")]
    )

    assert open_to_emergencies(world, empty).warnings == ("group on cal matches nobody",)
    assert open_to_emergencies(world).warnings == ()


def test_nobody_breaks_it_for_others_or_as_a_job(world):
    product = open_to_emergencies(world, Emergency(
        duration=Duration(1, "hours"), review_within=Duration(1, "days"), who=[LEGAL],
    ))  # fmt: skip
    market = world.market
    market.people.add("bot", kind="service_account", owner="con", groups=["Legal"], by="uma")
    job = market.as_system("nightly")

    with nothing_written(world):
        for who in ("bot", "nobody", None):
            with pytest.raises(NotAllowed):
                break_glass(world, product, by=who)
        with pytest.raises(NotAllowed):
            job.requests.break_glass(product.id, reason="x")
        with pytest.raises(TypeError):
            break_glass(world, product, on_behalf_of="pat")
        with pytest.raises(InvalidInput) as refused:
            break_glass(world, product, by="ana")  # whom the platform does not know
    assert refused.value.code == "no_principal"


def test_the_other_refusals_of_a_request_hold(world):
    """An agreement is acknowledged; questions are not asked; a reason must be given."""
    terms = DataUseAgreement("Terms", "Be kind.")
    form = world.form(any_of(LEGAL), agreements=[terms])
    product = world.publish(form=form, emergency=RULE)
    with nothing_written(world):
        for reason in ("", "  "):
            with pytest.raises(InvalidInput):
                break_glass(world, product, reason, acknowledge=["Terms"])
        with pytest.raises(InvalidInput, match="must be acknowledged"):
            break_glass(world, product)
        with pytest.raises(NotFound):
            world.market.requests.break_glass("nowhere", reason="x", by="con")

    request = break_glass(world, product, acknowledge="Terms")
    assert request.acknowledged
    assert request.answers == {}


@pytest.mark.parametrize("verb", ["suspend", "retire"])
def test_what_is_withheld_from_everybody_is_given_to_nobody(world, verb):
    product = open_to_emergencies(world)
    more = {"reason": "a breach"} if verb == "suspend" else {}
    getattr(world.market.products, verb)(product.id, by="dee", **more)

    with nothing_written(world), pytest.raises(TransitionNotAllowed):
        break_glass(world, product)


def test_the_shortest_of_all_ends_holds(world):
    world.market.domains.set_policy("HR", DomainPolicy(max_duration=Duration(2, "hours")), by="gil")
    product = open_to_emergencies(world, max_duration=Duration(3, "hours"))

    assert break_glass(world, product).until == world.clock() + timedelta(hours=2)


@pytest.mark.parametrize("answer", ["refuse", "fail", "shorten", "stage"])
def test_checks_of_plugins_have_their_say(answer):
    """They may refuse, and one that fails refuses; they never allow. They know it is one."""
    seen = []

    class Guard:
        @hookimpl
        def marketplace_check_request(self, request, product, form, person):
            seen.append(request.emergency is not None)
            if answer == "fail":
                raise RuntimeError
            if answer == "refuse":
                return [Refuse("not at night")]
            if answer == "shorten":
                return [Shorten(Duration(1, "hours"))]
            return [AddStage(Stage.any_of(PRIVACY))]

    world = small_world(plugins=[Guard()])
    product = open_to_emergencies(world)
    if answer in ("refuse", "fail"):
        with nothing_written(world), pytest.raises(Exception, match="cannot request"):
            break_glass(world, product)
    else:
        request = break_glass(world, product)
        hours = 1 if answer == "shorten" else 4
        assert request.until == world.clock() + timedelta(hours=hours)
        assert (PRIVACY in request.stewards) == (answer == "stage")
    assert seen == [True]
    world.close()


def test_a_flow_that_denies_is_not_gone_round(world):
    product = open_to_emergencies(world, review=ReviewFlow.deny(reason="closed"))

    with nothing_written(world), pytest.raises(NotAllowed) as refused:
        break_glass(world, product)
    assert refused.value.code == "denied_by_form"


# Beside ordinary requests


def test_who_has_access_needs_none(world):
    product = open_to_emergencies(world)
    request = world.approve(world.ask(product), "ana")

    with nothing_written(world), pytest.raises(AlreadyRequested) as refused:
        break_glass(world, product)
    assert refused.value.existing == request.id
    world.market.requests.relinquish(request.id, by="con")
    assert break_glass(world, product).state == "approved"


def test_who_waits_for_a_decision_may(world):
    """And the decision comes when it comes; the access ends with the last reason for it."""
    product = open_to_emergencies(world)
    waiting = world.ask(product)
    request = break_glass(world, product)
    world.deliver()

    world.approve(waiting, "ana")
    world.deliver()
    world.clock.advance(hours=5)
    world.deliver()
    assert world.state(request) == "expired"
    assert world.reads("con") == "clear"


def test_it_is_not_made_longer_but_asked_for(world):
    """Not by an extension, nor by doing it again while it runs."""
    product = open_to_emergencies(world)
    request = break_glass(world, product)

    with nothing_written(world):
        with pytest.raises(Conflict) as refused:
            world.market.requests.extend(request.id, answers={"why": "more"}, by="con")
        assert "request_access" in refused.value.hint
        with pytest.raises(AlreadyRequested) as refused:
            break_glass(world, product)
        assert "request_access" in refused.value.hint
    assert world.ask(product).state == "pending"
    world.clock.advance(hours=4)
    assert break_glass(world, product).id != request.id  # the end counts, swept or not


def test_the_same_call_again_is_a_no_op(world):
    product = open_to_emergencies(world)
    request = break_glass(world, product, id="e")

    with nothing_written(world):
        assert break_glass(world, product, id="e") == request
        with pytest.raises(DuplicateName):
            break_glass(world, product, "another reason", id="e")
        with pytest.raises(DuplicateName):
            world.ask(product, id="e")


def test_it_can_be_revoked_given_up_and_ends_with_its_person(world):
    product = open_to_emergencies(world)
    for act in (
        lambda id: world.market.requests.revoke(id, reason="enough", by="dee"),
        lambda id: world.market.requests.relinquish(id, by="con"),
    ):
        assert act(break_glass(world, product).id).state == "revoked"
    last = break_glass(world, product)
    world.deliver()
    world.market.people.deactivate("con", by="uma")
    world.deliver()
    assert world.state(last) == "revoked"
    assert world.reads("con") == "none"
    assert review(world, last).emergency.standing == "justified"


# The review


def test_only_who_could_have_decided_reviews(world):
    product = open_to_emergencies(world)
    request, ordinary = break_glass(world, product), world.ask(product, by="pat")
    market = world.market
    market.people.add("bot", kind="service_account", owner="ana", groups=["Legal"], by="uma")
    job = market.as_system("nightly")

    with nothing_written(world):
        for who, error in (
            ("con", NotAllowed),
            ("dee", NotAllowed),
            ("gil", NotAllowed),
            ("aud", NotAllowed),
            ("bot", NotAllowed),
            ("dan", NotFound),
            ("sal", NotFound),
        ):
            with pytest.raises(error):
                review(world, request, by=who)
        with pytest.raises(NotAllowed):
            job.requests.review_emergency(request.id, justified=True, reason="x")
        for wrong in ({"justified": "yes"}, {"reason": " "}):
            with pytest.raises(InvalidInput):
                review(world, request, **wrong)
        with pytest.raises(TransitionNotAllowed):
            review(world, ordinary)
    review(world, request)
    with nothing_written(world):
        review(world, request)
        with pytest.raises(AlreadyDetermined):
            review(world, request, by="bo")


def test_a_deputy_of_whoever_broke_it_accounts_for_nothing(world):
    """Neither asked nor let, as long as they are their deputy; nor does a deputy act for others."""
    request = break_glass(world, open_to_emergencies(world))
    ship = world.market.deputies.name("ana", until=timedelta(days=9), by="con")
    find = world.market.requests.find

    with nothing_written(world), pytest.raises(NotAllowed, match="ana is a deputy of con"):
        review(world, request)
    assert find(emergency="awaiting_me", by="ana").items == ()
    world.deliver()
    world.clock.advance(days=1)
    assert "emergency_reviews_pending" in world.told("bo")
    assert "emergency_reviews_pending" not in world.told("ana")

    world.market.deputies.end(ship.id, by="con")
    assert [each.id for each in find(emergency="awaiting_me", by="ana")] == [request.id]
    assert review(world, request).emergency.standing == "justified"


def test_a_review_that_is_late_is_told_once_and_bars(world):
    """GOVERNANCE and managers are told; in this domain nothing is opened until it is closed."""
    product, other = open_to_emergencies(world), open_to_emergencies(world)
    request = break_glass(world, product)
    world.clock.advance(days=2)
    world.deliver()
    world.deliver()

    for who in ("gil", "dee"):
        assert world.told(who).count("emergency_overdue") == 1
    assert "emergency_overdue" not in world.told("ana")
    assert types_of(world, f"request:{request.id}").count("request.emergency_overdue") == 1
    assert world.sent("data_product.access_requests.emergency_overdue")
    with nothing_written(world), pytest.raises(NotAllowed) as refused:
        break_glass(world, other)
    assert refused.value.code == "emergency_barred"

    review(world, request, by="gil")
    assert break_glass(world, other).state == "approved"


def test_the_bar_holds_by_the_clock_not_by_the_worker(world):
    product = open_to_emergencies(world)
    break_glass(world, product)
    world.clock.advance(days=2)

    with pytest.raises(NotAllowed) as refused:
        break_glass(world, product)
    assert refused.value.code == "emergency_barred"


def test_a_bar_is_of_one_person_in_one_domain(world):
    both = Emergency(
        duration=Duration(1, "hours"),
        review_within=Duration(1, "days"),
        who=[user("con"), user("pat")],
    )
    product = open_to_emergencies(world, both)
    form = world.form(any_of(LEGAL), domain="FIN", by="dan")
    elsewhere = world.publish(form=form, domain="FIN", sources=["ledger"], by="dan", emergency=both)
    review(world, break_glass(world, product), justified=False)

    with pytest.raises(NotAllowed):
        break_glass(world, product)
    assert break_glass(world, product, by="pat").state == "approved"
    assert break_glass(world, elsewhere).state == "approved"


def test_governance_settles_and_the_bar_is_gone(world):
    product = open_to_emergencies(world)
    request = break_glass(world, product)
    settle, job = world.market.requests.settle_emergency, world.market.as_system("nightly")
    with nothing_written(world), pytest.raises(Conflict):
        settle(request.id, reason="x", by="gil")
    review(world, request, justified=False)

    with nothing_written(world):
        for who in ("ana", "dee", "con"):
            with pytest.raises(NotAllowed):
                settle(request.id, reason="x", by=who)
        with pytest.raises(NotFound):
            settle(request.id, reason="x", by="sal")
        with pytest.raises(NotAllowed):
            job.requests.settle_emergency(request.id, reason="x")
    assert settle(request.id, reason="we talked", by="gil").emergency.settled.by == "gil"
    assert "emergency_settled" in world.told("con")
    assert break_glass(world, product).state == "approved"


# Finding, explaining, reminding


def test_reviews_are_found(world):
    """By how they stand; those that await oneself, whether or not they are late."""
    product = open_to_emergencies(world)
    first = break_glass(world, product)
    world.ask(product, by="pat")

    def found(emergency, by="ana"):
        return [each.id for each in world.market.requests.find(emergency=emergency, by=by)]

    assert found("any") == found("open") == found("awaiting_me") == [first.id]
    assert found("overdue") == found("justified") == found("unjustified") == []
    assert found("awaiting_me", "con") == found("awaiting_me", "gil") == []
    assert found("any", "con") == [first.id]
    assert found("any", "sal") == []
    world.clock.advance(days=2)
    assert found("overdue") == found("overdue", "gil") == found("awaiting_me", "gil") == [first.id]
    review(world, first, justified=False)
    assert found("unjustified") == found("any") == [first.id]
    assert found("open") == found("awaiting_me") == found("overdue") == []
    with pytest.raises(InvalidInput):
        found("closed")


def test_it_is_explained(world):
    request = break_glass(world, open_to_emergencies(world))

    def said():
        return world.market.requests.explain(request.id, by="con").text

    assert "con broke the glass for access to" in said()
    assert "emergency: nobody decided; con is of user con" in said()
    assert "review open until" in said()
    assert "group Legal" in said()
    world.clock.advance(days=3)
    world.deliver()
    assert "overdue: group Legal" in said()
    review(world, request, justified=False)
    assert "found not justified by ana" in said()
    world.market.requests.settle_emergency(request.id, reason="x", by="gil")
    assert "settled by gil" in said()
    explained = world.market.requests.explain(request.id, by="con")
    assert explained.emergency.standing == "unjustified"


def test_stewards_are_reminded_every_morning_of_what_waits_for_review(world):
    """One notice each, with how many; GOVERNANCE only of what is overdue; nobody of their own."""
    rule = Emergency(
        duration=Duration(1, "hours"), review_within=Duration(2, "days"), who=[user("con")]
    )
    world.market.people.update("con", groups=["Legal"], by="uma")
    for _ in range(2):
        break_glass(world, open_to_emergencies(world, rule))
    world.deliver()
    world.clock.advance(days=1)

    def reminded(who):
        world.deliver()
        return [
            each.subject
            for each in world.market.inbox.of(who, by=who)
            if each.kind == "emergency_reviews_pending"
        ]

    (said,) = reminded("ana")
    assert said.startswith("Emergency access waits for your review: 2, the first due on")
    assert reminded("bo") == [said]
    assert reminded("con") == reminded("gil") == []
    world.clock.advance(days=1)
    assert len(reminded("gil")) == 1


# What leaves, and what is erased


def test_no_word_of_it_leaves_the_request(world, caplog):
    """Not in events, webhooks, notices, reprs, errors or logs, unless a destination says so."""
    caplog.set_level(logging.DEBUG)
    market = world.market
    market.destinations.create(URL, secret="env:HOOK_ONE", id="hook", by="ada")
    product = open_to_emergencies(world)
    request = break_glass(world, product, WORDS)
    world.deliver()
    with pytest.raises(AlreadyRequested) as refused:
        break_glass(world, product, WORDS)
    found = review(world, request, justified=False, reason=WORDS)
    settled = market.requests.settle_emergency(request.id, reason=WORDS, by="gil")
    world.deliver()

    sent = [each.data for each in world.sites.received[URL]]
    inbox = [each for who in ("con", "ana", "gil", "dee") for each in market.inbox.of(who, by=who)]
    explained = market.requests.explain(request.id, by="con")
    log = list(market.audit.export(by="aud"))
    shown = (sent, inbox, log, request, found, settled, explained, refused.value)
    for each in (*shown, world.hook.messages):
        assert WORDS not in repr(each)
    assert WORDS not in str(explained)
    assert WORDS not in caplog.text


def test_reasons_leave_to_a_destination_that_includes_them(world):
    hook = {"secret": "env:HOOK_ONE", "id": "hook", "include": ["reasons"]}
    world.market.destinations.create(URL, by="ada", **hook)
    request = break_glass(world, open_to_emergencies(world), "broken")
    world.deliver()
    review(world, request, justified=False, reason="not broken")
    world.market.requests.settle_emergency(request.id, reason="talked", by="gil")
    world.deliver()

    said = [each.data["reasons"] for each in world.sites.received[URL] if "request" in each.data]
    mine = {"by": "con", "verdict": "emergency", "reason": "broken"}
    theirs = {"by": "ana", "verdict": "unjustified", "reason": "not broken"}
    assert all(mine in each for each in said)
    assert theirs in said[-1]


def test_words_of_reviewers_are_erased_with_them_and_open_ones_hold_it_up(world):
    product = open_to_emergencies(world)
    request = break_glass(world, product, WORDS)
    world.market.requests.relinquish(request.id, by="con")
    world.deliver()
    with pytest.raises(Conflict, match="an emergency of theirs is not closed"):
        world.market.audit.erase("con", reason="asked", by="gil")
    review(world, request, reason=WORDS)

    world.market.audit.erase("ana", reason="asked", by="gil")
    kept = world.market.requests.get(request.id, by="bo").emergency
    assert (kept.reason, kept.review.reason, kept.review.by) == (WORDS, "", "ana")
    world.market.audit.erase("con", reason="asked", by="gil")
    assert world.market.requests.get(request.id, by="bo").emergency.reason == ""
    assert world.market.audit.verify().ok


def test_what_waits_for_a_review_is_not_forgotten(world):
    request = break_glass(world, open_to_emergencies(world))
    world.clock.advance(days=60)
    world.deliver()
    world.market.audit.seal()

    world.market.audit.retain(older_than=timedelta(days=30), by="gil")
    kept = world.market.requests.history(request.id, by="con")
    assert all("request" in row.payload for row in kept)


def test_it_is_declared_in_files(world):
    """The rule is exported, and planned when it differs."""
    product = open_to_emergencies(world, id="heads", name="Heads")
    (found,) = (
        each
        for each in world.market.declarations.export(by="gil")
        if (each.kind, each.id) == ("product", product.id)
    )

    assert found.fields["emergency"] == RULE


def test_a_form_with_questions_is_not_asked(world):
    """The reason stands for the answers, and rules on answers do not match."""
    form = world.form(
        any_of(LEGAL),
        questions=[Question.short_answer("why", "Why?"), Question.access_duration("l")],
    )

    assert break_glass(world, world.publish(form=form, emergency=RULE)).wish is None
