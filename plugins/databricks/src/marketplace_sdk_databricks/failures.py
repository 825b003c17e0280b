"""What may go wrong between us and Databricks, as a table, and what is done about each row.

Not every failure is a ``DatabricksError``: an HTML page with status 200 is a JSONDecodeError, and
what the SDK gave up on a TimeoutError. All of them, and our own, are OSError.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import requests
from attrs import frozen
from databricks.sdk import errors

from marketplace_sdk.plugin import ProvisioningError
from marketplace_sdk_databricks.deadline import NoAnswer, OutOfTime, Redirected
from marketplace_sdk_databricks.statements import StatementFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ROWS", "BadCredentials", "Failure", "Row", "failure_of"]

Result = Literal["refused", "unknown", "not_attempted"]

_LONGEST = 400


class BadCredentials(OSError):
    """The credentials were refused by whoever gives out tokens."""


@frozen(kw_only=True)
class Row:
    """One kind of failure.

    Attributes:
        name: stable name of it.
        types: of the exception; the first row that fits is taken.
        code: pattern of the error code, or empty: any.
        text: pattern in the message, or empty: any.
        result: what became of a change that failed so.
        retryable: whether waiting may help, without anybody doing something.
        hint: what to do, for people.
    """

    name: str
    types: tuple[type[BaseException], ...]
    code: str = ""
    text: str = ""
    result: Result = "refused"
    retryable: bool = False
    hint: str = ""

    def fits(self, error: BaseException) -> bool:
        """Whether the failure is of this kind."""
        code = str(getattr(error, "error_code", "") or "")
        return (
            isinstance(error, self.types)
            and (not self.code or re.search(self.code, code) is not None)
            and (not self.text or re.search(self.text, str(error), re.IGNORECASE) is not None)
        )


ROWS: Sequence[Row] = (
    Row(
        name="out_of_time",
        types=(OutOfTime,),
        result="not_attempted",
        retryable=True,
        hint="it is tried again by itself",
    ),
    Row(
        name="no_answer",
        types=(NoAnswer, TimeoutError, requests.ConnectionError, requests.Timeout),
        result="unknown",
        retryable=True,
        hint="it is looked at and tried again by itself",
    ),
    Row(
        name="wrong_address",
        types=(Redirected, requests.TooManyRedirects, requests.exceptions.JSONDecodeError),
        hint="the host is wrong, or a proxy or a private link's login page answers in its place",
    ),
    Row(
        name="statement_denied",
        types=(StatementFailed,),
        code=r"PERMISSION|UNAUTHORIZED|INSUFFICIENT",
        hint="see `marketplace databricks doctor` for the statement that an administrator must run",
    ),
    Row(
        name="statement_conflict",
        types=(StatementFailed,),
        code=r"CONCURRENT|CONFLICT",
        result="not_attempted",
        retryable=True,
        hint="somebody changed it at the same moment; it is tried again by itself",
    ),
    Row(
        name="statement_failed",
        types=(StatementFailed,),
        hint="the statement did not work; see its condition",
    ),
    Row(
        name="bad_credentials",
        types=(BadCredentials, errors.Unauthenticated),
        hint="check client_id, client_secret, oidc_token or token of the connection",
    ),
    Row(
        name="network_policy",
        types=(errors.PermissionDenied,),
        code=r"^FORBIDDEN$",
        hint="an IP access list or network policy keeps us out; an administrator may let us in",
    ),
    Row(
        name="network_policy",
        types=(errors.PermissionDenied,),
        text=r"unable to parse response|\bIP (address|access)",
        hint="an IP access list or network policy keeps us out; an administrator may let us in",
    ),
    Row(
        name="denied",
        types=(errors.PermissionDenied,),
        hint="see `marketplace databricks doctor` for the statement that an administrator must run",
    ),
    Row(
        name="no_principal",
        types=(errors.NotFound,),
        code=r"PRINCIPAL",
        hint="use account groups, e-mail addresses of users, and application ids",
    ),
    Row(
        name="no_principal",
        types=(errors.NotFound, errors.BadRequest),
        text=r"could not find (principal|user|group|service principal)|principal .*does not exist",
        hint="use account groups, e-mail addresses of users, and application ids",
    ),
    Row(
        name="not_supported",
        types=(errors.NotImplemented,),
        hint="this workspace does not have the feature",
    ),
    Row(
        name="not_supported",
        types=(errors.NotFound,),
        code=r"ENDPOINT_NOT_FOUND|FEATURE_DISABLED",
        hint="this workspace does not have the feature",
    ),
    Row(
        name="no_object",
        types=(errors.NotFound,),
        hint="it was dropped, or we may not see it",
    ),
    Row(
        name="exists",
        types=(errors.AlreadyExists, errors.ResourceAlreadyExists),
        hint="something of that name is there already",
    ),
    Row(
        name="conflict",
        types=(errors.ResourceConflict,),
        result="not_attempted",
        retryable=True,
        hint="somebody changed it at the same moment; it is tried again by itself",
    ),
    Row(
        name="limit",
        types=(errors.TooManyRequests, errors.BadRequest),
        text=r"quota|exceed\w* .*limit|limit .*exceed|maximum number",
        hint='a limit of Databricks is reached; ask for a higher one, or use strategy = "group"',
    ),
    Row(
        name="throttled",
        types=(errors.TooManyRequests, errors.TemporarilyUnavailable),
        result="not_attempted",
        retryable=True,
        hint="it is tried again by itself",
    ),
    Row(
        name="bad_request",
        types=(errors.BadRequest,),
        hint="report it to the authors of the plugin",
    ),
    Row(
        name="unsure",
        types=(errors.InternalError, errors.DeadlineExceeded),
        result="unknown",
        retryable=True,
        hint="it is looked at and tried again by itself",
    ),
    Row(
        name="unsure",
        types=(OSError,),
        result="unknown",
        retryable=True,
        hint="it is looked at and tried again by itself",
    ),
)
"""First match wins; the last row takes what nobody has seen yet, as if it might have happened."""


@frozen(kw_only=True)
class Failure:
    """One failure, understood.

    Attributes:
        row: of what kind.
        said: what the platform said, on one line, without secrets.
        wait: seconds that it asked us to wait, or None.
    """

    row: Row
    said: str
    wait: float | None = None

    def __str__(self) -> str:
        return f"{self.said} ({self.row.name}); {self.row.hint}"

    def error(self, what: str) -> ProvisioningError:
        """The same as what a failed look at the platform is told as."""
        return ProvisioningError(
            f"cannot {what}: {self.said}",
            retryable=self.row.retryable,
            retry_after=self.wait,
            code=self.row.name,
            hint=self.row.hint,
        )


def failure_of(error: BaseException, secrets: Sequence[str] = ()) -> Failure:
    """What an exception means.

    A wait that does not fit into the call hides what was answered: then that counts, because a
    request that was throttled has not happened, but one that failed inside may have.
    """
    wait = error.wait if isinstance(error, OutOfTime) else None
    cause = error.__context__ if wait is not None else None
    row = next(row for row in ROWS if row.fits(cause or error))
    return Failure(row=row, said=_said(cause or error, secrets), wait=wait)


def _said(error: BaseException, secrets: Sequence[str]) -> str:
    """One line; the SDK appends its configuration, and logs of whole requests, to some messages."""
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return "the answer is no JSON"
    text = re.split(r"Config: |Env: |Request log:|This is likely a bug in the", str(error))[0]
    for secret in secrets:
        text = text.replace(secret, "***")
    words = " ".join(text.split()).rstrip(". ")[:_LONGEST]
    code = getattr(error, "error_code", None)
    said = words or type(error).__name__
    return f"{said} [{code}]" if code else said
