"""What the fake knows of an account and its metastore."""

from __future__ import annotations

from typing import Any, Literal

import attrs

PrincipalKind = Literal["user", "group", "service_principal"]
Sight = Literal["none", "masked", "clear"]

ACCOUNT_USERS = "account users"
ACCOUNT_ADMIN = "account-admin@x.org"


@attrs.define
class Principal:
    """Somebody who may hold privileges.

    Attributes:
        id: the number by which SCIM knows the principal; never used twice.
        name: by which grants name it: e-mail in lower case, group name as it is spelled,
            application id.
        local: a group of one workspace, which holds no privileges in Unity Catalog.
        synced: a group whose members an identity provider decides.
        members: ids of the direct members of a group.
        managers: ids of who may change the members of a group.
        admin: of the account, who may change every principal, or of the workspace, who may make
            groups and manage those.
    """

    id: int
    kind: PrincipalKind
    name: str
    display_name: str
    external_id: str | None = None
    active: bool = True
    local: bool = False
    synced: bool = False
    members: set[int] = attrs.field(factory=set)
    managers: set[int] = attrs.field(factory=set)
    admin: Literal["", "workspace", "account"] = ""


@attrs.define
class Mask:
    """A mask function set on a column, with the further columns that it is given."""

    function: str
    using: tuple[str, ...] = ()


@attrs.define
class Column:
    """A column of a table or view.

    Attributes:
        over: of a view or what is filled from a query, the table and column whose values it shows.
    """

    name: str
    type: str
    nullable: bool = True
    comment: str | None = None
    mask: Mask | None = None
    tags: dict[str, str] = attrs.field(factory=dict)
    over: tuple[str, str] | None = None


@attrs.define
class Securable:
    """An object of Unity Catalog.

    Attributes:
        type: as it stands in a path: metastore, catalog, schema, table, function or volume.
        name: full name, in lower case.
        owner: id of a principal; None when the owner was deleted.
        kind: of a table, as ``table_type`` tells it.
        rows: of a table, each by column name in lower case.
        definition: the expression that a function returns, or the text of a view.
        parameters: names of the parameters of a function, with their types.
        reads: names of the tables, and with ``()`` behind them of the functions, that a view or
            function reads; None: the service does not tell.
        shows: what a function shows whose text the fake does not understand.
        destinations: where requests for access go.
    """

    id: str
    type: str
    name: str
    owner: int | None
    created_at: int
    updated_at: int
    comment: str | None = None
    kind: str = ""
    columns: dict[str, Column] = attrs.field(factory=dict)
    rows: list[dict[str, Any]] = attrs.field(factory=list)
    tags: dict[str, str] = attrs.field(factory=dict)
    definition: str = ""
    parameters: dict[str, str] = attrs.field(factory=dict)
    returns: str = "STRING"
    reads: tuple[str, ...] | None = None
    shows: Sight | None = None
    destinations: list[dict[str, Any]] = attrs.field(factory=list)

    @property
    def parts(self) -> list[str]:
        """The name part by part."""
        return self.name.split(".")


@attrs.define
class Policy:
    """An attribute-based policy, kept as it was sent."""

    id: str
    name: str
    on_type: str
    on_name: str
    body: dict[str, Any]
    created_at: int
    updated_at: int
    created_by: str
    updated_by: str


@attrs.frozen
class Call:
    """One request as it arrived, and how it ended. Neither token nor secret is kept.

    Attributes:
        path: raw, with every percent sign that the client sent.
        query: decoded.
        outcome: status of the answer, or the word for a connection that was closed.
    """

    method: str
    path: str
    query: dict[str, list[str]]
    body: Any
    outcome: int | str
    error_code: str | None
    user_agent: str
    caller: str | None
