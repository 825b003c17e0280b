"""The audit log: who reads it, what it says, and that it fits together."""

from __future__ import annotations

import json

import pytest

from marketplace_sdk import NotAllowed
from tests.services.helpers import types_of
from tests.world import LEGAL, PRIVACY, all_of, any_of


@pytest.fixture
def request_for_pat(small):
    """con asks for pat; ana or bo decide."""
    return small.ask(small.publish(any_of(LEGAL)), on_behalf_of="pat")


def test_the_audit_log_is_for_audit_and_governance(small, request_for_pat):
    """Who, what, when; exported as JSON lines; every chain fits."""
    for who in ("aud", "gil"):
        assert small.market.audit.events(by=who)
    for who in ("uma", "dee", "ana", "con", "ada"):
        with pytest.raises(NotAllowed):
            small.market.audit.events(by=who)
        with pytest.raises(NotAllowed):
            small.market.audit.export(by=who)
    small.approve(request_for_pat, "ana")
    lines = [json.loads(line) for line in small.market.audit.export(by="aud")]

    about = [each for each in lines if each["aggregate"] == f"request:{request_for_pat.id}"]
    assert [(each["type"], each["actor"]) for each in about] == [
        ("request.submitted", "con"),
        ("request.approved", "ana"),
    ]
    assert [each["sequence"] for each in about] == [1, 2]
    assert types_of(small, f"request:{request_for_pat.id}") == [each["type"] for each in about]
    assert small.market.audit.verify().ok


def test_an_act_is_on_record_with_its_evidence(small):
    """Who, what, when, on which evidence: the membership, and when the directory vouched for it."""
    form = small.form(all_of(LEGAL, PRIVACY), allow_self_review=True)
    request = small.ask(small.publish(form=form), on_behalf_of="pat", by="con")
    small.approve(request, "ana")
    small.deny(request, "cy")

    acts = [
        row.payload["determination"]
        for row in small.market.audit.events(f"request:{request.id}", by="aud")
        if "determination" in row.payload
    ]

    assert [(each["by"], each["verdict"], each["matched"]) for each in acts] == [
        ("ana", "approve", ["group Legal"]),
        ("cy", "deny", ["group Privacy"]),
    ]
    assert {each["as_of"] for each in acts} == {small.clock().isoformat()}
    assert {each["self_review"] for each in acts} == {False}
    assert all("reason" not in each for each in acts)


def test_every_step_is_on_record(small):
    """Append-only events: one for each step, by whom, in order."""
    product = small.publish(all_of(LEGAL, PRIVACY))
    request = small.ask(product)
    small.approve(request, "ana", "cy")
    small.deliver()
    small.market.requests.revoke(request.id, reason="x", by="dee")
    small.deliver()

    rows = small.market.audit.events(f"request:{request.id}", by="aud")
    assert [(row.type, row.actor) for row in rows] == [
        ("request.submitted", "con"),
        ("request.determined", "ana"),
        ("request.approved", "cy"),
        ("request.revoked", "dee"),
    ]
    grant = small.market.requests.get(request.id, by="con").grant
    assert types_of(small, f"grant:{grant}") == [
        "grant.wanted",
        "grant.active",
        "grant.ending",
        "grant.ended",
    ]
    assert small.market.audit.verify().ok
