"""Small values that the tests of the domain share."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from marketplace_sdk.domain.determinations import Determination, Match
from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.forms import FormVersion, Question
from marketplace_sdk.domain.patience import Escalation
from marketplace_sdk.domain.people import Beneficiary, Facts, Person
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.review import ReviewFlow, Seat, Stage
from marketplace_sdk.domain.selectors import (
    attribute,
    domain_permission,
    group,
    permission,
    user,
)
from marketplace_sdk.domain.workflow import determine
from marketplace_sdk.errors import InvalidInput

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)

L = group("Legal")
P = group("Privacy")
G = permission("GOVERNANCE")
D = domain_permission("MANAGE_DATA_PRODUCTS")
U = user("uma")
T = attribute("team", "finance")

HOSTILE = (
    '"; drop role x; --',
    "'; DROP TABLE people; --",
    "../../etc/passwd",
    "{{7*7}}",
    "%s %(x)s {0}",
    "group:Legal",
    "a|b|c",
    "Ünïcödé 名前",
)
DECEPTIVE = {
    "NUL": "quux\0b",
    "right to left override": "quux\u202eb",
    "right to left mark": "quux\u200fb",
    "zero width space": "quux\u200bb",
    "lone surrogate": "quux\ud800b",
    "new line": "quux\nb",
    "escape": "quux\x1b[31mb",
    "line separator": "quux\u2028b",
    "private use": "quux\ue000b",
    "unassigned": "quux\u0378b",
    "blank before": " quux",
    "blank after": "quux ",
    "no-break space after": "quux\u00a0",
    "nothing": "",
    "only blanks": "   ",
    "too long": "x" * 256,
}


def person(id, *, groups=(), attributes=(), permissions=(), manages=(), **more):
    return Facts(
        person=Person(
            id=id,
            groups=groups,
            attributes=frozenset(attributes),
            permissions=permissions,
            **more,
        ),
        domain_permissions=frozenset((domain, "MANAGE_DATA_PRODUCTS") for domain in manages),
    )


ANA = person("ana", groups=["Legal"])
BO = person("bo", groups=["Legal", "Privacy"])
CY = person("cy", groups=["Privacy"])
GIL = person("gil", permissions=["GOVERNANCE"])
DEE = person("dee", manages=["sales"])
UMA = person("uma")
FAY = person("fay", attributes=[("team", "finance")])
DAN = person("dan", groups=["Legal"])
REX = person("rex")


def form(review=None, **more):
    return FormVersion(
        id="f-1",
        form="f",
        name="Standard",
        questions=(Question.short_answer("why", "Why?"),),
        review=review or ReviewFlow.review(Stage.any_of(L)),
        **more,
    )


def escalation(to=G, **after):
    """To somebody, after 3 days unless said."""
    ((unit, amount),) = (after or {"days": 3}).items()
    return Escalation(after=Duration(amount, unit), to=to)


def request(*stages, **more):
    facts = {
        "id": "r1",
        "kind": "access",
        "requester": "rex",
        "beneficiary": Beneficiary("person", "rex"),
        "product": "p1",
        "product_name": "Orders",
        "domain": "sales",
        "form": form(),
        "stages": tuple(stage.bound("sales") for stage in stages),
        "created_at": NOW,
        **more,
    }
    return AccessRequest(**facts)


def product(**more):
    facts = {
        "id": "p1",
        "name": "Orders",
        "domain": "sales",
        "sources": ("orders",),
        "created_at": NOW,
        "created_by": "dee",
        **more,
    }
    return DataProduct(**facts)


def act(asked, who, verdict="approve", *, until=None, now=NOW, id=None, **more):
    return determine(
        asked,
        who,
        verdict=verdict,
        reason="because",
        until=until,
        now=now,
        id=id or f"d-{len(asked.determinations)}-{who.id}",
        names={},
        **more,
    )


def approvals(asked, *people, **more):
    """The request after these people approved, one after the other."""
    for who in people:
        asked = act(asked, who, **more).request
    return asked


def vote(by, *places, verdict="approve", stage=0, until=None):
    return Determination(
        id=f"{by}-{stage}-{verdict}",
        by=by,
        verdict=verdict,
        at=NOW,
        stage=stage,
        until=until,
        matched=tuple(Match(at, place, f"group {at}.{place}") for at, place in places),
    )


def numbered(*sets, distinct=False):
    """A stage whose seats need these numbers of approvals: ``numbered([1, 2], [1])``."""
    return Stage(
        sets=tuple(
            tuple(
                Seat(group(f"{at}.{place}"), approvals=wanted) for place, wanted in enumerate(one)
            )
            for at, one in enumerate(sets)
        ),
        distinct_stewards=distinct,
    )


def problems_of(make, *args, **more):
    """What is wrong, as ``{path: message}``; fails when nothing is."""
    with pytest.raises(InvalidInput) as caught:
        make(*args, **more)
    return dict(caught.value.problems)


DAYS_7 = Duration(7, "days")
DAYS_30 = Duration(30, "days")
DAYS_90 = Duration(90, "days")
