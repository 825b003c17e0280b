"""Making a request out of what somebody asks for: everything that is checked before it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from marketplace_sdk.domain.admission import check_agreements, route
from marketplace_sdk.domain.breaking_glass import admit, break_glass, check_barred
from marketplace_sdk.domain.catalog import DataSource, Domain
from marketplace_sdk.domain.conditions import Situation
from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.forms import (
    STANDARD_FORM,
    Acknowledgement,
    FormVersion,
    RequestForm,
    check_answers,
    wish_of,
)
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.people import Facts
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.requests import AccessRequest, Limit, wish_key
from marketplace_sdk.domain.review import Stage
from marketplace_sdk.domain.rights import require, roles_in
from marketplace_sdk.domain.workflow import Decision, submit
from marketplace_sdk.errors import (
    AlreadyRequested,
    Conflict,
    DuplicateName,
    InvalidInput,
    NotAllowed,
    NotFound,
    Problem,
    StaleRevision,
    TransitionNotAllowed,
)
from marketplace_sdk.plugin import AddStage, Refuse, Shorten
from marketplace_sdk.services._reserving import check_not_granted, reserve
from marketplace_sdk.services._wanted import Receiver, Wanted
from marketplace_sdk.services._widening import quarantined
from marketplace_sdk.work.pages import storable

if TYPE_CHECKING:
    from collections.abc import Callable

    from marketplace_sdk.services._context import Context
    from marketplace_sdk.work.unit import Unit

__all__ = ["ahead_of_draft", "draft", "extended", "place"]


def ahead_of_draft(unit: Unit, *, wanted: Wanted, token: str) -> None:
    """Say what ``draft`` and ``place`` will ask for, and by the product of before what else.

    ``token`` is the beneficiary's.
    """
    if not storable(wanted.product):
        return  # there is no such product, as ``draft`` will say
    wish = wish_key(wanted.kind, wanted.product, wanted.columns, token, wanted.extends)
    unit.ahead((AccessRequest, wanted.id), (DataProduct, wanted.product), names=[wish])
    product = unit.recall(DataProduct, wanted.product)
    if product is not None:
        _ahead_of_parts(unit, product, wanted)


def _ahead_of_parts(unit: Unit, product: DataProduct, wanted: Wanted) -> None:
    form = product.form_for(wanted.kind)
    unit.ahead(
        (Domain, product.domain),
        *((DataSource, name) for name in product.sources),
        *(((RequestForm, form),) if form else ()),
    )


def draft(
    context: Context, unit: Unit, facts: Facts, to: Receiver, wanted: Wanted
) -> tuple[AccessRequest, Decision | None]:
    """The request before its review, or a repeated one that is known already."""
    checks = context.plugins.question_checks()
    known = unit.get(AccessRequest, wanted.id)
    if known is not None:
        # Whatever was edited or decided since: a repeated call is answered as the first one was.
        return known, _repeated(known, facts, to, wanted, checks)
    product = unit.need(DataProduct, wanted.product, "request")
    verb = "request access to" if wanted.kind == "access" else "request columns of"
    if wanted.emergency:
        verb = "break the glass of"
    if product.state == "deleted":
        raise NotFound("request", "product", wanted.product)
    if not product.open and not wanted.extends:
        raise TransitionNotAllowed(
            "product",
            product.name,
            state=product.state,
            event=verb,
            hint="look for another product; whoever has access keeps it and may extend it"
            if product.state == "retired"
            else "look for another product",
        )
    _ahead_of_parts(unit, product, wanted)
    domain = unit.need(Domain, product.domain, "request from")
    emergency = None
    if wanted.emergency:
        emergency = admit(product, domain.policy, facts, reason=wanted.emergency, now=unit.now)
    away = quarantined(unit, product, domain)
    if away:
        raise Conflict(
            f"cannot {verb} product {product.name}: {', '.join(away)} left domain {domain.name}",
            code="source_in_quarantine",
            hint="a manager removes the source, or GOVERNANCE assigns it again",
        )
    sources = _sources(unit, product)
    if not sources:
        raise Conflict(
            f"cannot {verb} product {product.name}: it has no sources left",
            code="no_sources",
            hint="a manager gives it sources with products.set_sources",
        )
    _principals(context, to, sources, product)
    if wanted.kind == "masking_exception":
        _masked(sources, wanted.columns)
    version = _version(unit, product, wanted)
    # In an emergency the reason stands for the answers.
    answers = {} if wanted.emergency else check_answers(version, wanted.answers, checks)
    check_agreements(version, wanted.acknowledge)
    request = AccessRequest(
        id=wanted.id,
        kind=wanted.kind,
        requester=facts.id,
        beneficiary=to.beneficiary,
        owner=to.owner,
        product=product.id,
        product_name=product.name,
        domain=product.domain,
        columns=wanted.columns,
        form=version,
        answers=answers,
        acknowledged=tuple(
            Acknowledgement(agreement=each.id, body_hash=each.body_hash, by=facts.id, at=unit.now)
            for each in version.agreements
        ),
        allow_self_review=version.allow_self_review and domain.policy.self_review == "form",
        wish=wish_of(version, answers),
        extends=wanted.extends,
        emergency=emergency,
        created_at=unit.now,
    )
    return request, None


def place(
    unit: Unit,
    facts: Facts,
    to: Receiver,
    request: AccessRequest,
    answers: Sequence[Refuse | AddStage | Shorten],
) -> Decision:
    """Route a draft by its form, take its place and submit it.

    Raises:
        AlreadyRequested: the same wish is pending or granted.
        NotAllowed: a check of a plugin refuses.
    """
    require("request.create", roles_in(facts), facts, f"request for product {request.product}")
    _refused(request, answers)
    product = unit.need(DataProduct, request.product, "request")
    domain = unit.need(Domain, request.domain, "request from")
    beneficiary = None if to.person is None else unit.facts(to.person)
    tags = product.tags.union(
        *((tag.name for tag in source.tags) for source in _sources(unit, product).values())
    )
    situation = Situation(
        kind=request.kind,
        domain=request.domain,
        product=request.product,
        tags=frozenset(tags),
        requester=facts,
        beneficiary=request.beneficiary,
        beneficiary_facts=beneficiary,
        answers=request.answers,
        wish=request.wish,
        now=unit.now,
    )
    group_manages = to.beneficiary.token in domain.holders("MANAGE_DATA_PRODUCTS")
    owner = None if to.answers_for is None else unit.facts(to.answers_for)
    managing = group_manages or any(
        each is not None and each.manages(domain.name) for each in (facts, beneficiary, owner)
    )
    event = route(request.form, product, domain.policy, situation, managing=managing)
    added: list[Stage] = list(domain.policy.extra_stages)
    limits = [
        Limit(by=by, duration=duration)
        for by, duration in (
            ("product", product.max_duration),
            ("domain", domain.policy.max_duration),
        )
        if duration is not None
    ]
    for answer in answers:
        if isinstance(answer, AddStage):
            added.append(answer.stage)
        elif isinstance(answer, Shorten):
            limits.append(Limit(by="check", duration=Duration.of(answer.duration)))
    if request.emergency is not None and product.emergency is not None:
        before = unit.find(
            AccessRequest, ("emergency_by", [facts.id]), ("domain", [request.domain])
        )
        check_barred(product, facts, before, unit.now)
        check_not_granted(unit, request)
        reserve(unit, request)
        return break_glass(
            request, event, product.emergency, extra=added, limits=limits, now=unit.now
        )
    reserve(unit, request)
    return submit(request, event, extra=added, limits=limits, now=unit.now, names={})


def _sources(unit: Unit, product: DataProduct) -> dict[str, DataSource]:
    found = ((name, unit.get(DataSource, name)) for name in product.sources)
    return {name: source for name, source in found if source is not None}


def _version(unit: Unit, product: DataProduct, wanted: Wanted) -> FormVersion:
    """The form that this request is filed under, and not an older one that was read before."""
    id = product.form_for(wanted.kind)
    form = (
        STANDARD_FORM if id in (None, "standard") else unit.need(RequestForm, id or "", "fill in")
    )
    if wanted.form_version is not None and wanted.form_version != form.current.id:
        error = StaleRevision("form", form.id)
        error.hint = "the form was edited meanwhile: show the new version and ask again"
        raise error
    return form.current


def _principals(
    context: Context, to: Receiver, sources: Mapping[str, DataSource], product: DataProduct
) -> None:
    """Refuse a beneficiary whom the platform does not know; nothing is asked of the platform."""
    missing = sorted({source.connection for source in sources.values()} - set(to.principals))
    if missing:
        labels = ", ".join(f"{context.connections.get(name, name)} ({name})" for name in missing)
        raise InvalidInput(
            f"cannot request product {product.name}: {to.beneficiary} has no user on {labels} yet",
            code="no_principal",
            problems=[
                Problem("beneficiary", f"has no principal on connection {name}") for name in missing
            ],
            hint="a USER_ADMIN links it with people.link, or the directory supplies it",
        )


def _masked(sources: Mapping[str, DataSource], columns: Sequence[str]) -> None:
    problems = []
    for name in columns:
        source_name, column = name.split(".", 1)
        source = sources.get(source_name)
        if source is None:
            problems.append(Problem("columns", f"{source_name!r} is no source of the product"))
        elif column not in {each.name for each in source.columns}:
            problems.append(Problem("columns", f"{name!r} is not known"))
        elif column not in source.masked:
            problems.append(Problem("columns", f"{name!r} is not masked"))
    if problems:
        raise InvalidInput("cannot request a masking exception", problems=problems)


def _refused(request: AccessRequest, answers: Sequence[Refuse | AddStage | Shorten]) -> None:
    reasons = [answer.reason for answer in answers if isinstance(answer, Refuse)]
    if reasons:
        raise NotAllowed(
            f"cannot request product {request.product_name}: {'; '.join(reasons)}",
            actor=request.requester,
            action="request.create",
            code="refused_by_check",
        )


def _repeated(
    known: AccessRequest,
    facts: Facts,
    to: Receiver,
    wanted: Wanted,
    checks: Mapping[str, Callable[[Any], str]],
) -> Decision:
    """The known request of that id, if it says the same under the form that it is pinned to."""
    said = (known.kind, known.requester, known.beneficiary, known.product, known.columns)
    says = (wanted.kind, facts.id, to.beneficiary, wanted.product, wanted.columns)
    reason = "" if known.emergency is None else known.emergency.reason
    try:
        same = (said, known.extends, reason) == (says, wanted.extends, wanted.emergency) and (
            bool(reason) or check_answers(known.form, wanted.answers, checks) == known.answers
        )
    except InvalidInput:
        same = False
    if not same:
        raise DuplicateName(
            f"cannot request product {wanted.product}: the request id is taken",
            existing=wanted.id,
        )
    return Decision(request=known, changed=False)


def extended(unit: Unit, request: AccessRequest) -> Grant:
    """The live grant that a request led to, for an extension.

    Raises:
        TransitionNotAllowed: there is nothing to extend.
    """
    if request.emergency is not None:
        raise Conflict(
            f"cannot extend request {request.id}: it was an emergency",
            code="emergency",
            hint="ask with requests.request_access for what is to last longer",
        )
    grant = unit.get(Grant, request.grant) if request.grant else None
    if grant is None or grant.over(unit.now):
        state = request.seen_at(unit.now).state
        raise TransitionNotAllowed(
            "request", request.id, state=state, event="extend", hint="ask again"
        )
    if grant.until is None:
        raise AlreadyRequested(
            f"cannot extend request {request.id}: it has no end",
            existing=request.id,
            hint="there is nothing to extend",
        )
    return grant
