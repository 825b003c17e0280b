"""How a test says what the account looks like, and what other people do in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from marketplace_sdk_databricks.testing._evaluator import sight
from marketplace_sdk_databricks.testing._service import Service
from marketplace_sdk_databricks.testing._values import (
    ACCOUNT_ADMIN,
    Column,
    Mask,
    Policy,
    Principal,
    PrincipalKind,
    Securable,
    Sight,
)

_KINDS = {"TABLE": "MANAGED"}
_USE = {"catalog": "USE_CATALOG", "schema": "USE_SCHEMA"}


class Setup:
    """Everything here is done by an administrator: it needs no rights and leaves no call."""

    _service: Service
    me: str

    def user(self, email: str, *, external_id: str | None = None) -> int:
        """A user; the id by which SCIM knows them."""
        return self._made("user", email, email, external_id=external_id)

    def service_principal(self, application_id: str, name: str = "robot") -> int:
        """A service principal, whose name is no name for a grant."""
        return self._made("service_principal", application_id, name)

    def group(
        self,
        name: str,
        *,
        members: Iterable[str] = (),
        managers: Iterable[str] = (),
        synced: bool = False,
        external_id: str | None = None,
    ) -> int:
        """An account group, with members and with who may change them.

        Args:
            synced: the members come from an identity provider, so nobody here may change them.
        """
        with self._service.lock:
            found = self._made("group", name, name, synced=synced, external_id=external_id)
            group = self._service.world.principals[found]
            group.members |= {self._principal(one).id for one in members}
            group.managers |= {self._principal(one).id for one in managers}
            return found

    def local_group(self, name: str, *, members: Iterable[str] = ()) -> int:
        """A group of the workspace only, to which nothing can be granted."""
        with self._service.lock:
            found = self._made("group", name, name, local=True)
            group = self._service.world.principals[found]
            group.members |= {self._principal(one).id for one in members}
            return found

    def _made(self, kind: PrincipalKind, name: str, display: str, **rest: Any) -> int:
        with self._service.lock:
            return self._service.world.add_principal(kind, name, display, **rest).id

    def _principal(self, name: str) -> Principal:
        found = self._service.world.find_principal(name)
        if found is None:
            raise LookupError(f"The fake has no principal {name}.")
        return found

    def admin(self, name: str, of: Literal["", "workspace", "account"]) -> None:
        """Make somebody an administrator of the workspace or the account, or of nothing."""
        with self._service.lock:
            self._principal(name).admin = of

    def metastore_admin(self, name: str) -> None:
        """Make somebody an administrator of the metastore."""
        with self._service.lock:
            self._service.world.metastore_admins.add(self._principal(name).id)

    def add_member(self, group: str, member: str) -> None:
        """Put somebody into a group."""
        with self._service.lock:
            self._principal(group).members.add(self._principal(member).id)

    def remove_member(self, group: str, member: str) -> None:
        """Take somebody out of a group."""
        with self._service.lock:
            self._principal(group).members.discard(self._principal(member).id)

    def catalog(self, name: str, *, owner: str = ACCOUNT_ADMIN, comment: str | None = None) -> str:
        """A catalog."""
        return self._securable("catalog", name, owner, comment=comment).name

    def schema(self, name: str, *, owner: str = ACCOUNT_ADMIN, comment: str | None = None) -> str:
        """A schema, and its catalog if there is none."""
        return self._securable("schema", name, owner, comment=comment).name

    def table(
        self,
        name: str,
        columns: Mapping[str, str],
        *,
        owner: str = ACCOUNT_ADMIN,
        kind: str = "TABLE",
        comment: str | None = None,
        comments: Mapping[str, str] | None = None,
        definition: str = "",
        over: Mapping[str, str] | None = None,
        reads: Sequence[str] | None = None,
    ) -> str:
        """A table or view, with the types of its columns, and its schema if there is none.

        Args:
            kind: TABLE, VIEW, MATERIALIZED_VIEW, STREAMING_TABLE, EXTERNAL, FOREIGN.
            comments: of columns.
            definition: the text of a view.
            over: by column, the dotted name of the column whose values it shows.
            reads: what else the view reads, a function with ``()``; without ``over`` and this,
                the service does not tell what it reads.
        """
        behind = {column.lower(): _base(name) for column, name in (over or {}).items()}
        made = {
            column.lower(): Column(
                column, type, comment=(comments or {}).get(column), over=behind.get(column.lower())
            )
            for column, type in columns.items()
        }
        sources = None
        if over is not None or reads is not None:
            named = {table for table, _ in behind.values()} | {each.lower() for each in reads or ()}
            sources = tuple(sorted(named))
        return self._securable(
            "table",
            name,
            owner,
            kind=_KINDS.get(kind, kind),
            columns=made,
            comment=comment,
            definition=definition,
            reads=sources,
        ).name

    def redefine(
        self, name: str, *, definition: str, over: Mapping[str, str] | None = None
    ) -> None:
        """Change the query of a view, which keeps its id and its grants."""
        with self._service.lock:
            found = self._service.world.get("table", name)
            found.definition = definition
            for column, base in (over or {}).items():
                found.columns[column.lower()].over = _base(base)
            if over is not None:
                found.reads = tuple(sorted({_base(base)[0] for base in over.values()}))

    def function(
        self,
        name: str,
        definition: str,
        *,
        parameters: Mapping[str, str] | None = None,
        returns: str = "STRING",
        owner: str = ACCOUNT_ADMIN,
        shows: Sight | None = None,
        reads: Sequence[str] | None = None,
    ) -> str:
        """A function, by the expression that it returns.

        Args:
            reads: names of the tables that it reads; None: it reads none.
            shows: what the function shows everybody when the fake cannot read the expression.
        """
        return self._securable(
            "function",
            name,
            owner,
            definition=definition,
            parameters=dict(parameters or {"v": "STRING"}),
            returns=returns,
            reads=None if reads is None else tuple(reads),
            shows=shows,
        ).name

    def _securable(self, type: str, name: str, owner: str, **rest: Any) -> Securable:
        with self._service.lock:
            world = self._service.world
            parts = name.lower().split(".")
            above = {"schema": "catalog", "table": "schema", "function": "schema"}.get(type)
            if above and world.find(above, ".".join(parts[:-1])) is None:
                self._securable(above, ".".join(parts[:-1]), ACCOUNT_ADMIN)
            if world.find(type, name):
                raise ValueError(f"The fake has a {type} {name} already.")
            now = world.now()
            holder = self._principal(owner).id
            made = Securable(world.new_id(), type, name.lower(), holder, now, now, **rest)
            return world.add(made)

    def drop(self, kind: str, name: str) -> None:
        """Delete an object or a principal; made again, it is another one.

        Args:
            kind: catalog, schema, table, function, user, group or service_principal.
        """
        with self._service.lock:
            if kind in {"user", "group", "service_principal"}:
                self._service.world.remove_principal(self._principal(name))
            else:
                self._service.world.remove(self._service.world.get(kind, name))

    def rename_table(self, old: str, new: str) -> None:
        """Give a table another name; its id and its grants stay."""
        with self._service.lock:
            world = self._service.world
            table = world.get("table", old)
            del world.securables["table", table.name]
            table.name = new.lower()
            world.add(table)

    def own(self, principal: str, type: str, name: str) -> None:
        """Give an object another owner."""
        with self._service.lock:
            self._service.world.get(type, name).owner = self._principal(principal).id

    def column(self, table: str, name: str, type: str | None) -> None:
        """Add a column of this type, or drop it."""
        with self._service.lock:
            columns = self._service.world.get("table", table).columns
            if type is None:
                del columns[name.lower()]
            else:
                columns[name.lower()] = Column(name, type)

    def give(self, principal: str, privilege: str, type: str, name: str) -> None:
        """Grant, also a privilege that does not exist, as a later service may have."""
        with self._service.lock:
            world = self._service.world
            held = world.grants.setdefault(world.get(type, name).id, {})
            privileges = held.setdefault(world.grantee(principal).id, [])
            if privilege not in privileges:
                privileges.append(privilege)

    def take(self, principal: str, privilege: str, type: str, name: str) -> None:
        """Revoke what was granted on this very object."""
        with self._service.lock:
            world = self._service.world
            held = world.grants.get(world.get(type, name).id, {})
            holder = self._principal(principal).id
            if privilege in held.get(holder, ()):
                held[holder].remove(privilege)
            if holder in held and not held[holder]:
                del held[holder]

    def manage(self, principal: str, type: str, name: str) -> None:
        """Let somebody change who has what on an object and in it, with the way there."""
        with self._service.lock:
            world = self._service.world
            self.give(principal, "MANAGE", type, name)
            if type == "catalog":
                self.give(principal, "USE_SCHEMA", type, name)
            for place in (world.get(type, name), *world.parents(world.get(type, name))):
                if place.type in _USE:
                    self.give(principal, _USE[place.type], place.type, place.name)

    def mask(
        self, table: str, column: str, function: str | None, using: Sequence[str] = ()
    ) -> None:
        """Set a mask function on a column; None drops it."""
        with self._service.lock:
            found = self._service.world.get("table", table).columns[column.lower()]
            found.mask = Mask(function.lower(), tuple(using)) if function else None

    def policy(
        self, name: str, on_type: str, on_name: str, *, to: Sequence[str], **body: Any
    ) -> None:
        """An attribute-based policy, its further fields as the API names them."""
        with self._service.lock:
            world = self._service.world
            holder = world.get(on_type, on_name)
            now = world.now()
            kept = {
                "policy_type": "POLICY_TYPE_COLUMN_MASK",
                "for_securable_type": "TABLE",
                "to_principals": list(to),
                **body,
            }
            world.policies[holder.type, holder.name, name] = Policy(
                world.new_id(),
                name,
                holder.type,
                holder.name,
                kept,
                now,
                now,
                ACCOUNT_ADMIN,
                ACCOUNT_ADMIN,
            )

    def tag(self, name: str, key: str, value: str = "", *, column: str | None = None) -> None:
        """Put a governed tag on a table, or on one of its columns."""
        with self._service.lock:
            table = self._service.world.get("table", name)
            (table.columns[column.lower()].tags if column else table.tags)[key] = value

    def what_does(self, principal: str, table: str, column: str) -> Sight:
        """What somebody sees of a column: nothing, its mask, or its values.

        Raises:
            QueryFails: their query ends with an error, as with two masks on one column.
        """
        with self._service.lock:
            world = self._service.world
            found = world.get("table", table)
            return sight(world, self._principal(principal), found, found.columns[column.lower()])


def _base(column: str) -> tuple[str, str]:
    table, _, name = column.lower().rpartition(".")
    return table, name
