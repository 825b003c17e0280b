"""Settings of a connection, checked, and what the connector is given for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast, get_args

from attrs import field, frozen
from cryptography.hazmat.primitives import serialization

from marketplace_sdk.plugin import InvalidInput, Problem, check_settings, split_name
from marketplace_sdk_snowflake.naming import quote_identifier

__all__ = [
    "KNOWN",
    "Login",
    "Mode",
    "Settings",
    "UserIdentity",
    "connections_file",
    "read_login",
    "read_settings",
]

Mode = Literal["account_role", "database_role"]
UserIdentity = Literal["created_on", "name"]

_TEXTS = (
    "account",
    "user",
    "role",
    "authentication",
    "private_key",
    "private_key_passphrase",
    "token",
    "workload_identity_provider",
    "connection_name",
    "connections_file",
    "host",
    "protocol",
    "warehouse",
    "mode",
    "prefix",
    "user_identity",
    "entitlements",
)
KNOWN: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(_TEXTS, str),
    "port": int,
    "max_roles": int,
    "trusted_policies": dict,
    "trusted_views": dict,
}
"""Every setting and its type."""

_SECRETS = ("private_key", "private_key_passphrase", "token")
_REFERENCES = ("env:", "file:")
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "key_pair": ("account", "user", "private_key"),
    "oauth": ("account", "token"),
    "pat": ("account", "user", "token"),
    "workload_identity": ("account", "workload_identity_provider"),
    "connections_file": ("connection_name",),
}
_MAY: Mapping[str, tuple[str, ...]] = {
    "key_pair": ("private_key_passphrase",),
    "oauth": ("user",),
    "pat": (),
    "workload_identity": ("user", "token"),
    "connections_file": ("connections_file", "account", "user"),
}
_OF_SOME = {name for names in (*_NEEDS.values(), *_MAY.values()) for name in names}
_ADMINS = ("ACCOUNTADMIN", "ORGADMIN", "GLOBALORGADMIN", "SECURITYADMIN", "USERADMIN", "SYSADMIN")
_PARTS_OF_A_TABLE = 3
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


@frozen(kw_only=True)
class Login:
    """How to log in.

    Attributes:
        options: for ``snowflake.connector.connect``, without timeouts.
        secrets: texts that may stand in no message.
    """

    options: Mapping[str, Any] = field(repr=False)
    secrets: Sequence[str] = field(default=(), repr=False)


@frozen(kw_only=True)
class Settings:
    """How the marketplace works on an account.

    Attributes:
        mode: which kind of role stands for a product.
        prefix: names of our roles and policies begin with it.
        user_identity: what tells a user from a later one of the same name: when it was created
            (which only a role with CREATE USER or OWNERSHIP may see), or nothing.
        warehouse: a warehouse is there, so that queries may be used, too.
        entitlements: database, schema and name of the table of masking exceptions, or None for
            unmask roles.
        max_roles: more roles of ours than so many are never made.
        trusted_policies: by dotted name, the fingerprint of a policy that lets holders of an
            exception through in words of its own, as a person has seen.
        trusted_views: by dotted name, the fingerprint of a view that shows nothing masked.
    """

    mode: Mode = "account_role"
    prefix: str = "MKT"
    user_identity: UserIdentity = "created_on"
    warehouse: bool = False
    entitlements: tuple[str, str, str] | None = None
    max_roles: int = 5000
    trusted_policies: Mapping[tuple[str, ...], str] = field(factory=dict)
    trusted_views: Mapping[tuple[str, ...], str] = field(factory=dict)


def read_settings(settings: Mapping[str, Any]) -> Settings:
    """The part of a connection's settings that is not about logging in.

    Raises:
        InvalidInput: a setting is unknown, mistyped or not possible; says which.
    """
    check_settings(settings, plugin="snowflake", known=KNOWN)
    problems: list[Problem] = []
    mode = _choice(settings, "mode", get_args(Mode), problems)
    identity = _choice(settings, "user_identity", get_args(UserIdentity), problems)
    prefix = settings.get("prefix", "MKT")
    if not (prefix.isascii() and prefix.isalnum() and prefix.isupper() and len(prefix) <= 20):  # noqa: PLR2004 - a name's room
        problems.append(Problem("prefix", "must be up to 20 upper-case letters and digits"))
    table = _table(settings.get("entitlements"), problems)
    if table is not None and not settings.get("warehouse"):
        problems.append(Problem("warehouse", "is required with entitlements, which are queried"))
    most = settings.get("max_roles", 5000)
    if most < 1 or isinstance(most, bool):
        problems.append(Problem("max_roles", "must be a positive number"))
    policies = _trusted(settings, "trusted_policies", problems)
    views = _trusted(settings, "trusted_views", problems)
    if problems:
        raise InvalidInput("cannot configure snowflake", problems=problems)
    return Settings(
        mode=cast("Mode", mode),
        prefix=prefix,
        user_identity=cast("UserIdentity", identity),
        warehouse=bool(settings.get("warehouse")),
        entitlements=table,
        max_roles=most,
        trusted_policies=policies,
        trusted_views=views,
    )


def read_login(settings: Mapping[str, Any], secret: Callable[[str], str]) -> Login:
    """How to log in; there is no way with a password in the settings.

    Args:
        settings: of the connection.
        secret: resolves ``env:NAME`` and ``file:PATH``.

    Raises:
        InvalidInput: a setting is missing, superfluous, or a secret stands in the settings.
    """
    how = settings.get("authentication", "key_pair")
    if how not in _NEEDS:
        raise _refused("authentication", f"must be one of {', '.join(_NEEDS)}")
    problems = [
        Problem(name, f"is required with authentication {how}")
        for name in (*_NEEDS[how], "role")
        if not settings.get(name)
    ]
    problems += [
        Problem(name, f"means nothing with authentication {how}")
        for name in sorted(_OF_SOME - {*_NEEDS[how], *_MAY[how]})
        if name in settings
    ]
    problems += [
        Problem(name, "is a secret: write env:NAME or file:PATH instead")
        for name in _SECRETS
        if not settings.get(name, "env:").startswith(_REFERENCES)
    ]
    if str(settings.get("role", "")).upper() in _ADMINS:
        problems.append(Problem("role", "must be a role of the marketplace's own, with few rights"))
    if problems:
        raise InvalidInput("cannot configure snowflake", problems=problems)
    found = {name: secret(settings[name]).strip() for name in _SECRETS if name in settings}
    options = {
        name: settings[name]
        for name in ("account", "user", "role", "host", "port", "protocol", "warehouse")
        if name in settings
    }
    return Login(options={**options, **_way(how, settings, found)}, secrets=tuple(found.values()))


def _way(how: str, settings: Mapping[str, Any], found: Mapping[str, str]) -> Mapping[str, Any]:
    if how == "key_pair":
        key = _der(found["private_key"], found.get("private_key_passphrase"))
        return {"authenticator": "SNOWFLAKE_JWT", "private_key": key}
    if how == "oauth":
        return {"authenticator": "oauth", "token": found["token"]}
    if how == "pat":
        return {"authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": found["token"]}
    if how == "workload_identity":
        provider = settings["workload_identity_provider"]
        options = {"authenticator": "WORKLOAD_IDENTITY", "workload_identity_provider": provider}
        return {**options, **{name: found[name] for name in ("token",) if name in found}}
    return {"connection_name": settings["connection_name"], **connections_file(settings)}


def connections_file(settings: Mapping[str, Any]) -> Mapping[str, Path]:
    """The option for a file of connections, if one is set.

    Version 4 of the connector takes a Path only; with a text it cannot log in any more at all.
    """
    name = settings.get("connections_file")
    return {"connections_file_path": Path(name)} if name else {}


def _der(pem: str, passphrase: str | None) -> bytes:
    """The key as both versions of the connector take it."""
    try:
        key = serialization.load_pem_private_key(
            pem.encode(), None if passphrase is None else passphrase.encode()
        )
        return key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    except (ValueError, TypeError, AttributeError):
        # Not chained: what cannot be read may still be shown.
        raise _refused("private_key", "is no PEM key, or the passphrase is not its own") from None


def _choice(
    settings: Mapping[str, Any], name: str, known: Sequence[str], problems: list[Problem]
) -> str:
    value: str = settings.get(name, known[0])
    if value not in known:
        problems.append(Problem(name, f"must be one of {', '.join(known)}"))
    return value


def _table(text: str | None, problems: list[Problem]) -> tuple[str, str, str] | None:
    if text is None:
        return None
    try:
        parts = split_name(text)
        for part in parts:
            quote_identifier(part)
    except ValueError as error:
        problems.append(Problem("entitlements", str(error)))
        return None
    if len(parts) != _PARTS_OF_A_TABLE:
        problems.append(Problem("entitlements", "must be DATABASE.SCHEMA.TABLE"))
        return None
    return parts[0], parts[1], parts[2]


def _trusted(
    settings: Mapping[str, Any], key: str, problems: list[Problem]
) -> Mapping[tuple[str, ...], str]:
    found: dict[tuple[str, ...], str] = {}
    for name, text in settings.get(key, {}).items():
        path = f"{key}.{name}"
        try:
            parts = split_name(str(name))
        except ValueError:
            parts = ()
        if len(parts) != _PARTS_OF_A_TABLE:
            problems.append(Problem(path, "must be DATABASE.SCHEMA.NAME"))
        if not (isinstance(text, str) and _FINGERPRINT.fullmatch(text)):
            why = "must be a fingerprint, as marketplace snowflake fingerprint says it"
            problems.append(Problem(path, why))
        found[parts] = str(text)
    return found


def _refused(path: str, why: str) -> InvalidInput:
    return InvalidInput("cannot configure snowflake", problems=[Problem(path, why)])
