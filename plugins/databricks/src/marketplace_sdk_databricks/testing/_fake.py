"""The fake itself: a server that runs while its ``with`` block does."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from marketplace_sdk_databricks.testing._faults import Faults
from marketplace_sdk_databricks.testing._oauth import DISCOVERY
from marketplace_sdk_databricks.testing._request import Paging
from marketplace_sdk_databricks.testing._server import Server
from marketplace_sdk_databricks.testing._service import Service
from marketplace_sdk_databricks.testing._setup import Setup
from marketplace_sdk_databricks.testing._values import (
    ACCOUNT_ADMIN,
    ACCOUNT_USERS,
    Call,
    Securable,
)
from marketplace_sdk_databricks.testing._world import World


def _now() -> datetime:
    return datetime.now(UTC)


def _uuid(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


class FakeDatabricks(Setup):
    """A Databricks workspace with its account, as far as access goes, on the loopback interface.

    It follows our reading of the documentation; where that leaves a choice it takes the stricter
    one. It is no proof of how the service behaves.

    Args:
        clock: gives the time with its zone; masks that look at the time go by it.
        seed: of everything random, such as the order of listings.
        workspace_scim_edits_account_groups: let the SCIM service of the workspace change account
            groups, which the documentation says it does not.
        well_known: describe itself at ``/.well-known/databricks-config``, which older deployments
            answer with 404; without it the SDK needs ``discovery_url`` for OAuth.

    Attributes:
        host: the address, with http.
        token: a personal access token of ``me``.
        me: application id of the service principal that a client is, who administers the
            workspace and holds no privilege.
        warehouse_id: of the SQL warehouse that there is.
        account_id: of the account.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = _now,
        seed: int = 0,
        workspace_scim_edits_account_groups: bool = False,
        well_known: bool = False,
    ) -> None:
        chance = random.Random(seed)  # noqa: S311 - an order, no secret
        world = World(clock, chance, account_id=_uuid(chance), metastore_id=_uuid(chance))
        choices = {
            "workspace-scim-edits-account-groups": workspace_scim_edits_account_groups,
            "well-known": well_known,
        }
        relaxed = frozenset(name for name, chosen in choices.items() if chosen)
        self._server = Server()
        self._service = Service(world, self._server.url, relaxed)
        self.host = self._server.url
        self.me = _uuid(chance)
        self.account_id = world.account_id
        self.warehouse_id = "fake0warehouse00"
        self._fill(world)
        self.token = self.token_of(self.me)

    def _fill(self, world: World) -> None:
        owner = world.add_principal("user", ACCOUNT_ADMIN, "Administrator", admin="account")
        world.metastore_admins.add(owner.id)
        world.add_principal("group", ACCOUNT_USERS, ACCOUNT_USERS, synced=True)
        world.add_principal("service_principal", self.me, "marketplace", admin="workspace")
        world.warehouses.add(self.warehouse_id)
        now = world.now()
        world.add(Securable(world.metastore_id, "metastore", world.metastore_id, None, now, now))

    def __enter__(self) -> Self:
        self._server.begin(self._service)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.end()
        if error is None and self._service.broken:
            raise ExceptionGroup("the fake could not carry out requests", self._service.broken)

    @property
    def settings(self) -> dict[str, str]:
        """Host and token, as the configuration of the SDK names them."""
        return {"host": self.host, "token": self.token}

    @property
    def discovery_url(self) -> str:
        """Where OAuth clients find the token endpoint."""
        return f"{self.host}{DISCOVERY}"

    @property
    def faults(self) -> Faults:
        """What is to go wrong."""
        return self._service.faults

    @property
    def calls(self) -> list[Call]:
        """Every request so far, in the order of their answers."""
        with self._service.lock:
            return list(self._service.calls)

    @property
    def statements(self) -> list[str]:
        """The text of every statement so far, those that failed too."""
        return [
            call.body["statement"]
            for call in self.calls
            if call.method == "POST" and call.path.rstrip("/").endswith("/sql/statements")
        ]

    def forget_calls(self) -> None:
        """Count from now on."""
        with self._service.lock:
            self._service.calls.clear()

    def pages(self, *, size: int = 100, empty: int = 0) -> None:
        """Cut every listing into pages of this size, after so many without an entry."""
        self._service.paging = Paging(size, empty)

    def token_of(self, principal: str) -> str:
        """A personal access token of somebody."""
        return self._service.tokens.issue(self._principal(principal).id)

    def oauth(self, client_id: str, secret: str) -> None:
        """Let a client have tokens for its secret; it is the principal of that application id.

        A client that is no principal yet becomes one, with the standing of ``me``.
        """
        self._service.tokens.register(client_id, secret, self._client(client_id))

    def federation(self, client_id: str, subject_token: str) -> None:
        """Let a client have tokens for one of an identity provider."""
        self._service.tokens.federate(client_id, subject_token, self._client(client_id))

    def _client(self, client_id: str) -> int:
        with self._service.lock:
            return self._service.world.add_principal(
                "service_principal", client_id, client_id, admin="workspace"
            ).id

    def revoke_tokens(self) -> None:
        """Every token is bad from now on."""
        self._service.tokens.revoke_all()

    def snapshot(self) -> Mapping[str, Any]:
        """All grants, members, policies, masks, functions and rows, to be compared."""
        with self._service.lock:
            return _snapshot(self._service.world)


def _snapshot(world: World) -> Mapping[str, Any]:
    def holder(id: int) -> str:
        return world.named(id) or f"deleted {id}"

    tables = [one for one in world.securables.values() if one.type == "table"]
    return {
        "grants": {
            (one.type, one.name): {
                holder(id): frozenset(held) for id, held in world.grants[one.id].items() if held
            }
            for one in world.securables.values()
            if any(world.grants.get(one.id, {}).values())
        },
        "owners": {key: world.named(one.owner) for key, one in world.securables.items()},
        "members": {
            group.name: frozenset(world.named(id) for id in group.members)
            for group in world.principals.values()
            if group.kind == "group"
        },
        "policies": {
            key: {**policy.body, "id": policy.id, "updated_at": policy.updated_at}
            for key, policy in world.policies.items()
        },
        "masks": {
            (one.name, column.name): (column.mask.function, column.mask.using)
            for one in tables
            for column in one.columns.values()
            if column.mask
        },
        "functions": {
            one.name: (one.id, one.definition)
            for one in world.securables.values()
            if one.type == "function"
        },
        "rows": {one.name: [dict(row) for row in one.rows] for one in tables if one.rows},
        "destinations": {
            key: [dict(entry) for entry in one.destinations]
            for key, one in world.securables.items()
            if one.destinations
        },
    }
