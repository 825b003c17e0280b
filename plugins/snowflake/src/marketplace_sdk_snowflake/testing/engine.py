"""A statement's text to its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marketplace_sdk_snowflake.testing import (
    granting,
    objects,
    policies,
    queries,
    relations,
    rows,
    showing,
    showing_grants,
    statements,
)
from marketplace_sdk_snowflake.testing.authority import granted_roles
from marketplace_sdk_snowflake.testing.parsing import parse
from marketplace_sdk_snowflake.testing.refusals import Refused, absent, insufficient
from marketplace_sdk_snowflake.testing.running import Features, Result, Run
from marketplace_sdk_snowflake.testing.sessions import DEFAULTS, Session
from marketplace_sdk_snowflake.testing.statements import (
    AlterSession,
    Statement,
    Target,
    Transaction,
    Use,
)
from marketplace_sdk_snowflake.testing.world import Grantee, World

__all__ = ["execute", "use_role"]

_DONE = Result.status("Statement executed successfully.")
_ROWS = (statements.Insert, statements.Update, statements.Delete, statements.Merge)
_READS = (
    statements.Query,
    statements.Show,
    statements.ShowGrants,
    statements.Describe,
    statements.AlterSession,
    statements.Use,
    statements.Transaction,
)


def use_role(world: World, session: Session, name: str) -> None:
    """Make a role primary.

    Raises:
        Refused: 003013, it is not granted to the user.
    """
    role = Grantee("ROLE", (name,))
    held = granted_roles(world, Grantee("USER", (session.user,)))
    if world.find("ROLE", (name,)) is None:
        raise absent("ROLE", (name,), looking=True)
    if role not in held and name != "PUBLIC" and not session.administrator:
        raise Refused(
            3013,
            "42501",
            f"SQL access control error:\nRequested role '{name}' is not assigned to the executing "
            "user. Specify another role to activate.",
        )
    session.role = name


def _use(run: Run, statement: Use) -> Result:
    session, name = run.session, statement.name
    if statement.what == "SECONDARY ROLES":
        session.secondary = name[0]
    elif statement.what == "ROLE":
        use_role(run.world, session, name[0])
    elif statement.what == "WAREHOUSE":
        run.require(Target("WAREHOUSE", name), looking=True)
        if not run.authority.holds("USAGE", ("WAREHOUSE", name)):
            raise insufficient("WAREHOUSE", name)
        session.warehouse = name[0]
    else:
        found = run.require(Target(statement.what, name), looking=True)
        session.database = found.name[0]
        session.schema = found.name[1] if len(found.name) > 1 else ""
    return _DONE


def _alter_session(run: Run, statement: AlterSession) -> Result:
    for name, _ in statement.parameters:
        if name not in DEFAULTS:
            raise Refused(1006, "22023", f"SQL compilation error:\ninvalid parameter '{name}'")
    for name, value in statement.parameters:
        run.session.parameters[name] = DEFAULTS[name] if value is None else value
    return _DONE


def _transaction(run: Run, statement: Transaction) -> Result:
    session = run.session
    if statement.action == "BEGIN":
        session.undo = session.undo if session.undo is not None else []
        return _DONE
    if statement.action == "ROLLBACK":
        for relation, former in reversed(session.undo or []):
            relation.rows[:] = former
    session.undo = None
    return _DONE


_EXECUTORS: dict[type, Callable[[Run, Any], Result]] = {
    statements.AlterSession: _alter_session,
    statements.AttachPolicy: policies.attach_policy,
    statements.ChangeOwner: granting.change_owner,
    statements.CreateContainer: objects.create_container,
    statements.CreatePolicy: policies.create_policy,
    statements.CreateRelation: relations.create_relation,
    statements.CreateRole: objects.create_role,
    statements.CreateTag: objects.create_tag,
    statements.Delete: rows.delete,
    statements.Describe: showing.describe,
    statements.Drop: objects.drop,
    statements.GrantInherited: granting.grant_inherited,
    statements.GrantPrivileges: granting.grant_privileges,
    statements.GrantRole: granting.grant_role,
    statements.Insert: rows.insert,
    statements.Merge: rows.merge,
    statements.Query: queries.query,
    statements.ReplaceBody: policies.replace_body,
    statements.SetComment: objects.set_comment,
    statements.SetTag: objects.set_tag,
    statements.SetTagPolicy: policies.set_tag_policy,
    statements.Show: showing.show,
    statements.ShowGrants: showing_grants.show_grants,
    statements.Transaction: _transaction,
    statements.Update: rows.update,
    statements.Use: _use,
}


def execute(
    world: World, session: Session, features: Features, text: str, binds: tuple[Any, ...] = ()
) -> Result:
    """Run one statement.

    Raises:
        Refused: whatever Snowflake would refuse, with its number and its state.
    """
    statement, wanted = parse(text, fold_names=session.folds_names)
    if wanted != len(binds):
        raise Refused(
            2049, "42601", f"SQL compilation error:\n{wanted} values are bound, not {len(binds)}."
        )
    return _execute(Run(world, session, features, binds), statement)


def _execute(run: Run, statement: Statement) -> Result:
    if run.session.undo is not None and not isinstance(statement, (*_ROWS, *_READS)):
        run.session.undo = None  # DDL commits what was open
    return _EXECUTORS[type(statement)](run, statement)
