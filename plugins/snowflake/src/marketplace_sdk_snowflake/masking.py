"""How columns are masked on the account at this moment. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from marketplace_sdk.plugin import dotted_name, split_name
from marketplace_sdk_snowflake import queries, statements
from marketplace_sdk_snowflake.failures import Failure
from marketplace_sdk_snowflake.items import HOOK, SOURCES, unmask_condition
from marketplace_sdk_snowflake.listing import objects_of
from marketplace_sdk_snowflake.masks import Subject, asks, condition_of, fingerprint, is_ours
from marketplace_sdk_snowflake.naming import policy_name
from marketplace_sdk_snowflake.showing import behind

if TYPE_CHECKING:
    from marketplace_sdk.plugin import Guard
    from marketplace_sdk_snowflake.lines import Row
    from marketplace_sdk_snowflake.masks import ColumnName
    from marketplace_sdk_snowflake.sessions import Talk
    from marketplace_sdk_snowflake.settings import Settings
    from marketplace_sdk_snowflake.showing import Name

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
        installation: whose policies are ours.
    """

    def __init__(self, talk: Talk, settings: Settings, installation: str) -> None:
        self._talk = talk
        self._settings = settings
        self._installation = installation
        self._tables: dict[tuple[str, str, str], Sequence[Row] | Failure] = {}
        self._tags: dict[tuple[str, str, str], Mapping[str, PolicyName]] = {}
        self._policies: dict[PolicyName, Row | None] = {}

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
            body=(self._described(policy) or {}).get("body") if body else None,
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
            return self._as_trusted(mask.policy)
        return None if mask.body is None else asks(mask.body, condition_of(subject.hook))

    def hides(self, column: ColumnName) -> bool | None:
        """Whether a policy hides a column; None: it cannot be read.

        What a policy of somebody else shows to whom is its owner's business. One of ours, or one
        that a person has read, counts for what it was then only.
        """
        mask = self.of(column)
        if mask.state == "unknown":
            return None
        if mask.state not in ("masked", "tagged"):
            return False
        if mask.policy in self._settings.trusted_policies:
            return self._as_trusted(mask.policy)
        if mask.policy[-1] != policy_name(self._installation, column, self._settings.prefix):
            return True
        row = self._described(mask.policy)
        condition = unmask_condition(self._installation, column, self._settings)
        return None if row is None else is_ours(row.get("body", ""), mask.type, condition)

    def _as_trusted(self, policy: PolicyName) -> bool | None:
        """Whether a policy is what it was when a person read it; None: it cannot be read."""
        row = self._described(policy)
        return None if row is None else _print(row) == self._settings.trusted_policies[policy]

    def fingerprint(self, policy: PolicyName) -> str:
        """By which a policy is known again; empty text if it cannot be read.

        Raises:
            Failure: Snowflake gives no answer.
        """
        row = self._described(policy)
        return "" if row is None else _print(row)

    def sources(self, name: Name) -> bool | None:
        """Whether it is known what an object reads; None: it is not."""
        try:
            found = objects_of(self._talk, name[:2], {name[2]}).get(name[2])
        except Failure as failure:
            if failure.kind not in ("absent", "denied"):
                raise
            return None
        if found is None or behind(self._talk, self._settings, found).unknown:
            return None
        return True

    @property
    def trusted(self) -> Collection[PolicyName]:
        """Policies that a person has read."""
        return self._settings.trusted_policies.keys()

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

    def _described(self, policy: PolicyName) -> Row | None:
        if policy not in self._policies:
            try:
                rows = self._talk.read(statements.describe_policy(policy))
            except Failure as failure:
                if failure.kind not in ("absent", "denied"):
                    raise
                rows = []
            self._policies[policy] = rows[0] if rows else None
        return self._policies[policy]

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
        if guard.kind == SOURCES:
            known = masks.sources(_object(guard.subject))
            if known is not None:
                answers[guard] = known
            continue
        try:
            subject = Subject.read(guard.subject)
        except ValueError:
            continue
        if guard.kind == HOOK and subject.hook:
            answer = masks.lets_through(subject)
            if answer is not None:
                answers[guard] = answer
        elif guard.kind == "column_protected" and not subject.hook:
            hides = masks.hides(subject.column)
            if hides is not None:
                answers[guard] = hides
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
    trusted = mask.policy in masks.trusted
    return f"MaskNotCooperative: {_not_ours(mask, name, subject.hook, trusted=trusted)}"


def _not_ours(mask: Mask, name: str, hook: str, *, trusted: bool) -> str:
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
            " it to the marketplace's role"
        )
    if trusted:
        return (
            f"policy {policy} of column {name} is not what it was when it was trusted; read it, and"
            " write its new fingerprint into trusted_policies"
        )
    return (
        f"policy {policy} of column {name} does not ask for the exception; add this line to it:"
        f" {hook}"
    )


def _object(text: str) -> Name:
    database, schema, name = split_name(text)
    return database, schema, name


def _print(row: Row) -> str:
    return fingerprint(row.get("signature", ""), row.get("return_type", ""), row.get("body", ""))


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
