"""What registered names mean in the workspace right now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from attrs import asdict
from databricks.sdk import errors

from marketplace_sdk.plugin import Resolved, Unresolved
from marketplace_sdk_databricks import principals
from marketplace_sdk_databricks.failures import failure_of
from marketplace_sdk_databricks.naming import canonical_principal, owned_prefix, split_name
from marketplace_sdk_databricks.securables import catalog_id, get_table, kind_of, path
from marketplace_sdk_databricks.showing import Behind, behind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.catalog import TableInfo

    from marketplace_sdk.plugin import Ref
    from marketplace_sdk_databricks.deadline import Deadline
    from marketplace_sdk_databricks.masking import Masking
    from marketplace_sdk_databricks.masks import Mask

    _Found: TypeAlias = tuple[TableInfo, Mapping[str, Mask], Behind]

__all__ = ["is_system", "resolve"]

T = TypeVar("T")

_LEGACY = "hive_metastore"
_SYSTEM = {"system", "information_schema", _LEGACY}
_INTERNAL = "__databricks_internal"


def is_system(name: str) -> bool:
    """Whether a catalog or schema of that name is Databricks' own, or no Unity Catalog."""
    return name.lower() in _SYSTEM or name.lower().startswith(_INTERNAL)


def resolve(
    client: WorkspaceClient,
    platform: str,
    masking: Masking,
    refs: Collection[Ref],
    deadline: Deadline,
    *,
    me: str = "",
) -> Mapping[Ref, Resolved | Unresolved]:
    """An answer for every name.

    Args:
        client: of the workspace.
        platform: identity of its metastore.
        masking: what is known of masks.
        refs: the names.
        deadline: of the call.
        me: our own application id, to which nothing is given.

    Raises:
        OSError: the workspace cannot be asked.
    """
    answers: dict[Ref, Resolved | Unresolved] = {}
    people = [ref for ref in refs if ref.kind == "principal"]
    answers.update(_principals(client, platform, masking.installation, people, me))
    objects = [ref for ref in refs if ref.kind == "object"]
    answers.update(_Objects(client, platform, masking).answers(objects, deadline))
    return answers


def _principals(
    client: WorkspaceClient, platform: str, installation: str, refs: Collection[Ref], me: str
) -> Mapping[Ref, Resolved | Unresolved]:
    found = principals.find(client, {ref.name for ref in refs})
    ours = (owned_prefix(installation), me)
    answers: dict[Ref, Resolved | Unresolved] = {}
    for ref in refs:
        who = found.get(canonical_principal(ref.name))
        refused = principals.reserved(ref.name, ours)
        if refused:
            answers[ref] = Unresolved(ref=ref, reason="not_allowed", message=refused)
        elif who is None:
            message = principals.why_not(client, ref.name)
            answers[ref] = Unresolved(ref=ref, reason="not_found", message=message)
        elif who.local:
            message = (
                f"{ref.name} is a group of the workspace only, which can hold no grants; register"
                " an account group"
            )
            answers[ref] = Unresolved(ref=ref, reason="not_allowed", message=message)
        elif not who.active:
            message = f"{ref.name} is deactivated in the account; activate it or register another"
            answers[ref] = Unresolved(ref=ref, reason="not_allowed", message=message)
        else:
            facts: Any = {"principal": who.name}
            answers[ref] = Resolved(
                ref=ref,
                platform=platform,
                native_id=who.id,
                name=who.name,
                kind=who.kind,
                facts=facts,
            )
    return answers


class _Objects:
    """Objects of one call: each schema and catalog is asked for once."""

    def __init__(self, client: WorkspaceClient, platform: str, masking: Masking) -> None:
        self._client = client
        self._platform = platform
        self._masking = masking
        self._schemas: dict[str, str] = {}
        self._catalogs: dict[str, str] = {}

    def answers(
        self, refs: Collection[Ref], deadline: Deadline
    ) -> Mapping[Ref, Resolved | Unresolved]:
        """Tables several at a time, and then what is above them, one by one."""
        found = dict(zip(refs, deadline.each(self._look, refs), strict=True))
        return {
            ref: each if isinstance(each, Unresolved) else self._guarded(ref, self._resolved, *each)
            for ref, each in found.items()
        }

    def _look(self, ref: Ref) -> Unresolved | _Found:
        try:
            parts = split_name(ref.name)
        except ValueError as error:
            return _not_found(ref, str(error))
        if parts[0] == _LEGACY:
            message = f"{ref.name} is in the Hive metastore, where Unity Catalog grants nothing"
            return Unresolved(ref=ref, reason="unsupported", message=message)
        if is_system(parts[0]) or is_system(parts[1]):
            message = f"{ref.name} belongs to Databricks itself; register a table or view of yours"
            return Unresolved(ref=ref, reason="not_allowed", message=message)
        return self._guarded(ref, self._table, ".".join(parts))

    def _guarded(self, ref: Ref, ask: Callable[..., T], *about: Any) -> T | Unresolved:
        """What is answered, or that we may not look."""
        try:
            return ask(ref, *about)
        except errors.PermissionDenied as error:
            if failure_of(error).row.name != "denied":
                raise
        message = (
            f"{ref.name} may not be looked at; an administrator must give the marketplace's service"
            " principal USE CATALOG, USE SCHEMA and MANAGE on the table"
        )
        return Unresolved(ref=ref, reason="not_allowed", message=message)

    def _table(self, ref: Ref, name: str) -> Unresolved | _Found:
        table = get_table(self._client, name)
        if table is None:
            return _not_found(ref, "the metastore has none of that name, or we may not see it")
        found = behind(self._client, table)
        if found.digest and self._masking.views.get(name) == found.digest:
            # A person has seen that none of it is masked, and it is what it was then.
            found = Behind()
        return table, self._masking.read(self._client, table, self._platform), found

    def _resolved(
        self, ref: Ref, table: TableInfo, masks: Mapping[str, Mask], found: Behind
    ) -> Resolved:
        name = (table.full_name or "").lower()
        schema, catalog = name.rpartition(".")[0], name.split(".", maxsplit=1)[0]
        if schema not in self._schemas:
            self._schemas[schema] = self._client.schemas.get(path(schema)).schema_id or schema
        if catalog not in self._catalogs:
            self._catalogs[catalog] = catalog_id(self._client.catalogs.get(path(catalog)))
        facts: Any = {
            "schema": schema,
            "schema_id": self._schemas[schema],
            "catalog": catalog,
            "catalog_id": self._catalogs[catalog],
            "masks": {column: asdict(mask) for column, mask in sorted(masks.items())},
            "behind": {
                "live": sorted(found.live),
                "kept": sorted(found.kept),
                "unknown": sorted(found.unknown),
            },
        }
        shows: Any = {"*": tuple((each, "*") for each in sorted(found.names))}
        return Resolved(
            ref=ref,
            platform=self._platform,
            native_id=table.table_id or "",
            name=name,
            kind=kind_of(table),
            owner=table.owner or "",
            columns=tuple(each.name or "" for each in table.columns or ()),
            shows=shows if found.names else {},
            facts=facts,
        )


def _not_found(ref: Ref, why: str) -> Unresolved:
    message = f"there is no table or view {ref.name}: {why}; register catalog.schema.table"
    return Unresolved(ref=ref, reason="not_found", message=message)
