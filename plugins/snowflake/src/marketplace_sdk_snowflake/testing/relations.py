"""CREATE TABLE and VIEW, executed."""

from __future__ import annotations

from marketplace_sdk_snowflake.testing.expressions import Column
from marketplace_sdk_snowflake.testing.objects import free, made
from marketplace_sdk_snowflake.testing.policies import check_fit, require_policy
from marketplace_sdk_snowflake.testing.refusals import Refused, unknown_column
from marketplace_sdk_snowflake.testing.running import Result, Run
from marketplace_sdk_snowflake.testing.statements import CreateRelation, Target
from marketplace_sdk_snowflake.testing.world import Field, Relation

__all__ = ["create_relation"]


def create_relation(run: Run, statement: CreateRelation) -> Result:
    """CREATE TABLE or VIEW; what it replaces loses its grants, unless they are copied."""
    target = statement.target
    name = run.full(target.kind, target.name)
    run.require_right(f"CREATE {target.kind}", "SCHEMA", name[:2])
    taken = free(run, target, if_missing=statement.if_missing, replace=statement.replace)
    if taken is not None:
        return taken
    key = ("RELATION", name)
    kept = [grant for grant in run.world.grants.values() if grant.on == key]
    relation = Relation(**made(run, target.kind, name, statement.comment))
    if statement.query is None:
        _fill_table(run, relation, statement)
    else:
        _fill_view(run, relation, statement)
    run.world.remove(key)
    run.world.add(relation)
    for grant in kept if statement.copy_grants else ():
        run.world.grants[grant.privilege, grant.on, grant.grantee, grant.granted_by] = grant
    word = "View" if "VIEW" in target.kind else "Table"
    return Result.status(f"{word} {name[-1]} successfully created.")


def _fill_table(run: Run, relation: Relation, statement: CreateRelation) -> None:
    for column in statement.columns:
        if column.name in relation.columns:
            raise Refused(
                2025, "42S21", f"SQL compilation error:\nduplicate column name '{column.name}'"
            )
        relation.columns[column.name] = Field(column.name, column.type, column.required)
    for column in statement.columns:
        if column.policy is not None:
            policy = require_policy(run, column.policy)
            check_fit(relation, relation.columns[column.name], policy, column.using)
            field = relation.columns[column.name]
            field.policy, field.using = policy.name, column.using


def _fill_view(run: Run, relation: Relation, statement: CreateRelation) -> None:
    """A view of the fake shows columns of one table or view, under their names or others."""
    query = statement.query
    if query is None or query.source is None or query.source.arguments is not None:
        raise Refused(1003, "42000", "SQL compilation error:\nunexpected query of a view.")
    base = run.require(Target("RELATION", query.source.name))
    if not isinstance(base, Relation):
        raise Refused(1003, "42000", "SQL compilation error:\nunexpected query of a view.")
    for expression, heading in query.items:
        if expression is None:
            chosen = {name: name for name in base.columns}
        elif isinstance(expression, Column):
            chosen = {heading: expression.parts[-1]}
        else:
            raise Refused(1003, "42000", "SQL compilation error:\nunexpected query of a view.")
        for name, origin in chosen.items():
            if origin not in base.columns:
                raise unknown_column(origin)
            relation.columns[name] = Field(name, base.columns[origin].type)
            relation.origins[name] = origin
    relation.over = base.name
    relation.text = statement.query_text
    relation.secure = statement.secure
