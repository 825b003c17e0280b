"""From an incoming request to the bytes of its answer, with what goes wrong in between."""

from __future__ import annotations

import copy
import json
import threading
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs

from marketplace_sdk_databricks.testing import (
    _members,
    _objects,
    _permissions,
    _policies,
    _scim,
    _sql,
)
from marketplace_sdk_databricks.testing._faults import Fault, Faults
from marketplace_sdk_databricks.testing._oauth import DISCOVERY, TOKEN, Tokens
from marketplace_sdk_databricks.testing._refusals import Refusal, invalid, missing
from marketplace_sdk_databricks.testing._request import Paging, Request, Route, cut, route_for
from marketplace_sdk_databricks.testing._values import Call
from marketplace_sdk_databricks.testing._world import World

ROUTES: tuple[Route, ...] = (
    *_permissions.ROUTES,
    *_objects.ROUTES,
    *_policies.ROUTES,
    *_members.ROUTES,
    *_scim.ROUTES,
    *_sql.ROUTES,
)
_HIDDEN = "[not kept]"


@attrs.frozen
class Incoming:
    """A request as it came over the wire."""

    method: str
    target: str
    body: bytes
    authorization: str
    user_agent: str


@attrs.frozen
class Answer:
    """What goes back; ``dropped`` closes the connection instead.

    Attributes:
        drip: seconds between two bytes of the body.
    """

    status: int = HTTPStatus.OK
    body: bytes = b""
    type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    dropped: bool = False
    drip: float = 0


def _json(status: int, body: Any, **rest: Any) -> Answer:
    return Answer(status, b"" if body is None else json.dumps(body).encode(), **rest)


class Service:
    """The service behind the sockets: one request after the other changes the state.

    Args:
        base_url: where it is reached, for the answers that say so.
        relaxed: names of what it does although it may not be there, or not be allowed.
    """

    def __init__(self, world: World, base_url: str, relaxed: frozenset[str]) -> None:
        self.world = world
        self.base_url = base_url
        self.relaxed = relaxed
        self.tokens = Tokens()
        self.faults = Faults()
        self.paging = Paging()
        self.calls: list[Call] = []
        self.lock = threading.RLock()
        self.stopped = threading.Event()
        self.broken: list[Exception] = []
        self._before: World | None = None

    def answer(self, incoming: Incoming) -> Answer:
        """Carry out a request, with the fault that happens to it, and record it."""
        path = incoming.target.partition("?")[0]
        record = _Record(incoming, path)
        try:
            found = self._answer(incoming, path, record)
        except Exception as error:  # noqa: BLE001 - a fault of the fake is told at its end
            self.broken.append(error)
            body = {"error_code": "FAKE_IS_BROKEN", "message": repr(error)}
            found = _json(HTTPStatus.INTERNAL_SERVER_ERROR, body)
        with self.lock:
            self.calls.append(record.call(found))
        return found

    def _answer(self, incoming: Incoming, path: str, record: _Record) -> Answer:
        fault = self.faults.hit(incoming.method, path)
        if fault and fault.edit:
            fault.edit()
        if fault and fault.delay and not fault.after:
            self.stopped.wait(fault.delay)
        if fault and fault.answers and not fault.after:
            found = self._faulty(fault, incoming)
        else:
            found = self._carried_out(incoming, path, fault, record)
            if fault and fault.after:
                self.stopped.wait(fault.delay)
                found = self._faulty(fault, incoming) if fault.answers else found
        return attrs.evolve(found, drip=fault.drip) if fault and fault.drip else found

    def _faulty(self, fault: Fault, incoming: Incoming) -> Answer:
        if fault.drop:
            return Answer(dropped=True)
        if fault.redirect:
            place = incoming.target if fault.redirect == "." else fault.redirect
            return Answer(fault.status or HTTPStatus.FOUND, headers=(("Location", place),))
        if fault.failed:
            return _json(HTTPStatus.OK, _sql.failed(self.world.new_id(), fault.failed))
        headers = (
            (("Retry-After", str(fault.retry_after)),) if fault.retry_after is not None else ()
        )
        status = fault.status or HTTPStatus.OK
        if fault.html:
            return Answer(status, fault.html.encode(), "text/html; charset=utf-8", headers)
        body = {"error_code": fault.error_code, "message": fault.message}
        return _json(status, body, headers=headers)

    def _carried_out(
        self, incoming: Incoming, path: str, fault: Fault | None, record: _Record
    ) -> Answer:
        try:
            if path.startswith("/oidc/"):
                return self._oidc(incoming, path)
            if path == "/.well-known/databricks-config" and "well-known" in self.relaxed:
                return _json(HTTPStatus.OK, self._about_itself())
            segments = cut(path)
            # Also an address that is nothing of ours is known only to who is known.
            caller = self.tokens.holder(incoming.authorization) if segments[0] == "api" else None
            route = route_for(ROUTES, incoming.method, segments)
            self._demand_account(route, segments)
            with self.lock:
                return self._routed(incoming, route, segments, caller or 0, fault, record)
        except Refusal as refusal:
            return _json(refusal.status, refusal.body())

    def _demand_account(self, route: Route, segments: tuple[str, ...]) -> None:
        for want, got in zip(cut(route.path), segments, strict=True):
            if want == "{account}" and got != self.world.account_id:
                raise missing("RESOURCE_DOES_NOT_EXIST", f"Account {got} does not exist.")

    def _routed(
        self,
        incoming: Incoming,
        route: Route,
        segments: tuple[str, ...],
        caller: int,
        fault: Fault | None,
        record: _Record,
    ) -> Answer:
        world = self.world
        if fault and fault.stale and self._before is not None and not route.changes:
            world = self._before
        principal = world.principals.get(caller)
        if principal is None:
            principal = self.world.principals.get(caller)
        if principal is None or not principal.active:
            raise Refusal(HTTPStatus.FORBIDDEN, "PERMISSION_DENIED", "The caller was deleted.")
        record.caller = principal.name
        paging = self.paging
        if fault and fault.page_size is not None:
            paging = attrs.evolve(paging, size=fault.page_size)
        if fault and fault.empty_pages is not None:
            paging = attrs.evolve(paging, empty=fault.empty_pages)
        request = Request(
            incoming.method,
            segments,
            _query(incoming.target),
            _body(incoming.body),
            world,
            principal,
            paging,
            self.relaxed,
        )
        if route.changes and self.faults.remembers:
            self._before = copy.deepcopy(self.world)
        body = route.handler(request)
        return _json(HTTPStatus.NO_CONTENT if body is None else route.status, body)

    def _about_itself(self) -> dict[str, str]:
        return {
            "oidc_endpoint": f"{self.base_url}/oidc",
            "account_id": self.world.account_id,
            "workspace_id": str(self.world.workspace_id),
        }

    def _oidc(self, incoming: Incoming, path: str) -> Answer:
        if path == TOKEN and incoming.method == "POST":
            return _json(*self.tokens.answer(incoming.authorization, incoming.body.decode()))
        account = f"/oidc/accounts/{self.world.account_id}"
        if path in {DISCOVERY, DISCOVERY.replace("/oidc", account, 1)}:
            return _json(
                HTTPStatus.OK,
                {
                    "issuer": f"{self.base_url}/oidc",
                    "authorization_endpoint": f"{self.base_url}/oidc/v1/authorize",
                    "token_endpoint": f"{self.base_url}{TOKEN}",
                },
            )
        raise Refusal(HTTPStatus.NOT_FOUND, "ENDPOINT_NOT_FOUND", f"No API found for '{path}'.")


def _query(target: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(target).query, keep_blank_values=True)


def _body(raw: bytes) -> dict[str, Any]:
    if not raw:
        return {}
    try:
        found = json.loads(raw)
    except ValueError:
        raise Refusal(
            HTTPStatus.BAD_REQUEST, "MALFORMED_REQUEST", "Could not parse request object."
        ) from None
    if not isinstance(found, dict):
        raise invalid("The request must be an object.")
    return found


class _Record:
    """What of a request is written down, filled in on the way."""

    def __init__(self, incoming: Incoming, path: str) -> None:
        self._incoming = incoming
        self._path = path
        self.caller: str | None = None

    def call(self, answer: Answer) -> Call:
        incoming = self._incoming
        return Call(
            incoming.method,
            self._path,
            _query(incoming.target),
            self._sent(),
            "dropped" if answer.dropped else answer.status,
            _error_code(answer),
            incoming.user_agent,
            self.caller,
        )

    def _sent(self) -> Any:
        if self._path.startswith("/oidc/"):
            return _HIDDEN
        try:
            return json.loads(self._incoming.body) if self._incoming.body else None
        except ValueError:
            return self._incoming.body.decode(errors="replace")


def _error_code(answer: Answer) -> str | None:
    if answer.type != "application/json" or not answer.body:
        return None
    found = json.loads(answer.body)
    status = found.get("status")
    if isinstance(status, dict) and status.get("state") == "FAILED":
        return "FAILED"
    code = found.get("error_code") or found.get("scimType")
    return str(code) if code else None
