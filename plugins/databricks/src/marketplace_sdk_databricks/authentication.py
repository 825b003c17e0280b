"""Who we are: tokens for the SDK, fetched within the deadline of the call that needs one.

The SDK can do the same, but asks for tokens without any time limit, and renews them in threads of
its own. So this is a credentials strategy for it, its point of extension, with two requests.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Literal

import requests
from attrs import field, frozen
from databricks.sdk.credentials_provider import CredentialsStrategy

from marketplace_sdk.plugin import MarketplaceError
from marketplace_sdk_databricks.deadline import Deadline, DeadlineAdapter, NoAnswer
from marketplace_sdk_databricks.failures import BadCredentials
from marketplace_sdk_databricks.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Callable

    from databricks.sdk.core import Config

__all__ = ["Credentials", "Strategy"]

_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_JWT = "urn:ietf:params:oauth:token-type:jwt"
_ENDPOINTS = "/oidc/.well-known/oauth-authorization-server"
_RENEW_BEFORE = 120.0
_BROKEN = 500
_BUSY = 429


@frozen(kw_only=True)
class Credentials:
    """How to sign in; nothing in it is ever shown.

    Attributes:
        kind: ``oauth-m2m`` (a service principal's secret), ``oidc`` (a token of the platform that
            the marketplace runs on, exchanged by federation) or ``pat`` (for tests).
        client_id: application id of the service principal; with ``oidc`` it may be empty.
        secret: gives the client secret, the federation token or the personal access token; asked
            each time, because such tokens are renewed.
    """

    kind: Literal["oauth-m2m", "oidc", "pat"]
    client_id: str = ""
    secret: Callable[[], str] = field(repr=False)


class Strategy(CredentialsStrategy):
    """Headers for every request of the SDK.

    Args:
        credentials: how to sign in.
        host: of the workspace, with its scheme and without a slash at its end.
        deadline: of whoever needs a token.
        throttle: of the workspace.
    """

    def __init__(
        self, credentials: Credentials, host: str, deadline: Deadline, throttle: Throttle
    ) -> None:
        self._credentials = credentials
        self._host = host
        self._session = requests.Session()
        self._session.mount("https://", DeadlineAdapter(deadline, throttle))
        self._session.mount("http://", DeadlineAdapter(deadline, throttle))
        # One at a time; the others wait for its token no longer than their own requests may last.
        self._lock = threading.Lock()
        self._deadline = deadline
        self._token = ""
        self._good_until = 0.0

    def auth_type(self) -> str:
        """As it stands in the user agent."""
        return self._credentials.kind

    def __call__(self, _: Config) -> Callable[[], dict[str, str]]:
        """What makes the headers of one request."""
        return lambda: {"Authorization": f"Bearer {self._current()}"}

    def forget(self) -> None:
        """Sign in anew with the next request: the token was refused."""
        self._good_until = 0.0

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _current(self) -> str:
        if self._credentials.kind == "pat":
            return self._secret()
        if not self._lock.acquire(timeout=self._deadline.left):
            raise NoAnswer("another request is still signing in")
        try:
            if time.monotonic() >= self._good_until:
                self._renew()
            return self._token
        finally:
            self._lock.release()

    def _renew(self) -> None:
        endpoint = self._answer("GET", self._host + _ENDPOINTS).get("token_endpoint")
        if not isinstance(endpoint, str) or not endpoint.startswith(self._scheme):
            raise BadCredentials("the workspace names no address for tokens")
        form = {"scope": "all-apis"}
        # Without an auth of our own requests would take one from ~/.netrc.
        auth: Any = _nothing
        if self._credentials.kind == "oauth-m2m":
            form["grant_type"] = "client_credentials"
            auth = (self._credentials.client_id, self._secret())
        else:
            form |= {
                "grant_type": _EXCHANGE,
                "subject_token_type": _JWT,
                "subject_token": self._secret(),
            }
            if self._credentials.client_id:
                form["client_id"] = self._credentials.client_id
        answer = self._answer("POST", endpoint, data=form, auth=auth)
        token, lasts = answer.get("access_token"), answer.get("expires_in", 0)
        if not isinstance(token, str) or not token:
            raise BadCredentials("no token was given")
        self._token = token
        lasts = lasts if isinstance(lasts, int | float) else 0
        self._good_until = time.monotonic() + max(0.0, lasts - _RENEW_BEFORE)

    def _secret(self) -> str:
        try:
            found = self._credentials.secret()
        except MarketplaceError as error:
            raise BadCredentials(f"the secret cannot be read: {error.code}") from None
        if not found:
            raise BadCredentials("the secret is empty")
        return found

    @property
    def _scheme(self) -> str:
        """Secrets go out in clear only where the host itself may be spoken to so, on loopback."""
        return "https://" if self._host.startswith("https://") else self._host

    def _answer(self, method: str, url: str, **what: Any) -> dict[str, Any]:
        response = self._session.request(method, url, **{"auth": _nothing, **what})
        if response.status_code >= _BROKEN or response.status_code == _BUSY:
            raise NoAnswer(f"signing in failed with status {response.status_code}")
        if not response.ok:
            # Only the status: what else stands there may repeat what was sent.
            raise BadCredentials(f"signing in was refused with status {response.status_code}")
        answer = response.json()
        if not isinstance(answer, dict):
            raise BadCredentials("the answer to signing in cannot be read")
        return answer


def _nothing(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
