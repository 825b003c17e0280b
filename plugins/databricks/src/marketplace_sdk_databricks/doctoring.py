"""What our service principal is missing, as the statements that an administrator must run."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from databricks.sdk import errors

from marketplace_sdk.plugin import Shortcoming
from marketplace_sdk_databricks import principals
from marketplace_sdk_databricks.naming import quote_identifier, quote_name
from marketplace_sdk_databricks.resolving import is_system
from marketplace_sdk_databricks.securables import assignments, path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from marketplace_sdk_databricks.settings import Settings
    from marketplace_sdk_databricks.site import Site

__all__ = ["MANY", "examine"]

MANY = 100
"""Grantees of one object from which on a group for each product is better."""


def examine(site: Site, settings: Settings, patterns: Sequence[str]) -> Sequence[Shortcoming]:
    """Everything that is missing, in the order in which it is to be run, and then the risks.

    Args:
        site: the workspace, as our service principal.
        settings: how access is given.
        patterns: of the objects that are to be opened, as in ``may_grant``.

    Raises:
        OSError: the workspace cannot be read.
    """
    return list(_Examination(site, settings, patterns).run())


class _Examination:
    def __init__(self, site: Site, settings: Settings, patterns: Sequence[str]) -> None:
        self._site = site
        self._client = site.client
        self._settings = settings
        self._patterns = patterns
        me = site.client.current_user.me()
        # Of a service principal this is the application id; the configuration says it too.
        self._me = me.user_name or settings.client_id or "the marketplace's service principal"
        self._groups = {each.display or "" for each in me.groups or ()}

    def run(self) -> Iterator[Shortcoming]:
        risks: list[Shortcoming] = []
        for catalog in sorted(each.name or "" for each in self._client.catalogs.list()):
            if is_system(catalog) or not any(_touches(catalog, each) for each in self._patterns):
                continue
            tables = list(self._tables(catalog))
            if not tables:
                continue
            yield from self._container("catalog", catalog, "USE_CATALOG", "USE CATALOG", risks)
            for schema in sorted({name.rpartition(".")[0] for name in tables}):
                yield from self._container("schema", schema, "USE_SCHEMA", "USE SCHEMA", risks)
            for name in tables:
                if not self._manages("table", name):
                    yield self._missing(f"it cannot hand on {name}", "MANAGE", "table", name)
                risks += self._crowd(name)
        if self._settings.exception_table:
            yield from self._exceptions(self._settings.exception_table)
        yield from risks

    def _tables(self, catalog: str) -> Iterator[str]:
        for schema in self._client.schemas.list(catalog):
            if is_system(schema.name or ""):
                continue
            for table in self._client.tables.list(
                catalog, schema.name or "", omit_columns=True, omit_properties=True
            ):
                name = (table.full_name or "").lower()
                if any(fnmatchcase(name, each) for each in self._patterns):
                    yield name

    def _container(
        self,
        securable: str,
        name: str,
        privilege: str,
        spoken: str,
        risks: list[Shortcoming],
    ) -> Iterator[Shortcoming]:
        held = self._held(securable, name)
        manages = "MANAGE" in held or self._owns(securable, name)
        if privilege not in held and not manages:
            yield self._missing(f"it cannot use {securable} {name}", spoken, securable, name)
        if self._settings.parents == "grant" and not manages:
            yield self._missing(
                f'it cannot hand on {spoken} of {name}; or set parents to "require"',
                "MANAGE",
                securable,
                name,
            )
        if manages and self._settings.parents == "require":
            risks.append(
                Shortcoming(
                    severity="risk",
                    problem=f"it manages {securable} {name}, which it need not, and with it"
                    " everything that is ever made in there",
                    statement=f"REVOKE MANAGE ON {securable.upper()} {quote_name(name)}"
                    f" FROM {quote_identifier(self._me)}",
                )
            )

    def _crowd(self, name: str) -> Iterator[Shortcoming]:
        try:
            count = len(assignments(self._client, "table", name))
        except (errors.NotFound, errors.PermissionDenied):
            return
        if self._settings.strategy == "direct" and count > MANY:
            yield Shortcoming(
                severity="risk",
                problem=f"{name} has {count} grantees, and the number of them is limited; a group"
                " for each product needs one",
                statement='strategy = "group"',
            )

    def _exceptions(self, name: str) -> Iterator[Shortcoming]:
        held = self._held("table", name)
        for privilege in ("SELECT", "MODIFY"):
            if privilege not in held and not self._owns("table", name):
                yield self._missing(
                    f"it cannot keep the table of exceptions {name}", privilege, "table", name
                )

    def _missing(self, problem: str, privilege: str, securable: str, name: str) -> Shortcoming:
        return Shortcoming(
            severity="missing",
            problem=problem,
            statement=f"GRANT {privilege} ON {securable.upper()} {quote_name(name)}"
            f" TO {quote_identifier(self._me)}",
        )

    def _manages(self, securable: str, name: str) -> bool:
        return "MANAGE" in self._held(securable, name) or self._owns(securable, name)

    def _owns(self, securable: str, name: str) -> bool:
        getters: Mapping[str, object] = {
            "catalog": self._client.catalogs,
            "schema": self._client.schemas,
            "table": self._client.tables,
        }
        try:
            owner = getters[securable].get(path(name)).owner or ""  # type: ignore[attr-defined]  # all three have it
        except (errors.NotFound, errors.PermissionDenied):
            return False
        return owner == self._me or owner in self._groups

    def _held(self, securable: str, name: str) -> frozenset[str]:
        """Privileges of ours on an object, inherited and by groups, as far as they may be read."""
        names = {self._me, principals.EVERYBODY, *self._groups}
        held: set[str] = set()
        token: str | None = None
        while True:
            more = {"page_token": token} if token else {}
            try:
                page = self._client.grants.get_effective(
                    securable, path(name), max_results=0, **more
                )
            except (errors.NotFound, errors.PermissionDenied):
                return frozenset(held)
            for each in page.privilege_assignments or ():
                if each.principal in names:
                    held |= {p.privilege.value for p in each.privileges or () if p.privilege}
            token = page.next_page_token
            if not token:
                return frozenset(held)


def _touches(catalog: str, pattern: str) -> bool:
    return fnmatchcase(catalog, pattern.split(".", maxsplit=1)[0]) or "." not in pattern
