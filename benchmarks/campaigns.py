"""A campaign over many grants: what a step costs, a count, a list and an answer, however many.

The grants are copies of one that was asked for and approved, put into the store by units of work.
Processor time of a campaign over as many grants as said, beside one over a tenth of them in the
same run: opening and closing an item, telling reviewers, reading how far the campaign is, the first
page of what awaits a reviewer, and an answer. Each should cost the same in both.

    python benchmarks/campaigns.py [--grants 100000] [--storage sqlite:///c.db]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from attrs import evolve

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._world import approved, market, publish
from marketplace_sdk.domain.events import Timer
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.people import Beneficiary
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.services._campaigning import CampaignWork
from marketplace_sdk.testing import FrozenClock
from marketplace_sdk.work.unit import unit_of_work

BATCH = 1000
ANSWERS = 200


def crowd(made, clock, product, number):
    """So many grants on a product, copies of the only one."""
    (view,) = made.grants.find(product=product, by="root")

    def unit():
        return unit_of_work(made._storage, now=clock(), ids=str, actor="system")

    with unit() as work:
        grant = work.need(Grant, view.id, "copy")
        request = work.need(AccessRequest, view.requests[0], "copy")
    for first in range(1, number, BATCH):
        with unit() as work:
            for place in range(first, min(first + BATCH, number)):
                who = Beneficiary("person", f"p{place:06}")
                asked = evolve(
                    request,
                    id=f"{product}-{place:06}",
                    requester=who.id,
                    beneficiary=who,
                    grant=f"grant-{product}-{place:06}",
                    revision=0,
                )
                work.save(asked)
                copy = {"id": asked.grant, "beneficiary": who, "requests": (asked.id,)}
                work.save(evolve(grant, **copy, principals={}, parts={}, revision=0))


def spent(action, times=1):
    """Milliseconds of processor time of one of so many calls."""
    began = time.process_time()
    for _ in range(times):
        action()
    return (time.process_time() - began) * 1000 / times


def measure(made, clock, product, number):
    """Milliseconds by what was done."""
    campaign = made.campaigns.start(
        "Review", products=[product], deadline=timedelta(days=30), silence="keep", by="root"
    )
    work = CampaignWork(made._context)
    timer = Timer(kind="campaign", about=campaign.aggregate, due=clock())
    results = {"open an item": spent(lambda: _steps(made, work, timer)) / number}
    results["tell reviewers, an item"] = spent(lambda: work.tell(timer)) / number
    items = made.campaigns.items(campaign.id, awaiting_me=True, limit=ANSWERS, by="steward")
    answers = iter(items)
    results["answer"] = spent(
        lambda: made.campaigns.certify(next(answers).id, reason="needed", by="steward"), ANSWERS
    )
    results["how far it is"] = spent(
        lambda: made.campaigns.progress(campaign.id, by="root"), times=50
    )
    results["first page of what awaits me"] = spent(
        lambda: made.campaigns.items(campaign.id, awaiting_me=True, by="steward"), times=20
    )
    clock.advance(days=30)
    timer = evolve(timer, due=clock())
    results["close an item"] = spent(lambda: _steps(made, work, timer)) / (number - ANSWERS)
    found = made.campaigns.progress(campaign.id, by="root")
    assert (found.certified, found.kept_by_silence) == (ANSWERS, number - ANSWERS), found
    assert made.campaigns.get(campaign.id, by="root").ended_at is not None
    return results


def _steps(made, work, timer):
    """All steps, without the rest of the delivery: each sets the timer of the next."""
    while True:
        work.step(timer)
        with made._storage.begin(write=False) as rows:
            found = rows.work("timer")
        after = [
            each.payload
            for each in found
            if each.payload["kind"] == "campaign"
            and each.payload["about"] == timer.about
            and (each.due, each.payload.get("step", 0)) == (timer.due, timer.step + 1)
        ]
        if not after:
            return
        timer = evolve(timer, step=timer.step + 1, data=after[0].get("data", {}))


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--grants", type=int, default=20_000)
    parser.add_argument("--storage")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clock = FrozenClock()
        made = market(options.storage or f"sqlite:///{folder}/c.db", people=["p"], clock=clock)
        results = []
        for number in (options.grants // 10, options.grants):
            product = publish(made, f"p{number}", [f"t{number}"])
            approved(made, product, "p")
            made.deliver()
            crowd(made, clock, product, number)
            results.append(measure(made, clock, product, number))
        made.close()
    small, large = results
    print(f"processor time with {options.grants // 10} grants, with {options.grants}, ratio")
    for name, one in small.items():
        print(f"{name:<30} {one:8.3f} ms {large[name]:8.3f} ms   {large[name] / one:.2f}")


if __name__ == "__main__":
    main()
