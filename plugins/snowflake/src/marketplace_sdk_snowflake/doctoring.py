"""What our role lacks on the account, as the statements that an administrator must run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from attrs import frozen

from marketplace_sdk.plugin import Shortcoming, dotted_name, split_name
from marketplace_sdk_snowflake import rights, statements
from marketplace_sdk_snowflake.discovering import databases_of, schemas_of
from marketplace_sdk_snowflake.failures import Failure
from marketplace_sdk_snowflake.kinds import KEYWORDS, same_family
from marketplace_sdk_snowflake.listing import Found, objects_of, pages
from marketplace_sdk_snowflake.naming import Grantee, quote_identifier, quote_name, role_prefix
from marketplace_sdk_snowflake.resolving import SYSTEM_ROLES

if TYPE_CHECKING:
    from marketplace_sdk_snowflake.sessions import Talk
    from marketplace_sdk_snowflake.settings import Settings

__all__ = ["examine"]

_MOST_ROLES = 50
_YES = ("Y", "YES", "TRUE")
_WILD = frozenset('*?[]"')


def examine(
    talk: Talk, settings: Settings, installation: str, patterns: Sequence[str]
) -> Sequence[Shortcoming]:
    """Everything that is missing, in the order in which it is to be run, and then the risks.

    Args:
        talk: as our role.
        settings: of the connection.
        installation: whose roles must be ours; empty text: they are not looked at.
        patterns: of the objects that are to be opened, as in ``may_grant``.

    Raises:
        Failure: the account cannot be read.
    """
    held = _Held.of(talk)
    found = [
        *_abilities(held, settings, talk.acting.role),
        *_objects(talk, settings, held, patterns),
    ]
    if installation:
        found += _roles(talk, settings, installation)
    return [*found, *_risks(held, talk.acting.role)]


@frozen
class _Held:
    """What a role holds, by itself or through others.

    Attributes:
        rights: privilege, kind and name of what it is on, and whether it may be handed on.
        roles: through which.
    """

    rights: frozenset[tuple[str, str, tuple[str, ...], bool]]
    roles: tuple[str, ...]

    @classmethod
    def of(cls, talk: Talk) -> _Held:
        """Read role by role, as roles are members of roles."""
        found: set[tuple[str, str, tuple[str, ...], bool]] = set()
        seen: list[str] = []
        left = [talk.acting.role]
        while left and len(seen) < _MOST_ROLES:
            role = left.pop()
            seen.append(role)
            for row in talk.read(statements.show_privileges(Grantee(role))):
                kind = row.get("granted_on", "").replace("_", " ")
                name = _name(row.get("name", ""))
                option = row.get("grant_option", "").upper() in _YES
                found.add((row.get("privilege", ""), kind, name, option))
                if kind == "ROLE" and row.get("privilege") == "USAGE":
                    left += [name[-1]] if name[-1] not in (*seen, *left) else []
        return cls(frozenset(found), tuple(seen))

    def on_account(self, privilege: str) -> bool:
        """Whether it holds a privilege on the account."""
        return any(p == privilege and kind == "ACCOUNT" for p, kind, _, _ in self.rights)

    def manages(self, *name: str) -> bool:
        """Whether it may grant on a database, a schema or an object."""
        return self.on_account("MANAGE GRANTS") or any(
            p == "MANAGE GRANTS" and kind in ("DATABASE", "SCHEMA") and name[: len(on)] == on
            for p, kind, on, _ in self.rights
        )

    def hands_on(self, privilege: str, *name: str) -> bool:
        """Whether it may hand on a privilege that it was lent, or owns the thing."""
        return any(
            on == name and ((p == privilege and option) or p == "OWNERSHIP")
            for p, _, on, option in self.rights
        )


def _abilities(held: _Held, settings: Settings, role: str) -> Iterator[Shortcoming]:
    if settings.mode == "account_role" and not held.on_account("CREATE ROLE"):
        yield Shortcoming(
            severity="missing",
            problem="it may not create the role of a product",
            statement=rights.create_roles(role),
        )
    if settings.user_identity == "created_on" and not held.on_account("CREATE USER"):
        yield Shortcoming(
            severity="missing",
            problem="it may not see when a user was created, so that nobody can tell a user from"
            " a later one of that name; without this right, set user_identity = name",
            statement=f"GRANT CREATE USER ON ACCOUNT TO ROLE {quote_identifier(role)}",
        )


def _objects(
    talk: Talk, settings: Settings, held: _Held, patterns: Sequence[str]
) -> Iterator[Shortcoming]:
    role = talk.acting.role
    databases = databases_of(talk, patterns)
    for pattern in patterns:
        database, _, rest = pattern.partition(".")
        schema = rest.partition(".")[0]
        if _plain(database) and database not in databases:
            yield _unseen(f"database {database}", rights.hand_on_database(database, role))
        elif _plain(database) and _plain(schema) and schema not in schemas_of(talk, database):
            yield _unseen(
                f"schema {dotted_name(database, schema)}",
                rights.manage_schema((database, schema), role),
            )
    for database in databases:
        wanted = _wanted(talk, database, patterns)
        if wanted:
            yield from _whole_database(settings, held, database, role)
        elif any(each.startswith(f"{database}.") for each in patterns) and not held.manages(
            database
        ):
            yield _unseen(
                f"anything in database {database} that may be granted",
                rights.manage_database(database, role),
            )
        for schema, (managed, objects) in sorted(wanted.items()):
            yield from _schema(held, (database, schema), objects, role, managed=managed)


def _wanted(
    talk: Talk, database: str, patterns: Sequence[str]
) -> Mapping[str, tuple[bool, Sequence[Found]]]:
    """Objects that a pattern names, by schema, and whether that has managed access."""
    found: dict[str, tuple[bool, Sequence[Found]]] = {}
    for name, facts in schemas_of(talk, database).items():
        try:
            objects = objects_of(talk, (database, name))
        except Failure as failure:
            if failure.kind not in ("absent", "denied"):
                raise
            continue
        some = [
            each
            for _, each in sorted(objects.items())
            if each.kind and any(fnmatchcase(dotted_name(*each.name), p) for p in patterns)
        ]
        if some:
            found[name] = ("MANAGED ACCESS" in facts.get("options", ""), some)
    return found


def _whole_database(
    settings: Settings, held: _Held, database: str, role: str
) -> Iterator[Shortcoming]:
    if not (held.manages(database) or held.hands_on("USAGE", database)):
        yield Shortcoming(
            severity="missing",
            problem=f"it cannot hand on database {database}",
            statement=rights.hand_on_database(database, role),
        )
    creates = any(
        p in ("CREATE DATABASE ROLE", "OWNERSHIP") and on == (database,)
        for p, _, on, _ in held.rights
    )
    if settings.mode == "database_role" and not creates:
        yield Shortcoming(
            severity="missing",
            problem=f"it may not create the role of a product in database {database}",
            statement=rights.create_database_roles(database, role),
        )


def _schema(
    held: _Held, schema: tuple[str, str], wanted: Sequence[Found], role: str, *, managed: bool
) -> Iterator[Shortcoming]:
    """What lacks in one schema; in one with managed access, lending does not help."""
    if held.manages(*schema):
        return
    if managed:
        yield Shortcoming(
            severity="missing",
            problem=f"schema {dotted_name(*schema)} has managed access, in which only its owner and"
            " who manages grants may grant",
            statement=rights.manage_schema(schema, role),
        )
        return
    if not held.hands_on("USAGE", *schema):
        yield Shortcoming(
            severity="missing",
            problem=f"it cannot hand on schema {dotted_name(*schema)}",
            statement=rights.hand_on_schema(schema, role),
        )
    for each in wanted:
        if not held.hands_on("SELECT", *each.name):
            yield Shortcoming(
                severity="missing",
                problem=f"it cannot hand on {dotted_name(*each.name)}",
                statement=rights.hand_on_object(KEYWORDS[each.kind], each.name, role),
            )


def _roles(talk: Talk, settings: Settings, installation: str) -> Iterator[Shortcoming]:
    role, prefix = talk.acting.role, role_prefix(installation, settings.prefix)
    for row in pages(talk, lambda after: statements.show_roles(prefix=prefix, after=after)):
        if row.get("owner", "") != role:
            yield Shortcoming(
                severity="missing",
                problem=f"it does not own role {row['name']}, so nobody becomes a member of it",
                statement=f"{statements.grant_ownership(Grantee(row['name']), role)}"
                " COPY CURRENT GRANTS",
            )


def _risks(held: _Held, role: str) -> Iterator[Shortcoming]:
    me = quote_identifier(role)
    for privilege in ("MANAGE GRANTS", "APPLY MASKING POLICY"):
        if held.on_account(privilege):
            yield Shortcoming(
                severity="risk",
                problem=f"it holds {privilege} on the whole account, which it need not",
                statement=f"REVOKE {privilege} ON ACCOUNT FROM ROLE {me}",
            )
    for other in held.roles[1:]:
        if other in SYSTEM_ROLES - {"PUBLIC"}:
            yield Shortcoming(
                severity="risk",
                problem=f"it has everything that {other} has",
                statement=f"REVOKE ROLE {quote_identifier(other)} FROM ROLE {me}",
            )
    for privilege, kind, name, option in sorted(held.rights):
        if privilege == "SELECT" and same_family(kind) and (not option or held.manages(*name)):
            what = f"{kind} {quote_name(*name)}"
            yield Shortcoming(
                severity="risk",
                problem=f"it can read {dotted_name(*name)}, which it need not",
                statement=f"REVOKE SELECT ON {what} FROM ROLE {me}",  # noqa: S608 - quoted
            )


def _unseen(what: str, statement: str) -> Shortcoming:
    return Shortcoming(severity="missing", problem=f"it cannot see {what}", statement=statement)


def _plain(part: str) -> bool:
    return bool(part) and not _WILD & set(part)


def _name(text: str) -> tuple[str, ...]:
    try:
        return split_name(text)
    except ValueError:
        return (text,)
