"""What SHOW tells of each kind of thing: columns by their names in the documentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from marketplace_sdk_snowflake.testing.authority import granted_roles
from marketplace_sdk_snowflake.testing.kinds import TABLE_LIKE
from marketplace_sdk_snowflake.testing.running import Result, Run
from marketplace_sdk_snowflake.testing.world import (
    Database,
    Grantee,
    Relation,
    Schema,
    Securable,
    User,
)

__all__ = ["SORTS", "Facts", "table_of", "user_facts"]

Facts = dict[str, Any]


def table_of(rows: list[Facts], headings: Iterable[str]) -> Result:
    """An answer with these columns; times are times, all else is text."""
    names = list(headings)
    return Result(
        tuple((name, "timestamp_ltz" if name == "created_on" else "text") for name in names),
        tuple(tuple(row.get(name) for name in names) for row in rows),
    )


def _owner(thing: Securable) -> str:
    return thing.owner.name[-1] if thing.owner else ""


def _owner_type(thing: Securable) -> str:
    return thing.owner.kind.replace(" ", "_") if thing.owner else ""


def _yes(value: object) -> str:
    return "Y" if value else "N"


def _role(run: Run, role: Securable) -> Facts:
    holders = [
        grant.grantee for grant in run.world.grants.values() if grant.on == (role.kind, role.name)
    ]
    kinds = [holder.kind for holder in holders]
    below = granted_roles(run.world, Grantee(role.kind, role.name))
    return {
        "created_on": role.created_on,
        "name": role.name[-1],
        "is_default": "N",
        "is_current": _yes(role.name == (run.session.role,)),
        "is_inherited": _yes(Grantee(role.kind, role.name) in run.authority.holders),
        "assigned_to_users": kinds.count("USER"),
        "granted_to_roles": kinds.count("ROLE"),
        "granted_roles": len(below),
        "granted_to_database_roles": kinds.count("DATABASE ROLE"),
        "granted_database_roles": len([one for one in below if one.kind == "DATABASE ROLE"]),
        "owner": _owner(role),
        "comment": role.comment,
        "owner_role_type": _owner_type(role),
    }


def user_facts(run: Run, user: Securable) -> Facts:
    """Everybody sees the name; the rest is for the owner and for who may create users."""
    if not isinstance(user, User):
        return {}
    key = ("USER", user.name)
    if not (run.authority.owns(key) or run.authority.holds("CREATE USER", ("ACCOUNT", ()))):
        return {"name": user.name[0]}
    return {
        "name": user.name[0],
        "created_on": user.created_on,
        "login_name": user.login_name,
        "display_name": user.name[0],
        "email": user.email,
        "comment": user.comment,
        "disabled": str(user.disabled).lower(),
        "default_role": user.default_role,
        "default_secondary_roles": '["ALL"]' if user.default_secondary_roles == "ALL" else "[]",
        "owner": _owner(user),
        "has_password": str("PASSWORD" in user.secrets).lower(),
        "has_rsa_public_key": str("PUBLIC_KEY" in user.secrets).lower(),
        "type": user.type,
    }


def _database(run: Run, database: Securable) -> Facts:
    imported = isinstance(database, Database) and database.imported
    return {
        "created_on": database.created_on,
        "name": database.name[0],
        "is_default": "N",
        "is_current": _yes(database.name == (run.session.database,)),
        "origin": "PROVIDER.SHARED" if imported else "",
        "owner": _owner(database),
        "comment": database.comment,
        "options": "",
        "retention_time": "1",
        "kind": "IMPORTED DATABASE" if imported else "STANDARD",
        "owner_role_type": _owner_type(database),
    }


def _schema(run: Run, schema: Securable) -> Facts:
    managed = isinstance(schema, Schema) and schema.managed
    return {
        "created_on": schema.created_on,
        "name": schema.name[-1],
        "is_default": "N",
        "is_current": _yes(schema.name == (run.session.database, run.session.schema)),
        "database_name": schema.name[0],
        "owner": _owner(schema),
        "comment": schema.comment,
        "options": "MANAGED ACCESS" if managed else "",
        "retention_time": "1",
        "owner_role_type": _owner_type(schema),
    }


def _relation(_: Run, thing: Securable) -> Facts:
    kinds = {"EXTERNAL TABLE": "EXTERNAL_TABLE", "MATERIALIZED VIEW": "MATERIALIZED_VIEW"}
    relation = thing if isinstance(thing, Relation) else None
    plain = "TABLE" if thing.kind in TABLE_LIKE else thing.kind
    return {
        "created_on": thing.created_on,
        "name": thing.name[-1],
        "database_name": thing.name[0],
        "schema_name": thing.name[1],
        "kind": kinds.get(thing.kind, plain),
        "comment": thing.comment,
        "cluster_by": "",
        "rows": len(relation.rows) if relation else 0,
        "bytes": 0,
        "owner": _owner(thing),
        "retention_time": "1",
        "owner_role_type": _owner_type(thing),
        "is_external": _yes(thing.kind == "EXTERNAL TABLE"),
        "is_event": _yes(thing.kind == "EVENT TABLE"),
        "is_hybrid": "N",
        "is_iceberg": _yes(thing.kind == "ICEBERG TABLE"),
        "is_dynamic": _yes(thing.kind == "DYNAMIC TABLE"),
        "text": relation.text if relation else "",
        "is_secure": str(bool(relation and relation.secure)).lower(),
        "is_materialized": str(thing.kind == "MATERIALIZED VIEW").lower(),
    }


def _policy(_: Run, policy: Securable) -> Facts:
    return {
        "created_on": policy.created_on,
        "name": policy.name[-1],
        "database_name": policy.name[0],
        "schema_name": policy.name[1],
        "kind": "MASKING_POLICY" if policy.kind == "MASKING POLICY" else policy.kind,
        "owner": _owner(policy),
        "comment": policy.comment,
        "owner_role_type": _owner_type(policy),
        "options": "",
        "allowed_values": None,
    }


def _warehouse(_: Run, warehouse: Securable) -> Facts:
    return {
        "name": warehouse.name[0],
        "state": "STARTED",
        "type": "STANDARD",
        "size": "X-Small",
        "owner": _owner(warehouse),
        "comment": warehouse.comment,
        "created_on": warehouse.created_on,
    }


_ROLE = "created_on name is_default is_current is_inherited "
_IN_SCHEMA = "created_on name database_name schema_name kind "
SORTS: dict[str, tuple[tuple[str, ...], Callable[[Run, Securable], Facts], str]] = {
    "ROLES": (
        ("ROLE",),
        _role,
        _ROLE + "assigned_to_users granted_to_roles granted_roles owner comment",
    ),
    "DATABASE ROLES": (
        ("DATABASE ROLE",),
        _role,
        _ROLE + "granted_to_roles granted_to_database_roles granted_database_roles owner comment "
        "owner_role_type",
    ),
    "USERS": (
        ("USER",),
        user_facts,
        (
            "name created_on login_name display_name first_name last_name email mins_to_unlock "
            "days_to_expiry comment disabled must_change_password snowflake_lock default_warehouse "
            "default_namespace default_role default_secondary_roles ext_authn_duo ext_authn_uid "
            "mins_to_bypass_mfa owner last_success_login expires_at_time locked_until_time "
            "has_password has_rsa_public_key type has_mfa"
        ),
    ),
    "DATABASES": (
        ("DATABASE",),
        _database,
        (
            "created_on name is_default is_current origin owner comment options retention_time "
            "kind owner_role_type"
        ),
    ),
    "SCHEMAS": (
        ("SCHEMA",),
        _schema,
        (
            "created_on name is_default is_current database_name owner comment options "
            "retention_time owner_role_type"
        ),
    ),
    "OBJECTS": (
        ("RELATION",),
        _relation,
        _IN_SCHEMA + "comment cluster_by rows bytes owner retention_time owner_role_type "
        "is_hybrid is_dynamic is_iceberg",
    ),
    "TABLES": (
        ("RELATION",),
        _relation,
        _IN_SCHEMA + "comment cluster_by rows bytes owner retention_time is_external "
        "owner_role_type is_event is_hybrid is_iceberg is_dynamic",
    ),
    "DYNAMIC TABLES": (
        ("RELATION",),
        _relation,
        _IN_SCHEMA + "cluster_by rows bytes owner comment text owner_role_type",
    ),
    "VIEWS": (
        ("RELATION",),
        _relation,
        (
            "created_on name reserved database_name schema_name owner comment text is_secure "
            "is_materialized owner_role_type"
        ),
    ),
    "MASKING POLICIES": (
        ("MASKING POLICY",),
        _policy,
        _IN_SCHEMA + "owner comment owner_role_type options",
    ),
    "TAGS": (
        ("TAG",),
        _policy,
        "created_on name database_name schema_name owner comment allowed_values owner_role_type",
    ),
    "WAREHOUSES": (("WAREHOUSE",), _warehouse, "name state type size owner comment created_on"),
}
"""Per word after SHOW: families of things, what to tell of one, and the columns."""
