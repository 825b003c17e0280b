"""Whose service account it is today, by a company's own directory, in the lists of what awaits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace_sdk import NotAllowed, ReviewFlow, Stage, user
from tests.services.test_leavers import Company

EITHER = ReviewFlow.review(Stage.any_of(user("ana"), user("bo"), user("con")))


@pytest.fixture(params=["memory", "sqlite"])
def company(request, tmp_path):
    """ana, bo or con decide; the account is con's when access for it is asked."""
    url = "memory" if request.param == "memory" else f"sqlite:///{tmp_path}/m.db"
    made = Company(url)
    made.put("bo")
    account(made, "con")
    yield made
    made.market.close()


def account(company, owner, name="robot"):
    company.put(name, kind="service_account", owner=owner, principals={"lake": f"{name.upper()}"})


def waiting(company, who):
    """What awaits somebody, by both ways to ask; both say the same."""
    requests = company.market.requests
    found = [each.id for each in requests.awaiting(by=who)]
    assert [each.id for each in requests.find(review="awaiting_me", by=who)] == found
    return found


def test_a_new_owner_has_nothing_to_decide_and_the_old_one_has(company):
    """As it is when they act; that of a person, who has no owner, is unchanged."""
    plain = company.ask("Plain", by="pat", review=EITHER)
    asked = company.ask("Asked", by="pat", review=EITHER, on_behalf_of="robot")
    assert waiting(company, "bo") == [asked.id, plain.id]
    assert waiting(company, "con") == [plain.id]

    account(company, "bo")

    assert waiting(company, "bo") == [plain.id]
    assert waiting(company, "con") == waiting(company, "ana") == [asked.id, plain.id]
    assert company.market.requests.approve(asked.id, reason="x", by="con").state == "approved"


@pytest.mark.parametrize("how", ["gone", "nobody's"])
def test_an_account_without_an_owner_is_whose_it_was(company, how):
    """The same as when they act."""
    asked = company.ask("Asked", by="pat", review=EITHER, on_behalf_of="robot")
    if how == "gone":
        company.people.remove("robot")
    else:
        account(company, "")

    assert waiting(company, "con") == []
    assert waiting(company, "ana") == waiting(company, "bo") == [asked.id]


def test_pages_are_filled_whoever_the_accounts_belong_to(company):
    """Each has another account; what is not theirs to decide makes room for the next."""
    asked = []
    for number in range(7):
        account(company, "con", f"robot-{number}")
        request = company.ask("Asked", by="pat", review=EITHER, on_behalf_of=f"robot-{number}")
        asked.append(request.id)
    for number in range(0, 7, 2):
        account(company, "bo", f"robot-{number}")

    pages, after = [], None
    while True:
        page = company.market.requests.awaiting(limit=2, after=after, by="con")
        pages.append([each.id for each in page])
        after = page.next
        if after is None:
            break
    assert [len(page) for page in pages][:2] == [2, 2]
    assert sorted(id for page in pages for id in page) == sorted(asked[0::2])
    assert sorted(waiting(company, "bo")) == sorted(asked[1::2])


def test_whose_account_it_is_today_does_not_certify_its_access(company):
    """Lists, reminders and the act itself ask the company's directory."""
    market = company.market
    request = company.ask("Held", by="pat", review=EITHER, on_behalf_of="robot")
    market.requests.approve(request.id, reason="x", by="ana")
    campaign = market.campaigns.start(
        "Review",
        products=[request.product],
        deadline=timedelta(days=20),
        silence="keep",
        by="gil",
    ).id
    market.deliver()
    (item,) = market.campaigns.items(campaign, by="gil")

    account(company, "bo")

    assert not market.campaigns.items(campaign, awaiting_me=True, by="bo").items
    for who in ("con", "ana"):
        assert len(market.campaigns.items(campaign, awaiting_me=True, by=who)) == 1
    with pytest.raises(NotAllowed, match="nobody certifies themselves"):
        market.campaigns.certify(item.id, reason="mine", by="bo")
    company.clock.advance(days=1)
    market.deliver()
    told = {
        who: [each.kind for each in market.inbox.of(who, by=who)].count("certification_asked")
        for who in ("bo", "con", "ana")
    }
    assert told == {"bo": 1, "con": 1, "ana": 2}, "before it was bo's, since, and both times"
    assert market.campaigns.certify(item.id, reason="x", by="con").decided_by == "con"
