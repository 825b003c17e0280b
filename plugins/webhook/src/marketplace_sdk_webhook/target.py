"""Where a webhook goes: one URL, read strictly."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from marketplace_sdk_webhook.addresses import Address

__all__ = ["Target", "target_of"]

# Browsers, libc and Python read unusual URLs differently, and a guard that reads one differently
# from the connection is no guard. So only the plain form is taken: printable ASCII, no user, no
# fragment, no backslash.
_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9_.-]+))"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!-~]*)?",
    re.IGNORECASE,
)
_UNUSABLE = re.compile(r"[^!-~]|[\\#]")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST_NAME = 253
_LAST_PORT = 65535


@frozen
class Target:
    """The parts of a URL that a connection needs.

    Attributes:
        scheme: ``https`` or ``http``.
        host: lower-case name, or an address without brackets.
        port: 1 to 65535.
        path: with the query; kept out of ``repr`` because it may hold a token.
        address: the address when the host is one, else None.
    """

    scheme: str
    host: str
    port: int
    path: str = field(repr=False)
    address: Address | None = None

    @property
    def encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """Value of the ``Host`` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = 443 if self.encrypted else 80
        return host if self.port == usual else f"{host}:{self.port}"


def target_of(url: str) -> Target:
    """Read a URL.

    Raises:
        ValueError: it is not a plain http or https URL. The message does not repeat it.
    """
    if _UNUSABLE.search(url):
        raise ValueError("may only hold printable ASCII, no blank, backslash or fragment")
    if "@" in re.split(r"[/?]", url.partition("://")[2], maxsplit=1)[0]:
        raise ValueError("may not hold a user or a password")
    parts = _URL.fullmatch(url)
    if parts is None:
        raise ValueError("must read https://host[:port][/path][?query]")
    scheme = parts["scheme"].lower()
    port = int(parts["port"] or (443 if scheme == "https" else 80))
    if not 1 <= port <= _LAST_PORT:
        raise ValueError("has an impossible port")
    host, address = _six(parts["six"]) if parts["six"] else _name(parts["name"].lower())
    return Target(scheme, host, port, parts["path"] or "/", address)


def _six(text: str) -> tuple[str, Address]:
    try:
        address = IPv6Address(text)
    except ValueError:
        raise ValueError("has a broken IPv6 address") from None
    return str(address), address


def _name(text: str) -> tuple[str, Address | None]:
    labels = text.split(".")
    # 2130706433, 0x7f.1 and 0177.0.0.1 are addresses to some resolvers and names to others.
    if _NUMERIC.fullmatch(labels[-1]):
        try:
            return text, IPv4Address(text)
        except ValueError:
            raise ValueError("has a number as host that is not four decimal parts") from None
    if len(text) > _LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("has a host that is not a DNS name")
    return text, None
