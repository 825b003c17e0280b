"""Two small data platforms on which every point of a pass can be made to fail.

``DirectPlatform`` knows only "this principal reads this object"; what is there carries no marker
and every object is a scope that products share. ``RolePlatform`` has one role for each target,
with its SELECTs and its members; a role carries our marker.
"""

from __future__ import annotations

from marketplace_sdk.plugin import (
    Guard,
    Item,
    Outcome,
    Presence,
    ProvisioningError,
    Resolved,
    Scope,
    Seen,
    Unresolved,
)


class Crash(BaseException):
    """The worker is gone, as if its machine had lost power."""


class Platform:
    """What both kinds share: names, faults and a count of calls."""

    identity = "acme"

    def __init__(self):
        self.objects = {}  # name -> native id
        self.principals = {}
        self.present = {}  # (scope key, item key) -> Presence
        self.protected = {}  # guard subject -> bool; missing: cannot be read
        self.log = []  # (action, item key)
        self.points = 0
        self.crash_at = None
        self.down = False
        self.refuse = {}  # item key -> outcome
        self.at_point = None  # called with (where, change)
        self.asked = []  # refs of each resolve
        self.observed = []
        self.applied = []

    def principal(self, name):
        self.principals[name] = f"u-{name}"
        return name

    def object(self, name, native=None):
        self.objects[name] = native or f"o-{name}"
        return name

    def point(self, where, change=None):
        """A place at which a worker may vanish."""
        self.points += 1
        if self.at_point is not None:
            self.at_point(where, change)
        if self.crash_at == self.points:
            self.crash_at = None
            raise Crash

    def resolve(self, refs, call):
        self._reachable()
        self.asked.append(tuple(refs))
        return {ref: self._meaning(ref) for ref in refs}

    def _meaning(self, ref):
        found = (self.objects if ref.kind == "object" else self.principals).get(ref.name)
        if found is None:
            return Unresolved(ref=ref, reason="not_found", message=f"{ref.name} is not there")
        if isinstance(found, Exception):
            return Unresolved(ref=ref, reason="cannot_look", message=str(found), retryable=True)
        return Resolved(ref=ref, platform=self.identity, native_id=found, name=ref.name)

    def observe(self, scopes, guards, call):
        self._reachable()
        self.point("observe")
        self.observed.append(tuple(scopes))
        answers = {}
        told = {g: self.protected[g.subject] for g in guards if g.subject in self.protected}
        for scope in scopes:
            items = {
                key: there for (where, key), there in self.present.items() if where == scope.key
            }
            answers[scope] = Seen(items=items, guards=told)
            told = {}
        self.point("observed")
        return answers

    def apply(self, batch, call):
        self._reachable()
        self.applied.append(tuple(batch))
        failed = False
        for change in batch:
            if failed or call.over:
                yield Outcome(key=change.item.key, result="not_attempted")
                continue
            self.point("before", change)
            answer = self.refuse.get(change.item.key)
            if answer == "refused":
                failed = True
                yield Outcome(key=change.item.key, result="refused", error="no right to do so")
                continue
            self._do(change)
            self.point("after", change)
            if answer == "unknown":
                raise ProvisioningError("cannot reach acme: connection reset", retryable=True)
            yield Outcome(key=change.item.key, result="done", evidence=self.describe(change))

    def _do(self, change):
        place = (change.item.scope.key, change.item.key)
        self.log.append((change.action, change.item.key))
        if change.action == "add":
            self.present[place] = Presence(native_id=change.item.key, ours=self.marks)
        else:
            self.present.pop(place, None)

    def _reachable(self):
        if self.down:
            raise ProvisioningError("cannot reach acme", retryable=True)

    def describe(self, change):
        return f"{change.action} {change.item.key}"

    def listing(self):
        return sorted(key for _, key in self.present)


class DirectPlatform(Platform):
    """SELECT of one principal on one object; UNMASK of one principal on one column."""

    marks = False

    def base(self, target, known):
        return []

    def member(self, target, who, known):
        items = []
        for wanted in target.objects:
            found = known.object(wanted.name)
            if found is None:
                continue
            guards = (
                ()
                if target.column
                else tuple(
                    Guard("column_protected", f"{wanted.name}.{column}")
                    for column in sorted(wanted.masked)
                )
            )
            verb = f"unmask {target.column} of" if target.column else "select"
            items.append(
                Item(
                    key=f"{verb} {found.native_id} to {who.native_id}",
                    scope=Scope(self.identity, f"object:{found.native_id}"),
                    kind="unmask" if target.column else "select",
                    rank=90 if target.column else 30,
                    opens=() if target.column else (found.name,),
                    guards=guards,
                )
            )
        return items

    def give(self, principal, object):
        """By hand, before us."""
        scope = f"object:{self.objects[object]}"
        self.present[scope, f"select {self.objects[object]} to {self.principals[principal]}"] = (
            Presence()
        )

    def reads(self, principal, object):
        key = f"select o-{object} to u-{principal}"
        return any(there == key for _, there in self.present)

    def sees(self, principal, object, column):
        key = f"unmask {column} of o-{object} to u-{principal}"
        return any(there == key for _, there in self.present)


class RolePlatform(Platform):
    """A role for each target: the role itself, a SELECT for each object, and its members."""

    marks = True

    def _scope(self, target):
        return Scope(self.identity, f"role:{target.key}")

    def base(self, target, known):
        scope = self._scope(target)
        items = [Item(key=f"role {target.key}", scope=scope, kind="role", rank=10)]
        for wanted in target.objects:
            found = known.object(wanted.name)
            if found is None:
                continue
            verb = f"unmask {target.column}" if target.column else "select"
            guards = (
                ()
                if target.column
                else tuple(
                    Guard("column_protected", f"{wanted.name}.{column}")
                    for column in sorted(wanted.masked)
                )
            )
            items.append(
                Item(
                    key=f"{verb} {found.native_id} to {target.key}",
                    scope=scope,
                    kind=verb.split(maxsplit=1)[0],
                    rank=30,
                    opens=() if target.column else (found.name,),
                    guards=guards,
                )
            )
        return items

    def member(self, target, who, known):
        opens = tuple(
            known.object(each.name).name for each in target.objects if known.object(each.name)
        )
        return [
            Item(
                key=f"member {who.native_id} of {target.key}",
                scope=self._scope(target),
                kind="membership",
                rank=90,
                opens=() if target.column else opens,
            )
        ]

    def _holds(self, principal, verb, object):
        roles = [
            key.split(" of ", 1)[1]
            for _, key in self.present
            if key.startswith(f"member u-{principal} of ")
        ]
        keys = {key for _, key in self.present}
        return any(f"{verb} o-{object} to {role}" in keys for role in roles)

    def reads(self, principal, object):
        return self._holds(principal, "select", object)

    def sees(self, principal, object, column):
        return self._holds(principal, f"unmask {column}", object)
