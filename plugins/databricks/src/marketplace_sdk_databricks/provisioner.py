"""Databricks Unity Catalog as a data platform."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from marketplace_sdk_databricks import changing, discovering, items, resolving
from marketplace_sdk_databricks.authentication import Credentials
from marketplace_sdk_databricks.doctoring import examine
from marketplace_sdk_databricks.looking import Looker
from marketplace_sdk_databricks.masking import Masking
from marketplace_sdk_databricks.site import Site
from marketplace_sdk_databricks.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

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
    from marketplace_sdk_databricks.settings import Settings

__all__ = ["DatabricksProvisioner"]


class DatabricksProvisioner:
    """Gives and takes read access in one metastore. May be shared by threads.

    Nothing is sent before the first call, and everything within the deadline of one.

    Args:
        settings: how to reach the workspace, and how access is given.
        installation: id that names our groups and masks.
        name: of the connection, for messages.

    Attributes:
        capabilities: as in the ProvisionerSpec; with a table of exceptions, ends are kept too.
    """

    def __init__(self, settings: Settings, *, installation: str, name: str = "databricks") -> None:
        credentials = Credentials(
            kind=settings.kind, client_id=settings.client_id, secret=settings.secret
        )
        self.capabilities = frozenset({"discover", "doctor", "protect", "unmask"})
        if settings.exception_table:
            self.capabilities |= {"set_until"}
        self._settings = settings
        self._workspace = Workspace(
            settings.host, credentials, name=name, rate=settings.requests_per_second
        )
        self._masking = Masking(
            installation=installation,
            groups=settings.exception_groups,
            exceptions=settings.exception_table,
            views=settings.trusted_views,
        )
        self._planner = items.Planner(
            by_group=settings.strategy == "group",
            grant_parents=settings.parents == "grant",
            exceptions=settings.exception_table,
        )

    def __repr__(self) -> str:
        return f"DatabricksProvisioner({self._workspace!r})"

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._workspace.close()

    def resolve(self, refs: Collection[Ref], call: Call) -> Mapping[Ref, Resolved | Unresolved]:
        """What each name means now.

        Raises:
            ProvisioningError: the workspace cannot be read.
        """
        with self.site(call, "look names up") as site:
            return resolving.resolve(
                site.client,
                site.platform,
                site.masking,
                refs,
                site.deadline,
                me=self._settings.client_id,
            )

    def base(self, target: Target, known: Known) -> Sequence[Item]:
        """The target's group and what it may read; nothing where grants are direct."""
        return self._planner.base(target, known)

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """What one beneficiary needs: privileges, or a membership.

        Raises:
            ProvisioningError: no exception can be made from the mask of the target's column.
        """
        return self._planner.member(target, who, known)

    def observe(
        self, scopes: Collection[Scope], guards: Collection[Guard], call: Call
    ) -> Mapping[Scope, Seen | CannotLook]:
        """Who holds what, in two requests for each scope.

        Raises:
            ProvisioningError: the workspace cannot be read.
        """
        with self.site(call, "look") as site:
            return Looker(site).look(scopes, guards)

    def apply(self, batch: Sequence[Change], call: Call) -> Iterator[Outcome]:
        """Make the changes one by one as the outcomes are asked for, one request each.

        Raises:
            ProvisioningError: the workspace cannot be read; nothing was changed.
        """
        yield from changing.apply(batch, call, lambda: self.site(call, "make changes"))

    def describe(self, change: Change) -> str:
        """The statement of a change."""
        return items.describe(change)

    def discover(self, pattern: str, call: Call) -> Iterator[Discovered]:
        """Tables and views of every kind that match.

        Raises:
            ProvisioningError: the workspace cannot be read, or no time is left.
        """
        yield from discovering.discover(
            pattern, self._settings.warehouse_id, lambda: self.site(call, "list objects")
        )

    def doctor(self, call: Call, patterns: Sequence[str] = ("*",)) -> Sequence[Shortcoming]:
        """What our service principal is missing, and what is open that need not be.

        Args:
            call: the deadline.
            patterns: of the objects to be opened, as in ``may_grant``.

        Raises:
            ProvisioningError: the workspace cannot be read.
        """
        with self.site(call, "examine rights") as site:
            return examine(site, self._settings, patterns)

    @contextmanager
    def site(self, call: Call, what: str = "work") -> Iterator[Site]:
        """The workspace for one call, for whoever administers it.

        Raises:
            ProvisioningError: whatever goes wrong with it in the block.
        """
        with self._workspace.use(call, what) as client:
            yield Site(
                client=client,
                platform=self._workspace.platform(client),
                masking=self._masking,
                deadline=self._workspace.deadline,
                failure=self._workspace.failure,
                warehouse=self._settings.warehouse_id,
            )
