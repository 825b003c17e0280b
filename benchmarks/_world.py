"""A marketplace for benchmarks, and a stopwatch that alternates."""

from __future__ import annotations

import statistics
import time

from marketplace_sdk import DataSource, Marketplace, Question, ReviewFlow, Stage, group
from marketplace_sdk.testing import FrozenClock, MemoryPlatform


def rounds(ours, bound, *, times, between=None):
    """Median seconds of two functions, called in turn, so that noise meets both alike.

    What is to be done ``between`` them is not timed.
    """
    measured = ([], [])
    for _ in range(times):
        for place, function in enumerate((ours, bound)):
            began = time.perf_counter()
            function()
            measured[place].append(time.perf_counter() - began)
            if between is not None and function is ours:
                between()
    return statistics.median(measured[0]), statistics.median(measured[1])


def market(storage="memory", *, platform=None, people=(), connections=None, clock=None):
    """One steward group, one domain, consumers; nothing published yet."""
    made = Marketplace(
        storage,
        connections=connections or {"lake": platform or MemoryPlatform()},
        clock=clock or FrozenClock(),
    )
    made.people.add("root", permissions=["USER_ADMIN", "GOVERNANCE"])
    made.people.add("steward", groups=["stewards"], by="root")
    for name in people:
        made.people.add(name, principals={"lake": name}, by="root")
    made.domains.create("d", by="root")
    return made


def publish(made, name, objects):
    """A product on these objects whose form asks the stewards."""
    sources = []
    for place, each in enumerate(objects):
        source = f"{name}-{place}"
        made.sources.register(DataSource(source, connection="lake", object=each), by="root")
        sources.append(source)
    made.domains.assign("d", sources, by="root")
    form = made.forms.create(
        f"Form {name}",
        questions=[Question.short_answer("why", "Why?")],
        review=ReviewFlow.review(Stage.any_of(group("stewards"))),
        by="root",
    )
    return made.products.publish(name, domain="d", sources=sources, form=form.id, by="root").id


def approved(made, product, person, **more):
    """An approved request; nothing delivered yet."""
    request = made.requests.request_access(product, answers={"why": "to see"}, by=person)
    return made.requests.approve(request.id, reason="fine", by="steward", **more)
