"""A provisioner that passes everything on; what is broken changes one thing of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import ClassVar

from marketplace_sdk.ports.provisioner import (
    Call,
    CannotLook,
    Change,
    Guard,
    Item,
    Known,
    Outcome,
    Provisioner,
    Ref,
    Resolved,
    Scope,
    Seen,
    Target,
    Unresolved,
)

__all__ = ["SoundProvisioner"]


class SoundProvisioner:
    """A provisioner without a fault, if the inner one has none.

    Args:
        inner: the good one.
        secret: what those that leak let out.

    Attributes:
        caught_by: names of checks of the kit that must fail.
        needs: capabilities of the good one without which the fault does not show.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    caught_by: ClassVar[tuple[str, ...]] = ()

    def __init__(self, inner: Provisioner, secret: str = "") -> None:
        self.inner = inner
        self.secret = secret

    def resolve(self, refs: Collection[Ref], call: Call) -> Mapping[Ref, Resolved | Unresolved]:
        """As the good one."""
        return self.inner.resolve(refs, call)

    def base(self, target: Target, known: Known) -> Sequence[Item]:
        """As the good one."""
        return self.inner.base(target, known)

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """As the good one."""
        return self.inner.member(target, who, known)

    def observe(
        self, scopes: Collection[Scope], guards: Collection[Guard], call: Call
    ) -> Mapping[Scope, Seen | CannotLook]:
        """As the good one."""
        return self.inner.observe(scopes, guards, call)

    def apply(self, batch: Sequence[Change], call: Call) -> Iterable[Outcome]:
        """As the good one."""
        return self.inner.apply(batch, call)

    def describe(self, change: Change) -> str:
        """As the good one."""
        return self.inner.describe(change)
