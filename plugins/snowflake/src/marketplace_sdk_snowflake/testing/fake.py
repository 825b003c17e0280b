"""The fake as a test uses it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from os import PathLike
from types import TracebackType
from typing import Any, Self

from marketplace_sdk_snowflake.testing.authority import Authority, readable
from marketplace_sdk_snowflake.testing.building import Builder, seed
from marketplace_sdk_snowflake.testing.engine import execute
from marketplace_sdk_snowflake.testing.faults import Faults
from marketplace_sdk_snowflake.testing.masking import sees_clear
from marketplace_sdk_snowflake.testing.queries import session_scope
from marketplace_sdk_snowflake.testing.replaying import Recording
from marketplace_sdk_snowflake.testing.running import Features
from marketplace_sdk_snowflake.testing.server import Server
from marketplace_sdk_snowflake.testing.service import Recorded, Service
from marketplace_sdk_snowflake.testing.sessions import Session
from marketplace_sdk_snowflake.testing.statements import Name
from marketplace_sdk_snowflake.testing.world import Policy, Relation, Tag, World

__all__ = ["FakeSnowflake"]


class FakeSnowflake(Builder):
    """An account behind a real socket, for as long as its ``with`` block lasts.

    Args:
        clock: the time of the account; ``fake.clock`` may be replaced at any moment.
        edition: ``ENTERPRISE``, or ``STANDARD``, which has no masking policies.
        inherited_grants: whether the account has chosen inherited grants and MANAGE GRANTS on
            containers.
        include_hierarchy: whether SHOW GRANTS knows INCLUDE HIERARCHY.
        old_failures: whether a refused GRANT answers with a row that says so, as it did before
            bundle 2023_05.
        service_user: the user of ``connection``; its role is ``service_role``.
        service_role: a role that holds CREATE ROLE on the account and nothing else.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        account: str = "FAKE",
        edition: str = "ENTERPRISE",
        inherited_grants: bool = True,
        include_hierarchy: bool = True,
        old_failures: bool = False,
        service_user: str = "MARKETPLACE",
        service_role: str = "MKT_SVC",
    ) -> None:
        self.clock = clock
        super().__init__(World(account, self._now))
        features = Features(
            masking=edition.upper() != "STANDARD",
            inherited_grants=inherited_grants,
            include_hierarchy=include_hierarchy,
            old_failures=old_failures,
        )
        self._service = Service(self.world, features)
        self._server: Server | None = None
        self._admin = Session(0, "ADMIN", role="ACCOUNTADMIN", administrator=True)
        self.service_user, self.service_role = service_user, service_role
        seed(self.world)
        self.role(service_role)
        self.admin(f'GRANT CREATE ROLE ON ACCOUNT TO ROLE "{service_role}"')
        self.user(service_user, roles=[service_role], default_role=service_role, type="SERVICE")

    def _now(self) -> datetime:
        return self.clock()

    def __enter__(self) -> Self:
        self._server = Server(self._service)
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._serving().stop()
        self._server = None

    def _serving(self) -> Server:
        if self._server is None:
            raise ValueError("cannot reach the account: it serves only inside its with block")
        return self._server

    @property
    def connection(self) -> dict[str, Any]:
        """Arguments of ``snowflake.connector.connect`` for the service user."""
        return self.connection_for(self.service_user, self.service_role)

    def connection_for(self, user: str, role: str | None = None) -> dict[str, Any]:
        """The same for another user, with a password that is made up here."""
        found = self.world.user(user)
        if found is None:
            raise ValueError(f"there is no user {user!r}")
        password = found.secrets.setdefault("PASSWORD", secrets.token_hex(12))
        arguments = {
            **self.address,
            "user": found.login_name,
            "password": password,
        }
        return arguments if role is None else {**arguments, "role": role}

    @property
    def address(self) -> dict[str, Any]:
        """Arguments of ``snowflake.connector.connect`` that say where, not who."""
        return {
            "account": self.world.account,
            "host": "127.0.0.1",
            "port": self._serving().port,
            "protocol": "http",
        }

    @property
    def faults(self) -> Faults:
        """What goes wrong, and when."""
        return self._service.faults

    @property
    def statements(self) -> list[Recorded]:
        """The statements that arrived by the socket, in their order."""
        return self._service.statements

    @property
    def open_sessions(self) -> int:
        """How many logins were not closed yet."""
        return self._service.open_sessions

    def admin(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement as somebody who may do everything; it is not recorded.

        Raises:
            Refused: what would be refused to anybody: syntax, absence, a name that is taken.
        """
        with self._service.lock:
            return list(execute(self.world, self._admin, self._service.features, sql).rows)

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        """A block in which every connection is closed as soon as it is made."""
        server = self._serving()
        server.unreachable = True
        server.hang_up()
        try:
            yield
        finally:
            server.unreachable = False

    def _session(self, user: str, role: str | None, secondary: str) -> Session:
        found = self.world.user(user)
        primary = role if role is not None else found.default_role if found else ""
        return Session(0, user, role=primary, secondary=secondary)

    def access(
        self,
        user: str,
        table: Name,
        column: str | None = None,
        *,
        secondary: str = "ALL",
        role: str | None = None,
    ) -> str:
        """What a user gets of a table or a column: ``none``, ``masked`` or ``clear``.

        Roles are followed down to the grants, views to their tables, and the body of each masking
        policy on the way is evaluated for this user.
        """
        with self._service.lock:
            relation = self.world.relation(table)
            known = self.world.user(user)
            if relation is None or known is None or known.disabled:
                return "none"
            session = self._session(user, role, secondary)
            if not readable(Authority(self.world, session), relation):
                return "none"
            if column is None:
                return "clear"
            if column not in relation.columns:
                return "none"
            scope = session_scope(self.world, session)
            clear = sees_clear(scope, relation, relation.columns[column])
            return "clear" if clear else "masked"

    def can_select(
        self,
        user: str,
        table: Name,
        column: str | None = None,
        secondary: str = "ALL",
        role: str | None = None,
    ) -> bool:
        """Whether the user can read the table, or the column, clear or masked."""
        return self.access(user, table, column, secondary=secondary, role=role) != "none"

    def sees_clear(
        self,
        user: str,
        table: Name,
        column: str,
        secondary: str = "ALL",
        role: str | None = None,
    ) -> bool:
        """Whether the user reads the column, and reads it clear."""
        return self.access(user, table, column, secondary=secondary, role=role) == "clear"

    def replay(self, recording: str | PathLike[str] | Recording) -> None:
        """Answer as recorded from here on; what the recording does not know is answered by us.

        A recorded answer changes nothing in the fake's account.

        Raises:
            ValueError: the file is no recording; says which line is wrong.
        """
        found = recording if isinstance(recording, Recording) else Recording.load(recording)
        self._service.replays = found.answer

    def snapshot(self) -> Hashable:
        """Everything that a marketplace could change, as a value: equal when nothing changed."""
        with self._service.lock:
            return frozenset(_facts(self.world))


def _facts(world: World) -> Iterator[Hashable]:
    for grant in world.grants.values():
        yield ("grant", grant.privilege, grant.on, grant.grantee, grant.granted_by, grant.option)
    for inherited in world.inherited:
        yield (
            "inherited",
            inherited.privilege,
            inherited.kind,
            inherited.container,
            inherited.grantee,
        )
    for key, thing in world.things.items():
        yield ("thing", key, thing.kind, thing.owner, thing.comment, thing.number)
        if isinstance(thing, Policy):
            yield ("policy", key, thing.arguments, thing.returns, thing.text)
        if isinstance(thing, Tag):
            yield ("tag", key, tuple(thing.policies))
        if isinstance(thing, Relation):
            for column in thing.columns.values():
                yield ("column", key, column.name, column.type, column.policy, column.using)
                yield ("tags", key, column.name, tuple(sorted(column.tags.items())))
            for at, row in enumerate(thing.rows):
                yield (
                    "row",
                    key,
                    at,
                    tuple(sorted((name, repr(cell)) for name, cell in row.items())),
                )
