"""Which masks lie on the columns of a table at this moment, by function or by policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen
from databricks.sdk import errors

from marketplace_sdk_databricks.conditions import holds
from marketplace_sdk_databricks.failures import failure_of
from marketplace_sdk_databricks.items import exception_target
from marketplace_sdk_databricks.masks import Mask, consults, exception_key, fingerprint, is_ours
from marketplace_sdk_databricks.naming import as_path, owned_name
from marketplace_sdk_databricks.principals import EVERYBODY
from marketplace_sdk_databricks.securables import is_view, path

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.catalog import PolicyInfo, TableInfo

__all__ = ["Masking", "column_tags"]

_UNREADABLE = "policies that may not be read"
_COLUMN_MASK = "POLICY_TYPE_COLUMN_MASK"


@frozen(kw_only=True)
class Masking:
    """Knows the masks of one connection.

    Attributes:
        installation: of the marketplace, which names what is ours.
        groups: by dotted name of a column, the group that somebody's mask of it lets through.
        exceptions: dotted name of the table of exceptions, or empty text.
        views: by dotted name, the digest of a view when a person saw that it shows nothing masked.
    """

    installation: str
    groups: Mapping[str, str] = field(factory=dict)
    exceptions: str = ""
    views: Mapping[str, str] = field(factory=dict)

    def group(self, name: str, column: str, platform: str) -> str:
        """The group that a mask of ours on that column consults."""
        return owned_name(self.installation, exception_target(name, column), platform)

    def read(
        self,
        client: WorkspaceClient,
        table: TableInfo,
        platform: str,
        columns: Collection[str] | None = None,
    ) -> Mapping[str, Mask]:
        """The masks of a table's columns, of those asked for or of all; others have none.

        Raises:
            OSError: it cannot be looked.
        """
        name = (table.full_name or "").lower()
        policies = _policies(client, name)
        found: dict[str, Mask] = {}
        for column in table.columns or ():
            own = column.name or ""
            if columns is not None and own not in columns:
                continue
            masks = []
            if column.mask is not None:
                masks.append(self._function(client, name, own, column.mask, platform))
            if policies is None:
                masks += [] if masks else [Mask(state="unreadable", by=_UNREADABLE)]
            elif policies:
                by_policy = self._by_policy(client, name, own, policies, platform)
                # Policies on views are a preview, which a workspace or a cluster may not heed.
                masks += [_unsure(each) for each in by_policy] if is_view(table) else by_policy
            if len(masks) == 1:
                found[own] = masks[0]
            elif masks:
                found[own] = _several(masks)
        return found

    def _function(
        self, client: WorkspaceClient, name: str, column: str, mask: Any, platform: str
    ) -> Mask:
        function = (mask.function_name or "").replace("`", "").lower()
        by = f"mask function {function}"
        ours = function.rpartition(".")[2] == self.group(name, column, platform)
        try:
            definition = client.functions.get(path(function)).routine_definition or ""
        except (errors.NotFound, errors.PermissionDenied):
            # Owners may keep the text of a function to themselves; ours we can always read.
            return Mask(state="changed" if ours else "foreign", by=by)
        if ours:
            return self._ours(name, column, definition, platform, by, bare=not _more(mask))
        group = self.groups.get(exception_key(name, column), "")
        if group and consults(definition, group):
            return Mask(state="external", by=by, group=group)
        return Mask(state="foreign", by=by)

    def _ours(
        self, name: str, column: str, definition: str, platform: str, by: str, *, bare: bool
    ) -> Mask:
        group, key = self.group(name, column, platform), exception_key(name, column)
        if bare and is_ours(definition, group=group):
            return Mask(state="ours", by=by, group=group)
        if bare and self.exceptions and is_ours(definition, exceptions=self.exceptions, key=key):
            return Mask(state="exceptions", by=by, key=key)
        return Mask(state="changed", by=f"{by}, which is not as it was set up")

    def _by_policy(
        self,
        client: WorkspaceClient,
        name: str,
        column: str,
        policies: Sequence[PolicyInfo],
        platform: str,
    ) -> Sequence[Mask]:
        tags = column_tags(client, name, column)
        found = []
        for each in policies:
            picked = _picks(each, tags)
            if picked is None:
                found.append(Mask(state="unreadable", by=f"policy {each.name}, perhaps"))
            elif picked:
                found.append(self._policy(client, name, column, each, platform))
        return found

    def _policy(
        self, client: WorkspaceClient, name: str, column: str, policy: PolicyInfo, platform: str
    ) -> Mask:
        by = f"policy {policy.name} on {policy.on_securable_fullname}"
        excepted, group = policy.except_principals or [], self.group(name, column, platform)
        if EVERYBODY not in (policy.to_principals or []) or EVERYBODY in excepted:
            return Mask(state="unreadable", by=f"{by}, which is not for everybody")
        if policy.name == group:
            same = excepted == [group] and _as_made(client, policy)
            if same is None:
                return Mask(state="unreadable", by=f"{by}, whose function may not be read")
            return Mask(state="ours" if same else "changed", by=by, group=group if same else "")
        named = self.groups.get(exception_key(name, column), "")
        if named and named in excepted:
            return Mask(state="external", by=by, group=named)
        return Mask(state="foreign", by=by)


def column_tags(client: WorkspaceClient, name: str, column: str) -> Mapping[str, str]:
    """Tags of a column.

    Raises:
        OSError: they cannot be read.
    """
    entity = as_path(f"{name}.{column}")
    return {
        each.tag_key: each.tag_value or ""
        for each in client.entity_tag_assignments.list("columns", entity)
    }


def _policies(client: WorkspaceClient, name: str) -> Sequence[PolicyInfo] | None:
    """Column masks by policy that may apply to a table; None: they may not be read."""
    try:
        found = list(client.policies.list_policies("table", path(name), include_inherited=True))
    except (errors.NotImplemented, errors.NotFound) as error:
        if failure_of(error).row.name not in ("not_supported", "no_object"):
            raise
        return []
    except errors.PermissionDenied:
        return None
    return [each for each in found if getattr(each.policy_type, "value", "") == _COLUMN_MASK]


def _picks(policy: PolicyInfo, tags: Mapping[str, str]) -> bool | None:
    """Whether a policy masks a column with these tags; None: it cannot be told."""
    if policy.when_condition and policy.when_condition.strip().lower() not in ("true", ""):
        return None
    alias = getattr(policy.column_mask, "on_column", "")
    conditions = [
        each.condition or "" for each in policy.match_columns or () if each.alias == alias
    ]
    answers = [holds(each, tags) for each in conditions]
    if not answers or None in answers:
        return None
    return all(answers)


def _as_made(client: WorkspaceClient, policy: PolicyInfo) -> bool | None:
    """Whether a policy of ours uses the function that it was made with; None: it is hidden."""
    name = getattr(policy.column_mask, "function_name", "") or ""
    try:
        definition = client.functions.get(path(name.replace("`", "").lower())).routine_definition
    except errors.NotFound:
        return False
    except errors.PermissionDenied:
        return None
    return (policy.comment or "").endswith(f" {fingerprint(definition or '')}")


def _several(masks: Sequence[Mask]) -> Mask:
    """Several masks on a column: whoever meets two of them cannot query it at all."""
    by = " and ".join(each.by for each in masks)
    if all(each.hides is None for each in masks):
        return Mask(state="unreadable", by=by)
    return Mask(state="foreign", by=by)


def _unsure(mask: Mask) -> Mask:
    return Mask(state="unreadable", by=f"{mask.by}, which may not hold on a view")


def _more(mask: Any) -> bool:
    return bool(mask.using_column_names or getattr(mask, "using_arguments", None))
