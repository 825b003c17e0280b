"""Acceptance cases 29 to 45: what happens after the decision."""

import base64
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import psycopg
import pytest

from marketplace_sdk import (
    Conflict,
    DataSource,
    Duration,
    Marketplace,
    NotAllowed,
    NotFound,
    Question,
    ReviewFlow,
    TransitionNotAllowed,
    group,
)
from marketplace_sdk.testing import MemoryPlatform
from tests.receiver import Receiver
from tests.world import LEGAL, PRIVACY, UNA, any_of

FORBIDDEN = (NotAllowed, NotFound)
EXPIRING = "data_product.access_requests.expiring"


@pytest.fixture
def approved(world):
    """con's access on a product of any{L}, active, without end."""
    product = world.publish(any_of(LEGAL))
    request = world.ask(product)
    world.approve(request, "ana")
    world.deliver()
    assert world.reads("con") == "clear"
    return request


def test_29_one_warning_a_week_and_one_a_day_before_the_end(world):
    """Given a 30-day grant, 7 days and 1 day before the end one warning each, `expiring` fires."""
    request = world.ask(world.publish(any_of(LEGAL)))
    world.approve(request, "ana", until=Duration(30, "days"))
    world.deliver()

    world.clock.advance(timedelta(days=22, hours=23))
    assert (len(world.sent(EXPIRING)), world.told("con").count("access_expiring")) == (0, 0)
    world.clock.advance(timedelta(hours=1))
    assert (len(world.sent(EXPIRING)), world.told("con").count("access_expiring")) == (1, 1)
    world.clock.advance(timedelta(days=6))
    assert (len(world.sent(EXPIRING)), world.told("con").count("access_expiring")) == (2, 2)
    assert world.reads("con") == "clear"


def test_30_expired_access_is_gone(world):
    """Given expiry passes, then EXPIRED, access removed, user notified, `expired` fires."""
    request = world.ask(world.publish(any_of(LEGAL)))
    world.approve(request, "ana", until=timedelta(days=3))
    world.deliver()
    assert world.reads("con") == "clear"

    world.clock.advance(timedelta(days=3))
    assert world.state(request) == "expired", "honoured by reads before anything is swept"
    world.deliver()

    assert world.reads("con") == "none"
    assert world.state(request) == "expired"
    assert "access_expired" in world.told("con")
    assert len(world.sent("data_product.access_requests.expired")) == 1
    assert world.market.grants.of("con", ended=True, by="con").items[0].state == "ended"


def test_31_a_pending_request_can_be_called_off(world):
    """Given a pending request, when con cancels, CANCELED, stewards notified, `canceled` fires."""
    request = world.ask(world.publish(any_of(LEGAL)))

    canceled = world.market.requests.cancel(request.id, by="con")

    assert (canceled.state, canceled.cause) == ("canceled", "requester")
    assert world.market.requests.awaiting(by="ana").items == ()
    assert "request_canceled" in world.told("ana")
    assert "request_canceled" in world.told("bo")
    assert len(world.sent("data_product.access_requests.canceled")) == 1
    assert world.reads("con") == "none"


def test_32_an_approved_request_is_not_canceled(world, approved):
    """Given an approved request, when con cancels it, then refused."""
    with pytest.raises(TransitionNotAllowed):
        world.market.requests.cancel(approved.id, by="con")

    world.deliver()
    assert world.reads("con") == "clear"


def test_33_a_manager_revokes(world, approved):
    """Given an approved request, when dee revokes, REVOKED, removed, con notified, `revoked`."""
    revoked = world.market.requests.revoke(approved.id, reason="left the project", by="dee")
    world.deliver()

    assert revoked.state == "revoked"
    assert world.reads("con") == "none"
    assert "access_revoked" in world.told("con")
    assert len(world.sent("data_product.access_requests.revoked")) == 1


def test_34_nobody_else_revokes(world, approved):
    """Given con has no role, when he revokes someone, then Forbidden."""
    with pytest.raises(FORBIDDEN):
        world.market.requests.revoke(approved.id, reason="no", by="pat")
    with pytest.raises(NotAllowed):
        world.market.requests.revoke(approved.id, reason="no", by="con")

    world.deliver()
    assert world.reads("con") == "clear"


def test_35_an_automatic_approval_asks_nobody(world):
    """Given an auto-approve form with justification, APPROVED at once, no steward notified."""
    product = world.publish(ReviewFlow.approve(justification="harmless"))

    request = world.ask(product)
    world.deliver()

    assert (request.state, request.until, request.automatic) == ("approved", None, True)
    assert world.reads("con") == "clear"
    for steward in ("ana", "bo", "gil"):
        assert world.told(steward) == []
    assert "determination_made" in world.told("con")


def test_36_the_duration_answer_bounds_an_automatic_approval(world):
    """Given auto-approve plus a duration answer of 7 days, then it expires in 7 days."""
    flow = ReviewFlow.approve(justification="harmless", duration=Duration(30, "days"))
    form = world.form(flow, questions=[Question.access_duration("long")])

    request = world.ask(world.publish(form=form), answers={"long": {"amount": 7, "unit": "DAYS"}})
    world.deliver()

    assert request.until == world.clock() + timedelta(days=7)
    assert world.reads("con") == "clear"
    world.clock.advance(timedelta(days=7))
    world.deliver()
    assert world.reads("con") == "none"


def test_37_members_gain_an_added_source(world, approved):
    """Given prod has member con, when dee adds a source, con gains it, managers are notified."""
    assert world.reads("con", "leave", "days") == "none"

    world.market.products.set_sources(approved.product, ["people", "leave"], by="dee")
    world.deliver()

    assert world.reads("con", "leave", "days") == "clear"
    assert "sources_updated" in world.told("dee")
    assert len(world.sent("data_product.data_sources.updated")) == 1
    world.market.products.set_sources(approved.product, ["leave"], by="dee")
    world.deliver()
    assert world.reads("con") == "none"
    assert world.reads("con", "leave", "days") == "clear"


def test_38_a_delegating_form_asks_the_products_stewards(world):
    """Given a delegate form and product flow any{U}, when una approves, then APPROVED."""
    product = world.publish(form=world.form(ReviewFlow.delegate()), review=any_of(UNA))
    request = world.ask(product)

    with pytest.raises(FORBIDDEN):
        world.approve(request, "ana")
    assert world.approve(request, "una").state == "approved"
    world.deliver()
    assert world.reads("con") == "clear"


def test_39_a_form_that_names_stewards_silences_the_products_flow(world):
    """Given a form naming stewards and a product flow any{U}, when una acts, then Forbidden."""
    product = world.publish(form=world.form(any_of(LEGAL)), review=any_of(UNA))
    request = world.ask(product)

    with pytest.raises(FORBIDDEN):
        world.approve(request, "una")

    world.deliver()
    assert world.state(request) == "pending"
    assert world.reads("con") == "none"


def test_40_a_form_in_use_is_not_deleted(world):
    """Given a form in use, when deleted, then refused; when unused, then deleted."""
    form = world.form(any_of(LEGAL))
    product = world.publish(form=form)

    with pytest.raises(Conflict, match="products use it"):
        world.market.forms.delete(form, by="dee")
    world.market.products.update(product.id, form=None, by="dee")
    world.market.forms.delete(form, by="dee")

    with pytest.raises(NotFound):
        world.market.forms.get(form, by="dee")


def test_41_unmasking_needs_access_and_opens_one_column_for_one_person(world):
    """An exception without access opens nothing; with it, that column only, for con only."""
    product = world.publish(any_of(LEGAL))
    world.approve(world.ask(product, by="pat"), "ana")
    world.deliver()
    assert world.reads("pat", column="salary") == "masked"

    exception = world.ask_unmasked(product, "people.salary")
    world.approve(exception, "ana")
    world.deliver()
    assert [world.reads("con", column=c) for c in ("id", "name", "salary")] == ["none"] * 3
    view = world.market.grants.of("con", by="con").items[0]
    assert (view.state, view.withheld) == ("withheld", ("waiting_for_access",))

    access = world.ask(product)
    world.approve(access, "ana")
    world.deliver()
    assert [world.reads("con", column=c) for c in ("id", "name", "salary")] == ["clear"] * 3
    assert world.reads("pat", column="salary") == "masked"

    world.market.requests.revoke(access.id, reason="enough", by="dee")
    world.deliver()
    assert [world.reads("con", column=c) for c in ("id", "name", "salary")] == ["none"] * 3
    assert world.state(exception) == "revoked"


def test_42_stewards_edit_questions_but_not_the_review(world):
    """ana, named in the form, edits questions and not its flow; una, by delegation, neither."""
    form = world.form(any_of(LEGAL))
    delegating = world.form(ReviewFlow.delegate())
    world.publish(form=form)
    world.publish(form=delegating, review=any_of(UNA))
    questions = [Question.short_answer("what", "What for?")]

    edited = world.market.forms.edit(form, questions=questions, by="ana")
    with pytest.raises(NotAllowed):
        world.market.forms.edit(form, review=any_of(PRIVACY), by="ana")
    with pytest.raises(NotAllowed):
        world.market.forms.edit(delegating, questions=questions, by="una")

    assert edited.current.number == 2
    assert world.market.forms.get(form, by="con").current.review == any_of(LEGAL)
    assert world.market.forms.get(delegating, by="con").current.number == 1


def test_43_a_request_keeps_the_form_it_was_filed_under(world):
    """Given a pending request under v1, when the form becomes v2, v1's questions and stewards."""
    form = world.form(any_of(LEGAL))
    request = world.ask(world.publish(form=form))

    world.market.forms.edit(
        form, questions=[Question.short_answer("other", "Other?")], review=any_of(PRIVACY), by="dee"
    )

    pinned = world.market.requests.get(request.id, by="con").form
    assert [question.key for question in pinned.questions] == ["why"]
    with pytest.raises(FORBIDDEN):
        world.approve(request, "cy")
    assert world.approve(request, "ana").state == "approved"
    world.deliver()
    assert world.reads("con") == "clear"


def test_44_a_webhook_is_signed_and_its_secret_stays_secret(storage_url):
    """The Standard Webhooks signature verifies over id, timestamp and body; secret unreadable."""
    secret = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes, ok").decode()
    with Receiver(secret) as receiver:
        hook = {
            "plugin": "webhook",
            "url": receiver.url,
            "secret": secret,
            "allow_networks": ["127.0.0.0/8"],
        }
        with Marketplace(
            storage_url, connections={"lake": MemoryPlatform()}, notifiers=[hook]
        ) as market:
            market.people.add("uma", permissions=["USER_ADMIN", "GOVERNANCE"])
            market.sources.register(
                DataSource("people", connection="lake", object="hr.people"), by="uma"
            )
            market.domains.create("HR", by="uma")
            market.domains.assign("HR", ["people"], by="uma")
            market.products.publish("People", domain="HR", sources=["people"], by="uma")
            done = market.deliver()

            assert [body["type"] for body in receiver.verified] == ["data_product.state.created"]
            assert (receiver.rejected, done.dead, done.failed) == ([], 0, 0)
            said = [
                *map(repr, vars(market).values()),
                *map(repr, market.plugins()),
                *market.audit.export(by="uma"),
            ]
            assert not [text for text in said if secret in text or secret[6:] in text]
        assert secret[6:] not in _kept(storage_url)


def _kept(storage_url):
    """Everything that a store has written down, as text."""
    if storage_url == "memory":
        return ""
    if storage_url.startswith("sqlite:"):
        return Path(storage_url.removeprefix("sqlite:///")).read_bytes().decode("latin-1")
    parts = dict(parse_qsl(urlsplit(storage_url).query))
    schema = parts.pop("schema")
    with psycopg.connect(**parts) as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,)
        ).fetchall()
        assert names
        return "\n".join(
            str(row)
            for (name,) in names
            for row in connection.execute(f'SELECT t::text FROM "{schema}"."{name}" t')
        )


def test_45_requester_and_beneficiary_are_two(world):
    """Given con files for pat, then requester is con, beneficiary pat, and pat gets the access."""
    product = world.publish(any_of(LEGAL))

    request = world.ask(product, by="con", on_behalf_of="pat")
    world.approve(request, "ana")
    world.deliver()

    assert (request.requester, request.beneficiary.id) == ("con", "pat")
    assert world.reads("pat") == "clear"
    assert world.reads("con") == "none"
    assert "determination_made" in world.told("con")
    assert "determination_made" in world.told("pat")


def test_a_group_can_be_the_beneficiary(world):
    """The group's own platform role gets it; its members may not decide on it."""
    product = world.publish(any_of(LEGAL, PRIVACY))
    role = world.platform.principal(f"team_{world.token}")
    world.market.people.add("tim", groups=["Analysts", "Privacy"], by="uma")
    world.market.people.link(group("Analysts"), "lake", role, by="uma")

    request = world.ask(product, on_behalf_of=group("Analysts"))
    with pytest.raises(NotAllowed, match="for themselves"):
        world.approve(request, "tim")
    world.approve(request, "cy")
    world.deliver()

    assert world.platform.reads(role, world.objects["people"], "name") == "clear"
    assert world.reads("con") == "none"
