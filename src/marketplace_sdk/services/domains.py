"""Domains: which sources are governed together, and who holds which permission there."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from marketplace_sdk.domain.catalog import DataSource, Domain, DomainPolicy, TagRule, covers
from marketplace_sdk.domain.people import Facts
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.rights import require, roles_in
from marketplace_sdk.domain.selectors import DOMAIN_PERMISSIONS, StewardSelector
from marketplace_sdk.domain.values import check_name, check_text
from marketplace_sdk.errors import Conflict, DuplicateName, InvalidInput, Problem
from marketplace_sdk.services._checking import check_holder, check_list
from marketplace_sdk.services._context import By, Service
from marketplace_sdk.services._stuck import recheck
from marketplace_sdk.services._widening import leave_domain
from marketplace_sdk.work.pages import Page
from marketplace_sdk.work.unit import Unit

__all__ = ["Domains"]


class Domains(Service):
    """Domains and what is held in them."""

    def create(
        self,
        name: str,
        *,
        description: str = "",
        tags: Iterable[str | TagRule] = (),
        policy: DomainPolicy | None = None,
        by: By = None,
    ) -> Domain:
        """Create a domain (GOVERNANCE); with ``tags`` it is dynamic and fills itself.

        Args:
            name: unique; its id; without a dot.
            description: for people.
            tags: a source that carries one of them, or a child of one, is in the domain. Plain
                text counts tags set by hand; a TagRule names other origins.
            policy: what holds for all products.
            by: who creates.
        """
        if policy is not None and not isinstance(policy, DomainPolicy):
            raise InvalidInput(
                "cannot create domain", problems=[Problem("policy", "must be a DomainPolicy")]
            )
        domain = Domain(
            name=check_name(name, "domain.name", dots=False),
            description=check_text(description, "domain.description"),
            rules=_rules(tags),
            policy=policy or DomainPolicy(),
        )

        def work(unit: Unit, facts: Facts) -> Domain:
            require("domain.create", roles_in(facts), facts, f"domain {name}")
            known = unit.get(Domain, name)
            if known is not None:
                if evolve(known, permissions=frozenset(), sources=frozenset()) == domain:
                    return known
                raise DuplicateName(f"cannot create domain {name}: it exists", existing=name)
            saved = unit.save(domain)
            unit.log("domain.created", f"domain:{name}", dynamic=domain.dynamic)
            return saved

        return self._deciding(by, work)

    def update(
        self,
        name: str,
        *,
        description: str | None = None,
        tags: Iterable[str | TagRule] | None = None,
        by: By = None,
    ) -> Domain:
        """Change what is said about a domain, or which tags fill it (GOVERNANCE).

        What is left out stays. A domain stays as it was made, filled by tags or by hand. Products
        that hold sources which leave by this keep them in quarantine, or lose them: the domain's
        policy says.

        Raises:
            InvalidInput, NotAllowed, NotFound.
            Conflict: tags for a domain that is filled by hand, or none for one that is not.
        """
        if description is not None:
            check_text(description, "domain.description")
        rules = None if tags is None else _rules(tags)

        def work(unit: Unit, facts: Facts) -> Domain:
            require("domain.update", roles_in(facts), facts, f"domain {name}")
            domain = unit.need(Domain, name, "update")
            changed = evolve(
                domain,
                description=domain.description if description is None else description,
                rules=domain.rules if rules is None else rules,
            )
            if changed == domain:
                return domain
            if changed.dynamic != domain.dynamic:
                raise Conflict(
                    f"cannot update domain {name}: it stays filled as it was made",
                    code="dynamic_domain" if domain.dynamic else "manual_domain",
                    hint="create another domain",
                )
            saved = unit.save(changed)
            unit.log("domain.updated", f"domain:{name}", dynamic=saved.dynamic)
            if changed.rules != domain.rules:
                found = unit.find(DataSource)
                gone = [
                    each.name for each in found if covers(domain, each) and not covers(saved, each)
                ]
                if gone:
                    leave_domain(unit, saved, gone)
            return saved

        return self._deciding(by, work)

    def assign(self, name: str, sources: Iterable[str], *, by: By = None) -> Domain:
        """Put data sources into a domain by hand (GOVERNANCE); a dynamic domain refuses."""
        wanted = _names(sources)

        def work(unit: Unit, facts: Facts) -> Domain:
            require("domain.assign", roles_in(facts), facts, f"to domain {name}")
            domain = self._manual(unit, name, "assign sources to")
            _known_sources(unit, wanted, f"cannot assign sources to domain {name}")
            if set(wanted) <= domain.sources:
                return domain
            saved = unit.save(evolve(domain, sources=domain.sources | set(wanted)))
            unit.log("domain.assigned", f"domain:{name}", sources=sorted(wanted))
            return saved

        return self._deciding(by, work)

    def remove(self, name: str, sources: Iterable[str], *, by: By = None) -> Domain:
        """Take data sources out of a domain by hand (GOVERNANCE).

        Products that hold them keep them in quarantine, or lose them: the domain's policy says.
        """
        wanted = _names(sources)

        def work(unit: Unit, facts: Facts) -> Domain:
            require("domain.assign", roles_in(facts), facts, f"domain {name}")
            domain = self._manual(unit, name, "remove sources from")
            _known_sources(unit, wanted, f"cannot remove sources from domain {name}")
            gone = domain.sources & set(wanted)
            if not gone:
                return domain
            saved = unit.save(evolve(domain, sources=domain.sources - gone))
            unit.log("domain.removed", f"domain:{name}", sources=sorted(gone))
            leave_domain(unit, saved, gone)
            return saved

        return self._deciding(by, work)

    def grant(
        self,
        name: str,
        *,
        permission: str,
        to: str | StewardSelector,
        by: By = None,
    ) -> Domain:
        """Give a domain permission to a person or to ``group(name)`` (USER_ADMIN)."""
        return self._permit(name, permission, to, by, give=True)

    def ungrant(
        self, name: str, *, permission: str, to: str | StewardSelector, by: By = None
    ) -> Domain:
        """Take a domain permission away (USER_ADMIN)."""
        return self._permit(name, permission, to, by, give=False)

    def set_policy(self, name: str, policy: DomainPolicy, *, by: By = None) -> Domain:
        """Set what holds for all products of the domain (GOVERNANCE); later requests only."""
        if not isinstance(policy, DomainPolicy):
            raise InvalidInput(
                "cannot set policy", problems=[Problem("policy", "must be a DomainPolicy")]
            )

        def work(unit: Unit, facts: Facts) -> Domain:
            require("domain.set_policy", roles_in(facts), facts, f"of domain {name}")
            domain = unit.need(Domain, name, "set policy of")
            if domain.policy == policy:
                return domain
            saved = unit.save(evolve(domain, policy=policy))
            unit.log("domain.policy_set", f"domain:{name}")
            return saved

        return self._deciding(by, work)

    def delete(self, name: str, *, by: By = None) -> None:
        """Delete a domain (GOVERNANCE); refused while products use it."""

        def work(unit: Unit, facts: Facts) -> None:
            require("domain.delete", roles_in(facts), facts, f"domain {name}")
            domain = unit.need(Domain, name, "delete")
            products = unit.find(DataProduct, ("domain", [name]), ("kept", ["yes"]), limit=3)
            if products:
                raise Conflict(
                    f"cannot delete domain {name}: products use it",
                    code="in_use",
                    hint="delete " + ", ".join(product.name for product in products) + " first",
                )
            unit.delete(domain)
            unit.log("domain.deleted", f"domain:{name}")

        self._deciding(by, work)

    def get(self, name: str, *, by: By = None) -> Domain:
        """A domain, for everybody."""
        with self._reading(by) as (unit, _):
            return unit.need(Domain, name, "get")

    def find(self, *, after: str | None = None, limit: int = 100, by: By = None) -> Page[Domain]:
        """Domains by name, for everybody."""
        with self._reading(by) as (unit, _):
            return unit.page(Domain, after=after, limit=limit)

    def sources(self, name: str, *, by: By = None) -> tuple[str, ...]:
        """Names of the sources that are in a domain now, sorted; for everybody."""
        with self._reading(by) as (unit, _):
            domain = unit.need(Domain, name, "list sources of")
            if not domain.dynamic:
                return tuple(sorted(domain.sources))
            found = unit.find(DataSource)
            return tuple(sorted(source.name for source in found if covers(domain, source)))

    def _permit(
        self, name: str, permission: str, to: str | StewardSelector, by: By, *, give: bool
    ) -> Domain:
        if permission not in DOMAIN_PERMISSIONS:
            raise InvalidInput(
                "cannot grant domain permission",
                problems=[Problem("permission", f"must be one of {', '.join(DOMAIN_PERMISSIONS)}")],
            )
        holder = check_holder(to, "to")
        if give and holder.kind == "user":
            self._known(holder.value)

        def work(unit: Unit, facts: Facts) -> Domain:
            require("domain.grant", roles_in(facts), facts, f"{permission} in domain {name}")
            domain = unit.need(Domain, name, "grant permission in")
            entry = (permission, holder.token)
            if (entry in domain.permissions) == give:
                return domain
            held = domain.permissions | {entry} if give else domain.permissions - {entry}
            saved = unit.save(evolve(domain, permissions=held))
            unit.log(
                "domain.granted" if give else "domain.ungranted",
                f"domain:{name}",
                permission=permission,
                holder=holder.token,
            )
            return saved

        saved = self._deciding(by, work)
        recheck(self._context, {f"domain:{permission}:{name}"})
        return saved

    def _known(self, id: str) -> None:
        if self._context.person(id) is None:
            raise InvalidInput(
                "cannot grant domain permission",
                problems=[Problem("to", f"{id!r} is not a known person")],
                hint="people are added first; a group is written as one",
            )

    @staticmethod
    def _manual(unit: Unit, name: str, verb: str) -> Domain:
        domain = unit.need(Domain, name, verb)
        if domain.dynamic:
            raise Conflict(
                f"cannot {verb} domain {name}: its tags decide",
                code="dynamic_domain",
                hint="tag the source instead",
            )
        return domain


def _known_sources(unit: Unit, names: Iterable[str], failed: str) -> None:
    unknown = [name for name in names if unit.get(DataSource, name) is None]
    if unknown:
        raise InvalidInput(
            failed, problems=[Problem("sources", f"{name!r} is not known") for name in unknown]
        )


def _names(names: Iterable[str]) -> tuple[str, ...]:
    found = check_list(names, "sources")
    return tuple(dict.fromkeys(check_name(name, "sources") for name in found))


def _rules(tags: Iterable[str | TagRule]) -> tuple[TagRule, ...]:
    return tuple(
        tag if isinstance(tag, TagRule) else TagRule(tag) for tag in check_list(tags, "tags")
    )
