"""CREATE, ALTER, COMMENT and DROP, executed."""

from __future__ import annotations

from typing import Any

from marketplace_sdk_snowflake.testing.kinds import family
from marketplace_sdk_snowflake.testing.refusals import (
    Refused,
    exists,
    insufficient,
    unknown_column,
)
from marketplace_sdk_snowflake.testing.running import Result, Run
from marketplace_sdk_snowflake.testing.statements import (
    CreateContainer,
    CreateRole,
    CreateTag,
    Drop,
    Name,
    SetComment,
    SetTag,
    Target,
)
from marketplace_sdk_snowflake.testing.world import (
    Database,
    Grantee,
    Relation,
    Schema,
    Securable,
    Tag,
    User,
)

__all__ = [
    "create_container",
    "create_role",
    "create_tag",
    "drop",
    "free",
    "made",
    "set_comment",
    "set_tag",
]

_DONE = Result.status("Statement executed successfully.")


def made(run: Run, kind: str, name: Name, comment: str) -> dict[str, Any]:
    """What every new thing begins with."""
    return {
        "kind": kind,
        "name": name,
        "owner": run.creator,
        "created_on": run.world.stamp(),
        "number": run.world.number(),
        "comment": comment,
    }


def free(run: Run, target: Target, *, if_missing: bool, replace: bool) -> Result | None:
    """An answer if the thing is there and may stay; else the name is free now.

    Raises:
        Refused: 002002, the name is taken; 003001, to be replaced by somebody who does not own it.
    """
    key = run.key(target)
    found = run.world.things.get(key)
    if found is None:
        return None
    if if_missing:
        return Result.status(f"{found.name[-1]} already exists, statement succeeded.")
    if not replace or found.kind != target.kind:
        raise exists(found.name[-1:])
    if not run.authority.owns(key):
        raise insufficient(found.kind, found.name[-1:])
    return None


def create_role(run: Run, statement: CreateRole) -> Result:
    """CREATE [DATABASE] ROLE; what it replaces loses its members and its grants."""
    target = statement.role
    name = run.full(target.kind, target.name)
    if target.kind == "ROLE":
        run.require_right("CREATE ROLE", "ACCOUNT", ())
    else:
        run.require_right("CREATE DATABASE ROLE", "DATABASE", name[:1])
    taken = free(run, target, if_missing=statement.if_missing, replace=statement.replace)
    if taken is not None:
        return taken
    run.world.remove((target.kind, name))
    run.world.add(Securable(**made(run, target.kind, name, statement.comment)))
    word = "Role" if target.kind == "ROLE" else "Database role"
    return Result.status(f"{word} {name[-1]} successfully created.")


def create_container(run: Run, statement: CreateContainer) -> Result:
    """CREATE DATABASE, SCHEMA or USER."""
    kind = statement.target.kind
    name = run.full(kind, statement.target.name)
    if kind == "SCHEMA":
        run.require_right("CREATE SCHEMA", "DATABASE", name[:1])
    else:
        run.require_right(f"CREATE {kind}", "ACCOUNT", ())
    taken = free(run, statement.target, if_missing=statement.if_missing, replace=False)
    if taken is not None:
        return taken
    facts = made(run, kind, name, statement.comment)
    if kind == "USER":
        run.world.add(User(**facts, login_name=name[0].upper()))
    elif kind == "DATABASE":
        run.world.add(Database(**facts))
    else:
        run.world.add(Schema(**facts, managed=statement.managed))
    return Result.status(f"{kind.capitalize()} {name[-1]} successfully created.")


def create_tag(run: Run, statement: CreateTag) -> Result:
    """CREATE TAG."""
    name = run.full("TAG", statement.target.name)
    run.require_right("CREATE TAG", "SCHEMA", name[:2])
    taken = free(run, statement.target, if_missing=statement.if_missing, replace=False)
    if taken is not None:
        return taken
    run.world.add(Tag(**made(run, "TAG", name, statement.comment)))
    return Result.status(f"Tag {name[-1]} successfully created.")


def set_comment(run: Run, statement: SetComment) -> Result:
    """ALTER ... SET COMMENT and COMMENT ON, for the owner."""
    if statement.if_exists and run.key(statement.target) not in run.world.things:
        return _DONE
    run.require_owner(statement.target).comment = statement.comment
    return _DONE


def set_tag(run: Run, statement: SetTag) -> Result:
    """ALTER ... SET TAG and UNSET TAG, for who may apply the tag there."""
    thing = run.require(statement.target)
    tag = run.require(Target("TAG", statement.tag))
    key = run.key(statement.target)
    everywhere = run.authority.holds("APPLY TAG", ("ACCOUNT", ()))
    if not everywhere and not (
        run.authority.owns(key) and run.authority.holds("APPLY", ("TAG", tag.name))
    ):
        raise insufficient(thing.kind, thing.name[-1:])
    if statement.column is not None:
        if not isinstance(thing, Relation) or statement.column not in thing.columns:
            raise unknown_column(statement.column)
        tags = thing.columns[statement.column].tags
    elif isinstance(thing, Relation):
        tags = thing.tags
    else:
        tags = run.world.tagged.setdefault(key, {})
    if statement.value is None:
        tags.pop(tag.name, None)
    else:
        tags[tag.name] = statement.value
    return _DONE


def drop(run: Run, statement: Drop) -> Result:
    """DROP, for the owner. What a dropped role owned goes to the role that drops it.

    Raises:
        Refused: 002003, it is not there or hidden; 003001, it is another's; 003734, a policy is
            still in use.
    """
    key = run.key(statement.target)
    if statement.if_exists and key not in run.world.things:
        return Result.status(
            f"Drop statement executed successfully ({statement.target.name[-1]} already dropped)."
        )
    thing = run.require_owner(statement.target)
    if thing.kind in {"MASKING POLICY", "TAG"}:
        _check_unused(run, thing)
    run.world.remove(key)
    former = Grantee(thing.kind, thing.name)
    for other in run.world.things.values():
        if other.owner == former:
            other.owner = run.creator
    return Result.status(f"{thing.name[-1]} successfully dropped.")


def _check_unused(run: Run, thing: Securable) -> None:
    used = any(
        thing.name == column.policy
        for relation in run.world.of_kind(family("TABLE"))
        if isinstance(relation, Relation)
        for column in relation.columns.values()
    ) or any(thing.name in tag.policies for tag in run.world.of_kind("TAG") if isinstance(tag, Tag))
    if used or (isinstance(thing, Tag) and thing.policies):
        raise Refused(
            3734,
            "42601",
            f"SQL compilation error:\nPolicy {thing.name[-1]} cannot be dropped/replaced as it is "
            "associated with one or more entities.",
        )
