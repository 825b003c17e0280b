"""What is on the account: everything about our roles. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from marketplace_sdk.plugin import CannotLook, Presence, Seen, dotted_name, split_name
from marketplace_sdk_snowflake import queries, statements
from marketplace_sdk_snowflake.failures import Failure
from marketplace_sdk_snowflake.items import Key
from marketplace_sdk_snowflake.kinds import same_family
from marketplace_sdk_snowflake.listing import is_ours, objects_of, our_roles, roles, users
from marketplace_sdk_snowflake.masking import Masks, answers_to
from marketplace_sdk_snowflake.naming import Grantee, digest
from marketplace_sdk_snowflake.sessions import problem

if TYPE_CHECKING:
    from marketplace_sdk.plugin import Guard, Scope
    from marketplace_sdk_snowflake.lines import Row
    from marketplace_sdk_snowflake.passing import Pass
    from marketplace_sdk_snowflake.sessions import Talk
    from marketplace_sdk_snowflake.settings import Settings

__all__ = ["Looking"]

_YES = ("Y", "YES", "TRUE")


class Unseen(Exception):
    """Something that a role holds cannot be identified; its text says what."""


class Looking:
    """Lists scopes.

    Args:
        talk: with Snowflake.
        settings: of the connection.
        installation: whose roles are ours.
        known: what this pass has found out already.
    """

    def __init__(self, talk: Talk, settings: Settings, installation: str, known: Pass) -> None:
        self._talk = talk
        self._settings = settings
        self._installation = installation
        self._known = known

    def look(
        self, scopes: Collection[Scope], guards: Collection[Guard]
    ) -> Mapping[Scope, Seen | CannotLook]:
        """Everything that is in the scopes, and answers to the guards.

        Raises:
            Failure: Snowflake gives no answer.
        """
        answers: dict[Scope, Seen | CannotLook] = {}
        ours: dict[Scope, tuple[str, str]] = {}
        for scope in scopes:
            word, colon, rest = scope.key.partition(":")
            if scope.platform != self._talk.acting.platform:
                why = f"the connection leads to {self._talk.acting.platform} now"
                answers[scope] = CannotLook(reason=why, retryable=False)
            elif word not in ("role", "privileges", "entitlements") or not colon or not rest:
                why = "not a scope of this plugin"
                answers[scope] = CannotLook(reason=why, retryable=False)
            else:
                ours[scope] = (word, rest)
        self._identify([Grantee.read(r) for w, r in ours.values() if w != "entitlements"], ours)
        for scope, (word, rest) in ours.items():
            strange = word != "entitlements" and self._known.roles.get(Grantee.read(rest)) is False
            if strange:
                why = f"NameCollision: {scope.key} exists and is not ours: another owner, or marker"
                answers[scope] = CannotLook(reason=why, retryable=False)
            else:
                answers[scope] = self._scope(scope, word, rest)
        told = (
            answers_to(Masks(self._talk, self._settings, self._installation), guards)
            if ours and guards
            else {}
        )
        if told:
            first = next((s for s in ours if isinstance(answers[s], Seen)), None)
            seen = answers[first] if first is not None else None
            if first is not None and isinstance(seen, Seen):
                answers[first] = Seen(items=seen.items, guards=told, evidence=seen.evidence)
        return answers

    def _identify(
        self, grantees: Collection[Grantee], ours: Mapping[Scope, tuple[str, str]]
    ) -> None:
        """Which of these roles are there, and are ours.

        When one is looked at again in a pass, because of its members, that is known already.
        """
        whole = {Grantee.read(rest) for word, rest in ours.values() if word == "privileges"}
        asked = {each for each in grantees if each in whole or each not in self._known.roles}
        found = our_roles(self._talk, asked) if asked else {}
        for grantee in asked:
            self._known.roles.pop(grantee, None)
            if grantee in found:
                role = found[grantee]
                prefix, acting = self._settings.prefix, self._talk.acting.role
                mine = is_ours(role, self._installation, prefix, acting)
                self._known.roles[grantee] = mine
                kept = role.marker is not None and role.marker.kept
                self._known.kept.update({grantee: kept})

    def _scope(self, scope: Scope, word: str, rest: str) -> Seen | CannotLook:
        try:
            if word == "entitlements":
                items = self._entitlements(rest)
            elif word == "role":
                items = self._role(Grantee.read(rest))
            else:
                items = self._privileges(Grantee.read(rest))
        except Unseen as error:
            return CannotLook(reason=str(error), retryable=False)
        except Failure as failure:
            if failure.kind in ("transport", "late", "interrupted", "expired", "login_again"):
                raise
            what = f"cannot list {scope.key}: {problem(failure)}"
            return CannotLook(reason=what, retryable=failure.row.passing)
        acting = self._talk.acting
        seen = Seen(items=items, evidence=f"SHOW GRANTS on {acting.platform} as {acting.role}")
        self._known.seen[scope] = seen
        return seen

    def _privileges(self, grantee: Grantee) -> Mapping[str, Presence]:
        mine = self._known.roles.get(grantee)
        if mine is None:
            return {}
        items: dict[str, Presence] = {}
        rows = self._rows(statements.show_privileges(grantee))
        if rows is None:
            self._known.roles.pop(grantee, None)
            return {}
        rows = [row for row in rows if row.get("is_inherited", "").upper() not in _YES]
        ids = self._object_ids(rows)
        for row in rows:
            key = self._privilege(grantee, row, ids)
            if key:
                items[key] = Presence(native_id=_shown(row), ours=mine)
        return items

    def _privilege(self, grantee: Grantee, row: Row, ids: Mapping[tuple[str, ...], str]) -> str:
        privilege, kind = row.get("privilege", ""), row.get("granted_on", "")
        name, place = _name(row), str(grantee)
        if privilege == "USAGE" and kind == "DATABASE" and len(name) == 1:
            return str(Key("usage", digest("database", name[0]), place))
        if privilege == "USAGE" and kind == "SCHEMA" and len(name) == 2:  # noqa: PLR2004 - database and schema
            return str(Key("schema", digest("schema", *name), place))
        if privilege == "SELECT" and name in ids:
            return str(Key("select", digest("object", ids[name]), place))
        if privilege == "OWNERSHIP" and kind in ("ROLE", "DATABASE_ROLE", "DATABASE ROLE"):
            return ""
        # Whatever else somebody gave to our role: listed, so that it shows up, never touched.
        return f"other|{place}|{privilege}|{kind}|{'.'.join(name)}"

    def _object_ids(self, rows: Sequence[Row]) -> Mapping[tuple[str, ...], str]:
        """Native ids of the objects that these rows open, by name.

        Raises:
            Unseen: one of them cannot be seen, so that nobody knows whether it is the right one.
        """
        names = {
            _name(row)
            for row in rows
            if row.get("privilege") == "SELECT" and same_family(row.get("granted_on", ""))
        }
        # The pass knows those that are wanted; others are left from before, or somebody else's.
        ids: dict[tuple[str, ...], str] = {
            name: id for name, id in self._known.objects.items() if name in names
        }
        strange: dict[tuple[str, str], set[str]] = {}
        for name in names - ids.keys():
            if len(name) == 3:  # noqa: PLR2004 - database, schema and name
                strange.setdefault((name[0], name[1]), set()).add(name[2])
        for schema, tables in strange.items():
            try:
                found = objects_of(self._talk, schema, tables)
            except Failure as failure:
                if failure.kind not in ("absent", "denied"):
                    raise
                found = {}
            for table in tables:
                if table not in found:
                    role = self._talk.acting.role
                    raise Unseen(
                        f"{dotted_name(*schema, table)} is open to a role of ours, and is not"
                        f" visible to role {role} any more; give it USAGE on database and schema"
                    )
                ids[*schema, table] = found[table].native_id
        return ids

    def _role(self, grantee: Grantee) -> Mapping[str, Presence]:
        mine = self._known.roles.get(grantee)
        if mine is None:
            return {}
        rows = self._rows(statements.show_members(grantee))
        if rows is None:
            self._known.roles.pop(grantee, None)
            return {}
        items: dict[str, Presence] = {}
        if grantee not in self._known.released:
            items[str(Key("role", "", str(grantee)))] = Presence(ours=mine)
        place, ids = str(grantee), self._principal_ids(rows)
        for row in rows:
            kind, name = row.get("granted_to", "").upper(), row.get("grantee_name", "")
            native = ids.get((kind, name))
            if native is None:
                items[f"other|{place}|member|{kind}|{name}"] = Presence()
                continue
            key = str(Key("member", digest("principal", kind, native), place))
            given = mine and row.get("granted_by", "") == self._talk.acting.role
            before = items.get(key)
            if before is not None:
                given, by_hand = given or before.ours, given != before.ours
            else:
                by_hand = False
            items[key] = Presence(native_id=native, ours=given, by_hand=given and by_hand)
        return items

    def _principal_ids(self, rows: Sequence[Row]) -> Mapping[tuple[str, str], str]:
        """Native ids of members, by kind and name as SHOW spells it."""
        asked: dict[str, dict[str, str]] = {"USER": {}, "ROLE": {}}
        ids: dict[tuple[str, str], str] = {}
        for row in rows:
            kind, shown = row.get("granted_to", "").upper(), row.get("grantee_name", "")
            if kind not in asked:
                continue
            known = self._known.principals.get((kind, shown))
            if known is None:
                asked[kind][shown] = shown
            else:
                ids[kind, shown] = known
        for kind, names in asked.items():
            if not names:
                continue
            # A name may be shown in quotes, if it would need them in a statement.
            spelt = {s: {s, _unquoted(s)} for s in names}
            every = {name for both in spelt.values() for name in both}
            if kind == "USER":
                found = users(self._talk, every, self._settings.user_identity)
            else:
                found = roles(self._talk, every)
            for shown, both in spelt.items():
                there = [name for name in both if name in found]
                if len(there) > 1:
                    raise Unseen(f"{shown} may be either of {', '.join(sorted(there))}")
                if there and found[there[0]]:
                    ids[kind, shown] = found[there[0]]
        return ids

    def _entitlements(self, column: str) -> Mapping[str, Presence]:
        table = self._settings.entitlements
        if table is None:
            raise Unseen("the connection has no table of entitlements any more")
        key = f"{self._installation}/{column}"
        items: dict[str, Presence] = {}
        for row in self._talk.read(queries.select_entitlements(table, key)):
            id = row["request_id"]
            try:
                ours = Key.read(id) == Key("entitlement", Key.read(id).id, column)
            except ValueError:
                ours = False
            end = datetime.fromisoformat(row["expires_at"])
            until = None if end >= queries.NEVER else end
            name = id if ours else f"other|{column}|{id}|{row['subject']}"
            items[name] = Presence(native_id=row["subject"], ours=ours, until=until)
        return items

    def _rows(self, statement: str) -> Sequence[Row] | None:
        """Rows about a role; None if it is not there."""
        try:
            return self._talk.read(statement)
        except Failure as failure:
            if failure.kind == "absent":
                return None
            raise


def _name(row: Row) -> tuple[str, ...]:
    try:
        return split_name(row.get("name", ""))
    except ValueError:
        return (row.get("name", ""),)


def _shown(row: Row) -> str:
    return f"{row.get('granted_on', '')} {row.get('name', '')}"


def _unquoted(shown: str) -> str:
    try:
        parts = split_name(shown)
    except ValueError:
        return shown
    return parts[0] if len(parts) == 1 else shown
