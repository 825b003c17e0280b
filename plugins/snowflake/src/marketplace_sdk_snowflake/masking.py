"""How columns are masked on the account at this moment. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from marketplace_sdk_snowflake import queries, statements
from marketplace_sdk_snowflake.failures import Failure
from marketplace_sdk_snowflake.items import HOOK
from marketplace_sdk_snowflake.masks import Subject, asks, condition_of
from marketplace_sdk_snowflake.naming import dotted_name, split_name

if TYPE_CHECKING:
    from marketplace_sdk.plugin import Guard
    from marketplace_sdk_snowflake.lines import Row
    from marketplace_sdk_snowflake.masks import ColumnName
    from marketplace_sdk_snowflake.sessions import Talk
    from marketplace_sdk_snowflake.settings import Settings

__all__ = ["Mask", "Masks", "answers_to", "refusal"]

State = Literal["masked", "tagged", "bare", "missing", "unknown"]
PolicyName = tuple[str, ...]


@frozen(kw_only=True)
class Mask:
    """What is known of one column.

    Attributes:
        state: ``masked`` by a policy of its own, ``tagged`` (a policy comes with a tag), ``bare``,
            ``missing`` (no such column), or ``unknown`` (it cannot be read).
        policy: database, schema and name.
        alike: other columns with the same policy, as far as can be seen.
        body: of the policy, or None if it cannot be read.
        type: of the column.
        why: it cannot be read.
    """

    state: State
    policy: PolicyName = ()
    alike: Sequence[str] = ()
    body: str | None = None
    type: str = ""
    why: str = ""


class Masks:
    """Reads each table and each policy once.

    Args:
        talk: with Snowflake.
        settings: of the connection.
    """

    def __init__(self, talk: Talk, settings: Settings) -> None:
        self._talk = talk
        self._settings = settings
        self._tables: dict[tuple[str, str, str], Sequence[Row] | Failure] = {}
        self._tags: dict[tuple[str, str, str], Mapping[str, PolicyName]] = {}
        self._bodies: dict[PolicyName, str | None] = {}

    def of(self, column: ColumnName, *, body: bool = False) -> Mask:
        """How a column is masked, if asked for with the body of its policy.

        Raises:
            Failure: Snowflake gives no answer.
        """
        rows = self._table(column[:3])
        if isinstance(rows, Failure):
            state: State = "missing" if rows.kind == "absent" else "unknown"
            return Mask(state=state, why=rows.said)
        row = next((each for each in rows if each["name"] == column[3]), None)
        if row is None:
            return Mask(state="missing", why="there is no such column")
        policy = _policy(row)
        if not policy:
            tagged = self._tagged(column[:3]).get(column[3], ())
            return Mask(state="tagged" if tagged else "bare", policy=tagged, type=row["type"])
        alike = [each["name"] for each in rows if each is not row and _policy(each) == policy]
        if body:
            alike += self._elsewhere(policy, column)
        return Mask(
            state="masked",
            policy=policy,
            alike=alike,
            body=self._body(policy) if body else None,
            type=row["type"],
        )

    def lets_through(self, subject: Subject) -> bool | None:
        """Whether a column's policy lets exactly the holders of its exception through.

        None: it cannot be read.
        """
        mask = self.of(subject.column, body=True)
        if mask.state == "unknown":
            return None
        if mask.state != "masked" or mask.alike:
            return False
        if mask.policy in self._settings.trusted_policies:
            return True
        return None if mask.body is None else asks(mask.body, condition_of(subject.hook))

    def _table(self, name: tuple[str, str, str]) -> Sequence[Row] | Failure:
        if name not in self._tables:
            try:
                self._tables[name] = self._talk.read(statements.describe_table(name))
            except Failure as failure:
                if failure.kind not in ("absent", "denied"):
                    raise
                self._tables[name] = failure
        return self._tables[name]

    def _tagged(self, name: tuple[str, str, str]) -> Mapping[str, PolicyName]:
        """Policies that come with tags, by column; they cannot be seen without a warehouse."""
        if not self._settings.warehouse:
            return {}
        if name not in self._tags:
            rows = self._talk.read(queries.policies_of_object(name))
            self._tags[name] = {
                row["ref_column_name"]: (row["policy_db"], row["policy_schema"], row["policy_name"])
                for row in rows
                if row["policy_kind"] == "MASKING_POLICY"
                and row["ref_column_name"]
                and row["policy_status"] in ("", "ACTIVE")
            }
        return self._tags[name]

    def _body(self, policy: PolicyName) -> str | None:
        if policy not in self._bodies:
            try:
                rows = self._talk.read(statements.describe_policy(policy))
            except Failure as failure:
                if failure.kind not in ("absent", "denied"):
                    raise
                rows = []
            self._bodies[policy] = rows[0].get("body") if rows else None
        return self._bodies[policy]

    def _elsewhere(self, policy: PolicyName, column: ColumnName) -> Sequence[str]:
        """Columns of other tables with this policy; they cannot be seen without a warehouse."""
        if not self._settings.warehouse:
            return []
        names = []
        for row in self._talk.read(queries.uses_of_policy(policy)):
            table = (row["ref_database_name"], row["ref_schema_name"], row["ref_entity_name"])
            if row["ref_column_name"] and table != column[:3]:
                names.append(dotted_name(*table, row["ref_column_name"]))
        return names


def answers_to(masks: Masks, guards: Iterable[Guard]) -> Mapping[Guard, bool]:
    """Answers to the guards that are understood; the others have none, which blocks as well."""
    answers: dict[Guard, bool] = {}
    for guard in guards:
        try:
            subject = Subject.read(guard.subject)
        except ValueError:
            continue
        if guard.kind == HOOK and subject.hook:
            answer = masks.lets_through(subject)
            if answer is not None:
                answers[guard] = answer
        elif guard.kind == "column_protected" and not subject.hook:
            state = masks.of(subject.column).state
            if state != "unknown":
                answers[guard] = state in ("masked", "tagged")
    return answers


def refusal(masks: Masks, subject: Subject) -> str:
    """Why no exception can be given on a column, and what to do; empty text if it can be."""
    if masks.lets_through(subject):
        return ""
    mask = masks.of(subject.column, body=True)
    name = dotted_name(*subject.column)
    if mask.state in ("missing", "unknown"):
        return f"cannot see how column {name} is masked: {mask.why}"
    if mask.state == "bare":
        return (
            f"NothingToUnmask: column {name} has no masking policy; an administrator must run:"
            f" marketplace snowflake protect {_shell(subject.column)}"
        )
    return f"MaskNotCooperative: {_not_ours(mask, name, subject.hook)}"


def _not_ours(mask: Mask, name: str, hook: str) -> str:
    """What is wrong with somebody else's policy."""
    policy = dotted_name(*mask.policy)
    if mask.state == "tagged":
        return (
            f"column {name} is masked by policy {policy} through a tag; give the column a policy"
            f" of its own with the line: {hook}"
        )
    if mask.alike:
        return (
            f"policy {policy} also masks {', '.join(mask.alike)}, which an exception on column"
            f" {name} would show too; give the column a policy of its own"
        )
    if mask.body is None:
        return (
            f"policy {policy} of column {name} cannot be read; an administrator must grant APPLY on"
            " it to the marketplace's role, or name it in trusted_policies"
        )
    return (
        f"policy {policy} of column {name} does not ask for the exception; add this line to it:"
        f" {hook}"
    )


def _policy(row: Row) -> PolicyName:
    text = row.get("policy name", "")
    if not text:
        return ()
    try:
        return split_name(text)
    except ValueError:
        return (text,)


def _shell(column: ColumnName) -> str:
    return f"'{dotted_name(*column[:3])}' '{column[3]}'"
