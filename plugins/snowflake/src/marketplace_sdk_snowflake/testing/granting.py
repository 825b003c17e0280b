"""GRANT and REVOKE, executed."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from marketplace_sdk_snowflake.testing.authority import below
from marketplace_sdk_snowflake.testing.refusals import (
    Refused,
    insufficient,
    not_granted,
    unsupported,
)
from marketplace_sdk_snowflake.testing.running import Result, Run
from marketplace_sdk_snowflake.testing.statements import (
    ChangeOwner,
    GrantInherited,
    GrantPrivileges,
    GrantRole,
    Target,
)
from marketplace_sdk_snowflake.testing.world import (
    Database,
    Grant,
    Grantee,
    Inherited,
    Key,
)

__all__ = ["change_owner", "grant_inherited", "grant_privileges", "grant_role"]

_DONE = Result.status("Statement executed successfully.")


def grant_role(run: Run, statement: GrantRole) -> Result:
    """GRANT or REVOKE of a role: to be granted by its owner or by who manages grants.

    Raises:
        Refused: 002003, no such role, user or grantee; 003001, no right; 003036, it was handed on.
    """
    role = run.require(statement.role)
    grantee = _grantee(run, statement.grantee)
    key: Key = (role.kind, role.name)
    may, owner = run.authority.grantor("USAGE", key)
    if not may:
        raise insufficient(role.kind, role.name)
    if statement.revoke:
        _take(run, ["USAGE"], key, grantee, statement)
        return _DONE
    if Grantee(*key) == grantee or grantee in below(run.world, [Grantee(*key)]):
        raise Refused(
            3039, "42601", "SQL compilation error:\nRole grant would make a cycle of roles."
        )
    held = [slot for slot in run.world.grants if slot[1] == key and slot[2] == grantee]
    by = held[0][3] if held else owner
    run.world.give("USAGE", key, grantee, by=by, option=statement.option)
    return _DONE


def _grantee(run: Run, target: Target) -> Grantee:
    thing = run.require(target)
    return Grantee(thing.kind, thing.name)


def grant_privileges(run: Run, statement: GrantPrivileges) -> Result:
    """GRANT or REVOKE of privileges, each on its own.

    Raises:
        Refused: 002003, something is not there; 003102, 003103, no right to any of them; 003011,
            003012, to some only; 003036, a revocation with dependants.
    """
    key = _on(run, statement.on)
    grantee = _grantee(run, statement.grantee)
    _check_place(key, grantee)
    _check_features(run, statement, key)
    done = [
        privilege
        for privilege in statement.privileges
        if _one(run, statement, privilege, key, grantee)
    ]
    if len(done) < len(statement.privileges):
        if run.features.old_failures:
            verb = "Revoke" if statement.revoke else "Grant"
            how = "partially" if done else "not"
            return Result.status(f"{verb} {how} executed: Insufficient privileges.")
        raise not_granted(revoke=statement.revoke, partially=bool(done))
    return _DONE


def _on(run: Run, on: Target) -> Key:
    if on.kind == "ACCOUNT":
        return ("ACCOUNT", ())
    run.require(on)
    return run.key(on)


def _one(run: Run, statement: GrantPrivileges, privilege: str, key: Key, grantee: Grantee) -> bool:
    may, grantor = run.authority.grantor(privilege, key)
    if not may:
        return False
    if statement.revoke:
        _take(run, [privilege], key, grantee, statement)
    else:
        run.world.give(privilege, key, grantee, by=grantor, option=statement.option)
    return True


def _check_place(key: Key, grantee: Grantee) -> None:
    """A database role holds privileges in its own database only."""
    if grantee.kind == "DATABASE ROLE" and key[1][:1] != grantee.name[:1]:
        raise Refused(
            3044,
            "42601",
            "SQL compilation error:\nA database role can only be granted privileges on objects of "
            "its own database.",
        )


def _check_features(run: Run, statement: GrantPrivileges, key: Key) -> None:
    if (
        "MANAGE GRANTS" in statement.privileges
        and key[0] != "ACCOUNT"
        and not run.features.inherited_grants
    ):
        raise unsupported("MANAGE GRANTS on a container")
    if "MANAGE GRANTS" in statement.privileges and statement.grantee.kind == "USER":
        raise unsupported("MANAGE GRANTS to a user")
    database = run.world.find("DATABASE", key[1][:1])
    if isinstance(database, Database):
        shared = "IMPORTED PRIVILEGES" in statement.privileges
        if database.imported and not (shared and key[0] == "DATABASE"):
            raise Refused(
                3055,
                "0A000",
                "SQL compilation error:\nGranting individual privileges on imported databases is "
                "not allowed. Use 'GRANT IMPORTED PRIVILEGES' instead.",
            )
        if shared and not database.imported:
            raise Refused(
                3056, "0A000", "SQL compilation error:\nThe database is not an imported database."
            )


def _take(
    run: Run,
    privileges: list[str],
    key: Key,
    grantee: Grantee,
    statement: GrantPrivileges | GrantRole,
) -> None:
    """Take grants away, with what depends on them or not at all.

    Who owns the thing or manages its grants takes them whoever gave them; who only holds the grant
    option takes its own.
    """
    grants = run.world.grants
    every = run.authority.owns(key) or run.authority.manages(key) or statement.cascade
    slots = [
        slot
        for slot in grants
        if slot[0] in privileges
        and slot[1:3] == (key, grantee)
        and (every or slot[3] in run.authority.holders)
    ]
    for privilege in privileges:
        handed_on = _handed_on(grants.values(), privilege, key, grantee)
        if slots and handed_on:
            if not statement.cascade:
                raise Refused(
                    3036,
                    "23001",
                    f"SQL execution error:\nDependent grant of privilege '{privilege}' exists. It "
                    "must be revoked first; use CASCADE to revoke it too.",
                )
            for grant in handed_on:
                _take(run, [privilege], key, grant.grantee, evolve(statement, option=False))
    for slot in slots:
        if statement.option:
            grants[slot] = evolve(grants[slot], option=False)
        else:
            grants.pop(slot, None)


def _handed_on(grants: Iterable[Grant], privilege: str, key: Key, by: Grantee) -> list[Grant]:
    return [
        grant
        for grant in grants
        if grant.privilege == privilege and grant.on == key and grant.granted_by == by
    ]


def change_owner(run: Run, statement: ChangeOwner) -> Result:
    """GRANT OWNERSHIP: grants that others hold must be copied or revoked in the same breath.

    Raises:
        Refused: 002003, something is not there; 003001, no right; 003036, grants that are there.
    """
    thing = run.require(statement.on)
    key = run.key(statement.on)
    grantee = _grantee(run, statement.grantee)
    if not (run.authority.owns(key) or run.authority.manages(key)):
        raise insufficient(thing.kind, thing.name[-1:])
    held = [slot for slot, grant in run.world.grants.items() if grant.on == key]
    if held and thing.kind not in {"ROLE", "DATABASE ROLE"}:
        if not statement.current:
            raise Refused(
                3036, "23001", "SQL execution error:\nDependent grant of privilege exists."
            )
        if statement.current == "REVOKE":
            for slot in held:
                del run.world.grants[slot]
    thing.owner = grantee
    return _DONE


def grant_inherited(run: Run, statement: GrantInherited) -> Result:
    """GRANT INHERITED: for who manages grants on the container; owning it is not enough.

    Raises:
        Refused: 000002, the account has not chosen it; 002003, something is not there; 003102,
            003103, no right.
    """
    if not run.features.inherited_grants:
        raise unsupported("GRANT INHERITED")
    container = _on(run, statement.container)
    grantee = _grantee(run, statement.grantee)
    _check_place(container, grantee)
    if not run.authority.manages(container):
        raise not_granted(revoke=statement.revoke, partially=False)
    for privilege in statement.privileges:
        same = [
            grant
            for grant in run.world.inherited
            if (grant.privilege, grant.kind, grant.container, grant.grantee)
            == (privilege, statement.kind, container, grantee)
        ]
        if statement.revoke:
            for grant in same:
                run.world.inherited.remove(grant)
        elif not same:
            run.world.inherited.append(
                Inherited(
                    privilege,
                    statement.kind,
                    container,
                    grantee,
                    run.creator,
                    run.world.stamp(),
                )
            )
    return _DONE
