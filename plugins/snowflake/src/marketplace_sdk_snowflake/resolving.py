"""What registered names mean on the account right now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import Resolved, Unresolved, dotted_name, split_name
from marketplace_sdk_snowflake import statements
from marketplace_sdk_snowflake.failures import Failure
from marketplace_sdk_snowflake.listing import columns_of, objects_of, roles, users
from marketplace_sdk_snowflake.naming import quote_identifier, role_prefix
from marketplace_sdk_snowflake.showing import behind

if TYPE_CHECKING:
    from marketplace_sdk.plugin import Ref
    from marketplace_sdk_snowflake.listing import Found
    from marketplace_sdk_snowflake.passing import Pass
    from marketplace_sdk_snowflake.sessions import Talk
    from marketplace_sdk_snowflake.settings import Settings
    from marketplace_sdk_snowflake.showing import Behind

__all__ = ["ROLE", "resolve"]

ROLE = "role:"
"""What the name of a principal begins with that is a role, not a user."""

SYSTEM_ROLES = frozenset(
    {
        "PUBLIC",
        "ACCOUNTADMIN",
        "ORGADMIN",
        "GLOBALORGADMIN",
        "SECURITYADMIN",
        "USERADMIN",
        "SYSADMIN",
    }
)

_PARTS = 3


def resolve(
    talk: Talk, settings: Settings, installation: str, refs: Collection[Ref], known: Pass
) -> Mapping[Ref, Resolved | Unresolved]:
    """An answer for every name.

    Args:
        talk: with Snowflake.
        settings: of the connection.
        installation: whose roles are no principals.
        refs: the names.
        known: takes down what was found, for the rest of the pass.

    Raises:
        Failure: the account cannot be read.
    """
    people = [ref for ref in refs if ref.kind == "principal"]
    objects = [ref for ref in refs if ref.kind == "object"]
    answers: dict[Ref, Resolved | Unresolved] = {}
    answers.update(_principals(talk, settings, installation, people, known))
    answers.update(_objects(talk, settings, objects, known))
    return answers


def _principals(
    talk: Talk, settings: Settings, installation: str, refs: Collection[Ref], known: Pass
) -> Mapping[Ref, Resolved | Unresolved]:
    answers: dict[Ref, Resolved | Unresolved] = {}
    asked: dict[str, set[str]] = {"USER": set(), "ROLE": set()}
    for ref in refs:
        kind, name = _principal(ref)
        problem = _unusable(name)
        if problem:
            answers[ref] = _not_found(ref, problem)
            continue
        refused = _refused(kind, name, talk, role_prefix(installation, settings.prefix))
        if refused:
            answers[ref] = Unresolved(ref=ref, reason="not_allowed", message=refused)
        else:
            asked[kind].add(name)
    found = {
        "USER": users(talk, asked["USER"], settings.user_identity) if asked["USER"] else {},
        "ROLE": roles(talk, asked["ROLE"]) if asked["ROLE"] else {},
    }
    for ref in refs:
        if ref in answers:
            continue
        kind, name = _principal(ref)
        native = found[kind].get(name)
        if native is None:
            answers[ref] = _nobody(ref, kind, name, talk, found[kind])
        elif not native:
            answers[ref] = _hidden(ref, talk.acting.role)
        else:
            known.principals[kind, name] = native
            facts: Any = {"member": name, "member_kind": kind}
            answers[ref] = Resolved(
                ref=ref,
                platform=talk.acting.platform,
                native_id=native,
                name=ref.name,
                kind=kind.lower(),
                facts=facts,
            )
    return answers


def _principal(ref: Ref) -> tuple[str, str]:
    if ref.name.startswith(ROLE):
        return "ROLE", ref.name.removeprefix(ROLE)
    return "USER", ref.name


def _refused(kind: str, name: str, talk: Talk, prefix: str) -> str:
    """Why nobody may be made a member under this name; empty text if somebody may."""
    if kind == "USER":
        if name == talk.acting.user:
            return f"{name} is the marketplace's own user; register the user of a person"
        return ""
    if name.upper() in SYSTEM_ROLES:
        return f"{name} is a role of the system; register a user, or a role of one group"
    if name.startswith(prefix):
        return f"{name} is a role of this marketplace; register a user, or a role of one group"
    if name == talk.acting.role:
        return f"{name} is the marketplace's own role; register a user, or a role of one group"
    return ""


def _nobody(ref: Ref, kind: str, name: str, talk: Talk, found: Mapping[str, str]) -> Unresolved:
    twins = sorted(each for each in found if each.upper() == name.upper())
    why = f"no such {kind.lower()}, or it is not visible to role {talk.acting.role}"
    if kind == "USER":
        why += "; register the user's NAME, which may differ from LOGIN_NAME"
    return _not_found(ref, why, _hint(twins))


def _hidden(ref: Ref, role: str) -> Unresolved:
    return Unresolved(
        ref=ref,
        reason="cannot_look",
        message=f"cannot tell user {ref.name!r} from a later one of that name: role {role} may not"
        " see when it was created; an administrator must run: GRANT CREATE USER ON ACCOUNT TO"
        f" ROLE {quote_identifier(role)}; or set user_identity = name of the connection",
    )


def _objects(
    talk: Talk, settings: Settings, refs: Collection[Ref], known: Pass
) -> Mapping[Ref, Resolved | Unresolved]:
    answers: dict[Ref, Resolved | Unresolved] = {}
    schemas: dict[tuple[str, str], dict[Ref, str]] = {}
    for ref in refs:
        try:
            database, schema, table = _parts(ref.name)
        except ValueError as error:
            answers[ref] = _not_found(ref, str(error))
            continue
        if schema == "INFORMATION_SCHEMA":
            message = f"{database}.{schema} belongs to Snowflake itself"
            answers[ref] = Unresolved(ref=ref, reason="not_allowed", message=message)
            continue
        schemas.setdefault((database, schema), {})[ref] = table
    for schema_name, tables in sorted(schemas.items()):
        answers.update(_schema(talk, settings, schema_name, tables, known))
    return answers


def _schema(
    talk: Talk,
    settings: Settings,
    schema: tuple[str, str],
    tables: Mapping[Ref, str],
    known: Pass,
) -> Mapping[Ref, Resolved | Unresolved]:
    role = talk.acting.role
    try:
        found = objects_of(talk, schema, set(tables.values()))
    except Failure as failure:
        if failure.kind not in ("absent", "denied"):
            raise
        why = f"schema {dotted_name(*schema)} does not exist or is not visible to role {role}"
        return {ref: _not_found(ref, why) for ref in tables}
    wanted = {name: found[name] for name in tables.values() if name in found}
    columns: Mapping[str, tuple[str, ...]] = {}
    if wanted:
        try:
            columns = columns_of(talk, schema, wanted)
        except Failure as failure:
            if failure.kind not in ("absent", "denied"):
                raise
    imported = _imported(talk, schema[0]) if any(not o.owner for o in wanted.values()) else ""
    answers: dict[Ref, Resolved | Unresolved] = {}
    for ref, table in tables.items():
        if table not in found:
            twins = [dotted_name(*schema, n) for n in found if n.upper() == table.upper()]
            why = f"no such table or view, or it is not visible to role {role}"
            answers[ref] = _not_found(ref, why, _hint(twins))
            continue
        problem = imported or _unreadable(found[table])
        if problem:
            message = f"cannot open object {ref.name!r}: {problem}"
            answers[ref] = Unresolved(ref=ref, reason="unsupported", message=message)
        else:
            sources = behind(talk, settings, found[table])
            answers[ref] = _object(
                ref, found[table], columns.get(table, ()), sources, talk.acting.platform
            )
            known.objects[found[table].name] = found[table].native_id
    return answers


def _object(
    ref: Ref, found: Found, columns: tuple[str, ...], sources: Behind, platform: str
) -> Resolved:
    facts: Any = dict(zip(("database", "schema", "table"), found.name, strict=True))
    facts["behind"] = {"read": sorted(sources.read), "unknown": sorted(sources.unknown)}
    shown: Any = {"*": tuple((dotted_name(*each), "*") for each in sorted(sources.read))}
    return Resolved(
        ref=ref,
        platform=platform,
        native_id=found.native_id,
        name=dotted_name(*found.name),
        kind=found.kind,
        owner=found.owner,
        columns=columns,
        shows=shown if sources.read else {},
        facts=facts,
    )


def _unreadable(found: Found) -> str:
    return "" if found.kind else "it is of no kind that can be opened by itself"


def _imported(talk: Talk, database: str) -> str:
    """Why nothing in the database can be granted, if it comes from a share."""
    for row in talk.read(statements.show_databases(database)):
        if row["name"] == database and (row.get("origin") or "IMPORTED" in row.get("kind", "")):
            return (
                f"database {database} comes from a share, in which single objects cannot be"
                " granted; let its provider share database roles"
            )
    return ""


def _parts(name: str) -> tuple[str, str, str]:
    parts = split_name(name)
    if len(parts) != _PARTS:
        raise ValueError(
            "register it as DATABASE.SCHEMA.NAME, in double quotes where a part has a dot"
        )
    for part in parts:
        quote_identifier(part)
    return parts[0], parts[1], parts[2]


def _unusable(name: str) -> str:
    try:
        quote_identifier(name)
    except ValueError as error:
        return str(error)
    return ""


def _hint(twins: Collection[str]) -> str:
    # Snowflake folds unquoted names; whoever registered this may have copied such a one.
    return f"; there is {', '.join(sorted(twins))}, names are taken as registered" if twins else ""


def _not_found(ref: Ref, why: str, hint: str = "") -> Unresolved:
    message = f"cannot find {ref.kind} {ref.name!r}: {why}{hint}"
    return Unresolved(ref=ref, reason="not_found", message=message)
