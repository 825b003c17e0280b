"""Builds a world without SQL: users, roles, objects and policies, as an administrator would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from marketplace_sdk_snowflake.testing.cursor import Cursor
from marketplace_sdk_snowflake.testing.kinds import depth, family
from marketplace_sdk_snowflake.testing.parsing_expressions import (
    parse_expression,
    parse_type,
)
from marketplace_sdk_snowflake.testing.statements import Name
from marketplace_sdk_snowflake.testing.world import (
    Database,
    Field,
    Grantee,
    Policy,
    Relation,
    Schema,
    Securable,
    Tag,
    User,
    World,
)

__all__ = ["Builder", "seed"]

_ADMIN = Grantee("ROLE", ("ACCOUNTADMIN",))
_SYSTEM_ROLES = ("ACCOUNTADMIN", "SECURITYADMIN", "USERADMIN", "SYSADMIN", "PUBLIC")
_HELD = (
    ("SECURITYADMIN", "ACCOUNTADMIN"),
    ("SYSADMIN", "ACCOUNTADMIN"),
    ("USERADMIN", "SECURITYADMIN"),
)
_ON_ACCOUNT = (
    ("MANAGE GRANTS", "SECURITYADMIN"),
    ("CREATE ROLE", "USERADMIN"),
    ("CREATE USER", "USERADMIN"),
    ("CREATE DATABASE", "SYSADMIN"),
    ("CREATE WAREHOUSE", "SYSADMIN"),
    ("APPLY MASKING POLICY", "ACCOUNTADMIN"),
    ("APPLY TAG", "ACCOUNTADMIN"),
)


def seed(world: World) -> None:
    """What every account begins with: the roles of the system and a warehouse for everybody."""
    for role in _SYSTEM_ROLES:
        world.add(Securable("ROLE", (role,), None, world.stamp(), world.number()))
    for role, holder in _HELD:
        world.give("USAGE", ("ROLE", (role,)), Grantee("ROLE", (holder,)))
    for privilege, role in _ON_ACCOUNT:
        world.give(privilege, ("ACCOUNT", ()), Grantee("ROLE", (role,)), option=True)
    world.add(Securable("WAREHOUSE", ("COMPUTE_WH",), _ADMIN, world.stamp(), world.number()))
    world.give("USAGE", ("WAREHOUSE", ("COMPUTE_WH",)), Grantee("ROLE", ("PUBLIC",)))


class Builder:
    """Helpers that change a world directly; names are exact, nothing is folded."""

    def __init__(self, world: World) -> None:
        self.world = world

    def _facts(self, kind: str, name: Name, owner: str | Name, comment: str = "") -> dict[str, Any]:
        if len(name) != depth(kind):
            raise ValueError(f"a {kind.lower()} has {depth(kind)} parts in its name, not {name!r}")
        key = (family(kind), name)
        if key in self.world.things:
            raise ValueError(f"there is a {kind.lower()} {name!r} already")
        role = (owner,) if isinstance(owner, str) else owner
        return {
            "kind": kind,
            "name": name,
            "owner": Grantee("ROLE" if len(role) == 1 else "DATABASE ROLE", role),
            "created_on": self.world.stamp(),
            "number": self.world.number(),
            "comment": comment,
        }

    def user(
        self,
        name: str,
        *,
        login_name: str | None = None,
        email: str = "",
        roles: Iterable[str | Name] = (),
        default_role: str = "",
        default_secondary_roles: str = "ALL",
        disabled: bool = False,
        type: str = "PERSON",
        owner: str = "ACCOUNTADMIN",
        **secrets: str,
    ) -> None:
        """A user. ``secrets`` are password, public_key (PEM), oauth, programmatic_access_token."""
        self.world.add(
            User(
                **self._facts("USER", (name,), owner),
                login_name=login_name if login_name is not None else name.upper(),
                email=email,
                default_role=default_role,
                default_secondary_roles=default_secondary_roles,
                disabled=disabled,
                type=type,
                secrets={kind.upper(): secret for kind, secret in secrets.items()},
            )
        )
        for role in roles:
            self.grant_role(role, ("USER", name))

    def role(
        self,
        name: str,
        *,
        owner: str = "ACCOUNTADMIN",
        comment: str = "",
        under: Iterable[str] = (),
    ) -> None:
        """A role; the roles ``under`` it are granted to it."""
        self.world.add(Securable(**self._facts("ROLE", (name,), owner, comment)))
        for child in under:
            self.grant_role(child, ("ROLE", name))

    def database_role(self, name: Name, *, owner: str = "ACCOUNTADMIN", comment: str = "") -> None:
        """A database role: its database and its name."""
        self.database(name[0])
        self.world.add(Securable(**self._facts("DATABASE ROLE", name, owner, comment)))

    def grant_role(self, role: str | Name, to: tuple[str, str]) -> None:
        """Grant a role, or a database role by its two parts, to ``("USER", name)`` or a role."""
        key = ("ROLE", (role,)) if isinstance(role, str) else ("DATABASE ROLE", role)
        kind, name = to
        if key not in self.world.things or self.world.find(kind, (name,)) is None:
            raise ValueError(f"there is no role {role!r}, or no {kind.lower()} {name!r}")
        owner = self.world.things[key].owner
        self.world.give("USAGE", key, Grantee(kind, (name,)), by=owner)

    def database(self, name: str, *, owner: str = "ACCOUNTADMIN", imported: bool = False) -> None:
        """A database, unless it is there."""
        if self.world.find("DATABASE", (name,)) is None:
            self.world.add(Database(**self._facts("DATABASE", (name,), owner), imported=imported))

    def schema(self, name: Name, *, owner: str = "ACCOUNTADMIN", managed: bool = False) -> None:
        """A schema with its database, unless it is there."""
        self.database(name[0])
        if self.world.find("SCHEMA", name) is None:
            self.world.add(Schema(**self._facts("SCHEMA", name, owner), managed=managed))

    def table(
        self,
        name: Name,
        columns: Mapping[str, str] | Iterable[str] = ("ID",),
        *,
        kind: str = "TABLE",
        owner: str | Name = "ACCOUNTADMIN",
        comment: str = "",
        rows: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        """A table of any kind with its schema; columns without a type are VARCHAR."""
        self.schema(name[:2])
        types = columns if isinstance(columns, Mapping) else dict.fromkeys(columns, "VARCHAR")
        relation = Relation(**self._facts(kind, name, owner, comment))
        relation.columns = {
            column: Field(column, parse_type(Cursor(type_))) for column, type_ in types.items()
        }
        relation.rows = [{column: row.get(column) for column in types} for row in rows]
        self.world.add(relation)

    def view(
        self,
        name: Name,
        *,
        over: Name,
        columns: Mapping[str, str] | Iterable[str] | None = None,
        kind: str = "VIEW",
        secure: bool = False,
        owner: str | Name = "ACCOUNTADMIN",
        comment: str = "",
        text: str = "",
    ) -> None:
        """A view over one table or view, or a dynamic table that was filled from it.

        Args:
            columns: its names, or a mapping of them to those of ``over``.
            text: its query, as SHOW tells it.
        """
        base = self.world.relation(over)
        if base is None:
            raise ValueError(f"there is no table or view {over!r}")
        chosen = list(base.columns) if columns is None else columns
        origins = dict(chosen) if isinstance(chosen, Mapping) else {one: one for one in chosen}
        self.schema(name[:2])
        relation = Relation(**self._facts(kind, name, owner, comment))
        relation.over, relation.origins, relation.secure = over, origins, secure
        relation.text = text or f"a {kind} over {'.'.join(over)}"
        relation.columns = {
            column: Field(column, base.columns[origin].type) for column, origin in origins.items()
        }
        self.world.add(relation)

    def tag(
        self, name: Name, *, policies: Iterable[Name] = (), owner: str = "ACCOUNTADMIN"
    ) -> None:
        """A tag with its schema, and the policies that it carries to columns."""
        self.schema(name[:2])
        self.world.add(Tag(**self._facts("TAG", name, owner), policies=list(policies)))

    def policy(
        self,
        name: Name,
        body: str,
        *,
        type: str = "VARCHAR",
        arguments: Mapping[str, str] | None = None,
        owner: str = "ACCOUNTADMIN",
        comment: str = "",
        on: Iterable[tuple[Name, str]] = (),
    ) -> None:
        """A masking policy with its schema, attached ``on`` columns, each (table, column)."""
        self.schema(name[:2])
        given = arguments or {"val": type}
        cursor = Cursor(body)
        expression = parse_expression(cursor)
        cursor.finish()
        signature = tuple(
            (argument.upper(), parse_type(Cursor(type_))) for argument, type_ in given.items()
        )
        self.world.add(
            Policy(
                **self._facts("MASKING POLICY", name, owner, comment),
                arguments=signature,
                returns=signature[0][1],
                body=expression,
                text=body,
            )
        )
        for table, column in on:
            relation = self.world.relation(table)
            if relation is None or column not in relation.columns:
                raise ValueError(f"there is no column {column!r} of {table!r}")
            relation.columns[column].policy = name
