"""A machine that finds nothing proves nothing: each fault planted here has to be found, and quickly."""

from __future__ import annotations

from contextlib import ExitStack
from unittest.mock import patch

import pytest
from attrs import evolve
from hypothesis import Phase, Verbosity
from hypothesis.errors import Flaky

from marketplace_sdk.delivery import ledger, timers
from marketplace_sdk.domain import (
    deciding,
    grants,
    people,
    quorum,
    requests,
    workflow,
)
from marketplace_sdk.ports.provisioner import Outcome, Presence, Seen
from marketplace_sdk.services import products
from marketplace_sdk.testing import MemoryPlatform
from marketplace_sdk.work import endings, unit
from tests.machine.machine import MarketplaceMachine
from tests.machine.running import run

tally = quorum.tally


def no_denials(stages, votes):
    return tally(stages, [each for each in votes if each.verdict != "deny"])


def first_stage_only(stages, votes):
    return tally(stages[:1], votes)


def one_approval_is_enough(stages, votes):
    found = tally(stages, votes)
    if found.outcome == "pending" and votes:
        return evolve(found, outcome="approved", stage=None, open=())
    return found


def claims_of_one_target_only(self, target, claims):
    return evolve(self, claims=claims, leaving=self.claims - claims)


def the_end_of_the_last(self, until, request):
    return evolve(self, until=until, requests=(*self.requests, request)), grants.Effects()


FAULTS = {
    "a denial counts for nothing": (requests, "tally", no_denials),
    "later stages are forgotten": (requests, "tally", first_stage_only),
    "one approval is enough": (requests, "tally", one_approval_is_enough),
    "beneficiaries decide for themselves": (people.Facts, "is_side", lambda *_: False),
    "a deputy of theirs decides for whom it is": (
        workflow,
        "check_represented",
        lambda *_, **__: None,
    ),
    "what is over reads as approved": (requests.AccessRequest, "seen_at", lambda self, _: self),
    "what nobody decides waits for ever": (
        requests.AccessRequest,
        "overdue",
        lambda *_: False,
    ),
    "nobody is ever added": (deciding, "escalated", lambda *_: None),
    "whoever will be added may decide at once": (
        deciding,
        "escalated",
        lambda request, _: None if request.escalation is None else request.escalation.to,
    ),
    "nothing expires": (timers.BUILT_IN, "expire", lambda *_: None),
    "a place is never given back": (unit.Unit, "release", lambda *_: None),
    "the last grant on a shared source takes it from all": (
        ledger.LedgerEntry,
        "with_claims",
        claims_of_one_target_only,
    ),
    "suspending withholds nothing": (products, "withhold_grants", lambda *_: None),
    "unmasking outlives the access": (endings, "_lose", lambda *_, **__: None),
    "an extension may shorten": (grants.Grant, "extend", the_end_of_the_last),
    "a grant that ends is not taken away": (endings, "targets_of", lambda *_: ()),
}
"""What is put in place of our own code, while a test runs."""


class Hoarding(MemoryPlatform):
    """Says that it took something away, and did not."""

    def apply(self, batch, call):
        for change in batch:
            if change.action == "remove":
                yield Outcome(key=change.item.key, result="done")
            else:
                yield from super().apply([change], call)


class Forgetful(MemoryPlatform):
    """Takes whatever it lists for something of ours."""

    def observe(self, scopes, guards, call):
        seen = super().observe(scopes, guards, call)
        return {
            scope: evolve(one, items=dict.fromkeys(one.items, Presence(ours=True)))
            if isinstance(one, Seen)
            else one
            for scope, one in seen.items()
        }


class Generous(MemoryPlatform):
    """Gives everything to Pat as well."""

    def apply(self, batch, call):
        for change in batch:
            self.grant_by_hand("pat_db", change.item.opens[0])
        return super().apply(batch, call)


RARE = {
    "suspending withholds nothing",
    "unmasking outlives the access",
    "the last grant on a shared source takes it from all",
    "an extension may shorten",
    "nobody is ever added",
    "whoever will be added may decide at once",
}
"""What needs so much to come together that a plain run has no time to wait for it."""

slow = [pytest.mark.long, pytest.mark.timeout(900)]


def bites(machine):
    """Whether the machine finds something; not what, and not how small it can be made."""
    with pytest.raises((AssertionError, Flaky)):
        run(
            machine,
            max_examples=2000,  # it stops at the first that finds something
            stateful_step_count=40,
            derandomize=True,
            phases=[Phase.generate],
            report_multiple_bugs=False,
            verbosity=Verbosity.quiet,
        )


@pytest.mark.parametrize(
    "fault", [pytest.param(each, marks=slow if each in RARE else ()) for each in FAULTS]
)
def test_a_fault_in_our_own_code_is_found(fault):
    where, name, instead = FAULTS[fault]
    with ExitStack() as stack:
        if isinstance(where, dict):
            stack.enter_context(patch.dict(where, {name: instead}))
        else:
            stack.enter_context(patch.object(where, name, instead))
        bites(MarketplaceMachine)


@pytest.mark.parametrize("platform", [Hoarding, Generous, pytest.param(Forgetful, marks=slow)])
def test_a_platform_that_does_something_else_is_found(platform):
    class Machine(MarketplaceMachine):
        platform_class = platform

    bites(Machine)
