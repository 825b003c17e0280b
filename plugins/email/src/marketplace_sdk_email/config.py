"""The settings of a mail server, checked."""

from __future__ import annotations

import re
from email.headerregistry import Address
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from attrs import field, frozen

from marketplace_sdk.plugin import InvalidInput, Problem
from marketplace_sdk_email.templates import language_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["KNOWN", "Config", "Security", "address_of", "read"]

Security = Literal["starttls", "tls", "none"]

KNOWN: dict[str, type | tuple[type, ...]] = {
    "host": str,
    "port": int,
    "security": str,
    "username": str,
    "password": str,
    "sender": str,
    "sender_name": str,
    "reply_to": str,
    "language": str,
    "templates": str,
    "ca_file": str,
    "timeout": (int, float),
}
"""Setting names and their types."""

_T = TypeVar("_T")

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_HIGHEST_PORT = 65_535
_TIMEOUT = 10.0
_LONGEST_TIMEOUT = 300.0
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_ADDRESS = re.compile(r"([^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]{1,64})@([\w-]+(?:\.[\w-]+)*)")


@frozen(kw_only=True)
class Config:
    """One mail server, and who writes.

    Attributes:
        host: name or address of the server.
        port: of the server.
        security: ``starttls``; ``tls`` from the first byte; ``none``, on this machine only.
        username: to sign in with; empty for no sign-in.
        password: the same.
        sender: whom mail comes from.
        reply_to: where answers go, or None.
        language: of people whose directory names none; empty for that of the templates' top.
        templates: folder of the company's own templates; empty for none.
        ca_file: path of a bundle of authorities to trust instead of the system's; empty for those.
        timeout: seconds that one attempt may take in all.
    """

    host: str
    port: int
    security: Security
    sender: Address
    username: str = ""
    password: str = field(default="", repr=False)
    reply_to: Address | None = None
    language: str = ""
    templates: str = ""
    ca_file: str = ""
    timeout: float = _TIMEOUT


def read(settings: Mapping[str, Any], secret: Callable[[str], str]) -> Config:
    """Turn settings of the right names and types into a configuration.

    Args:
        settings: see ``KNOWN``; ``host`` and ``sender`` are there.
        secret: resolves ``env:NAME`` and ``file:PATH``.

    Raises:
        InvalidInput: every problem, without repeating a value.
    """
    problems: list[Problem] = []

    def attempt(key: str, make: Callable[[Any], _T], value: object, default: _T) -> _T:
        try:
            return make(value)
        except ValueError as error:
            problems.append(Problem(key, str(error)))
            return default

    unknown = Address("", "nobody", "invalid")
    host = attempt("host", _host, settings["host"], "")
    starttls: Security = "starttls"
    security = attempt("security", _security, settings.get("security", starttls), starttls)
    if security == "none" and host and not _on_this_machine(host):
        problems.append(Problem("security", "must be starttls or tls for a server elsewhere"))
    port = attempt("port", _port, settings.get("port", _PORTS[security]), 0)
    name = settings.get("sender_name", "")
    sender = attempt("sender", lambda text: address_of(text, name), settings["sender"], unknown)
    reply_to = (
        attempt("reply_to", address_of, settings["reply_to"], unknown)
        if "reply_to" in settings
        else None
    )
    username = settings.get("username", "")
    if bool(username) != bool(settings.get("password")):
        problems.append(Problem("password", "must be given together with username"))
    password = (
        attempt("password", lambda text: _password(text, secret), settings["password"], "")
        if "password" in settings
        else ""
    )
    language = attempt("language", language_of, settings.get("language", ""), "")
    timeout = attempt("timeout", _seconds, settings.get("timeout", _TIMEOUT), _TIMEOUT)
    if problems:
        raise InvalidInput("cannot configure email", problems=problems)
    return Config(
        host=host,
        port=port,
        security=security,
        sender=sender,
        username=username,
        password=password,
        reply_to=reply_to,
        language=language,
        templates=settings.get("templates", ""),
        ca_file=settings.get("ca_file", ""),
        timeout=timeout,
    )


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError("must be the name or the address of a mail server")
    return text


def _security(text: str) -> Security:
    for known in get_args(Security):
        if text == known:
            return known  # type: ignore[no-any-return]  # one of the literals
    raise ValueError(f"must be one of {', '.join(get_args(Security))}")


def _on_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _port(number: int) -> int:
    # True is an int to Python.
    if isinstance(number, bool) or not 0 < number <= _HIGHEST_PORT:
        raise ValueError(f"must be a number from 1 to {_HIGHEST_PORT}")
    return number


def address_of(text: str, name: str = "") -> Address:
    """An address for a header, whose parts can end no line and name nobody else.

    Raises:
        ValueError: it is none; the message does not repeat it.
    """
    parts = _ADDRESS.fullmatch(text)
    if parts is None or not name.isprintable():
        raise ValueError("must read like name@example.com, and its name must be one line")
    return Address(display_name=name, username=parts[1], domain=parts[2])


def _password(text: str, secret: Callable[[str], str]) -> str:
    if not text.startswith(("env:", "file:")):
        raise ValueError("must be env:NAME or file:PATH")
    # Files and many environments end their values with a line break that is not part of them.
    return secret(text).strip()


def _seconds(value: float) -> float:
    # Not-a-number fails every comparison.
    if isinstance(value, bool) or not 0 < value <= _LONGEST_TIMEOUT:
        raise ValueError(f"must be more than 0 and at most {_LONGEST_TIMEOUT:g} seconds")
    return float(value)
