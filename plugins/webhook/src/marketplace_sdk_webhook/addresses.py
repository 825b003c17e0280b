"""Which network addresses a webhook may be sent to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Address", "Guard", "Network", "guard_of"]

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# Python's own ``is_global`` changed between patch releases and says yes to multicast, to
# NAT64 and to 6to4, so the IANA special-purpose registries are written out here.
_NOT_PUBLIC: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        # Teredo, benchmarking, ORCHID and other protocol assignments.
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
# Everything else of IPv6 is local, multicast, a translation prefix or not given out.
_PUBLIC_V6 = IPv6Network("2000::/3")

# Answer with credentials of the machine to whoever asks: AWS, Azure and GCP; ECS; EKS; Azure's
# host agent; Alibaba; Oracle; the IPv6 forms of AWS, EKS and GCP.
_METADATA: frozenset[Address] = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
    )
)

# Prefixes whose last 32 bits are an IPv4 address that a gateway may forward to.
_LAST_32_BITS = (
    IPv6Network("::/96"),
    IPv6Network("64:ff9b::/96"),
    IPv6Network("64:ff9b:1::/48"),
    IPv6Network("::ffff:0:0:0/96"),
)


@frozen
class Guard:
    """Lets public addresses through, and others only where the configuration lists them.

    Attributes:
        allow: networks that are let through although they are not public. Metadata services of
            clouds need a network of exactly their one address.
    """

    allow: tuple[Network, ...] = ()

    @property
    def allows_plain(self) -> bool:
        """Whether any address may be spoken to without TLS, which only loopback may."""
        return _any_loopback(self.allow)

    def refusal(self, address: Address, *, encrypted: bool) -> str:
        """Why the address may not be connected to; empty when it may."""
        for face in _faces(address):
            reason = self._refusal(face, encrypted=encrypted)
            if reason:
                return reason
        return ""

    def _refusal(self, face: Address, *, encrypted: bool) -> str:
        listed = [network for network in self.allow if face in network]
        if face in _METADATA and not any(network.num_addresses == 1 for network in listed):
            return "it is a cloud's metadata service"
        if not listed and not _public(face):
            return "it is not a public address"
        if not encrypted and not _any_loopback(listed):
            return "plain http may only go to a loopback address that is allowed"
        return ""


def guard_of(texts: Sequence[object]) -> Guard:
    """A guard that lets these networks through, such as ``10.1.0.0/16``.

    Raises:
        ValueError: an entry is no network; the message does not repeat it.
    """
    # As text, because ip_network reads a bare number as an address.
    return Guard(tuple(_network(str(text), position) for position, text in enumerate(texts, 1)))


def _network(text: str, position: int) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError(f"entry {position} is not a network such as 10.1.0.0/16") from None


def _any_loopback(networks: Iterable[Network]) -> bool:
    return any(network.is_loopback for network in networks)


def _public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _PUBLIC_V6:
        return False
    return not any(address in network for network in _NOT_PUBLIC)


def _faces(address: Address) -> tuple[Address, ...]:
    """The address and those that a kernel or a gateway would turn it into."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    # Without its scope (``%eth0``), which would make it unequal to every address of a list.
    bare = IPv6Address(int(address))
    return (bare, *_carried(bare))


def _carried(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """IPv4 addresses that an IPv6 address is a way to."""
    if address.is_loopback or address.is_unspecified:
        return ()
    if address.teredo is not None:
        return address.teredo
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if any(address in network for network in _LAST_32_BITS):
        return (IPv4Address(int(address) & 0xFFFF_FFFF),)
    return ()
