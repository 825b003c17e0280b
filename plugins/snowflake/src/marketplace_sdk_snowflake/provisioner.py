"""Snowflake as a data platform."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from marketplace_sdk_snowflake import discovering, items, resolving
from marketplace_sdk_snowflake.changing import Changing
from marketplace_sdk_snowflake.doctoring import examine
from marketplace_sdk_snowflake.failures import Failure
from marketplace_sdk_snowflake.looking import Looking
from marketplace_sdk_snowflake.passing import Passes
from marketplace_sdk_snowflake.sessions import Sessions
from marketplace_sdk_snowflake.settings import Settings
from marketplace_sdk_snowflake.stating import describe

if TYPE_CHECKING:
    from marketplace_sdk.plugin import (
        Call,
        CannotLook,
        Change,
        Discovered,
        Guard,
        Item,
        Known,
        Outcome,
        Ref,
        Resolved,
        Scope,
        Seen,
        Shortcoming,
        Target,
        Unresolved,
    )
    from marketplace_sdk_snowflake.settings import Login

__all__ = ["CAPABILITIES", "SnowflakeProvisioner"]

CAPABILITIES = frozenset({"discover", "doctor", "protect", "unmask"})
"""What every connection can do; with a table of entitlements also ``set_until``."""


class SnowflakeProvisioner:
    """Gives and takes read access and masking exceptions on one account. May be shared by threads.

    Nothing is opened before the first call.

    Args:
        login: how to log in, as the marketplace's own role.
        installation: id that marks our roles.
        name: of the connection, for messages.
        settings: how to work on the account.

    Attributes:
        capabilities: what it can do with these settings.
    """

    def __init__(
        self,
        login: Login,
        *,
        installation: str,
        name: str = "snowflake",
        settings: Settings | None = None,
    ) -> None:
        self._settings = settings or Settings()
        self._installation = installation
        self._sessions = Sessions(login, name=name)
        self._passes = Passes()
        self._memberships: items.Memberships | None = None
        entitled = self._settings.entitlements is not None
        self.capabilities = CAPABILITIES | ({"set_until"} if entitled else set())

    def close(self) -> None:
        """Log out; a later call logs in again."""
        self._sessions.close()

    def resolve(self, refs: Collection[Ref], call: Call) -> Mapping[Ref, Resolved | Unresolved]:
        """What each name means now.

        Raises:
            ProvisioningError: the account cannot be read.
        """
        with self._sessions.use(call) as talk:
            try:
                return resolving.resolve(
                    talk, self._settings, self._installation, refs, self._passes.of(call)
                )
            except Failure as failure:
                raise self._sessions.failure("read", failure) from None

    def base(self, target: Target, known: Known) -> Sequence[Item]:
        """The target's role and what it may read.

        Raises:
            ProvisioningError: the target cannot be one role.
        """
        return items.base(target, known, self._settings)

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """The membership, or the entitlement, of one person or role.

        Raises:
            ProvisioningError: it is none who can have that.
        """
        # A pass asks for every member with the same target and facts, and there may be hundreds.
        ready = self._memberships
        if ready is None or ready.target is not target or ready.known is not known:
            ready = items.Memberships.of(target, known, self._settings)
            self._memberships = ready
        return ready.items(who)

    def observe(
        self, scopes: Collection[Scope], guards: Collection[Guard], call: Call
    ) -> Mapping[Scope, Seen | CannotLook]:
        """Everything that the roles hold and who is a member of them.

        Raises:
            ProvisioningError: the account cannot be read.
        """
        with self._sessions.use(call) as talk:
            try:
                looking = Looking(talk, self._settings, self._installation, self._passes.of(call))
                return looking.look(scopes, guards)
            except Failure as failure:
                raise self._sessions.failure("read", failure) from None

    def apply(self, batch: Sequence[Change], call: Call) -> Iterator[Outcome]:
        """Make the changes one by one as the outcomes are asked for, each by one statement.

        Raises:
            ProvisioningError: the account cannot be read; nothing was changed.
        """
        known = self._passes.of(call)
        with self._sessions.use(call) as talk:
            looking = Looking(talk, self._settings, self._installation, known)
            changing = Changing(talk, self._settings, self._installation, known, looking)
            try:
                yield from changing.apply(batch, call)
            except Failure as failure:
                raise self._sessions.failure("change", failure) from None

    def describe(self, change: Change) -> str:
        """The statement of a change."""
        return describe(change, self._settings)

    def discover(self, pattern: str, call: Call) -> Iterator[Discovered]:
        """Tables and views of every kind that match.

        Raises:
            ProvisioningError: the account cannot be read, or no time is left.
        """
        with self._sessions.use(call) as talk:
            try:
                yield from discovering.discover(talk, self._settings, pattern)
            except Failure as failure:
                raise self._sessions.failure("list", failure) from None

    def doctor(self, call: Call, patterns: Sequence[str] = ("*",)) -> Sequence[Shortcoming]:
        """What our role is missing, and what is open that need not be.

        Args:
            call: the deadline.
            patterns: of the objects to be opened, as in ``may_grant``.

        Raises:
            ProvisioningError: the account cannot be read.
        """
        with self._sessions.use(call) as talk:
            try:
                return examine(talk, self._settings, self._installation, patterns)
            except Failure as failure:
                raise self._sessions.failure("examine", failure) from None
