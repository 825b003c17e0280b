"""Data products: publish, change, suspend, retire, delete."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from attrs import evolve

from marketplace_sdk.domain.catalog import DataSource, Domain, covers
from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.emergency import Emergency, check_emergency
from marketplace_sdk.domain.events import Effects, Event, Mark, Notice
from marketplace_sdk.domain.forms import RequestForm
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.people import SYSTEM, Facts
from marketplace_sdk.domain.products import DataProduct, check_product_name, check_product_review
from marketplace_sdk.domain.provisioned import Preview
from marketplace_sdk.domain.review import ReviewFlow
from marketplace_sdk.domain.rights import require, roles_in
from marketplace_sdk.domain.selectors import StewardSelector
from marketplace_sdk.domain.values import check_flag, check_id, check_name, check_text
from marketplace_sdk.errors import (
    Conflict,
    DuplicateName,
    InvalidInput,
    NotFound,
    Problem,
    TransitionNotAllowed,
)
from marketplace_sdk.services._appointing import people_named, tell_appointed
from marketplace_sdk.services._checking import check_list
from marketplace_sdk.services._closing import delete_product, withhold_grants
from marketplace_sdk.services._context import By
from marketplace_sdk.services._finding import ProductReads, check_tags
from marketplace_sdk.services._warnings import warnings_of
from marketplace_sdk.services._widening import change_sources, managers_of
from marketplace_sdk.work.endings import product_data
from marketplace_sdk.work.listing import stewards_of
from marketplace_sdk.work.targets import marks_for_sources, product_marks
from marketplace_sdk.work.unit import Unit

__all__ = ["Products"]

UNSET: Any = object()


class Products(ProductReads):
    """What can be found and asked for."""

    def publish(
        self,
        name: str,
        *,
        domain: str,
        sources: Iterable[str],
        form: str | None = None,
        masking_form: str | None = None,
        review: ReviewFlow | None = None,
        masking_review: ReviewFlow | None = None,
        description: str = "",
        tags: Iterable[str] = (),
        expert: str = "",
        max_duration: Duration | None = None,
        emergency: Emergency | None = None,
        id: str | None = None,
        by: By = None,
    ) -> DataProduct:
        r"""Publish a product from a domain's sources (its managers, GOVERNANCE).

        Args:
            name: unique; letters, digits, blanks and ``( ) - _ / \\``.
            domain: whose sources they are.
            sources: names, at least one.
            form: id of the request form; None means the standard form.
            masking_form: for masking exceptions; None means ``form``.
            review: used when the form delegates; None means the default review.
            masking_review: the same for masking exceptions; None means ``review``.
            description: for people and search.
            tags: for search and rules.
            expert: id of the person to ask.
            max_duration: longest access; None means no limit.
            emergency: who may break the glass, and for how long; None means nobody.
            id: chosen by the caller; the same product again is a no-op.
            by: who publishes.

        Raises:
            InvalidInput, NotAllowed, NotFound, DuplicateName.
        """
        draft: dict[str, Any] = {
            "name": check_product_name(name),
            "domain": domain,
            "sources": _sources(sources),
            "description": check_text(description, "product.description"),
            "tags": check_tags(tags),
            "expert": self._expert(expert),
            "form": form,
            "masking_form": masking_form,
            "review": check_product_review(review, "review"),
            "masking_review": check_product_review(masking_review, "masking_review"),
            "max_duration": _longest(max_duration),
            "emergency": check_emergency(emergency),
        }
        if id is not None:
            check_id(id, "product.id")

        def work(unit: Unit, facts: Facts) -> DataProduct:
            home = unit.need(Domain, domain, "publish from")
            require("product.publish", roles_in(facts, domain), facts, f"product {name}")
            product = DataProduct(
                id=id or unit.ids(), created_at=unit.now, created_by=facts.id, **draft
            )
            known = unit.get(DataProduct, product.id)
            if known is not None:
                same = all(getattr(known, key) == value for key, value in draft.items())
                if same and known.state != "deleted":
                    return known
                raise DuplicateName(
                    f"cannot publish product {name}: the id is taken", existing=product.id
                )
            _in_domain(unit, home, product.sources, name)
            _attachable(unit, facts, product)
            unit.reserve(
                f"product|{product.name_key}",
                product.id,
                f"cannot publish product {name}: the name is taken",
            )
            saved = unit.save(product)
            unit.keep(_published(saved, facts.id))
            tell_appointed(unit, [(saved, frozenset())], facts.id)
            return saved

        return self._looked_at(self._deciding(by, work))

    def update(
        self,
        id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        tags: Iterable[str] | None = None,
        expert: str | None = None,
        form: str | None = UNSET,
        masking_form: str | None = UNSET,
        review: ReviewFlow | None = UNSET,
        masking_review: ReviewFlow | None = UNSET,
        max_duration: Duration | None = UNSET,
        emergency: Emergency | None = UNSET,
        by: By = None,
    ) -> DataProduct:
        """Change what is said about a product; open and finished requests are untouched.

        What is left out stays. ``None`` for a form, a review, the duration or the emergency clears
        it.
        """
        changes: dict[str, Any] = {}
        if name is not None:
            changes["name"] = check_product_name(name)
        if description is not None:
            changes["description"] = check_text(description, "product.description")
        if tags is not None:
            changes["tags"] = check_tags(tags)
        if expert is not None:
            changes["expert"] = self._expert(expert)
        optional = {
            "form": form,
            "masking_form": masking_form,
            "review": review,
            "masking_review": masking_review,
            "max_duration": max_duration,
            "emergency": emergency,
        }
        changes |= _optional({key: v for key, v in optional.items() if v is not UNSET})

        def work(unit: Unit, facts: Facts) -> DataProduct:
            product = self._managed(unit, facts, id, "update")
            _kept(product, "update")
            changed = evolve(product, **changes)
            if changed == product:
                return product
            _attachable(unit, facts, changed)
            if changed.name_key != product.name_key:
                unit.reserve(
                    f"product|{changed.name_key}",
                    id,
                    f"cannot rename product {product.name}: the name is taken",
                )
                unit.release(f"product|{product.name_key}", id)
            saved = unit.save(evolve(changed, updated_at=unit.now))
            unit.log("product.updated", f"product:{id}", changed=sorted(changes))
            if not changes.keys().isdisjoint(("form", "masking_form", "review", "masking_review")):
                tell_appointed(unit, [(saved, people_named(unit.get, product))], facts.id)
            return saved

        return self._looked_at(self._deciding(by, work))

    def set_sources(self, id: str, sources: Iterable[str], *, by: By = None) -> DataProduct:
        """Replace the whole set of sources (managers, GOVERNANCE).

        Members gain what was added, at once or after the stewards confirm it (domain policy
        ``widening``), and lose what only this product gave them.
        """
        wanted = _sources(sources)
        return self._deciding(
            by, lambda unit, facts: self._set_sources(unit, facts, id, wanted, "set sources of")
        )

    def preview(self, id: str, *, sources: Iterable[str], by: By = None) -> Preview:
        """What ``set_sources`` with these sources would change on platforms (managers, GOVERNANCE).

        Nothing is changed or stored. What each member would gain or lose is counted; members are
        not named. It raises what ``set_sources`` would raise.
        """
        wanted = _sources(sources)
        person = self._person(by)

        def think(unit: Unit) -> Collection[Mark]:
            before = unit.need(DataProduct, id, "preview").sources
            self._set_sources(unit, unit.facts(person), id, wanted, "preview")
            every = {*before, *wanted}
            return {*product_marks(unit, id, every), *marks_for_sources(unit, every)}

        return self._context.platforms.preview(think)

    def confirm_sources(self, id: str, sources: Iterable[str], *, by: By = None) -> DataProduct:
        """Say that members may have added sources too (stewards, managers, GOVERNANCE).

        Those that members have already may be named again.

        Raises:
            InvalidInput: one is no source of the product.
        """
        wanted = frozenset(_sources(sources))

        def work(unit: Unit, facts: Facts) -> DataProduct:
            product = unit.need(DataProduct, id, "confirm sources of")
            if not self._visible(unit, facts, product):
                raise NotFound("confirm sources of", "product", id)
            steward = any(one.matches(facts) for one in stewards_of(unit.get, product))
            roles = roles_in(facts, product.domain, steward=steward)
            require("product.confirm", roles, facts, f"sources of product {id}")
            _kept(product, "confirm sources of")
            unknown = sorted(wanted.difference(product.sources))
            if unknown:
                raise InvalidInput(
                    f"cannot confirm sources of product {product.name}",
                    problems=[
                        Problem("sources", f"{name!r} is no source of the product")
                        for name in unknown
                    ],
                )
            left = frozenset(pair for pair in product.asked if pair[0] not in wanted)
            if left == product.asked:
                return product
            saved = unit.save(evolve(product, asked=left, updated_at=unit.now))
            unit.log("product.confirmed", f"product:{id}", sources=sorted(wanted))
            marks = product_marks(unit, id, wanted) + marks_for_sources(unit, wanted)
            unit.keep(Effects(marks=marks))
            return saved

        return self._deciding(by, work)

    def suspend(self, id: str, *, reason: str, by: By = None) -> DataProduct:
        """Withhold all access of a product until it is resumed (managers, GOVERNANCE).

        Requests go on being filed and decided. A product can be suspended when retired, too.
        """
        return self._step(id, "suspend", by, check_text(reason, "reason", required=True))

    def resume(self, id: str, *, by: By = None) -> DataProduct:
        """Give back what suspending withheld (managers, GOVERNANCE)."""
        return self._step(id, "resume", by)

    def retire(self, id: str, *, by: By = None) -> DataProduct:
        """Close a product for new requests; members keep what they have."""
        return self._step(id, "retire", by)

    def delete(self, id: str, *, cascade: bool = False, by: By = None) -> DataProduct:
        """Delete a product (managers, GOVERNANCE); pending requests are canceled.

        Args:
            id: of the product.
            cascade: revoke its grants too; the product is ``deleting`` until every platform has
                shown that the access is gone. Without it, active grants refuse the deletion.
            by: who deletes.
        """
        check_flag(cascade, "cascade")

        def work(unit: Unit, facts: Facts) -> DataProduct:
            product = self._managed(unit, facts, id, "delete")
            if product.state in ("deleting", "deleted"):
                return product
            grants = unit.find(Grant, ("open_product", [id]))
            live = sum(not grant.over(unit.now) for grant in grants)
            if live and not cascade:
                raise Conflict(
                    f"cannot delete product {product.name}: active grants: {live}",
                    code="grants_active",
                    hint="retire it, or delete with cascade=True, which revokes them",
                )
            return delete_product(unit, product, grants)

        return self._deciding(by, work)

    # -- inside ---------------------------------------------------------------------------

    def _looked_at(self, product: DataProduct) -> DataProduct:
        """The product with what should be known of who decides about it, or opens it."""

        def named() -> Iterator[StewardSelector]:
            with self._context.unit(SYSTEM, write=False) as unit:
                yield from stewards_of(unit.get, product)
            if product.emergency is not None:
                yield from (one.bound(product.domain) for one in product.emergency.who)

        return evolve(product, warnings=warnings_of(self._context, named()))

    def _set_sources(
        self, unit: Unit, facts: Facts, id: str, wanted: Sequence[str], verb: str
    ) -> DataProduct:
        product = self._managed(unit, facts, id, verb)
        _kept(product, verb)
        domain = unit.need(Domain, product.domain, "publish from")
        added = [name for name in wanted if name not in product.sources]
        _in_domain(unit, domain, added, product.name)
        ask = domain.policy.widening == "ask"
        return change_sources(unit, product, wanted, ask=ask)

    def _step(self, id: str, event: str, by: By, reason: str = "") -> DataProduct:
        def work(unit: Unit, facts: Facts) -> DataProduct:
            product = self._managed(unit, facts, id, event)
            why = product.reason if event == "retire" else reason
            after = evolve(product.step(event), updated_at=unit.now, reason=why)
            if after.suspended == product.suspended and event != "retire":
                state = "suspended" if product.suspended else product.state
                raise TransitionNotAllowed(
                    "product", id, state=state, event=event, hint="nothing has to be done"
                )
            saved = unit.save(after)
            type_ = {"suspend": "suspended", "resume": "resumed", "retire": "retired"}[event]
            unit.log(f"product.{type_}", f"product:{id}", **product_data(saved))
            if event != "retire":
                withhold_grants(unit, saved)
            return saved

        return self._deciding(by, work)

    def _expert(self, id: str) -> str:
        if id != "" and self._context.person(check_id(id, "expert")) is None:
            raise InvalidInput(
                "cannot keep product", problems=[Problem("expert", f"{id!r} is not a known person")]
            )
        return id


def _kept(product: DataProduct, verb: str) -> None:
    """Refuse to change what is deleted, or about to be."""
    if product.state in ("deleting", "deleted"):
        raise TransitionNotAllowed("product", product.id, state=product.state, event=verb)


def _optional(changes: dict[str, Any]) -> dict[str, Any]:
    """Changes of what may be cleared with None, checked."""
    for key in ("review", "masking_review"):
        if key in changes:
            check_product_review(changes[key], key)
    if "max_duration" in changes:
        changes["max_duration"] = _longest(changes["max_duration"])
    if "emergency" in changes:
        check_emergency(changes["emergency"])
    return changes


def _published(product: DataProduct, by: str) -> Effects:
    event = Event(
        type="product.published",
        aggregate=f"product:{product.id}",
        data=product_data(product, by=by, sources=list(product.sources)),
    )
    told = Notice(
        kind="product_published",
        about=f"product:{product.id}",
        audience=managers_of(product.domain),
        data={"product": product.name, "product_id": product.id},
    )
    return Effects(events=(event,), notices=(told,))


def _in_domain(unit: Unit, domain: Domain, sources: Iterable[str], name: str) -> None:
    problems = []
    for source_name in sources:
        source = unit.get(DataSource, source_name)
        if source is None:
            problems.append(Problem("sources", f"{source_name!r} is not known"))
        elif not covers(domain, source):
            problems.append(Problem("sources", f"{source_name!r} is not in domain {domain.name}"))
    if problems:
        raise InvalidInput(
            f"cannot publish product {name}",
            problems=problems,
            hint="GOVERNANCE assigns sources to domains",
        )


def _attachable(unit: Unit, facts: Facts, product: DataProduct) -> None:
    require("form.attach", roles_in(facts, product.domain), facts, f"form to product {product.id}")
    for path, id in (("form", product.form), ("masking_form", product.masking_form)):
        if id is None or id == "standard":
            continue
        form = unit.need(RequestForm, id, "attach")
        if form.domain not in (None, product.domain):
            raise InvalidInput(
                f"cannot attach form to product {product.name}",
                problems=[Problem(path, f"belongs to domain {form.domain}")],
                hint="use a form of the product's domain, or one for everybody",
            )


def _sources(sources: Iterable[str]) -> tuple[str, ...]:
    names = (check_name(name, "sources") for name in check_list(sources, "sources"))
    found = tuple(dict.fromkeys(names))
    if not found:
        raise InvalidInput(
            "cannot keep product",
            problems=[Problem("sources", "must be a list of at least one source")],
        )
    return found


def _longest(value: Duration | None) -> Duration | None:
    return None if value is None else Duration.of(value, "max_duration")
