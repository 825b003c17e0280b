"""Approval facts from other systems' test suites, run through the public marketplace.

``tests/data/quorum.json`` names the source of each case. What the cases assume is written in
docs/explanation/quorum. A lifetime of approvals is the product's longest access here, counted from
the final determination.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from marketplace_sdk import (
    DataSource,
    Duration,
    Marketplace,
    MarketplaceError,
    ReviewFlow,
    Seat,
    Stage,
    attribute,
    group,
    permission,
    user,
)
from marketplace_sdk.testing import FrozenClock, MemoryPlatform

CASES = json.loads((Path(__file__).parents[1] / "data" / "quorum.json").read_text())["cases"]


def selectors(requirement):
    """The steward selectors of one requirement."""
    kind, value = requirement["kind"], requirement["value"]
    if kind == "any-of":
        return [one for each in value for one in selectors(each)]
    if kind == "attribute":
        return [attribute(value["key"], value["value"])]
    return [{"group": group, "permission": permission, "user": user}[kind](value)]


def seat(requirement):
    """The seat of one requirement."""
    return Seat(*selectors(requirement), approvals=requirement.get("min_approvals", 1))


def thresholds(case):
    """Sets of seats; a set that only knows denials asks for no approval."""
    everybody = [one for each in case["requirements"] for one in selectors(each)]
    sets = []
    for alternatives in case["threshold_sets"]:
        seats = [
            Seat(
                *(everybody if each["match"] is None else selectors(each["match"])),
                approvals=each["approve"],
            )
            for each in alternatives
            if each["approve"] is not None
        ]
        if seats:
            sets.append(tuple(seats))
    return Stage(sets=tuple(sets))


def review(case):
    """The review flow that says what the case says."""
    options = case.get("options") or {}
    if options.get("approval_required") is False:
        return ReviewFlow.approve(justification="no approval is required")
    if case.get("threshold_sets"):
        return ReviewFlow.review(thresholds(case))
    if options.get("ordered"):
        return ReviewFlow.review(*(Stage.any_of(seat(each)) for each in case["requirements"]))
    if case["mode"] == "all":
        return ReviewFlow.review(Stage.all_of(*(seat(each) for each in case["requirements"])))
    return ReviewFlow.review(
        Stage.any_of(*(one for each in case["requirements"] for one in selectors(each)))
    )


class Bench:
    """A marketplace with the people of one case and a product on which all is asked."""

    def __init__(self, case, storage):
        self.clock = FrozenClock()
        self.start = self.clock()
        self.platform = MemoryPlatform()
        self.market = Marketplace(storage, connections={"lake": self.platform}, clock=self.clock)
        market = self.market
        market.people.add("root", permissions=["USER_ADMIN", "GOVERNANCE"])
        people = {case["requester"]: {}, "somebody else": {}}
        people.update({each["by"]: {} for each in case["determinations"]})
        people.update(case["stewards"])
        for place, (name, facts) in enumerate(people.items()):
            if name.strip():
                market.people.add(
                    name,
                    groups=facts.get("groups", ()),
                    attributes=facts.get("attributes"),
                    permissions=facts.get("permissions", ()),
                    principals={"lake": f"p{place}"},
                    by="root",
                )
        self.principal = f"p{list(people).index(case['requester'])}"
        market.sources.register(DataSource("data", connection="lake", object="d.data"), by="root")
        market.domains.create("D", by="root")
        market.domains.assign("D", ["data"], by="root")
        from marketplace_sdk import Question

        form = market.forms.create(
            "Form",
            questions=[Question.short_answer("why", "Why?", required=False)],
            review=review(case),
            by="root",
        )
        ends = [tick["at_days"] for tick in case.get("clock", ())]
        self.product = market.products.publish(
            "Data",
            domain="D",
            sources=["data"],
            form=form.id,
            max_duration=Duration(min(ends), "days") if ends else None,
            by="root",
        ).id

    def ask(self, by):
        return self.market.requests.request_access(self.product, by=by)

    def act(self, request, determination):
        """Whether the determination was taken."""
        self.clock.set(self.start + timedelta(seconds=determination.get("at", 0)))
        common = {"reason": "because", "by": determination["by"]}
        try:
            if determination["decision"] == "deny":
                self.market.requests.deny(request.id, **common)
            else:
                until = determination.get("duration_s")
                end = None if until is None else timedelta(seconds=until)
                self.market.requests.approve(request.id, until=end, **common)
        except MarketplaceError:
            return False
        return True

    def state(self, request):
        return self.market.requests.get(request.id, by="root").state


def test_no_case_is_left_out():
    """Every case runs: none contradicts a rule."""
    assert len(CASES) == len({case["id"] for case in CASES}) == 83
    assert not any(case.get("contested") for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_case_of_another_system_comes_out_the_same(case, storage_url):
    """Each determination is taken or refused as said, and leads to the state said."""
    bench = Bench(case, storage_url)
    with bench.market:
        sibling = bench.ask("somebody else") if case.get("sibling_determinations") else None
        for determination in case.get("sibling_determinations", ()):
            bench.act(sibling, determination)
        request = bench.ask(case["requester"])

        for determination in case["determinations"]:
            accepted = bench.act(request, determination)

            assert accepted == determination["accepted"]
            assert bench.state(request) == determination["state_after"]

        for tick in case.get("clock", ()):
            bench.market.deliver()
            assert bench.platform.reads(bench.principal, "d.data", "x") == "clear"
            bench.clock.advance(days=tick["at_days"])
        expected = case["expected"]
        wanted = case["state_after"] if expected == "rejected-input" else expected
        assert bench.state(request) == wanted
        bench.market.deliver()
        reads = bench.platform.reads(bench.principal, "d.data", "x")
        assert reads == ("clear" if wanted == "approved" else "none")
