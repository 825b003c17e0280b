"""What the server answers to each request, as plain data; no socket is known here."""

from __future__ import annotations

import secrets
import threading
import uuid
from collections.abc import Callable
from typing import Any

from attrs import define, frozen

from marketplace_sdk_snowflake.testing.answers import (
    SUCCESS,
    bound,
    failure,
    query_failure,
    rows,
)
from marketplace_sdk_snowflake.testing.engine import execute, use_role
from marketplace_sdk_snowflake.testing.faults import Fault, FaultKind, Faults
from marketplace_sdk_snowflake.testing.logins import authenticate
from marketplace_sdk_snowflake.testing.refusals import Refused
from marketplace_sdk_snowflake.testing.running import Features, Result
from marketplace_sdk_snowflake.testing.sessions import DEFAULTS, Session
from marketplace_sdk_snowflake.testing.world import User, World

__all__ = ["Dropped", "Recorded", "Service", "Unavailable"]

_HOUR = 3600


class Dropped(Exception):
    """The connection is to be dropped without an answer."""


class Unavailable(Exception):
    """The answer is HTTP 503."""


@frozen
class Recorded:
    """One statement as it arrived: ``outcome`` is ``ok``, a number of Snowflake, or a fault.

    ``role`` is the primary role of the session, ``tag`` the query tag that holds for the
    statement, ``parameters`` what the statement alone was sent with.
    """

    sql: str
    user: str
    role: str
    tag: str
    request_id: str
    sfqid: str
    outcome: str
    parameters: dict[str, Any]


@define
class _Login:
    session: Session
    token: str
    master: str
    expired: bool = False
    dead: bool = False


class Service:
    """Logins and statements of one account."""

    def __init__(self, world: World, features: Features) -> None:
        self.world = world
        self.features = features
        self.faults = Faults()
        self.statements: list[Recorded] = []
        self.lock = threading.RLock()
        self.stopping = threading.Event()
        self.replays: Callable[[str], Result | Refused | None] = lambda _: None
        self._logins: list[_Login] = []
        self._requests: set[str] = set()

    @property
    def open_sessions(self) -> int:
        """How many logins were not closed yet."""
        return len(self._logins)

    def login(self, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        """POST /session/v1/login-request."""
        data = body.get("data") or {}
        try:
            with self.lock:
                user = authenticate(self.world, data)
                session = self._open(user, query, data)
        except Refused as refused:
            return failure(refused, {"nextAction": "RETRY_LOGIN"})
        login = _Login(session, secrets.token_hex(16), secrets.token_hex(16))
        self._logins.append(login)
        return {
            "success": True,
            "code": None,
            "message": None,
            "data": {
                "token": login.token,
                "masterToken": login.master,
                "validityInSeconds": _HOUR,
                "masterValidityInSeconds": 4 * _HOUR,
                "displayUserName": user.name[0],
                "serverVersion": "10.40.0",
                "firstLogin": False,
                "sessionId": session.number,
                "parameters": [
                    {"name": name, "value": session.parameter(name)} for name in DEFAULTS
                ],
                "sessionInfo": {
                    "databaseName": session.database or None,
                    "schemaName": session.schema or None,
                    "warehouseName": session.warehouse or None,
                    "roleName": session.role,
                },
            },
        }

    def _open(self, user: User, query: dict[str, str], data: dict[str, Any]) -> Session:
        session = Session(self.world.number(), user.name[0])
        role = query.get("roleName") or user.default_role or "PUBLIC"
        try:
            use_role(self.world, session, _as_name(role))
        except Refused:
            raise Refused(
                390189,
                "08001",
                f"Role '{role}' specified in the connect string does not exist or not authorized. "
                "Contact your local system administrator, or attempt to login with another role.",
            ) from None
        given = data.get("SECONDARY_ROLES") or user.default_secondary_roles
        session.secondary = str(given).upper()
        for name, value in (data.get("SESSION_PARAMETERS") or {}).items():
            if name in DEFAULTS:
                session.parameters[name] = value
        for what, kind in (("databaseName", "DATABASE"), ("warehouse", "WAREHOUSE")):
            place = _as_name(query.get(what, ""))
            if place and self.world.find(kind, (place,)) is not None:
                setattr(session, kind.lower(), place)
        schema = _as_name(query.get("schemaName", ""))
        if schema and self.world.find("SCHEMA", (session.database, schema)) is not None:
            session.schema = schema
        return session

    def close(self, token: str) -> dict[str, Any]:
        """POST /session?delete=true."""
        self._logins = [login for login in self._logins if login.token != token]
        return SUCCESS

    def renew(self, token: str) -> dict[str, Any]:
        """POST /session/token-request, with the master token."""
        login = next((one for one in self._logins if one.master == token), None)
        if login is None or login.dead:
            return failure(_EXPIRED_FOR_GOOD)
        login.token, login.expired = secrets.token_hex(16), False
        return {
            "success": True,
            "code": None,
            "message": None,
            "data": {
                "sessionToken": login.token,
                "validityInSecondsST": _HOUR,
                "masterToken": login.master,
                "validityInSecondsMT": 4 * _HOUR,
                "sessionId": login.session.number,
            },
        }

    def monitoring(self, sfqid: str) -> dict[str, Any]:
        """GET /monitoring/queries/{id}: every statement has ended before anybody can ask."""
        found = [one for one in self.statements if one.sfqid == sfqid]
        states = [
            {"id": one.sfqid, "status": "SUCCESS" if one.outcome == "ok" else "FAILED_WITH_ERROR"}
            for one in found
        ]
        return {**SUCCESS, "data": {"queries": states}}

    def query(self, token: str, request_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST /queries/v1/query-request.

        Raises:
            Dropped: a fault wants the connection gone.
            Unavailable: a fault wants HTTP 503.
        """
        login = next((one for one in self._logins if one.token == token), None)
        if login is None:
            return failure(Refused(390104, "08001", "Session no longer exists. Log in again."))
        if login.expired or login.dead:
            return failure(_EXPIRED)
        text = str(body.get("sqlText") or "")
        fault = self.faults.strike(text, request_id)
        outcome, sfqid = str(fault.kind) if fault else "ok", str(uuid.uuid4())
        try:
            answer = self._answer(login, fault, request_id, body)
            if isinstance(answer, Refused) and fault is None:
                outcome = str(answer.errno)
        finally:
            self._record(login.session, request_id, sfqid, outcome, body)
        if isinstance(answer, Refused):
            return failure(answer, query_failure(answer, sfqid))
        return rows(answer, login.session, sfqid)

    def _record(
        self, session: Session, request_id: str, sfqid: str, outcome: str, body: dict[str, Any]
    ) -> None:
        parameters = dict(body.get("parameters") or {})
        tag = str(parameters.get("QUERY_TAG", session.parameter("QUERY_TAG")))
        text = str(body.get("sqlText") or "")
        self.statements.append(
            Recorded(text, session.user, session.role, tag, request_id, sfqid, outcome, parameters)
        )
        self._requests.add(request_id)

    def _answer(
        self, login: _Login, fault: Fault | None, request_id: str, body: dict[str, Any]
    ) -> Result | Refused:
        again = request_id in self._requests
        answer = self._fail_early(login, fault, again=again)
        if answer is None:
            with self.lock:
                text = str(body.get("sqlText") or "")
                answer = self.replays(text) or self._run(login.session, text, body)
        if fault is not None and fault.kind in _AFTER:
            raise Dropped
        return answer

    def _fail_early(
        self, login: _Login, fault: Fault | None, *, again: bool
    ) -> Result | Refused | None:
        """What the fault puts in the place of the statement, if it does."""
        if fault is None:
            return None
        if fault.kind is FaultKind.UNAVAILABLE:
            raise Unavailable
        if fault.kind is FaultKind.DROPPED_BEFORE or (fault.kind in _AFTER and again):
            raise Dropped
        if fault.kind is FaultKind.SLOW:
            self.stopping.wait(fault.seconds)
        if fault.kind in _EXPIRING:
            login.expired = True
            login.dead = fault.kind is FaultKind.LOGIN_EXPIRED
            return _EXPIRED
        if fault.kind is FaultKind.NOT_EXECUTED:
            return Result.status("Grant not executed: Insufficient privileges.")
        return _INSTEAD.get(fault.kind)

    def _run(self, session: Session, text: str, body: dict[str, Any]) -> Result | Refused:
        binds = body.get("bindings") or {}
        values = tuple(bound(binds[str(at)]) for at in range(1, len(binds) + 1))
        try:
            return execute(self.world, session, self.features, text, values)
        except Refused as refused:
            return refused


_EXPIRED = Refused(390112, "08001", "Your session has expired. Please log in again.")
_EXPIRED_FOR_GOOD = Refused(390114, "08001", "Authentication token has expired. Log in again.")
_AFTER = {FaultKind.LOST_ANSWER, FaultKind.DROPPED_AFTER}
_EXPIRING = {FaultKind.SESSION_EXPIRED, FaultKind.LOGIN_EXPIRED}
_INSTEAD = {
    FaultKind.REFUSED: Refused(
        3001, "42501", "SQL access control error:\nInsufficient privileges to operate."
    ),
    FaultKind.CANCELLED: Refused(604, "57014", "SQL execution canceled"),
}


def _as_name(text: str) -> str:
    """A name in the connect string: exact in quotes or when it exists so, else upper case."""
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1].replace('""', '"') if quoted else text.upper()
