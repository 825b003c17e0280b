"""Values of the marketplace at random, for properties of what is written and read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from attrs import evolve
from hypothesis import strategies as st

from marketplace_sdk.domain.campaigns import Campaign, CampaignCount, CampaignItem, ItemState
from marketplace_sdk.domain.catalog import (
    Column,
    DataSource,
    Domain,
    DomainPolicy,
    Tag,
    TagRule,
)
from marketplace_sdk.domain.conditions import All, Answer, Any, Has, Is, Not, Tagged, Wish
from marketplace_sdk.domain.deputies import Deputyship
from marketplace_sdk.domain.destinations import Delivery, Destination, Standing
from marketplace_sdk.domain.determinations import Determination, Match
from marketplace_sdk.domain.durations import UNITS, Duration
from marketplace_sdk.domain.emergency import (
    Emergency,
    EmergencyAccess,
    EmergencyReview,
    Settlement,
)
from marketplace_sdk.domain.events import Event, Mark, Notice, Timer
from marketplace_sdk.domain.forms import (
    Acknowledgement,
    DataUseAgreement,
    FormVersion,
    Question,
    RequestForm,
)
from marketplace_sdk.domain.grants import Grant, Part, Pinned, Trouble
from marketplace_sdk.domain.inbox import InboxMessage
from marketplace_sdk.domain.patience import Escalation
from marketplace_sdk.domain.people import Beneficiary, GroupFacts, Person
from marketplace_sdk.domain.preferences import Channel, Digest, PersonPreferences, QuietHours
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.requests import AccessRequest, Inquiry, Limit
from marketplace_sdk.domain.review import ReviewFlow, Rule, Seat, Stage
from marketplace_sdk.domain.selectors import (
    attribute,
    domain_permission,
    group,
    permission,
    user,
)

NOW = datetime(2026, 1, 31, 12, 0, 0, 123, tzinfo=UTC)

NAMES = st.one_of(
    st.sampled_from(['"; drop role x; --', "a|b", "名前", "group:x", "{{7}}", "x" * 255, "%s"]),
    st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=12),
)
SIMPLE = NAMES.filter(lambda name: "." not in name)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
WORDS = TEXTS.map("x{}".format)
MOMENTS = st.datetimes(timezones=st.just(UTC))
DURATIONS = st.builds(Duration, st.integers(1, 10_000), st.sampled_from(UNITS))
WINDOWS = st.one_of(st.none(), DURATIONS, MOMENTS)
SELECTORS = st.one_of(
    NAMES.map(user),
    NAMES.map(group),
    NAMES.map(permission),
    st.builds(attribute, NAMES, NAMES),
    st.just(domain_permission("MANAGE_DATA_PRODUCTS")),
    st.builds(domain_permission("MANAGE_POLICIES").bound, SIMPLE),
)
SEATS = st.builds(
    lambda names, wanted: Seat(*names, approvals=wanted),
    st.lists(SELECTORS, min_size=1, max_size=2),
    st.integers(1, 3),
)
STAGES = st.builds(
    Stage,
    st.lists(st.lists(SEATS, min_size=1, max_size=2), min_size=1, max_size=2),
    distinct_stewards=st.booleans(),
)
CONDITIONS = st.recursive(
    st.one_of(
        st.builds(Is, st.just("kind"), st.sampled_from(["access", "masking_exception"])),
        st.builds(Is, st.sampled_from(["domain", "product"]), NAMES),
        st.builds(Tagged, NAMES),
        st.builds(Has, who=st.sampled_from(["requester", "beneficiary"]), selector=SELECTORS),
        st.builds(Answer, key=NAMES, equals=WORDS),
        st.builds(Answer, key=NAMES, contains=WORDS),
        st.builds(Wish, at_most=DURATIONS),
    ),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: All(*parts)),
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: Any(*parts)),
    ),
    max_leaves=4,
)
PLAIN_FLOWS = st.one_of(
    st.lists(STAGES, min_size=1, max_size=2).map(lambda stages: ReviewFlow.review(*stages)),
    st.builds(
        lambda text, length: ReviewFlow.approve(justification=f"x{text}", duration=length),
        TEXTS,
        st.one_of(st.none(), DURATIONS),
    ),
    TEXTS.map(lambda text: ReviewFlow.deny(reason=f"x{text}")),
    st.booleans().map(lambda allow: ReviewFlow.delegate(allow_automatic=allow)),
)
FLOWS = st.builds(
    lambda rules, default: ReviewFlow.with_rules(*rules, default=default),
    st.lists(st.builds(Rule, CONDITIONS, PLAIN_FLOWS), max_size=2),
    PLAIN_FLOWS,
)
QUESTIONS = st.one_of(
    st.builds(Question.short_answer, NAMES, NAMES, required=st.booleans(), help=TEXTS),
    st.builds(
        Question.dropdown,
        NAMES,
        NAMES,
        options=st.lists(NAMES, min_size=1, max_size=3, unique=True),
    ),
    st.builds(Question.access_duration, NAMES),
)
AGREEMENTS = st.builds(DataUseAgreement, NAMES, TEXTS, NAMES)
ESCALATION = Escalation(after=Duration(3, "months"), to=domain_permission("MANAGE_DATA_PRODUCTS"))
VERSIONS = st.builds(
    FormVersion,
    id=NAMES,
    form=NAMES,
    number=st.integers(1, 9),
    name=NAMES,
    questions=st.lists(QUESTIONS, max_size=3).map(tuple),
    agreements=st.lists(AGREEMENTS, max_size=2).map(tuple),
    review=FLOWS,
    allow_self_review=st.booleans(),
    fallback=st.one_of(st.none(), SELECTORS),
    escalation=st.sampled_from([None, ESCALATION]),
    expire_after=st.sampled_from([None, Duration(30, "days")]),
    created_at=st.one_of(st.none(), MOMENTS),
    created_by=NAMES,
)
BENEFICIARIES = st.builds(Beneficiary, st.sampled_from(["person", "group"]), NAMES)
NAME_MAPS = st.dictionaries(NAMES, NAMES, max_size=3)
DATA = st.dictionaries(
    NAMES,
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), TEXTS),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)
        ),
        max_leaves=5,
    ),
    max_size=3,
)
DETERMINATIONS = st.builds(
    Determination,
    id=NAMES,
    by=NAMES,
    verdict=st.sampled_from(["approve", "deny"]),
    reason=TEXTS,
    until=WINDOWS,
    at=MOMENTS,
    stage=st.integers(0, 3),
    matched=st.lists(st.builds(Match, st.integers(0, 3), st.integers(0, 3), NAMES), max_size=2).map(
        tuple
    ),
    as_of=st.one_of(st.none(), MOMENTS),
    self_review=st.booleans(),
    deputy_for=TEXTS,
    deputyship=TEXTS,
)
INQUIRIES = st.builds(
    Inquiry,
    id=NAMES,
    asked_by=NAMES,
    deputy_for=TEXTS,
    asked_at=MOMENTS,
    question=TEXTS,
    answer=TEXTS,
    answered_by=TEXTS,
    answered_at=st.one_of(st.none(), MOMENTS),
)
# Enough of them for a request, which is large as it is: each alone is tried with all that it holds.
OPEN = Inquiry(id="a", asked_by="ana", asked_at=datetime(2026, 1, 2, tzinfo=UTC), question="Why?")
ANSWERED = evolve(OPEN, id="b", answer="So.", answered_by="con", answered_at=OPEN.asked_at)
RULES_FOR_EMERGENCIES = st.builds(
    Emergency,
    duration=st.sampled_from([Duration(4, "hours"), timedelta(minutes=90)]),
    review_within=st.sampled_from([Duration(2, "days"), Duration(4, "weeks")]),
    who=st.lists(SELECTORS, min_size=1, max_size=2),
)
REVIEWS = st.builds(
    EmergencyReview,
    justified=st.booleans(),
    by=NAMES,
    at=MOMENTS,
    reason=TEXTS,
    matched=st.lists(NAMES, max_size=2).map(tuple),
    as_of=st.none() | MOMENTS,
)
EMERGENCIES = st.builds(
    EmergencyAccess,
    reason=TEXTS,
    admitted=NAMES,
    as_of=st.none() | MOMENTS,
    review_due=MOMENTS,
    overdue_at=st.none() | MOMENTS,
    review=st.none() | REVIEWS,
    settled=st.none() | st.builds(Settlement, by=NAMES, at=MOMENTS, reason=TEXTS),
)
PARTS = st.builds(
    Part,
    present=st.booleans(),
    trouble=st.one_of(
        st.none(),
        st.builds(Trouble, code=NAMES, message=TEXTS, since=MOMENTS, retryable=st.booleans()),
    ),
)
TAGS = st.frozensets(st.builds(Tag, NAMES, NAMES), max_size=3)

TOLD_BY_KIND = st.dictionaries(NAMES, st.sampled_from(["immediate", "digest", "off"]), max_size=2)

VALUES = {
    Person: st.builds(
        Person,
        id=NAMES,
        kind=st.sampled_from(["person", "service_account"]),
        owner=NAMES,
        active=st.booleans(),
        groups=st.lists(NAMES, max_size=3),
        attributes=st.frozensets(st.tuples(NAMES, NAMES), max_size=3),
        permissions=st.lists(NAMES, max_size=3),
        principals=NAME_MAPS,
        as_of=st.one_of(st.none(), MOMENTS),
    ),
    GroupFacts: st.builds(GroupFacts, name=NAMES, principals=NAME_MAPS),
    DataSource: st.builds(
        DataSource,
        SIMPLE,
        connection=NAMES,
        object=NAMES,
        columns=st.lists(
            st.builds(Column, NAMES, masked=st.booleans(), tags=TAGS, type=TEXTS),
            max_size=3,
            unique_by=lambda column: column.name,
        ),
        tags=TAGS,
        description=TEXTS,
        revision=st.integers(0, 9),
    ),
    Domain: st.builds(
        Domain,
        name=SIMPLE,
        description=TEXTS,
        rules=st.lists(
            st.builds(TagRule, NAMES, st.lists(NAMES, min_size=1, max_size=2)), max_size=2
        ).map(tuple),
        sources=st.frozensets(NAMES, max_size=3),
        permissions=st.frozensets(st.tuples(NAMES, NAMES), max_size=3),
        policy=st.builds(
            DomainPolicy,
            auto_approve=st.booleans(),
            self_review=st.sampled_from(["form", "never"]),
            max_duration=st.one_of(st.none(), DURATIONS),
            extra_stages=st.lists(STAGES, max_size=2),
            widening=st.sampled_from(["give", "ask"]),
            leaving=st.sampled_from(["keep", "remove"]),
            emergency=st.sampled_from(["product", "never"]),
        ),
    ),
    DataUseAgreement: AGREEMENTS,
    FormVersion: VERSIONS,
    RequestForm: st.builds(
        RequestForm, id=NAMES, domain=st.one_of(st.none(), NAMES), current=VERSIONS
    ),
    DataProduct: st.builds(
        DataProduct,
        id=NAMES,
        name=st.sampled_from(["Orders", "名前 (a) / b"]),
        domain=SIMPLE,
        sources=st.lists(SIMPLE, max_size=3),
        description=TEXTS,
        tags=st.lists(NAMES, max_size=3),
        expert=NAMES,
        form=st.one_of(st.none(), NAMES),
        masking_form=st.one_of(st.none(), NAMES),
        review=st.one_of(st.none(), FLOWS),
        masking_review=st.one_of(st.none(), FLOWS),
        max_duration=st.one_of(st.none(), DURATIONS),
        emergency=st.none() | RULES_FOR_EMERGENCIES,
        state=st.sampled_from(["published", "suspended", "retired", "deleting", "deleted"]),
        suspended=st.booleans(),
        asked=st.frozensets(st.tuples(SIMPLE, MOMENTS), max_size=2),
        created_at=MOMENTS,
        created_by=NAMES,
        updated_at=st.one_of(st.none(), MOMENTS),
        revision=st.integers(0, 9),
        status=st.sampled_from(["", "pending"]),
    ),
    AccessRequest: st.builds(
        AccessRequest,
        id=NAMES,
        kind=st.sampled_from(["access", "masking_exception"]),
        state=st.sampled_from(["pending", "approved", "denied", "canceled", "revoked", "expired"]),
        requester=NAMES,
        beneficiary=BENEFICIARIES,
        owner=TEXTS,
        product=NAMES,
        product_name=NAMES,
        domain=NAMES,
        columns=st.lists(NAMES, max_size=2).map(tuple),
        form=VERSIONS,
        answers=DATA,
        acknowledged=st.lists(
            st.builds(Acknowledgement, agreement=NAMES, body_hash=NAMES, by=NAMES, at=MOMENTS),
            max_size=2,
        ).map(tuple),
        stages=st.lists(STAGES, max_size=2).map(tuple),
        automatic=st.booleans(),
        allow_self_review=st.booleans(),
        escalates=st.integers(0, 2),
        escalated=st.sampled_from([(), (0,), (0, 1)]),
        limits=st.lists(st.builds(Limit, by=NAMES, duration=DURATIONS), max_size=2).map(tuple),
        wish=st.one_of(st.none(), DURATIONS),
        determinations=st.lists(DETERMINATIONS, max_size=2).map(tuple),
        inquiries=st.sampled_from([(), (OPEN,), (OPEN, ANSWERED)]),
        extends=TEXTS,
        emergency=st.none() | EMERGENCIES,
        grant=TEXTS,
        created_at=MOMENTS,
        decided_at=st.one_of(st.none(), MOMENTS),
        ended_at=st.one_of(st.none(), MOMENTS),
        until=st.one_of(st.none(), MOMENTS),
        cause=TEXTS,
        reason=TEXTS,
        stuck=st.lists(NAMES, max_size=2).map(tuple),
    ),
    Grant: st.builds(
        Grant,
        id=NAMES,
        kind=st.sampled_from(["access", "masking_exception"]),
        product=NAMES,
        beneficiary=BENEFICIARIES,
        columns=st.lists(NAMES, max_size=2).map(tuple),
        requests=st.lists(NAMES, min_size=1, max_size=2).map(tuple),
        since=MOMENTS,
        state=st.sampled_from(["wanted", "active", "withheld", "ending", "ended"]),
        withheld=st.frozensets(st.sampled_from(["suspended", "waiting_for_access", "blocked"])),
        until=st.one_of(st.none(), MOMENTS),
        created_at=MOMENTS,
        active_at=st.one_of(st.none(), MOMENTS),
        ending_at=st.one_of(st.none(), MOMENTS),
        ended_at=st.one_of(st.none(), MOMENTS),
        cause=TEXTS,
        lost=st.frozensets(NAMES, max_size=2),
        principals=st.dictionaries(NAMES, st.builds(Pinned, NAMES, NAMES), max_size=2),
        parts=st.dictionaries(NAMES, PARTS, max_size=2),
        certifying=st.lists(NAMES, max_size=2).map(tuple),
    ),
    Campaign: st.builds(
        Campaign,
        id=NAMES,
        name=NAMES,
        domain=TEXTS,
        products=st.lists(NAMES, max_size=2).map(tuple),
        domains=st.lists(NAMES, max_size=2).map(tuple),
        silence=st.sampled_from(["keep", "revoke"]),
        deadline=MOMENTS,
        state=st.sampled_from(["opening", "open", "closed", "canceled"]),
        created_at=MOMENTS,
        created_by=NAMES,
        opened_at=st.one_of(st.none(), MOMENTS),
        ended_at=st.one_of(st.none(), MOMENTS),
        reason=TEXTS,
        told=st.frozensets(NAMES, max_size=2),
        told_on=TEXTS,
    ),
    CampaignItem: st.builds(
        CampaignItem,
        id=NAMES,
        campaign=NAMES,
        grant=NAMES,
        kind=st.sampled_from(["access", "masking_exception"]),
        product=NAMES,
        product_name=NAMES,
        domain=NAMES,
        beneficiary=BENEFICIARIES,
        owner=TEXTS,
        requesters=st.lists(NAMES, max_size=2).map(tuple),
        columns=st.lists(NAMES, max_size=2).map(tuple),
        state=st.sampled_from(sorted(get_args(ItemState))),
        decided_by=TEXTS,
        matched=st.lists(NAMES, max_size=2).map(tuple),
        as_of=st.one_of(st.none(), MOMENTS),
        reason=TEXTS,
        opened_at=MOMENTS,
        closed_at=st.one_of(st.none(), MOMENTS),
    ),
    CampaignCount: st.builds(
        CampaignCount,
        campaign=NAMES,
        share=st.integers(0, 15),
        states=st.dictionaries(NAMES, st.integers(-3, 9), max_size=2),
    ),
    InboxMessage: st.builds(
        InboxMessage,
        id=NAMES,
        person=NAMES,
        kind=NAMES,
        about=NAMES,
        subject=TEXTS,
        at=MOMENTS,
        read_at=st.one_of(st.none(), MOMENTS),
        data=DATA,
    ),
    PersonPreferences: st.builds(
        PersonPreferences,
        person=NAMES,
        channels=st.dictionaries(NAMES, TOLD_BY_KIND, max_size=2),
        quiet_hours=st.none() | st.just(QuietHours("22:00", "07:00")),
        digest_at=st.sampled_from(["08:00", "17:30"]),
        held_until=st.none() | MOMENTS,
    ),
    Channel: st.builds(Channel, name=NAMES, on=st.booleans(), modes=TOLD_BY_KIND),
    Digest: st.builds(
        Digest,
        person=NAMES,
        since=MOMENTS,
        messages=st.dictionaries(NAMES, st.lists(NAMES, max_size=3).map(tuple), max_size=2),
        more=st.dictionaries(NAMES, st.integers(1, 9), max_size=2),
    ),
    Deputyship: st.builds(
        Deputyship,
        id=NAMES,
        person=NAMES,
        deputy=NAMES,
        since=MOMENTS,
        until=MOMENTS,
        domain=TEXTS,
        product=TEXTS,
        named_at=MOMENTS,
        ended_at=st.one_of(st.none(), MOMENTS),
        ended_by=TEXTS,
    ),
    Destination: st.builds(
        Destination,
        id=NAMES,
        url=TEXTS,
        secrets=st.lists(NAMES, max_size=2).map(tuple),
        both_until=st.one_of(st.none(), MOMENTS),
        types=st.frozensets(NAMES, max_size=2),
        include=st.frozensets(st.sampled_from(["answers", "reasons"])),
        format=st.sampled_from(["standard", "cloudevents"]),
        description=TEXTS,
        created_at=MOMENTS,
        created_by=NAMES,
        updated_at=st.one_of(st.none(), MOMENTS),
        deleted=st.booleans(),
        drained=st.booleans(),
    ),
    Standing: st.builds(
        Standing,
        name=NAMES,
        state=st.sampled_from(["active", "disabled", "suspended"]),
        reason=TEXTS,
        since=st.one_of(st.none(), MOMENTS),
        failing_since=st.one_of(st.none(), MOMENTS),
    ),
    Delivery: st.builds(
        Delivery,
        id=NAMES,
        destination=NAMES,
        message=NAMES,
        type=NAMES,
        about=NAMES,
        at=MOMENTS,
        state=st.sampled_from(["retrying", "delivered", "failed", "dropped"]),
        attempts=st.integers(0, 20),
        last_at=st.one_of(st.none(), MOMENTS),
        next_at=st.one_of(st.none(), MOMENTS),
        error=TEXTS,
        failures=st.integers(0, 20),
    ),
    Determination: DETERMINATIONS,
    Inquiry: INQUIRIES,
    Emergency: RULES_FOR_EMERGENCIES,
    EmergencyAccess: EMERGENCIES,
    EmergencyReview: REVIEWS,
    Event: st.builds(Event, type=NAMES, aggregate=NAMES, data=DATA),
    Notice: st.builds(
        Notice,
        kind=NAMES,
        about=NAMES,
        audience=st.lists(SELECTORS, max_size=2).map(tuple),
        exclude=st.lists(NAMES, max_size=2).map(tuple),
        data=DATA,
    ),
    Timer: st.builds(
        Timer, kind=NAMES, about=NAMES, due=MOMENTS, step=st.integers(0, 9), data=DATA
    ),
    Mark: st.builds(Mark, connection=NAMES, product=TEXTS, object=TEXTS, column=TEXTS),
    ReviewFlow: FLOWS,
    Stage: STAGES,
}
EVERY = pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
