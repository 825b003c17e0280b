"""Who is told what, cell by cell: the receivers, nobody else, and the page that is offered.

Legal are ana and bo, Privacy bo and cy; dee manages HR, gil holds GOVERNANCE, ada is
APPLICATION_ADMIN; con asks, mostly for pat. Everybody else of the world is a stranger.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace_sdk import Duration, Escalation, ReviewFlow, Stage, group
from tests.world import GOV, LEGAL, PEOPLE, PRIVACY, UNA, MemoryLake, World, all_of, any_of

EVERYBODY = ("uma", *PEOPLE)
LINKS = {kind: f"https://portal.example/{kind}/{{id}}" for kind in ("request", "product", "inbox")}
SIDES = {"con", "pat"}


class Told(World):
    """A world that says who was newly told what, and which page each was offered."""

    def __init__(self):
        super().__init__("memory", MemoryLake(), discover=False, links=LINKS)
        self.seen: set[str] = set()

    def link(self, who):
        """Give a steward a user on the platform, so that they can ask for access themselves."""
        self.market.people.link(who, "lake", self.platform.principal(f"{who}_there"), by="uma")

    def news(self, *, without=()):
        """Who got which kind of notice since the last time; nobody two about the same thing."""
        self.deliver()
        told: set[tuple[str, str, str]] = set()
        found: dict[str, set[str]] = {}
        for who in set(EVERYBODY) - set(without):
            for message in self.market.inbox.of(who, limit=1000, by=who):
                if message.id not in self.seen:
                    self.seen.add(message.id)
                    found.setdefault(message.kind, set()).add(who)
                    said = (who, message.kind, message.about)
                    assert said not in told, f"{who} is told twice: {message.kind}"
                    told.add(said)
        return found

    def latest(self, who, kind):
        """The newest message of a kind in somebody's inbox, as every channel has it, too."""
        message = next(
            each for each in self.market.inbox.of(who, limit=1000, by=who) if each.kind == kind
        )
        sent = [each for each in self.hook.notices if each.recipient.id == who]
        newest = [each for each in sent if each.type == kind][-1]
        assert (newest.subject, newest.link) == (message.subject, message.link)
        return message

    def later(self, **step):
        """What is news after so long, reminders apart."""
        self.clock.advance(timedelta(**step))
        return {kind: who for kind, who in self.news().items() if kind != "requests_pending"}


@pytest.fixture
def world():
    made = Told()
    yield made
    made.close()


@pytest.fixture
def published(world):
    """A product that ana or bo decide on; its publication has been told."""
    product = world.publish(any_of(LEGAL), name="Heads")
    world.news()
    return product


@pytest.fixture
def asked(world, published):
    """con asks for pat."""
    request = world.ask(published, on_behalf_of="pat")
    world.news()
    return request


@pytest.fixture
def active(world, asked):
    """pat has access, without end."""
    world.approve(asked, "ana")
    world.news()
    return asked


def page(kind, id):
    return f"https://portal.example/{kind}/{id}"


# Asking


def test_a_request_is_told_to_the_stewards_who_may_decide(world, published):
    request = world.ask(published)

    assert world.news() == {"access_requested": {"ana", "bo"}}
    assert world.latest("bo", "access_requested").link == page("request", request.id)
    assert world.latest("bo", "access_requested").subject == (
        "con asks for access to Heads; please decide."
    )


def test_a_request_for_another_is_told_to_both_sides_too(world, published):
    request = world.ask(published, on_behalf_of="pat")

    assert world.news() == {"access_requested": {"ana", "bo"}, "requested_on_behalf": SIDES}
    assert world.latest("pat", "requested_on_behalf").link == page("request", request.id)


def test_a_masking_exception_is_asked_of_the_same_stewards(world, published):
    world.ask_unmasked(published)

    assert world.news() == {"access_requested": {"ana", "bo"}}
    assert "a masking exception on Heads" in world.latest("ana", "access_requested").subject


@pytest.mark.parametrize("side", ["requester", "beneficiary"])
def test_a_steward_who_is_a_side_is_not_asked_to_decide(world, published, side):
    world.link("bo")
    who = {"by": "bo"} if side == "requester" else {"on_behalf_of": "bo"}
    world.ask(published, **who)

    assert world.news()["access_requested"] == {"ana"}


def waiting_for(world, *, without=()):
    """In whose list of what awaits them there is anything."""
    lists = {who: world.market.requests.awaiting(by=who) for who in set(EVERYBODY) - set(without)}
    found = {who for who, page in lists.items() if page.items}
    for who, page in lists.items():
        assert page == world.market.requests.find(review="awaiting_me", by=who)
    return found


def test_stewards_in_a_group_that_would_get_access_are_not_asked(world):
    """Nor reminded, nor is it in their list: they may not decide for themselves."""
    world.market.people.link(PRIVACY, "lake", world.platform.principal("privacy"), by="uma")
    review = ReviewFlow.review(Stage.any_of(LEGAL), Stage.any_of(PRIVACY, UNA))
    product = world.publish(review)
    world.news()

    request = world.ask(product, on_behalf_of=PRIVACY)
    told = world.news()
    assert told.pop("requested_on_behalf") == {"con", "bo", "cy"}
    assert told == {"access_requested": {"ana"}}
    assert waiting_for(world) == {"ana"}
    world.clock.advance(timedelta(days=1))
    assert world.news() == {"requests_pending": {"ana"}}

    world.approve(request, "ana")
    assert world.news() == {"stage_opened": {"una"}}
    assert waiting_for(world) == {"una"}
    world.clock.advance(timedelta(days=1))
    assert world.news() == {"requests_pending": {"una"}}


def test_whoever_stands_in_is_not_asked_about_a_group_of_theirs(world):
    world.market.people.link(PRIVACY, "lake", world.platform.principal("privacy"), by="uma")
    form = world.form(any_of(group("Nobody")), fallback=PRIVACY)
    product = world.publish(form=form)
    world.news()
    world.ask(product, on_behalf_of=PRIVACY)

    assert "access_requested" not in world.news()
    assert waiting_for(world) == set()


def test_whoever_answers_for_a_service_account_today_is_not_asked(world):
    """And whoever answered for it yesterday is."""
    principal = world.platform.principal("robot")
    world.market.people.add(
        "robot", kind="service_account", owner="ana", principals={"lake": principal}, by="uma"
    )
    product = world.publish(any_of(LEGAL))
    world.news()
    world.ask(product, on_behalf_of="robot")
    world.market.people.update("robot", owner="bo", by="uma")

    assert world.news()["access_requested"] == {"ana"}
    world.clock.advance(timedelta(days=1))
    assert world.news() == {"requests_pending": {"ana"}}
    assert waiting_for(world) == {"ana"}


def test_nobody_is_asked_about_what_was_decided_before_a_worker_ran(world, published):
    """They hear of the decision; of a stage that was passed nobody hears at all."""
    world.approve(world.ask(published), "ana")
    told = world.news()
    assert told.pop("access_active") == {"con"}
    assert told == {"determination_made": {"con", "bo"}}

    product = world.publish(ReviewFlow.review(Stage.any_of(LEGAL), Stage.any_of(GOV, UNA)))
    world.news()
    world.approve(world.ask(product, by="pat"), "ana")
    assert world.news() == {"stage_opened": {"gil", "una"}}


def test_whoever_lets_another_steward_move_to_the_open_seat_is_asked(world):
    """Of two different stewards bo could be either: it is not stuck while one of Legal is there."""
    product = world.publish(all_of(LEGAL, PRIVACY, distinct=True))
    world.market.people.deactivate("cy", by="uma")
    world.news(without=["cy"])
    request = world.approve(world.ask(product), "bo")
    assert request.stuck == ()

    world.clock.advance(timedelta(days=1))
    assert world.news(without=["cy"])["requests_pending"] == {"ana"}
    assert waiting_for(world, without=["cy"]) == {"ana"}
    assert world.approve(request, "ana").state == "approved"


def test_a_steward_who_may_review_themselves_is_asked(world):
    form = world.form(any_of(LEGAL), allow_self_review=True)
    product = world.publish(form=form)
    world.link("bo")
    world.news()
    world.ask(product, by="bo")

    assert world.news() == {"access_requested": {"ana", "bo"}}


def test_an_automatic_approval_is_told_to_the_sides_only(world):
    product = world.publish(ReviewFlow.approve(justification="harmless"))
    world.news()
    world.ask(product, on_behalf_of="pat")

    assert world.news() == {"determination_made": SIDES, "access_active": SIDES}


def test_a_stage_that_opens_is_told_to_its_stewards_but_not_to_whoever_opened_it(world):
    review = ReviewFlow.review(Stage.any_of(LEGAL), Stage.any_of(PRIVACY, UNA))
    product = world.publish(review)
    world.news()
    request = world.ask(product)
    assert world.news() == {"access_requested": {"ana", "bo"}}

    world.approve(request, "bo")

    assert world.news() == {"stage_opened": {"cy", "una"}}
    assert world.latest("cy", "stage_opened").link == page("request", request.id)


def test_a_seat_that_nobody_can_fill_is_told_to_managers_and_governance(world):
    form = world.form(all_of(LEGAL, group("Nobody")), fallback=UNA)
    product = world.publish(form=form)
    world.news()
    request = world.ask(product)

    assert world.news() == {
        "access_requested": {"ana", "bo", "una"},
        "access_stuck": {"dee", "gil"},
    }
    assert world.latest("gil", "access_stuck").link == page("request", request.id)


def test_a_question_back_is_told_to_both_sides_and_the_answer_to_whoever_asked(world, asked):
    """The link is the request's; other stewards read both there."""
    world.market.requests.ask(asked.id, "Which heads?", inquiry="heads", by="ana")

    assert world.news() == {"question_asked": SIDES}
    message = world.latest("pat", "question_asked")
    assert message.link == page("request", asked.id)
    assert message.subject == ("ana has a question about access to Heads for pat; please answer.")

    world.market.requests.answer(asked.id, "heads", "All of them.", by="pat")

    assert world.news() == {"question_answered": {"ana"}}
    message = world.latest("ana", "question_answered")
    assert message.link == page("request", asked.id)
    assert message.subject == "pat has answered your question about access to Heads for pat."


def test_a_question_without_an_answer_is_brought_to_mind_to_both_sides(world, asked):
    """With their inbox to go on to; stewards have their own reminder."""
    world.market.requests.ask(asked.id, "Which heads?", inquiry="heads", by="ana")
    world.news()
    assert world.later(days=2) == {}

    assert world.later(days=1) == {"answers_pending": SIDES}
    message = world.latest("pat", "answers_pending")
    assert message.link == page("inbox", "pat")
    assert message.subject == "Waiting for your answer: 1, the oldest for 3 days."


# Deciding


@pytest.mark.parametrize(
    ("verdict", "outcome"), [("approve", "approved, not yet active"), ("deny", "denied")]
)
def test_a_final_decision_is_told_to_both_sides_and_all_other_stewards(
    world, published, asked, verdict, outcome
):
    """The link is the product's; that access is active is told when it is."""
    if verdict == "approve":
        world.approve(asked, "ana")
    else:
        world.deny(asked, "ana")

    told = world.news()
    assert told.pop("access_active", set()) == (SIDES if verdict == "approve" else set())
    assert told == {"determination_made": {"bo", *SIDES}}
    for who in ("bo", "con", "pat"):
        message = world.latest(who, "determination_made")
        assert message.link == page("product", published.id)
        assert message.subject == f"{outcome} for pat: access to Heads."


def test_a_decision_that_is_not_final_is_told_to_nobody(world):
    product = world.publish(all_of(LEGAL, PRIVACY))
    world.news()
    request = world.ask(product)
    world.news()

    world.approve(request, "ana")
    assert world.news() == {}
    world.approve(request, "cy")
    assert world.news()["determination_made"] == {"con", "ana", "bo"}, "all but cy, who decided"


def test_stewards_of_earlier_stages_are_told_of_the_end(world):
    product = world.publish(ReviewFlow.review(Stage.any_of(LEGAL), Stage.any_of(GOV)))
    world.news()
    request = world.ask(product)
    world.approve(request, "ana")
    world.news()
    world.deny(request, "gil")

    assert world.news() == {"determination_made": {"con", "ana", "bo"}}


def test_active_is_told_when_it_is_so(world, published, asked):
    """While the platform cannot be reached, people know of the decision only."""
    world.platform.platform.unreachable = True
    world.approve(asked, "ana")
    assert world.news() == {"determination_made": {"bo", *SIDES}}

    world.platform.platform.unreachable = False
    assert world.later(hours=2) == {"access_active": SIDES}
    assert world.latest("pat", "access_active").link == page("product", published.id)


@pytest.mark.parametrize("end", ["denied", "canceled"])
def test_whoever_stands_in_for_a_vacant_seat_is_told_of_the_end(world, end):
    product = world.publish(form=world.form(all_of(LEGAL, group("Nobody")), fallback=UNA))
    world.news()
    request = world.ask(product)
    world.news()
    if end == "denied":
        world.deny(request, "ana")
        assert world.news() == {"determination_made": {"con", "bo", "una"}}
    else:
        world.market.requests.cancel(request.id, by="con")
        assert world.news() == {"request_canceled": {"ana", "bo", "una"}}


# Ending


@pytest.mark.parametrize(
    ("who", "told"),
    [
        ("con", {"ana", "bo"}),
        ("pat", {"ana", "bo"}),
        ("gil", {"ana", "bo", *SIDES}),
    ],
)
def test_a_cancellation_is_told_to_stewards_and_to_the_sides_if_another_did_it(
    world, published, asked, who, told
):
    world.market.requests.cancel(asked.id, by=who)

    assert world.news() == {"request_canceled": told}
    assert world.latest("bo", "request_canceled").link == page("product", published.id)


def test_a_revocation_is_told_to_both_sides(world, published, active):
    world.market.requests.revoke(active.id, reason="no need", by="dee")

    assert world.news() == {"access_revoked": SIDES}
    assert world.latest("pat", "access_revoked").link == page("product", published.id)


def test_whoever_gives_access_up_is_not_told_of_it(world, active):
    world.market.requests.relinquish(active.id, by="pat")

    assert world.news() == {"access_revoked": {"con"}}


def test_the_end_is_told_a_week_and_a_day_before_and_when_it_has_come(world, published, asked):
    world.approve(asked, "ana", until=Duration(30, "days"))
    world.news()

    assert world.later(days=22, hours=23) == {}
    for step, due in (({"hours": 1}, "7 days"), ({"days": 6}, "1 day")):
        assert world.later(**step) == {"access_expiring": SIDES}
        message = world.latest("pat", "access_expiring")
        assert message.subject == f"ends in {due} for pat: access to Heads."
        assert message.link == page("product", published.id)
    assert world.later(days=1) == {"access_expired": SIDES}
    assert world.latest("con", "access_expired").link == page("product", published.id)


@pytest.mark.parametrize(("hours", "warnings"), [(169, 2), (167, 1), (25, 1), (23, 0)])
def test_a_warning_whose_time_has_passed_at_the_approval_is_left_out(world, asked, hours, warnings):
    world.approve(asked, "ana", until=timedelta(hours=hours))
    world.news()

    told = []
    for _ in range(hours - 1):
        told += list(world.later(hours=1))
    assert told == ["access_expiring"] * warnings


# Products


def test_a_publication_is_told_to_the_managers_of_its_domain(world):
    world.market.domains.grant(
        "HR", permission="MANAGE_DATA_PRODUCTS", to=group("Privacy"), by="uma"
    )
    product = world.publish(any_of(LEGAL))

    assert world.news() == {"product_published": {"dee", "bo", "cy"}}
    assert world.latest("cy", "product_published").link == page("product", product.id)


def test_other_sources_are_told_to_the_managers_and_not_to_members(world, published, active):
    world.market.products.set_sources(published.id, ["people", "leave"], by="gil")

    assert world.news() == {"sources_updated": {"dee"}}
    assert world.latest("dee", "sources_updated").link == page("product", published.id)


def test_suspending_and_resuming_is_told_to_the_members(world, published, active):
    world.market.products.suspend(published.id, reason="incident", by="dee")
    assert world.news() == {"product_suspended": SIDES}
    assert world.latest("con", "product_suspended").link == page("product", published.id)

    world.market.products.resume(published.id, by="dee")
    assert world.news() == {"product_resumed": SIDES}


def test_a_deletion_is_told_to_managers_and_to_whoever_waits_for_an_answer(world, published, asked):
    """Stewards hear that they need not decide. A page of what is gone is not offered."""
    world.market.products.delete(published.id, by="dee")

    assert world.news() == {"product_deleted": {"dee", *SIDES}, "request_canceled": {"ana", "bo"}}
    for who in ("dee", "con", "pat"):
        assert world.latest(who, "product_deleted").link == ""


def test_a_deletion_is_told_to_members_with_the_end_of_their_access(world, published, active):
    world.market.products.delete(published.id, cascade=True, by="dee")

    assert world.news() == {"product_deleted": {"dee", *SIDES}, "access_revoked": SIDES}


# Waiting


@pytest.fixture
def patient(world):
    """con asks for pat, under a form that adds una after 3 days and waits for 30."""
    form = world.form(
        any_of(LEGAL),
        escalation=Escalation(after=Duration(3, "days"), to=UNA),
        expire_after=Duration(30, "days"),
    )
    request = world.ask(world.publish(form=form, name="Heads"), on_behalf_of="pat")
    world.news()
    return request


def test_an_escalation_is_told_to_whom_it_adds_and_to_those_who_wait(world, patient):
    assert world.later(days=3) == {
        "decision_escalated": {"una"},
        "request_escalated": {"con", "pat", "dee"},
    }
    assert world.latest("una", "decision_escalated").link == page("request", patient.id)
    assert world.latest("una", "decision_escalated").subject == (
        "con asks for access to Heads; nobody has decided yet, and you may, too."
    )
    assert world.latest("con", "request_escalated").subject == (
        "nobody has decided yet on access to Heads for pat; user una may now, too."
    )


def test_a_decision_is_told_to_whoever_was_added_as_to_other_stewards(world, patient):
    world.later(days=3)
    world.approve(patient, "ana")

    assert world.news()["determination_made"] == {"con", "pat", "bo", "una"}


def test_whoever_was_never_added_is_told_of_no_decision(world, patient):
    world.approve(patient, "ana")

    assert world.news()["determination_made"] == {"con", "pat", "bo"}
    assert world.later(days=3) == {}


def test_a_request_that_time_calls_off_is_announced_to_stewards_and_told_to_all(world, patient):
    world.later(days=3)

    assert world.later(days=26) == {"request_timing_out": {"ana", "bo", "una"}}
    assert world.latest("ana", "request_timing_out").link == page("request", patient.id)
    assert world.later(days=1) == {"request_timed_out": {"con", "pat", "ana", "bo", "una"}}
    assert world.latest("con", "request_timed_out").link == page("product", patient.product)
    assert world.latest("con", "request_timed_out").subject == (
        "called off for pat, for nobody decided in time: access to Heads."
    )


def test_whoever_was_added_is_reminded_in_the_morning(world, patient):
    world.later(days=3)
    world.clock.advance(timedelta(days=1))

    assert world.news() == {"requests_pending": {"ana", "bo", "una"}}


# Reminders


def test_each_morning_whoever_could_decide_is_reminded_once(world, published):
    """However much waits; nobody who may not decide, has decided, or has nothing to decide."""
    other = world.publish(all_of(LEGAL, PRIVACY))
    request = world.ask(published)
    both = world.ask(other)
    world.approve(both, "ana")
    world.ask(other, by="bo", on_behalf_of="pat")
    world.news()
    world.clock.advance(timedelta(hours=17))
    assert world.news() == {}

    for _ in range(2):
        world.clock.advance(timedelta(hours=1))
        assert world.news() == {"requests_pending": {"ana", "bo", "cy"}}
        assert world.latest("ana", "requests_pending").link == page("inbox", "ana")
        counts = {
            who: world.latest(who, "requests_pending").data["count"] for who in ("ana", "bo", "cy")
        }
        assert counts == {"ana": 2, "bo": 2, "cy": 2}
        world.clock.advance(timedelta(hours=23))
        assert world.news() == {}

    world.deny(request, "bo")
    world.news()
    world.clock.advance(timedelta(hours=1))
    assert world.news() == {"requests_pending": {"ana", "bo", "cy"}}
    assert world.latest("ana", "requests_pending").data["count"] == 1


def test_a_source_that_leaves_the_domain_is_told_to_managers_and_governance(
    world, published, active
):
    world.market.domains.remove("HR", ["people"], by="gil")

    assert world.news() == {"source_quarantined": {"dee", "gil"}}
    assert world.latest("gil", "source_quarantined").link == page("product", published.id)


def test_the_departure_of_a_beneficiary_is_told_to_the_requester_and_the_stewards(world, asked):
    world.market.people.deactivate("pat", by="uma")

    assert world.news(without=["pat"]) == {"request_canceled": {"con", "ana", "bo"}}


def test_whoever_stands_in_for_a_seat_that_nobody_can_fill_is_reminded_too(world):
    world.ask(world.publish(form=world.form(all_of(LEGAL, group("Nobody")), fallback=UNA)))
    world.news()
    world.clock.advance(timedelta(days=1))

    assert world.news() == {"requests_pending": {"ana", "bo", "una"}}
