"""Which addresses the guard refuses, which it lets through, and how URLs are read."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from marketplace_sdk_webhook.addresses import Guard
from marketplace_sdk_webhook.target import target_of

PRIVATE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.1.2.3",  # noqa: S104 - nothing is bound
    "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1",
    "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::8.8.8.8", "100::1", "fc00::1", "fd12:3456::1", "fe80::1",
    "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1", "2001:db8::1", "2001:2::1", "2001:20::1",
    "3fff::1", "5f00::1", "4000::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:10.0.0.1",
    "64:ff9b::10.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::10.0.0.1", "2002:a00:1::", "2002:808:808::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]  # fmt: skip
METADATA = [
    "169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192",
    "fd00:ec2::254", "fd00:ec2::254%eth0", "fd20:ce::254",
    "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::", "::169.254.169.254",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "93.184.215.14", "100.63.255.255", "100.128.0.1", "172.15.0.1",
    "172.32.0.1", "223.255.255.255", "2606:4700::1111", "2001:4860:4860::8888", "::ffff:8.8.8.8",
]  # fmt: skip


def _guard(*networks):
    return Guard(tuple(ip_network(network) for network in networks))


@pytest.mark.parametrize("text", PRIVATE + METADATA)
def test_an_address_that_is_not_public_is_refused(text):
    """Private, local, reserved, translated and metadata addresses are refused by default."""
    assert Guard().refusal(ip_address(text), encrypted=True)


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_let_through(text):
    """The neighbours of the refused networks are not refused."""
    assert Guard().refusal(ip_address(text), encrypted=True) == ""


@pytest.mark.parametrize("text", METADATA)
def test_a_wide_network_does_not_let_metadata_through(text):
    """Allowing everything still does not allow a cloud's metadata service."""
    reason = _guard("0.0.0.0/0", "::/0").refusal(ip_address(text), encrypted=True)

    assert "metadata" in reason


def test_the_metadata_service_is_let_through_when_it_is_listed_itself():
    """A network of exactly that one address is meant."""
    guard = _guard("169.254.169.254/32")

    assert guard.refusal(ip_address("169.254.169.254"), encrypted=True) == ""
    assert guard.refusal(ip_address("169.254.169.253"), encrypted=True)


def test_a_listed_network_is_let_through_and_its_neighbours_are_not():
    """allow_networks opens what it names, also written as IPv4 within IPv6."""
    guard = _guard("10.1.0.0/16", "fd12::/16")

    assert guard.refusal(ip_address("10.1.2.3"), encrypted=True) == ""
    assert guard.refusal(ip_address("::ffff:10.1.2.3"), encrypted=True) == ""
    assert guard.refusal(ip_address("fd12::1"), encrypted=True) == ""
    assert guard.refusal(ip_address("10.2.0.1"), encrypted=True)
    assert guard.refusal(ip_address("fd13::1"), encrypted=True)


def test_an_allowed_gateway_still_only_reaches_allowed_addresses():
    """NAT64 is let through for public IPv4 addresses, not for private ones behind it."""
    guard = _guard("64:ff9b::/96")

    assert guard.refusal(ip_address("64:ff9b::8.8.8.8"), encrypted=True) == ""
    assert guard.refusal(ip_address("64:ff9b::10.0.0.1"), encrypted=True)


@pytest.mark.parametrize("text", ["8.8.8.8", "10.0.0.1", "::ffff:10.0.0.1"])
def test_plain_http_is_refused_beyond_loopback(text):
    """Without TLS only an allowed loopback address may be spoken to."""
    guard = _guard("10.0.0.0/8", "127.0.0.0/8", "::1/128")

    assert "plain http" in guard.refusal(ip_address(text), encrypted=False)
    assert guard.refusal(ip_address("127.0.0.1"), encrypted=False) == ""
    assert guard.refusal(ip_address("::1"), encrypted=False) == ""


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/", "file:///etc/passwd", "example.com", "https://", "https:///x",
        "https://user@example.com/", "https://user:word@example.com/", "https://a@b@c/",
        "https://example.com\\@evil.example/", "https://exa mple.com/", "https://example.com/\n",
        "https://example.com/#part", "https://exämple.com/", "https://example.com:0/",
        "https://example.com:65536/", "https://example.com:x/", "https://example.com./",
        "https://-example.com/", "https://ex..ample.com/", "https://" + "a" * 64 + ".com/",
        "https://" + "abcdefg." * 32 + "com/",
        "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://0177.0.0.1/",
        "https://127.1/", "https://127.0.0.01/", "https://example.1/", "https://0x/",
        "https://[::1/", "https://[fe80::1%25eth0]/", "https://[1.2.3.4]/", "https://[::g]/",
        "https://example.com?token=x", "https://%31%32%37.0.0.1/",
    ],
)  # fmt: skip
def test_a_url_that_could_be_read_in_two_ways_is_refused(url):
    """Only plain http(s) URLs are taken; the error does not repeat them."""
    with pytest.raises(ValueError, match=r"^(may|must|has)") as caught:
        target_of(url)

    assert url == "https://" or url not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "host", "port", "authority", "path"),
    [
        ("https://Example.COM", "example.com", 443, "example.com", "/"),
        ("HTTPS://example.com:8443/a?b=c@d", "example.com", 8443, "example.com:8443", "/a?b=c@d"),
        ("http://localhost:80/", "localhost", 80, "localhost", "/"),
        ("https://xn--exmple-cua.com/", "xn--exmple-cua.com", 443, "xn--exmple-cua.com", "/"),
        ("https://[2606:4700:0::1111]:1/", "2606:4700::1111", 1, "[2606:4700::1111]:1", "/"),
        ("https://8.8.8.8/", "8.8.8.8", 443, "8.8.8.8", "/"),
    ],
)
def test_a_plain_url_is_read(url, host, port, authority, path):
    """Odd ports, addresses and queries are fine."""
    target = target_of(url)

    assert (target.host, target.port, target.authority, target.path) == (
        host,
        port,
        authority,
        path,
    )
    assert (target.address is not None) == (host[0] in "28")


def test_the_path_and_the_query_stay_out_of_repr():
    """They may hold a token."""
    assert "token" not in repr(target_of("https://example.com/token?token=token"))
