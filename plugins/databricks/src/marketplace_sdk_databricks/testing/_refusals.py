"""How the fake says no: one exception, and the two shapes an answer of Databricks takes."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

SCIM_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class Refusal(Exception):
    """A request that the service does not carry out.

    Args:
        status: of the HTTP answer.
        code: the ``error_code`` of the body.
        message: what the service says; reaches the caller through the SDK.
        retry_after: seconds for the header of that name; None sends no header.
    """

    def __init__(
        self, status: int, code: str, message: str, *, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after

    def body(self) -> dict[str, Any]:
        """The answer as most services write it."""
        return {"error_code": self.code, "message": self.message, "details": []}


class ScimRefusal(Refusal):
    """The same from the services for users and groups, which answer as SCIM demands."""

    def body(self) -> dict[str, Any]:
        """The answer as RFC 7644, section 3.12, writes it."""
        return {
            "schemas": [SCIM_ERROR],
            "detail": self.message,
            "status": str(self.status),
            "scimType": self.code,
        }


def invalid(message: str) -> Refusal:
    """A request that is wrong whatever the state."""
    return Refusal(HTTPStatus.BAD_REQUEST, "INVALID_PARAMETER_VALUE", message)


def denied(message: str) -> Refusal:
    """A request that this caller may not make."""
    return Refusal(HTTPStatus.FORBIDDEN, "PERMISSION_DENIED", message)


def missing(code: str, message: str) -> Refusal:
    """A request about something that is not there."""
    return Refusal(HTTPStatus.NOT_FOUND, code, message)
