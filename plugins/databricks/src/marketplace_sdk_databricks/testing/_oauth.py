"""Who calls: personal access tokens, OAuth machine to machine, and federation."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import threading
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from marketplace_sdk_databricks.testing._refusals import Refusal

DISCOVERY = "/oidc/.well-known/oauth-authorization-server"
TOKEN = "/oidc/v1/token"  # noqa: S105 - a path
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_SECONDS = 3_600


class Tokens:
    """The tokens that are good, and what they can be had for."""

    def __init__(self) -> None:
        self._holders: dict[str, int] = {}
        self._clients: dict[str, tuple[str, int]] = {}
        self._subjects: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def issue(self, principal_id: int) -> str:
        """A new token of a principal."""
        token = f"dapi{secrets.token_hex(16)}"
        with self._lock:
            self._holders[token] = principal_id
        return token

    def register(self, client_id: str, secret: str, principal_id: int) -> None:
        """A client that may have a token for its secret."""
        with self._lock:
            self._clients[client_id] = (secret, principal_id)

    def federate(self, client_id: str, subject_token: str, principal_id: int) -> None:
        """A client that may have a token for one of an identity provider."""
        with self._lock:
            self._subjects[client_id, subject_token] = principal_id

    def revoke_all(self) -> None:
        """Every token is bad from now on; clients may ask for new ones."""
        with self._lock:
            self._holders.clear()

    def holder(self, authorization: str) -> int:
        """Whose token the header carries.

        Raises:
            Refusal: 401, nobody's.
        """
        kind, _, token = authorization.partition(" ")
        found = self._holders.get(token) if kind.lower() == "bearer" else None
        if found is None:
            raise Refusal(
                HTTPStatus.UNAUTHORIZED,
                "UNAUTHENTICATED",
                "Request does not have valid authentication credentials for the operation.",
            )
        return found

    def answer(self, authorization: str, form: str) -> tuple[int, dict[str, Any]]:
        """What the token endpoint says to a form, as RFC 6749 demands."""
        fields = {key: values[0] for key, values in parse_qs(form).items()}
        grant = fields.get("grant_type")
        if grant == "client_credentials":
            client, secret = _basic(authorization)
            client = client or fields.get("client_id", "")
            secret = secret or fields.get("client_secret", "")
            expected, principal = self._clients.get(client, ("", 0))
            # Without a client there is nothing to compare with, and no secret is right.
            good = hmac.compare_digest(expected.encode(), secret.encode()) and bool(expected)
        elif grant == _EXCHANGE:
            key = (fields.get("client_id", ""), fields.get("subject_token", ""))
            principal = self._subjects.get(key, 0)
            good = bool(principal)
        else:
            return HTTPStatus.BAD_REQUEST, {"error": "unsupported_grant_type"}
        if not good:
            text = {"error": "invalid_client", "error_description": "Client authentication failed"}
            return HTTPStatus.UNAUTHORIZED, text
        token = self.issue(principal)
        return HTTPStatus.OK, {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": _SECONDS,
            "scope": fields.get("scope", "all-apis"),
        }


def _basic(authorization: str) -> tuple[str, str]:
    kind, _, value = authorization.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        client, _, secret = base64.b64decode(value).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return client, secret
