"""Request forms and data use agreements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from attrs import evolve

from marketplace_sdk.domain.catalog import Domain
from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.forms import (
    STANDARD_FORM,
    DataUseAgreement,
    FormVersion,
    Question,
    RequestForm,
    check_form,
)
from marketplace_sdk.domain.patience import Escalation, check_patience
from marketplace_sdk.domain.people import Facts
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.review import ReviewFlow
from marketplace_sdk.domain.rights import require, roles_in
from marketplace_sdk.domain.selectors import StewardSelector
from marketplace_sdk.domain.values import (
    FrozenMap,
    check_flag,
    check_id,
    check_name,
    check_text,
    freeze,
)
from marketplace_sdk.errors import Conflict, DuplicateName, NotAllowed
from marketplace_sdk.services._appointing import people_named, tell_appointed
from marketplace_sdk.services._checking import check_list
from marketplace_sdk.services._context import By, Service
from marketplace_sdk.services._forming import (
    UNSET,
    agreements_of,
    check_fallback,
    checked_agreement,
    flow_of,
    patience_of,
    same,
)
from marketplace_sdk.services._warnings import warnings_of
from marketplace_sdk.work.pages import Page
from marketplace_sdk.work.unit import Unit

__all__ = ["Forms"]


class Forms(Service):
    """Forms belong to a domain, or to everybody."""

    def create(
        self,
        name: str,
        *,
        questions: Sequence[Question],
        domain: str | None = None,
        review: ReviewFlow | None = None,
        agreements: Iterable[str | DataUseAgreement] = (),
        allow_self_review: bool = False,
        fallback: StewardSelector | None = None,
        escalation: Escalation | None = None,
        expire_after: Duration | timedelta | None = None,
        id: str | None = None,
        by: By = None,
    ) -> RequestForm:
        """Create a form (the domain's managers; GOVERNANCE, also for everybody).

        Args:
            name: unique.
            questions: at least one.
            domain: whose form it is; None means everybody's.
            review: who must approve what; None means any of GOVERNANCE and the managers of the
                product's domain.
            agreements: ids of agreements, or new ones, to be acknowledged by requesters.
            allow_self_review: requester and beneficiary may decide if they are stewards.
            fallback: who may fill a seat that nobody else can fill.
            escalation: who may fill open seats, too, when a stage has been open for a while.
            expire_after: how long a request may be pending before it is called off; None: for ever.
            id: chosen by the caller; the same form again is a no-op.
            by: who creates.

        Raises:
            InvalidInput, NotAllowed, NotFound, DuplicateName.
        """
        check_name(name, "form.name")
        asked = self._questions(questions)
        self_review = check_flag(allow_self_review, "form.allow_self_review")
        flow = flow_of(review)
        check_fallback(fallback)
        patience = patience_of(escalation, expire_after)
        check_patience(*patience)
        wanted = agreements_of(agreements)
        if id is not None:
            check_id(id, "form.id")

        def work(unit: Unit, facts: Facts) -> RequestForm:
            if domain is not None:
                unit.need(Domain, domain, "create form in")
            require("form.create", roles_in(facts, domain), facts, f"form {name}")
            form_id = id or unit.ids()
            version = FormVersion(
                id=unit.ids(),
                form=form_id,
                name=name,
                questions=asked,
                agreements=tuple(self._agreement(unit, each) for each in wanted),
                review=flow,
                allow_self_review=self_review,
                fallback=fallback,
                escalation=patience[0],
                expire_after=patience[1],
                created_at=unit.now,
                created_by=facts.id,
            )
            known = unit.get(RequestForm, form_id)
            if known is not None:
                if known.domain == domain and same(known.current, version):
                    return known
                raise DuplicateName(f"cannot create form {name}: the id is taken", existing=form_id)
            if form_id == STANDARD_FORM.id or name == STANDARD_FORM.name:
                raise DuplicateName(
                    f"cannot create form {name}: the built-in form is called so",
                    existing=STANDARD_FORM.id,
                )
            unit.reserve(f"form|{name}", form_id, f"cannot create form {name}: the name is taken")
            unit.save(version)
            saved = unit.save(RequestForm(id=form_id, domain=domain, current=version))
            unit.log("form.created", f"form:{form_id}", version=version.id, domain=domain)
            return saved

        return self._looked_at(self._deciding(by, work))

    def edit(
        self,
        id: str,
        *,
        name: str | None = None,
        questions: Sequence[Question] | None = None,
        review: ReviewFlow | None = None,
        agreements: Iterable[str | DataUseAgreement] | None = None,
        allow_self_review: bool | None = None,
        fallback: StewardSelector | None = UNSET,
        escalation: Escalation | None = UNSET,
        expire_after: Duration | timedelta | None = UNSET,
        by: By = None,
    ) -> RequestForm:
        """Make a new version of a form; pending requests keep theirs.

        What is left out stays. ``None`` clears the fallback, the escalation and the end of waiting.

        Stewards named in the form may edit questions and help texts. Everything else needs a
        manager of the form's domain, and GOVERNANCE when products of other domains use the form.
        """
        if name is not None:
            check_name(name, "form.name")
        asked = None if questions is None else self._questions(questions)
        if allow_self_review is not None:
            check_flag(allow_self_review, "form.allow_self_review")
        flow = None if review is None else flow_of(review)
        check_fallback(fallback)
        added, wait = patience_of(escalation, expire_after)
        wanted = None if agreements is None else agreements_of(agreements)
        weighty = any(each is not UNSET for each in (fallback, added, wait)) or any(
            each is not None for each in (name, flow, wanted, allow_self_review)
        )

        def work(unit: Unit, facts: Facts) -> RequestForm:
            form = self._form(unit, id, "edit")
            self._may_edit(unit, form, facts, weighty=weighty)
            current = form.current
            version = evolve(
                current,
                name=name or current.name,
                questions=current.questions if asked is None else asked,
                review=flow or current.review,
                agreements=current.agreements
                if wanted is None
                else tuple(self._agreement(unit, each) for each in wanted),
                allow_self_review=current.allow_self_review
                if allow_self_review is None
                else allow_self_review,
                fallback=current.fallback if fallback is UNSET else fallback,
                escalation=current.escalation if added is UNSET else added,
                expire_after=current.expire_after if wait is UNSET else wait,
            )
            check_patience(version.escalation, version.expire_after)
            if version == current:
                return form
            if version.name != current.name:
                if version.name == STANDARD_FORM.name:
                    raise DuplicateName(
                        f"cannot rename form {id}: the built-in form is called so",
                        existing=STANDARD_FORM.id,
                    )
                unit.reserve(
                    f"form|{version.name}", id, f"cannot rename form {id}: the name is taken"
                )
                unit.release(f"form|{current.name}", id)
            version = evolve(
                version,
                id=unit.ids(),
                number=current.number + 1,
                created_at=unit.now,
                created_by=facts.id,
            )
            moved = version.review != current.review
            products = unit.find(DataProduct, ("form", [id])) if moved else []
            before = [people_named(unit.get, product) for product in products]
            unit.save(version)
            saved = unit.save(evolve(form, current=version))
            unit.log("form.edited", f"form:{id}", version=version.id, number=version.number)
            for product in products:
                unit.save(product)  # it is found by its stewards
            tell_appointed(unit, zip(products, before, strict=True), facts.id)
            return saved

        return self._looked_at(self._deciding(by, work))

    def delete(self, id: str, *, by: By = None) -> None:
        """Delete a form that no product uses; its versions stay readable."""

        def work(unit: Unit, facts: Facts) -> None:
            form = self._form(unit, id, "delete")
            require("form.delete", roles_in(facts, form.domain), facts, f"form {id}")
            users = unit.find(DataProduct, ("form", [id]), limit=3)
            if users:
                raise Conflict(
                    f"cannot delete form {id}: products use it",
                    code="in_use",
                    hint="used by " + ", ".join(product.name for product in users),
                )
            unit.delete(form)
            unit.release(f"form|{form.name}", id)
            unit.log("form.deleted", f"form:{id}")

        self._deciding(by, work)

    def create_agreement(
        self, name: str, body: str, *, id: str | None = None, by: By = None
    ) -> DataUseAgreement:
        """Create a data use agreement that forms can ask for (managers of any domain)."""
        if id is not None:
            check_id(id, "agreement.id")
        wanted = checked_agreement(DataUseAgreement(name, body, id=id or ""))

        def work(unit: Unit, facts: Facts) -> DataUseAgreement:
            manages = any(name == "MANAGE_DATA_PRODUCTS" for _, name in facts.domain_permissions)
            roles = roles_in(facts) | ({"manager"} if manages else frozenset())
            require("agreement.create", roles, facts, f"agreement {name}")
            return self._agreement(unit, wanted)

        return self._deciding(by, work)

    def get(self, id: str, *, by: By = None) -> RequestForm:
        """A form in its current version, for everybody."""
        with self._reading(by) as (unit, _):
            return STANDARD_FORM if id == STANDARD_FORM.id else unit.need(RequestForm, id, "get")

    def version(self, id: str, *, by: By = None) -> FormVersion:
        """A version of a form by its own id, for everybody."""
        with self._reading(by) as (unit, _):
            if id == STANDARD_FORM.current.id:
                return STANDARD_FORM.current
            return unit.need(FormVersion, id, "get")

    def kinds(self, *, by: By = None) -> FrozenMap[str, Any]:
        """JSON Schemas of the kinds of questions that plugins offer, by kind; for everybody.

        ``form.json_schema(market.forms.kinds(by=...))`` then knows every question.
        """
        with self._reading(by):
            types = self._context.plugins.question_types()
        return freeze({name: spec.json_schema for name, spec in types.items()})

    def find(
        self,
        *,
        domain: str | None = None,
        after: str | None = None,
        limit: int = 100,
        by: By = None,
    ) -> Page[RequestForm]:
        """Forms by name; ``domain`` gives those of one domain, ``""`` those for everybody."""
        where = [] if domain is None else [("domain", [check_text(domain, "domain")])]
        with self._reading(by) as (unit, _):
            return unit.page(RequestForm, *where, after=after, limit=limit)

    # -- inside ---------------------------------------------------------------------------

    def _looked_at(self, form: RequestForm) -> RequestForm:
        """The form with what should be known of the stewards that it names."""
        named = set(form.current.review.selectors())
        if form.current.fallback is not None:
            named.add(form.current.fallback)
        if form.current.escalation is not None:
            named.add(form.current.escalation.to)
        bound = (one.bound(form.domain or "") for one in named)
        return evolve(form, warnings=warnings_of(self._context, bound))

    def _questions(self, questions: Sequence[Question]) -> tuple[Question, ...]:
        return check_form(
            check_list(questions, "questions"), self._context.plugins.question_types()
        )

    @staticmethod
    def _form(unit: Unit, id: str, verb: str) -> RequestForm:
        if id == STANDARD_FORM.id:
            raise Conflict(
                f"cannot {verb} form standard: it is built in",
                code="standard_form",
                hint="create a form of your own",
            )
        return unit.need(RequestForm, id, verb)

    @staticmethod
    def _may_edit(unit: Unit, form: RequestForm, facts: Facts, *, weighty: bool) -> None:
        domains = {product.domain for product in unit.find(DataProduct, ("form", [form.id]))}
        homes = domains | ({form.domain} if form.domain else set())
        named = {
            selector.bound(home)
            for selector in form.current.review.selectors()
            for home in (homes or {""})
        }
        steward = any(selector.matches(facts) for selector in named)
        roles = roles_in(facts, form.domain, steward=steward)
        if not weighty:
            require("form.edit", roles, facts, f"form {form.id}")
            return
        require("form.edit_review", roles, facts, f"form {form.id}")
        if domains - {form.domain} and "governance" not in roles:
            raise NotAllowed(
                f"cannot edit review of form {form.id}: products of other domains use it",
                actor=facts.id,
                action="form.edit_review",
                needs="permission GOVERNANCE",
            )

    @staticmethod
    def _agreement(unit: Unit, wanted: str | DataUseAgreement) -> DataUseAgreement:
        """A known agreement, or a new one that is kept."""
        if isinstance(wanted, str):
            return unit.need(DataUseAgreement, wanted, "use")
        owner = unit.reserved(f"agreement|{wanted.name}")
        known = unit.get(DataUseAgreement, wanted.id or owner or "")
        if known is not None:
            if (known.name, known.body) == (wanted.name, wanted.body):
                return known
            raise DuplicateName(
                f"cannot create agreement {wanted.name}: the name or id is taken",
                existing=known.id,
                hint="agreements are never changed; give the new text a new name",
            )
        fresh = wanted if wanted.id else evolve(wanted, id=unit.ids())
        unit.reserve(
            f"agreement|{wanted.name}",
            fresh.id,
            f"cannot create agreement {wanted.name}: the name is taken",
        )
        unit.save(fresh)
        unit.log("agreement.created", f"agreement:{fresh.id}", hash=fresh.body_hash)
        return fresh
