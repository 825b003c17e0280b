"""Masking policies: made, changed, attached and detached."""

from __future__ import annotations

from marketplace_sdk_snowflake.testing.kinds import VIEW_LIKE
from marketplace_sdk_snowflake.testing.objects import free, made
from marketplace_sdk_snowflake.testing.refusals import (
    Refused,
    insufficient,
    unknown_column,
    unsupported,
)
from marketplace_sdk_snowflake.testing.running import Result, Run
from marketplace_sdk_snowflake.testing.statements import (
    AttachPolicy,
    CreatePolicy,
    ReplaceBody,
    SetTagPolicy,
    Target,
)
from marketplace_sdk_snowflake.testing.world import Field, Policy, Relation, Tag

__all__ = [
    "attach_policy",
    "check_fit",
    "create_policy",
    "replace_body",
    "require_policy",
    "set_tag_policy",
]

_DONE = Result.status("Statement executed successfully.")


def _family(type_: str) -> str:
    return type_.split("(", 1)[0]


def _check_edition(run: Run) -> None:
    if not run.features.masking:
        raise unsupported("MASKING POLICY")


def _wrong_type(said: str, wanted: str) -> Refused:
    return Refused(
        3540,
        "42601",
        f"SQL compilation error:\nMasking policy type '{said}' does not match type '{wanted}'.",
    )


def create_policy(run: Run, statement: CreatePolicy) -> Result:
    """CREATE MASKING POLICY.

    Raises:
        Refused: 000002, the edition has none; 003001, no right; 002002, the name is taken;
            003734, to be replaced while in use; 003540, it returns another type than it is given.
    """
    _check_edition(run)
    name = run.full("MASKING POLICY", statement.target.name)
    run.require_right("CREATE MASKING POLICY", "SCHEMA", name[:2])
    taken = free(run, statement.target, if_missing=statement.if_missing, replace=statement.replace)
    if taken is not None:
        return taken
    if _family(statement.arguments[0][1]) != _family(statement.returns):
        raise _wrong_type(statement.returns, statement.arguments[0][1])
    if any(column.policy == name for column in _columns(run)):
        raise Refused(
            3734,
            "42601",
            f"SQL compilation error:\nPolicy {name[-1]} cannot be dropped/replaced as it is "
            "associated with one or more entities.",
        )
    facts = made(run, "MASKING POLICY", name, statement.comment)
    run.world.remove(("MASKING POLICY", name))
    run.world.add(
        Policy(
            **facts,
            arguments=statement.arguments,
            returns=statement.returns,
            body=statement.body,
            text=statement.body_text,
        )
    )
    return Result.status(f"Masking policy {name[-1]} successfully created.")


def _columns(run: Run) -> list[Field]:
    return [
        column
        for relation in run.world.of_kind("RELATION")
        if isinstance(relation, Relation)
        for column in relation.columns.values()
    ]


def replace_body(run: Run, statement: ReplaceBody) -> Result:
    """ALTER MASKING POLICY ... SET BODY, for the owner."""
    _check_edition(run)
    policy = run.require_owner(statement.target)
    if isinstance(policy, Policy):
        policy.body, policy.text = statement.body, statement.body_text
    return _DONE


def require_policy(run: Run, name: tuple[str, ...]) -> Policy:
    """A policy that the session may set: it holds APPLY on it, on the account, or owns it."""
    policy = run.require(Target("MASKING POLICY", name))
    key = ("MASKING POLICY", policy.name)
    everywhere = run.authority.holds("APPLY MASKING POLICY", ("ACCOUNT", ()))
    if not isinstance(policy, Policy) or not (everywhere or run.authority.holds("APPLY", key)):
        raise insufficient("MASKING POLICY", policy.name[-1:])
    return policy


def attach_policy(run: Run, statement: AttachPolicy) -> Result:
    """ALTER TABLE or VIEW ... SET and UNSET MASKING POLICY.

    For who holds APPLY MASKING POLICY on the account, or owns the table and may apply the policy.

    Raises:
        Refused: 000002, the edition has none; 002003, something is not there; 000904, no such
            column; 003001, no right; 003529, another policy is there; 003540, of another type.
    """
    _check_edition(run)
    relation = run.require(statement.target)
    if not isinstance(relation, Relation) or statement.column not in relation.columns:
        raise unknown_column(statement.column)
    column = relation.columns[statement.column]
    if not (
        run.authority.owns(run.key(statement.target))
        or run.authority.holds("APPLY MASKING POLICY", ("ACCOUNT", ()))
    ):
        word = "VIEW" if relation.kind in VIEW_LIKE else "TABLE"
        raise insufficient(word, relation.name[-1:])
    if statement.policy is None:
        if column.policy is None:
            raise Refused(
                3533, "42601", "SQL compilation error:\nColumn has no masking policy attached."
            )
        require_policy(run, column.policy)
        column.policy, column.using = None, ()
        return _DONE
    policy = require_policy(run, statement.policy)
    if column.policy is not None and column.policy != policy.name and not statement.force:
        raise Refused(
            3529,
            "42601",
            "SQL compilation error:\nSpecified column already attached to another masking policy. "
            "A column cannot be attached to multiple masking policies. Please drop the current "
            "association in order to attach a new masking policy.",
        )
    check_fit(relation, column, policy, statement.using)
    column.policy, column.using = policy.name, statement.using
    return _DONE


def check_fit(relation: Relation, column: Field, policy: Policy, using: tuple[str, ...]) -> None:
    """A policy fits a column when its arguments do, one by one.

    Raises:
        Refused: 003547, another number of them; 003540, of another type; 000904, no such column.
    """
    given = using or (column.name,)
    if given[0] != column.name or len(given) != len(policy.arguments):
        raise Refused(
            3547, "42601", "SQL compilation error:\nMasking policy has another number of arguments."
        )
    for name, (_, type_) in zip(given, policy.arguments, strict=True):
        if name not in relation.columns:
            raise unknown_column(name)
        if _family(relation.columns[name].type) != _family(type_):
            raise _wrong_type(type_, relation.columns[name].type)


def set_tag_policy(run: Run, statement: SetTagPolicy) -> Result:
    """ALTER TAG ... SET and UNSET MASKING POLICY: one policy for a type and a tag."""
    _check_edition(run)
    tag = run.require_owner(statement.tag)
    policy = require_policy(run, statement.policy)
    if not isinstance(tag, Tag):
        raise insufficient("TAG", tag.name[-1:])
    if not statement.attach:
        tag.policies = [name for name in tag.policies if name != policy.name]
        return _DONE
    rivals = [
        name
        for name in tag.policies
        if isinstance(other := run.world.find("MASKING POLICY", name), Policy)
        and _family(other.arguments[0][1]) == _family(policy.arguments[0][1])
        and name != policy.name
    ]
    if rivals and not statement.force:
        raise Refused(
            3552,
            "42601",
            "SQL compilation error:\nThe tag already has a masking policy for this data type.",
        )
    tag.policies = [name for name in tag.policies if name not in (*rivals, policy.name)]
    tag.policies.append(policy.name)
    return _DONE
