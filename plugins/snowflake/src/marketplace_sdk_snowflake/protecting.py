"""Putting a masking policy of ours on a column, and taking it off: an administrator's statements.

Everything is read first and refused before anything is changed; the statements are shown, and then
run one by one, because Snowflake commits each by itself. No approval ever comes here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import field, frozen

from marketplace_sdk.plugin import InvalidInput, Problem, ProvisioningError, dotted_name, split_name
from marketplace_sdk_snowflake import masks, queries, statements
from marketplace_sdk_snowflake.failures import Failure
from marketplace_sdk_snowflake.items import unmask_condition, unmask_grantee
from marketplace_sdk_snowflake.kinds import table_or_view
from marketplace_sdk_snowflake.listing import Found, is_ours, objects_of, our_roles
from marketplace_sdk_snowflake.masking import Masks, refusal
from marketplace_sdk_snowflake.naming import (
    Marker,
    policy_name,
    quote_identifier,
    quote_name,
    role_prefix,
)
from marketplace_sdk_snowflake.rights import use_entitlements
from marketplace_sdk_snowflake.sessions import problem
from marketplace_sdk_snowflake.settings import Settings

if TYPE_CHECKING:
    from marketplace_sdk_snowflake.masks import ColumnName, Style
    from marketplace_sdk_snowflake.sessions import Talk

__all__ = ["Wanted", "column_named", "protect", "run", "unprotect"]

_PARTS = 3


@frozen(kw_only=True)
class Wanted:
    """What an administrator asks for.

    Attributes:
        column: to be masked.
        installation: of the marketplace whose exceptions show it in clear.
        service_role: the marketplace's own, which hands out memberships.
        policies: database and schema in which policies of ours are.
        style: what is shown instead of the value.
        agents: whether an AI agent sees what the person sees for whom it works.
        settings: of the connection.
    """

    column: ColumnName
    installation: str
    service_role: str
    policies: tuple[str, str]
    style: Style = "fixed"
    agents: bool = True
    settings: Settings = field(factory=Settings)

    @property
    def policy(self) -> tuple[str, str, str]:
        """The policy of ours for this column."""
        name = policy_name(self.installation, self.column, self.settings.prefix)
        return (*self.policies, name)

    @property
    def condition(self) -> str:
        """Who sees the value."""
        return unmask_condition(self.installation, self.column, self.settings)

    @property
    def marker(self) -> Marker:
        """The comment on what is made here: it is kept until it is taken away here."""
        return Marker(self.installation, masks.target_key(self.column), kept=True)


def column_named(object: str, column: str) -> ColumnName:
    """A column, from the name of its object as it is registered.

    Raises:
        InvalidInput: it is no such name.
    """
    try:
        parts = split_name(object)
        for part in (*parts, column):
            quote_identifier(part)
    except ValueError as error:
        raise InvalidInput(
            f"cannot use {object!r}", problems=[Problem("object", str(error))]
        ) from None
    if len(parts) != _PARTS:
        raise InvalidInput(
            f"cannot use {object!r}",
            problems=[Problem("object", "must be DATABASE.SCHEMA.NAME")],
            hint="put a part with a dot into double quotes; names are case-sensitive",
        )
    return parts[0], parts[1], parts[2], column


def protect(talk: Talk, wanted: Wanted) -> Sequence[str]:
    """Statements that put a policy of ours on a column that has none.

    Raises:
        InvalidInput: it cannot be done, and why.
        Failure: the account cannot be read.
    """
    found = _object(talk, wanted)
    read = Masks(talk, wanted.settings, wanted.installation)
    mask = read.of(wanted.column)
    if mask.state in ("missing", "unknown"):
        raise _refused(wanted, "column", mask.why)
    if mask.state == "tagged":
        raise _refused(
            wanted,
            "column",
            f"policy {dotted_name(*mask.policy)} masks it through a tag; one of ours would switch"
            " that off",
        )
    hook = masks.Subject(wanted.column, masks.hook_line(wanted.condition))
    if mask.state == "masked":
        raise _refused(wanted, "column", refusal(read, hook) or "its policy asks for us already")
    made = _policies(talk, wanted)
    return [
        *_holders(talk, wanted),
        *([] if made else [_create(wanted, mask.type)]),
        *_visible(talk, wanted),
        masks.set_policy(table_or_view(found.kind), wanted.column, wanted.policy),
    ]


def unprotect(talk: Talk, wanted: Wanted) -> Sequence[str]:
    """Statements that take a policy of ours from a column, which opens it to whoever reads it.

    Raises:
        InvalidInput: it cannot be done, and why.
        Failure: the account cannot be read.
    """
    found = _object(talk, wanted)
    mask = Masks(talk, wanted.settings, wanted.installation).of(wanted.column)
    if mask.policy != wanted.policy or not _policies(talk, wanted):
        raise _refused(wanted, "column", "no policy of this marketplace masks it")
    readers = _readers(talk, wanted, found)
    if readers:
        raise _refused(
            wanted, "object", f"{', '.join(readers)} may read it still; end that access first"
        )
    undo = [
        masks.unset_policy(table_or_view(found.kind), wanted.column),
        masks.drop_policy(wanted.policy),
    ]
    if wanted.settings.entitlements is None:
        grantee = unmask_grantee(wanted.installation, wanted.column, wanted.settings)
        role = our_roles(talk, [grantee]).get(grantee)
        if role is not None and role.marker == wanted.marker:
            members = talk.read(statements.show_members(grantee))
            if members:
                raise _refused(wanted, "column", f"{len(members)} still see it in clear")
            if role.owner != talk.acting.role:
                undo.append(statements.grant_ownership(grantee, talk.acting.role))
            undo.append(statements.drop_role(grantee))
    return undo


def run(talk: Talk, texts: Sequence[str]) -> None:
    """Run the statements.

    Raises:
        ProvisioningError: Snowflake refuses one; says which, and what was done before.
    """
    for number, text in enumerate(texts):
        try:
            talk.change(text)
        except Failure as failure:
            raise ProvisioningError(
                f"cannot set up the mask: {problem(failure)}; role {talk.acting.role} ran: {text}",
                hint=f"{number} of {len(texts)} statements are done; mend it and run it again",
            ) from None


def _object(talk: Talk, wanted: Wanted) -> Found:
    database, schema, table, _ = wanted.column
    try:
        found = objects_of(talk, (database, schema), {table}).get(table)
    except Failure as failure:
        if failure.kind not in ("absent", "denied"):
            raise
        found = None
    if found is None:
        role = talk.acting.role
        raise _refused(wanted, "object", f"there is none, or it is not visible to role {role}")
    return found


def _holders(talk: Talk, wanted: Wanted) -> Sequence[str]:
    """The unmask role, in the hands of the marketplace, or the table of entitlements.

    The role is made here and not with the first exception: as long as it is not there, whoever may
    create roles could make one of that name and see the column.
    """
    role = quote_identifier(wanted.service_role)
    table = wanted.settings.entitlements
    if table is not None:
        return [
            queries.create_entitlements(table),
            f"GRANT USAGE ON DATABASE {quote_identifier(table[0])} TO ROLE {role}",
            f"GRANT USAGE ON SCHEMA {quote_name(*table[:2])} TO ROLE {role}",
            use_entitlements(table, wanted.service_role),
        ]
    grantee = unmask_grantee(wanted.installation, wanted.column, wanted.settings)
    found = our_roles(talk, [grantee]).get(grantee)
    if found is None:
        made = [statements.create_role(grantee, wanted.marker)]
        if talk.acting.role != wanted.service_role:
            made.append(statements.grant_ownership(grantee, wanted.service_role))
        return made
    prefix = wanted.settings.prefix
    if not is_ours(found, wanted.installation, prefix, wanted.service_role):
        raise _refused(wanted, "column", f"NameCollision: role {grantee} exists, and is not ours")
    return []


def _policies(talk: Talk, wanted: Wanted) -> bool:
    """Whether our policy is there; InvalidInput if what is there is not ours."""
    try:
        rows = talk.read(masks.show_policies(wanted.policies))
    except Failure as failure:
        if failure.kind not in ("absent", "denied"):
            raise
        schema, role = dotted_name(*wanted.policies), talk.acting.role
        raise _refused(
            wanted, "policies", f"schema {schema} cannot be seen by role {role}"
        ) from None
    row = next((each for each in rows if each["name"] == wanted.policy[-1]), None)
    if row is None:
        return False
    body = talk.read(statements.describe_policy(wanted.policy))[0].get("body", "")
    marker = Marker.read(row.get("comment"))
    if marker != wanted.marker or not masks.asks(body, wanted.condition):
        raise _refused(
            wanted, "policies", f"policy {dotted_name(*wanted.policy)} exists, and is not ours"
        )
    return True


def _create(wanted: Wanted, type: str) -> str:
    try:
        return masks.create_policy(
            wanted.policy,
            type,
            wanted.condition,
            wanted.marker,
            wanted.style,
            agents=wanted.agents,
        )
    except ValueError as error:
        raise _refused(wanted, "column", str(error)) from None


def _visible(talk: Talk, wanted: Wanted) -> Sequence[str]:
    """What the marketplace needs to read the policy: that it still asks is checked every time."""
    if talk.acting.role == wanted.service_role:
        return []
    role = quote_identifier(wanted.service_role)
    return [
        f"GRANT USAGE ON DATABASE {quote_identifier(wanted.policies[0])} TO ROLE {role}",
        f"GRANT USAGE ON SCHEMA {quote_name(*wanted.policies)} TO ROLE {role}",
        f"GRANT APPLY ON MASKING POLICY {quote_name(*wanted.policy)} TO ROLE {role}",
    ]


def _readers(talk: Talk, wanted: Wanted, found: Found) -> Sequence[str]:
    """Roles of the marketplace that may read the object."""
    prefix = role_prefix(wanted.installation, wanted.settings.prefix)
    rows = talk.read(statements.show_grants_on(table_or_view(found.kind), found.name))
    names = {row["grantee_name"] for row in rows if row.get("privilege") == "SELECT"}
    return sorted(name for name in names if split_name(name)[-1].startswith(prefix))


def _refused(wanted: Wanted, path: str, why: str) -> InvalidInput:
    return InvalidInput(
        f"cannot change the mask of column {dotted_name(*wanted.column)}",
        problems=[Problem(path, why)],
    )
