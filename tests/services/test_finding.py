"""Finding products and requests: words, filters, and whoever may see what."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta

import pytest
from attrs import evolve

from marketplace_sdk import InvalidInput, Question, ReviewFlow, Seat, Stage, StorageError
from marketplace_sdk.memory.storage import MemoryStorage
from marketplace_sdk.ports.storage import Record, capabilities_of
from marketplace_sdk.services import _finding
from marketplace_sdk.work.reindexing import check_indexed, reindex
from tests.services.helpers import small_world
from tests.world import LEGAL, PRIVACY, any_of


class WithoutSearch:
    """A store of the day before yesterday: it finds, and has never heard of texts."""

    def __init__(self):
        self._inner = MemoryStorage()
        self.setup, self.close = self._inner.setup, self._inner.close

    def begin(self, *, write=True):
        return _Block(self._inner.begin(write=write))


class _Block:
    def __init__(self, inner):
        self._inner = inner

    def __enter__(self):
        return _Rows(self._inner.__enter__())

    def __exit__(self, *error):
        return self._inner.__exit__(*error)


class _Rows:
    def __init__(self, inner):
        self._inner = inner

    def __getattr__(self, name):
        if name == "search":
            raise AttributeError(name)
        return getattr(self._inner, name)


@pytest.fixture(params=["memory", "sqlite"])
def shop(request, tmp_path):
    """A small world in which products are looked for."""
    url = "memory" if request.param == "memory" else f"sqlite:///{tmp_path}/shop.db"
    world = small_world(url)
    yield world
    world.close()


def names(world, text="", by="con", **more):
    return [each.name for each in world.market.products.search(text, by=by, **more)]


def test_a_product_is_found_by_name_tags_columns_and_description(shop):
    """In this order, and only by its own."""
    shop.publish(any_of(LEGAL), name="Salary bands", sources=["leave"])
    shop.publish(any_of(LEGAL), name="Tagged", sources=["leave"], tags=["Salary"])
    shop.publish(any_of(LEGAL), name="A by column", sources=["people"])
    shop.publish(any_of(LEGAL), name="A by text", sources=["leave"], description="the salary")
    shop.publish(any_of(LEGAL), name="Other", sources=["leave"])

    assert names(shop, "SALARY") == ["Salary bands", "Tagged", "A by column", "A by text"]
    assert names(shop, "sal") == names(shop, "salary")
    assert names(shop, "salry") == ["A by column", "A by text", "Salary bands", "Tagged"]
    assert names(shop, "salary tagged") == ["Tagged"]


def test_words_follow_sources_columns_names_and_tags(shop):
    """Whatever changes what a product holds changes by what it is found."""
    product = shop.publish(any_of(LEGAL), name="Staff", sources=["people"])
    products = shop.market.products

    assert (names(shop, "salary"), names(shop, "days")) == (["Staff"], [])
    products.set_sources(product.id, ["leave"], by="dee")
    assert (names(shop, "salary"), names(shop, "days")) == ([], ["Staff"])
    shop.market.sources.update("leave", columns=["id", "hours"], by="gil")
    assert (names(shop, "days"), names(shop, "hours")) == ([], ["Staff"])
    products.update(product.id, name="Absence", tags=["Gold"], by="dee")
    assert (names(shop, "staff"), names(shop, "absence"), names(shop, "gold")) == (
        [],
        ["Absence"],
        ["Absence"],
    )
    products.delete(product.id, by="dee")
    assert names(shop, "absence") == names(shop, "hours") == []


def test_ranked_pages_join_without_gap_or_overlap(shop):
    """``next`` goes on within a tier and over tiers; it belongs to its list."""
    for number in range(7):
        text = ("orders", "orderly", "staff")[number % 3]
        shop.publish(any_of(LEGAL), name=f"{text} {number}", description="all orders")
    whole = names(shop, "orders")
    found, after = [], None
    while True:
        page = shop.market.products.search("orders", limit=2, after=after, by="con")
        found += [each.name for each in page]
        after = page.next
        if after is None:
            break

    assert found == whole
    first = ["orders 0", "orders 3", "orders 6"]
    assert whole == [*first, "orderly 1", "orderly 4", "staff 2", "staff 5"]
    ranked = shop.market.products.search("orders", limit=2, by="con").next
    with pytest.raises(InvalidInput):
        shop.market.products.search(after=ranked, by="con")
    with pytest.raises(InvalidInput):
        shop.market.products.search(
            "orders", after=shop.market.products.search(limit=2, by="con").next, by="con"
        )


@pytest.mark.parametrize("text", ['"', "*", "NEAR", "%", ":", "'; --", "a OR b", "-x", "!", "()&|"])
def test_hostile_queries_are_only_words(shop, text):
    """No engine's own syntax reaches it; what is no word finds nothing."""
    shop.publish(any_of(LEGAL), name="Near misses")

    assert names(shop, text) in ([], ["Near misses"])
    assert (names(shop, text) != []) == (text == "NEAR")


def test_a_query_that_is_too_long_is_refused(shop):
    """As bad input, before anything is looked for."""
    for text in ("x" * 1001, " ".join(f"w{n}" for n in range(33))):
        with pytest.raises(InvalidInput):
            names(shop, text)


def test_filters_say_what_a_product_is_to_the_reader(shop):
    """Name, owner, tags, domain, one's status, one's role, and whether one's access ends."""
    one = shop.publish(any_of(LEGAL), name="One", tags=["Gold"])
    two = shop.publish(any_of(LEGAL), name="Two")
    shop.publish(any_of(PRIVACY), name="Three")
    form = shop.form(any_of(LEGAL), domain="FIN", by="dan")
    shop.publish(form=form, name="Four", domain="FIN", sources=["ledger"], by="dan")
    shop.approve(shop.ask(one), "ana")
    shop.approve(shop.ask(one, "pat"), "ana", until=shop.clock().replace(year=2100))
    shop.deny(shop.ask(two), "ana")
    shop.deliver()

    assert names(shop, name="oNE") == ["One"]
    assert names(shop, owner="dan") == names(shop, domain="FIN") == ["Four"]
    assert names(shop, tags=["Gold"]) == ["One"]
    assert names(shop, status="approved") == names(shop, role="member") == ["One"]
    assert names(shop, status="denied") == ["Two"]
    assert names(shop, status="none") == ["Four", "Three"]
    assert names(shop, status="publisher", by="dan") == names(shop, role="manager", by="dan")
    assert names(shop, role="manager", by="dan") == ["Four"]
    assert names(shop, role="manager", by="gil") == ["Four", "One", "Three", "Two"]
    assert names(shop, status="none", by="gil") == names(shop, role="none", by="gil") == []
    assert names(shop, role="steward", by="cy") == ["Three"]
    assert names(shop, role="steward", by="ana") == ["Four", "One", "Two"]
    assert names(shop, role="none") == ["Four", "Three", "Two"]
    assert names(shop, status=["none", "denied"]) == ["Four", "Three", "Two"]
    assert names(shop, "people", status=["approved", "denied"]) == ["One", "Two"]
    assert names(shop, status=["publisher", "none"], by="dan", limit=2) == ["Four", "One"]
    assert names(shop, role=("member", "none"), tags=["Gold"]) == ["One"]
    assert names(shop, role=("steward", "none"), by="cy") == ["Four", "One", "Three", "Two"]
    assert (names(shop, ends=True), names(shop, ends=False)) == ([], ["One"])
    assert (names(shop, ends=True, by="pat"), names(shop, ends=False, by="pat")) == (["One"], [])
    assert names(shop, "people", role="member", domain="HR") == ["One"]
    page = shop.market.products.search(by="con")
    assert [(each.name, each.status) for each in page] == [
        ("Four", "none"),
        ("One", "approved"),
        ("Three", "none"),
        ("Two", "denied"),
    ]


def test_stewards_of_a_product_follow_its_form(shop):
    """Whoever a new version names finds the product as its steward."""
    form = shop.form(any_of(LEGAL))
    shop.publish(form=form, name="One")

    assert names(shop, role="steward", by="cy") == []
    shop.market.forms.edit(form, review=any_of(PRIVACY), by="dee")
    assert names(shop, role="steward", by="cy") == ["One"]
    assert names(shop, role="steward", by="ana") == []


def test_stewards_of_a_delegating_form_are_the_products(shop):
    """Whom its own flow names; without one whoever decides by the default review (2.6)."""
    form = shop.form(ReviewFlow.delegate())
    shop.publish(form=form, name="Default")
    shop.publish(any_of(LEGAL), form=form, name="Own")

    found = {who: names(shop, role="steward", by=who) for who in ("ana", "dee", "gil", "dan")}

    assert found == {"ana": ["Own"], "dee": ["Default"], "gil": ["Default"], "dan": []}


def test_hidden_products_are_left_out_before_ranking(tmp_path):
    """A full page holds what the reader may see, whatever is ranked better."""
    for url in ("memory", f"sqlite:///{tmp_path}/hidden.db"):
        world = small_world(url, hide_products=True)
        for number in range(5):
            world.publish(any_of(PRIVACY), name=f"Orders {number}")
        world.publish(any_of(LEGAL), name="Z orders of mine")
        mine = world.publish(any_of(PRIVACY), name="Z staff", description="orders")
        world.ask(mine, "con")

        assert names(world, "orders", limit=1) == ["Z staff"]
        assert names(world, "orders", limit=1, by="ana") == ["Z orders of mine"]
        assert len(names(world, "orders", by="cy")) == 6
        assert len(names(world, "orders", by="dee")) == 7
        world.close()


def test_no_request_is_too_old_to_show_a_hidden_product(monkeypatch):
    """However many were made since, of other products and of this one."""
    monkeypatch.setattr(_finding, "STEP", 2)
    world = small_world(hide_products=True)
    products = [world.publish(any_of(PRIVACY), name=f"P {number}") for number in range(4)]
    for product in products[:3]:
        for _ in range(3):
            request = world.ask(product, "con")
            world.clock.advance(minutes=1)
            world.market.requests.cancel(request.id, by="con")

    assert names(world) == ["P 0", "P 1", "P 2"]
    world.close()


def test_several_roles_are_either_of_them(shop):
    """In pages that join, newest first, each request once."""
    shop.market.people.link("ana", "lake", shop.platform.principal("ana_there"), by="uma")
    product, other = shop.publish(any_of(LEGAL)), shop.publish(any_of(PRIVACY), name="Other")
    asked = []
    for each in (product, other, product):
        asked.append(shop.ask(each, "pat" if each is other else ("ana", "con")[len(asked) // 2]))
        shop.clock.advance(minutes=1)
    shop.deny(asked[2], "bo")

    def found(**more):
        pages, after = [], None
        while True:
            page = shop.market.requests.find(by="ana", limit=1, after=after, **more)
            pages += [each.id for each in page]
            after = page.next
            if after is None:
                return pages

    assert found(role=["requester", "steward"]) == [asked[2].id, asked[0].id]
    assert found(state=["denied", "approved"]) == [asked[2].id]
    assert found(state=["denied", "pending"]) == [asked[2].id, asked[0].id]
    for wrong in ([], ["requester", "owner"], {"requester": 1}):
        with pytest.raises(InvalidInput):
            found(role=wrong)


def test_every_page_of_grants_is_full(shop):
    """What one may not see is left out by the query; what is over though unswept, by going on."""
    for number in range(6):
        product = shop.publish(any_of(PRIVACY if number % 2 else LEGAL), name=f"P {number}")
        request = shop.ask(product, "pat")
        end = shop.clock().replace(year=2100) if number < 4 else shop.clock() + timedelta(hours=1)
        shop.approve(request, "cy" if number % 2 else "ana", until=end)
        shop.clock.advance(minutes=1)
    shop.clock.advance(hours=2)
    grants = shop.market.grants

    first = grants.find(limit=2, by="cy")
    rest = grants.find(limit=2, after=first.next, by="cy")
    assert [each.product_name for each in (*first, *rest)] == ["P 1", "P 3", "P 5"]
    assert (len(first), rest.next) == (2, None)
    ending = grants.find(state="ending", limit=1, by="cy")
    assert ([each.product_name for each in ending], ending.next) == (["P 5"], None)
    living = grants.find(state=["wanted", "active"], limit=3, by="gil")
    more = grants.find(state=["wanted", "active"], limit=3, after=living.next, by="gil")
    assert [each.product_name for each in (*living, *more)] == ["P 0", "P 1", "P 2", "P 3"]
    assert [each.product_name for each in grants.of("pat", limit=9, by="ana")] == [
        "P 0",
        "P 2",
        "P 4",
    ]


def test_requests_are_filtered_by_role_review_and_end(shop):
    """Newest first, and only what one may see."""
    product, other = shop.publish(any_of(LEGAL)), shop.publish(any_of(LEGAL, PRIVACY))
    first = shop.ask(product)
    shop.clock.advance(minutes=1)
    second = shop.ask(other, "pat")
    shop.clock.advance(minutes=1)
    third = shop.ask_unmasked(product)
    shop.approve(first, "bo")

    def found(by, **more):
        return [each.id for each in shop.market.requests.find(by=by, **more)]

    assert found("bo") == [third.id, second.id, first.id]
    assert found("con", role="requester") == [third.id, first.id]
    assert found("bo", role="requester") == []
    assert found("cy", role="steward") == [second.id]
    assert found("dee", role="manager") == found("gil", role="manager") == found("bo")
    assert found("dan", role="manager") == found("ana", role="manager") == []
    assert found("bo", review="by_me") == [first.id]
    assert found("bo", review="none") == [third.id, second.id]
    assert found("bo", review="awaiting_me") == [third.id, second.id]
    assert found("cy", review="awaiting_me", kind="access") == [second.id]
    assert found("gil", review="awaiting_me") == []
    assert (found("bo", ends=False), found("bo", ends=True)) == ([first.id], [])
    for wrong in ({"role": "beneficiary"}, {"review": "mine"}, {"ends": "yes"}):
        with pytest.raises(InvalidInput):
            found("bo", **wrong)


def test_every_page_of_what_awaits_one_is_full(shop):
    """What one has determined, and one's own, is left out by the query, not afterwards."""
    two = ReviewFlow.review(Stage.any_of(Seat(LEGAL, approvals=2)))
    for number in range(6):
        request = shop.ask(shop.publish(two, name=f"P {number}"))
        if number % 2:
            shop.approve(request, "ana")
        shop.clock.advance(minutes=1)
    page = shop.market.requests.awaiting(limit=2, by="ana")
    rest = shop.market.requests.awaiting(limit=2, after=page.next, by="ana")

    assert [each.product_name for each in (*page, *rest)] == ["P 4", "P 2", "P 0"]
    assert (len(page), len(rest), rest.next) == (2, 1, None)


def test_a_store_that_cannot_search_finds_whole_words():
    """Without the capability words are index entries, and there are no tiers."""
    world = small_world(WithoutSearch(), discover=False)
    world.publish(any_of(LEGAL), name="Orders by day")
    world.publish(any_of(LEGAL), name="A staff", description="day by day")

    assert names(world, "DAY") == ["A staff", "Orders by day"]
    assert names(world, "day orders") == ["Orders by day"]
    assert names(world, "ord") == names(world, "***") == []
    page = world.market.products.search("day", limit=1, by="con")
    rest = world.market.products.search("day", limit=1, after=page.next, by="con")
    assert [each.name for each in (*page, *rest)] == ["A staff", "Orders by day"]
    assert capabilities_of(WithoutSearch()) == frozenset()
    assert "search_typos" in capabilities_of(MemoryStorage())


def test_lists_of_an_older_release_are_written_anew(shop):
    """Opening refuses them with the command that helps; documents stay, words come."""
    shop.publish(any_of(LEGAL), name="Staff")
    storage = shop.market._storage
    with storage.begin() as rows:
        mark = rows.get("index", "self")
        rows.put(Record(kind="index", id="self", revision=2, document={"version": 1}), 1)
        product = rows.find("product")[0]
        rows.put(
            Record(
                kind="product",
                id=product.id,
                revision=product.revision + 1,
                document=product.document,
                texts=("",),
            ),
            product.revision,
        )
    assert mark.revision == 1

    with pytest.raises(StorageError) as refusal:
        check_indexed(storage)
    assert "marketplace migrate" in refusal.value.hint

    assert names(shop, "staff") == []
    assert reindex(storage, now=shop.clock, ids=lambda: "none") > 10
    assert names(shop, "staff") == names(shop, domain="HR") == ["Staff"]
    check_indexed(storage)


def test_requests_of_an_older_release_are_found_by_what_was_asked_back(shop):
    """A release that knew no inquiries kept them, as it keeps whatever it does not know."""
    request = shop.ask(shop.publish(any_of(LEGAL)))
    shop.market.requests.ask(request.id, "Which?", by="ana")
    storage, ours = shop.market._storage, {"asked_by", "answerable_by", "inquiry"}
    with storage.begin() as rows:
        mark, record = rows.get("index", "self"), rows.get("request", request.id)
        old = frozenset(pair for pair in record.index if pair[0] not in ours)
        assert len(record.index - old) == 3
        rows.put(evolve(record, index=old, revision=record.revision + 1), record.revision)
        rows.put(evolve(mark, document={"version": 3}, revision=2), 1)
    with pytest.raises(StorageError):
        check_indexed(storage)

    assert not shop.market.requests.find(inquiry="open", by="con").items
    reindex(storage, now=shop.clock, ids=lambda: "none")
    check_indexed(storage)
    for which, who in (("open", "con"), ("awaiting_me", "con"), ("by_me", "ana")):
        assert len(shop.market.requests.find(inquiry=which, by=who).items) == 1


def test_requests_are_filtered_by_what_was_asked_back(shop):
    """Questions that wait, the reader's own, and those that the reader could answer."""
    product = shop.publish(any_of(LEGAL))
    quiet, asked = shop.ask(product, by="pat"), shop.ask(product)
    shop.market.requests.ask(asked.id, "Which?", inquiry="which", by="ana")

    def found(who, inquiry, **more):
        return {each.id for each in shop.market.requests.find(inquiry=inquiry, by=who, **more)}

    assert found("bo", "open") == found("ana", "by_me") == found("con", "awaiting_me") == {asked.id}
    assert found("bo", "none", review="awaiting_me") == {quiet.id}
    assert (
        found("bo", "by_me") == found("pat", "awaiting_me") == found("ana", "awaiting_me") == set()
    )

    shop.market.requests.answer(asked.id, "which", "All.", by="con")
    assert found("bo", "open") == found("con", "awaiting_me") == set()
    assert found("ana", "by_me") == {asked.id}
    shop.market.requests.ask(asked.id, "And why?", by="ana")
    shop.market.requests.cancel(asked.id, by="con")
    assert found("bo", "open") == found("con", "awaiting_me") == set()


def test_paging_through_everything_keeps_memory_flat(tmp_path):
    """A page of the end costs what one of the beginning does, and nothing stays behind."""
    world = small_world(f"sqlite:///{tmp_path}/many.db")
    form = world.form(any_of(LEGAL), questions=[Question.short_answer("why", "Why?")])
    for number in range(300):
        world.publish(form=form, name=f"Product {number:03}", description="word " * 100)

    def peak(pages):
        tracemalloc.start()
        after, seen = None, 0
        for _ in range(pages):
            page = world.market.products.search("product", limit=10, after=after, by="con")
            seen, after = seen + len(page), page.next
            if after is None:
                break
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most, seen

    peak(3)  # statements are compiled and cached
    few, many = peak(3), peak(40)
    world.close()

    assert (few[1], many[1]) == (30, 300)
    # Keeping what the pages held would take ten times as much.
    assert many[0] < 2 * few[0]
