"""What may be said of a form, refused before anything of it is kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from attrs import evolve

from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.forms import DataUseAgreement, FormVersion
from marketplace_sdk.domain.patience import Escalation
from marketplace_sdk.domain.review import DEFAULT_REVIEW, ReviewFlow
from marketplace_sdk.domain.selectors import StewardSelector
from marketplace_sdk.domain.values import check_id, check_name, check_text
from marketplace_sdk.errors import InvalidInput, Problem
from marketplace_sdk.services._checking import check_list

__all__ = [
    "UNSET",
    "agreements_of",
    "check_fallback",
    "checked_agreement",
    "flow_of",
    "patience_of",
    "same",
]

UNSET: Any = object()
"""Given by nobody: what an edit leaves out."""


def flow_of(review: ReviewFlow | None) -> ReviewFlow:
    """The review flow of a form; without one the default review."""
    if review is None:
        return DEFAULT_REVIEW
    if not isinstance(review, ReviewFlow):
        raise InvalidInput(
            "cannot use this review flow", problems=[Problem("review", "must be a ReviewFlow")]
        )
    return review


def check_fallback(fallback: StewardSelector | None) -> None:
    """Refuse what can name nobody."""
    if fallback not in (None, UNSET) and not isinstance(fallback, StewardSelector):
        raise InvalidInput(
            "cannot use this fallback",
            problems=[Problem("fallback", "must be user(), group(), attribute() ...")],
        )


def patience_of(
    escalation: Escalation | None, expire_after: Duration | timedelta | None
) -> tuple[Escalation | None, Duration | None]:
    """Both as they are kept; what is left out stays left out."""
    if escalation not in (None, UNSET) and not isinstance(escalation, Escalation):
        raise InvalidInput(
            "cannot use this escalation",
            problems=[Problem("escalation", "must be an Escalation")],
            hint='for example Escalation(after=Duration(3, "days"), to=group("data-office"))',
        )
    if expire_after is None or expire_after is UNSET:
        return escalation, expire_after
    return escalation, Duration.of(expire_after, "expire_after")


def agreements_of(
    agreements: Iterable[str | DataUseAgreement],
) -> tuple[str | DataUseAgreement, ...]:
    """Ids of agreements, and new ones that can be kept."""
    found = check_list(agreements, "agreements")
    if not all(isinstance(each, (str, DataUseAgreement)) for each in found):
        raise InvalidInput(
            "cannot use these agreements",
            problems=[Problem("agreements", "must be ids or DataUseAgreement objects")],
        )
    return tuple(each if isinstance(each, str) else checked_agreement(each) for each in found)


def checked_agreement(agreement: DataUseAgreement) -> DataUseAgreement:
    """An agreement that can be kept."""
    check_name(agreement.name, "agreement.name")
    check_text(agreement.body, "agreement.body", required=True)
    if agreement.id:
        check_id(agreement.id, "agreement.id")
    return agreement


def same(one: FormVersion, other: FormVersion) -> bool:
    """Whether two versions say the same, whoever made them and when."""
    bare: dict[str, Any] = {"id": "", "created_at": None, "created_by": "", "number": 1}
    return evolve(one, **bare) == evolve(other, **bare)
