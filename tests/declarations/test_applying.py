"""Declarations: what would change is told, done by whoever may, and then there is nothing to do."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace_sdk import (
    AdapterError,
    Declaration,
    Duration,
    InvalidInput,
    Marketplace,
    NotAllowed,
    ReviewFlow,
    Stage,
    StorageError,
    group,
    read_declarations,
    write_declarations,
)
from marketplace_sdk.domain.forms import Question
from tests.services.helpers import nothing_written, small_world
from tests.wire.strategies import FLOWS, QUESTIONS

SHOP = """
sources:
  orders:
    connection: lake
    object: sales.orders
    tags: [Finance]
    columns: {id: {type: bigint}, email: {masked: true}}
  returns: {connection: lake, object: sales.returns}
domains:
  sales:
    description: Everything we sell
    sources: [orders, returns]
    permissions: {MANAGE_DATA_PRODUCTS: [dee]}
    policy: {max_duration: 90 days}
agreements:
  dua: {name: Terms, body: Only to count.}
forms:
  std:
    name: Standard access
    domain: sales
    questions: {why: {label: Why do you need it}, long: {kind: ACCESS_DURATION}}
    agreements: [dua]
    review: {stages: [{any_of: [{group: Legal}]}]}
products:
  Orders:
    domain: sales
    sources: [orders]
    form: std
"""


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


class Shop:
    """A marketplace of people only, and a file."""

    def __init__(self, folder):
        self.file = folder / "shop.yaml"
        self.file.write_text(SHOP, encoding="utf-8")
        self.market = Marketplace(connections={"lake": {"plugin": "memory"}}, discover=False)
        self.market.people.add("uma", permissions=["USER_ADMIN", "GOVERNANCE"])
        for name in ("dee", "con"):
            self.market.people.add(name, by="uma", principals={"lake": name})
        self.market.people.add("ana", groups=["Legal"], by="uma")

    def say(self, before, after):
        """Change the file."""
        text = self.file.read_text(encoding="utf-8")
        assert before in text
        self.file.write_text(text.replace(before, after), encoding="utf-8")

    def plan(self, by="uma", **more):
        return self.market.declarations.plan(read_declarations(self.file), by=by, **more)

    def apply(self, by="uma", **more):
        return self.market.declarations.apply(self.plan(by, **more), by=by)


def test_everything_is_made_once(shop):
    plan = shop.plan()
    assert [each.title for each in plan.changes] == [
        "+ source orders", "+ source returns", "+ domain sales", "+ agreement dua", "+ form std",
        "+ product Orders",
    ]  # fmt: skip

    made = shop.market.declarations.apply(plan, by="uma")

    assert made.failed == ()
    assert len(made.done) == 6
    assert shop.plan().changes == ()
    assert str(shop.plan()) == "nothing to change"
    product = shop.market.products.get("Orders", by="con")
    assert (product.name, product.form, product.sources) == ("Orders", "std", ("orders",))
    form = shop.market.forms.get("std", by="con").current
    assert form.review == ReviewFlow.review(Stage.any_of(group("Legal")))
    assert form.agreements[0].body == "Only to count."


def test_looking_changes_nothing():
    world = small_world()
    declared = [Declaration(kind="domain", id="new"), Declaration(kind="domain", id="HR",
                fields={"description": "x"})]  # fmt: skip

    with nothing_written(world):
        world.market.declarations.plan(declared, prune=True, by="gil")
        world.market.declarations.export(by="gil")


def test_a_second_time_is_a_no_op_in_the_log_too(shop):
    shop.apply()
    events = len(shop.market.audit.events(limit=1000, by="uma"))

    assert str(shop.apply()) == "nothing was changed"
    assert len(shop.market.audit.events(limit=1000, by="uma")) == events


CHANGES = [
    ("description: Everything we sell", "description: All", "description: Everything we sell -> All"),
    ("[orders, returns]", "[orders]", "sources: - returns"),
    ("[dee]", "[{group: sales}]", "permissions.MANAGE_DATA_PRODUCTS: + {group: sales}, - dee"),
    ("90 days", "1 month", "policy.max_duration: 90 days -> 1 month"),
    ("tags: [Finance]", "tags: [Pii]", "tags: + Pii, - Finance"),
    ("email: {masked: true}", "email: {masked: true, type: text}", "columns.email.type: nothing -> text"),
    ("name: Standard access", "name: Access", "name: Standard access -> Access"),
    ("why: {label: Why do you need it}", "why: {label: Why, required: false}",
     "questions.why.label: Why do you need it -> Why"),
    ("{group: Legal}", "{group: Privacy}", "review.stages: + {any_of: [{group: Privacy}]}"),
    ("agreements: [dua]\n", "agreements: []\n", "agreements: - dua"),
    ("    sources: [orders]\n", "    sources: [returns, orders]\n", "sources: + returns"),
    ("    form: std\n", "    form: null\n", "form: std -> nothing"),
    ("    form: std\n", "    form: std\n    name: Sales orders\n", "name: Orders -> Sales orders"),
    ("    form: std\n", "    form: std\n    tags: [Gold]\n", "tags: + Gold"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "told"), CHANGES)
def test_what_differs_is_told_done_and_then_the_same(shop, before, after, told):
    shop.apply()
    shop.say(before, after)

    assert f"    {told}" in str(shop.plan())
    assert len(shop.plan().changes) == 1
    assert shop.apply().failed == ()
    assert shop.plan().changes == ()
    shop.say(after, before)
    assert shop.apply().failed == ()
    again = {(each.kind, each.id): each for each in shop.plan().changes}
    # What a file leaves out stays: only a tag or name that was added and is left out now.
    assert again == {}


def test_what_a_file_leaves_out_stays_as_it_is(shop):
    shop.apply()
    shop.file.write_text("products: {Orders: {description: New}}", encoding="utf-8")

    (change,) = shop.plan().changes

    assert dict(change.after) == {"description": "New"}
    shop.apply()
    assert shop.market.products.get("Orders", by="uma").form == "std"


def test_a_domain_that_tags_fill_follows_its_tags(shop):
    shop.say("sources: [orders, returns]", "tags: [Finance, Sales]")
    shop.apply()
    assert shop.market.domains.sources("sales", by="uma") == ("orders",)
    request = shop.market.requests.request_access(
        "Orders", answers={"why": "x", "long": {"amount": 1, "unit": "days"}},
        acknowledge=["dua"], by="con",
    )  # fmt: skip
    shop.market.requests.approve(request.id, reason="x", by="ana")

    shop.say("[Finance, Sales]", "[Sales]")
    assert "tags: - Finance" in str(shop.plan())
    shop.apply()

    assert shop.market.domains.sources("sales", by="uma") == ()
    assert "domain.updated" in {
        row.type for row in shop.market.audit.events("domain:sales", limit=100, by="uma")
    }
    shop.say("tags: [Sales]", "tags: []")
    assert "it stays filled as it was made" in shop.apply().failed[0]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("object: sales.orders", "object: sales.other", "source orders: object stays what it was"),
        ("body: Only to count.", "body: Anything.", "agreement dua: body stays what it was"),
        ("    domain: sales\n    sources: [orders]", "    domain: other\n    sources: [orders]",
         "product Orders: domain stays what it was"),
    ],
)  # fmt: skip
def test_what_cannot_be_changed_is_a_problem_with_its_line(shop, before, after, told):
    shop.apply()
    shop.say(before, after)

    plan = shop.plan()

    assert plan.changes == ()
    assert re.fullmatch(rf".*shop\.yaml:\d+: {told}; use another id", plan.problems[0])


def test_a_new_thing_needs_what_it_cannot_be_without(shop):
    shop.file.write_text("products:\n  p: {domain: sales}\nforms:\n  f: {}", encoding="utf-8")

    assert [each.split(":", 1)[1] for each in shop.plan().problems] == [
        "4: form f: needs questions",
        "2: product p: needs sources",
    ]


def test_what_no_file_mentions_goes_only_when_that_is_asked_for(shop):
    shop.apply()
    shop.market.domains.create("other", by="uma")
    shop.file.write_text("products: {}\nforms: {std: {}}\ndomains: {sales: {}}", encoding="utf-8")
    assert shop.plan().changes == ()

    # Products are not declared at all, so none of them goes; sources never do.
    assert [each.title for each in shop.plan(prune=True).changes] == ["- domain other"]
    shop.file.write_text("products: {p: {domain: sales, sources: [orders]}}", encoding="utf-8")
    assert [each.title for each in shop.plan(prune=True).changes] == [
        "+ product p",
        "- product Orders",
    ]
    assert shop.apply(prune=True).failed == ()
    assert shop.market.products.get("Orders", by="uma").state == "deleted"


def test_a_product_that_is_retired_is_neither_written_nor_taken_away(shop):
    shop.apply()
    shop.market.products.retire("Orders", by="uma")

    assert "product" not in {each.kind for each in shop.market.declarations.export(by="uma")}
    assert shop.plan().changes == ()
    shop.file.write_text("products: {p: {domain: sales, sources: [orders]}}", encoding="utf-8")
    assert [each.title for each in shop.plan(prune=True).changes] == ["+ product p"]


def test_each_change_needs_the_rights_that_it_needs_by_hand(shop):
    shop.apply()
    shop.say("description: Everything we sell", "description: All")
    shop.say("    form: std\n", "    form: std\n    description: Mine\n")

    made = shop.apply("dee")

    assert [each.title for each in made.done] == ["~ product Orders"]
    (failed,) = made.failed
    assert "shop.yaml:10: ~ domain sales: cannot update domain sales: dee may not" in failed
    with pytest.raises(NotAllowed):
        shop.plan("nobody")
    assert len(shop.apply("con").failed) == 1


def test_what_is_outside_and_fails_ends_it(shop, monkeypatch):
    plan = shop.plan()
    calls = []

    def gone(*_, **__):
        calls.append(1)
        raise StorageError("cannot write", retryable=True)

    monkeypatch.setattr("marketplace_sdk.services._making.Sources.register", gone)
    with pytest.raises(AdapterError):
        shop.market.declarations.apply(plan, by="uma")
    assert calls == [1]


def test_nothing_is_declared_twice(shop):
    twice = shop.file.with_name("twice.yaml")
    twice.write_text("products: {Orders: {}}", encoding="utf-8")

    with pytest.raises(
        InvalidInput,
        match=r"twice\.yaml:1: product Orders: is declared twice, first at .*shop\.yaml:\d+",
    ):  # one message
        shop.market.declarations.plan(read_declarations(shop.file, twice), by="uma")
    with pytest.raises(InvalidInput, match="Declaration objects"):
        shop.market.declarations.plan(["product"], by="uma")
    with pytest.raises(InvalidInput, match="kind"):
        Declaration(kind="table", id="x")


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_an_export_makes_the_same_marketplace_elsewhere(data, tmp_path_factory):
    """Out of one marketplace, into an empty one: both say the same, and nothing is left to do."""
    first, second = small_world(), small_world()
    questions = data.draw(st.lists(QUESTIONS, min_size=1, max_size=3, unique_by=lambda q: q.key))
    once = [q for q in questions if q.kind != "ACCESS_DURATION"] or [
        Question.short_answer("w", "W")
    ]
    form = first.market.forms.create(
        "Any form", questions=once, review=data.draw(FLOWS), domain="HR", by="dee"
    )
    own = data.draw(FLOWS.filter(lambda flow: flow.default.kind in ("review", "approve")))
    first.publish(own, form=form.id, tags=data.draw(st.sets(st.sampled_from("abc"))), name="P")
    path = tmp_path_factory.mktemp("out") / "all.yaml"
    path.write_text(
        write_declarations(first.market.declarations.export(by="gil")), encoding="utf-8"
    )
    declared = read_declarations(path)

    assert first.market.declarations.plan(declared, prune=True, by="gil").changes == ()
    second.objects = first.objects
    fresh = Marketplace(connections={"lake": {"plugin": "memory"}}, discover=False)
    fresh.people.add("gil", permissions=["USER_ADMIN", "GOVERNANCE"])
    for name in ("dee", "dan"):
        fresh.people.add(name, by="gil")
    made = fresh.declarations.apply(fresh.declarations.plan(declared, by="gil"), by="gil")
    assert made.failed == ()
    assert fresh.declarations.plan(declared, prune=True, by="gil").changes == ()
    assert fresh.declarations.export(by="gil") == first.market.declarations.export(by="gil")


def test_how_long_a_form_waits_is_declared_like_the_rest(shop):
    """Made, changed by the line that says so, taken away by null, and refused when it is nonsense."""
    review = "review: {stages: [{any_of: [{group: Legal}]}]}"
    patient = "escalation: {after: 3 days, to: {group: Office}}\n    expire_after: 30 days"
    shop.say(review, f"{review}\n    {patient}")
    shop.apply()
    current = shop.market.forms.get("std", by="dee").current
    assert str(current.escalation) == "group Office after 3 days"
    assert current.expire_after == Duration(30, "days")
    assert not shop.plan().changes

    shop.say("expire_after: 30 days", "expire_after: 3 days")
    (refused,) = shop.apply().failed
    assert "must always be shorter than expire_after" in refused
    shop.say("expire_after: 3 days", "expire_after: null")
    shop.say("after: 3 days", "after: 1 week")
    (change,) = shop.plan().changes
    assert str(change).splitlines() == [
        "~ form std",
        "    escalation.after: 3 days -> 1 week",
        "    expire_after: 30 days -> nothing",
    ]
    shop.apply()
    assert shop.market.forms.get("std", by="dee").current.expire_after is None
