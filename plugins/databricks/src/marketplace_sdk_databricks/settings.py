"""The settings of a connection to Databricks, checked before anything is sent anywhere."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from attrs import field, frozen

from marketplace_sdk.plugin import InvalidInput, Problem, check_settings
from marketplace_sdk_databricks.naming import check_principal, split_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["KNOWN", "Settings", "read_settings"]

KNOWN: Mapping[str, type | tuple[type, ...]] = {
    "host": str,
    "client_id": str,
    "client_secret": str,
    "oidc_token": str,
    "token": str,
    "strategy": str,
    "parents": str,
    "warehouse_id": str,
    "exception_groups": dict,
    "exception_table": str,
    "trusted_views": dict,
    "requests_per_second": (int, float),
}
_SECRETS = ("client_secret", "oidc_token", "token")
_REFERENCES = ("env:", "file:")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@frozen(kw_only=True)
class Settings:
    """How to reach a workspace, and how access is given there.

    Attributes:
        host: with its scheme, without a slash at its end.
        kind: of the credentials: ``oauth-m2m``, ``oidc`` or ``pat``.
        client_id: application id of the service principal, or empty text.
        secret: gives the client secret, the federation token or the personal access token.
        strategy: ``direct`` grants to each beneficiary, or membership of one ``group`` a product.
        parents: ``grant`` USE CATALOG and USE SCHEMA too, or only ``require`` them.
        warehouse_id: of the SQL warehouse for the table of exceptions and for setting up masks.
        exception_groups: by dotted name of a column, the group that its owner's mask lets through.
        exception_table: dotted name of the table of exceptions, or empty text.
        trusted_views: by dotted name, the fingerprint of a view that shows nothing masked.
        requests_per_second: that the workspace is sent at the most, after a short burst.
    """

    host: str
    kind: Literal["oauth-m2m", "oidc", "pat"]
    client_id: str = ""
    secret: Callable[[], str] = field(repr=False)
    strategy: Literal["direct", "group"] = "direct"
    parents: Literal["grant", "require"] = "grant"
    warehouse_id: str = ""
    exception_groups: Mapping[str, str] = field(factory=dict)
    exception_table: str = ""
    trusted_views: Mapping[str, str] = field(factory=dict)
    requests_per_second: float = 25


def read_settings(given: Mapping[str, Any], secret: Callable[[str], str]) -> Settings:
    """The settings, or what is wrong with them.

    Args:
        given: as configured.
        secret: resolves ``env:NAME`` and ``file:PATH``.

    Raises:
        InvalidInput: says which settings are wrong, never what stands in them.
    """
    check_settings(given, plugin="databricks", known=KNOWN, required=("host",))
    problems: list[Problem] = []
    host = _host(given["host"], problems)
    kinds = [each for each in _SECRETS if given.get(each)]
    if len(kinds) != 1:
        problems.append(Problem("client_secret", f"give exactly one of {', '.join(_SECRETS)}"))
    if kinds == ["client_secret"] and not given.get("client_id"):
        problems.append(Problem("client_id", "is required beside client_secret"))
    strategy = _choice(given, "strategy", ("direct", "group"), problems)
    parents = _choice(given, "parents", ("grant", "require"), problems)
    if strategy == "group" and parents == "require":
        problems.append(
            Problem("parents", 'is for strategy = "direct"; a group of ours holds its own')
        )
    table = _name(given.get("exception_table", ""), 3, "exception_table", problems)
    if table and not given.get("warehouse_id"):
        problems.append(Problem("warehouse_id", "is required beside exception_table"))
    groups = _groups(given.get("exception_groups", {}), problems)
    views = _views(given.get("trusted_views", {}), problems)
    rate = given.get("requests_per_second", 25)
    if isinstance(rate, bool) or not 0 < rate < math.inf:
        problems.append(Problem("requests_per_second", "must be a positive number"))
    reference = given.get(kinds[0], "") if kinds else ""
    if not problems:
        problems += _unreadable(kinds[0], reference, secret)
    if problems:
        raise InvalidInput("cannot configure databricks", problems=problems)
    kind: dict[str, Literal["oauth-m2m", "oidc", "pat"]] = {
        "client_secret": "oauth-m2m",
        "oidc_token": "oidc",
        "token": "pat",
    }
    return Settings(
        host=host,
        kind=kind[kinds[0]],
        client_id=given.get("client_id", ""),
        secret=_resolved(reference, secret),
        strategy=strategy,
        parents=parents,
        warehouse_id=given.get("warehouse_id", ""),
        exception_groups=groups,
        exception_table=table,
        trusted_views=views,
        requests_per_second=float(rate),
    )


def _host(text: str, problems: list[Problem]) -> str:
    host = text if "://" in text else f"https://{text}"
    parts = urlsplit(host)
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        problems.append(Problem("host", "must be the address of a workspace and nothing behind it"))
    elif "@" in parts.netloc:
        problems.append(Problem("host", "must not hold credentials"))
    elif parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        problems.append(Problem("host", "must be https; http sends the token in clear"))
    elif parts.scheme not in ("http", "https"):
        problems.append(Problem("host", "must be https"))
    return host.rstrip("/")


def _choice(
    given: Mapping[str, Any], key: str, choices: tuple[str, ...], problems: list[Problem]
) -> Any:
    """The first choice is the default."""
    value = given.get(key, choices[0])
    if value not in choices:
        problems.append(Problem(key, f"must be one of {', '.join(choices)}"))
    return value


def _name(text: str, parts: int, path: str, problems: list[Problem]) -> str:
    if not text:
        return ""
    try:
        return ".".join(split_name(text, parts))
    except ValueError as error:
        problems.append(Problem(path, str(error)))
        return ""


def _groups(given: Mapping[Any, Any], problems: list[Problem]) -> Mapping[str, str]:
    groups = {}
    for column, group in given.items():
        path = f"exception_groups.{column}"
        catalog, schema, table, name = (*str(column).split(".", 3), "", "", "")[:4]
        dotted = _name(f"{catalog}.{schema}.{table}", 3, path, problems)
        try:
            check_principal(group if isinstance(group, str) else "")
        except ValueError:
            problems.append(Problem(path, "must name an account group"))
        if not name:
            problems.append(Problem(path, "must be catalog.schema.table.column"))
        groups[f"{dotted}.{name.lower()}"] = group
    return groups


def _views(given: Mapping[Any, Any], problems: list[Problem]) -> Mapping[str, str]:
    views = {}
    for name, print_ in given.items():
        path = f"trusted_views.{name}"
        dotted = _name(str(name), 3, path, problems)
        if not (isinstance(print_, str) and _FINGERPRINT.fullmatch(print_)):
            problems.append(
                Problem(
                    path, "must be a fingerprint, as marketplace databricks fingerprint says it"
                )
            )
        views[dotted] = print_
    return views


def _unreadable(key: str, reference: str, secret: Callable[[str], str]) -> list[Problem]:
    """A reference that leads nowhere is told now, and not by the first approval."""
    if not reference.startswith(_REFERENCES):
        return []
    return [] if secret(reference) else [Problem(key, "leads to nothing")]


def _resolved(reference: str, secret: Callable[[str], str]) -> Callable[[], str]:
    if reference.startswith(_REFERENCES):
        # Asked each time: whoever runs us renews such a token in its file.
        return lambda: secret(reference)
    return lambda: reference
