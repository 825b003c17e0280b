"""What a connection may be configured with, and what the connector is given for it."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from marketplace_sdk import InvalidInput
from marketplace_sdk.plugin import BuildContext
from marketplace_sdk_snowflake.plugin import marketplace_provisioners
from marketplace_sdk_snowflake.provisioner import CAPABILITIES, SnowflakeProvisioner
from marketplace_sdk_snowflake.settings import read_login, read_settings

BASE = {"account": "acme", "user": "MKT", "role": "MKT_SVC"}


def pem(password=None):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    how = (
        serialization.NoEncryption()
        if password is None
        else serialization.BestAvailableEncryption(password.encode())
    )
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, how).decode(), key


def secrets_of(**values):
    return {f"env:{name}": value for name, value in values.items()}.__getitem__


@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_a_key_pair_is_given_as_the_connector_takes_it(passphrase):
    text, key = pem(passphrase)
    more = {} if passphrase is None else {"private_key_passphrase": "env:PASS"}
    given = {**BASE, "private_key": "env:KEY", **more}

    login = read_login(given, secrets_of(KEY=text, PASS=passphrase))

    read = serialization.load_der_private_key(login.options["private_key"], None)
    assert read.private_numbers() == key.private_numbers()
    assert login.options["authenticator"] == "SNOWFLAKE_JWT"
    assert text.strip() in login.secrets
    assert "BEGIN" not in repr(login)


def test_a_key_that_cannot_be_read_is_refused_without_being_shown():
    text, _ = pem("right")
    for value in ("no key at all", text):
        with pytest.raises(InvalidInput, match="private_key") as caught:
            read_login({**BASE, "private_key": "env:KEY"}, secrets_of(KEY=value))
        assert value[:40] not in str(caught.value)


def test_tokens_and_workload_identity():
    token = secrets_of(TOKEN="s3cret")
    pat = read_login({**BASE, "authentication": "pat", "token": "env:TOKEN"}, token)
    oauth = {"account": "acme", "role": "R", "authentication": "oauth", "token": "env:TOKEN"}
    identity = {
        "account": "acme",
        "role": "R",
        "authentication": "workload_identity",
        "workload_identity_provider": "AWS",
    }

    assert pat.options["authenticator"] == "PROGRAMMATIC_ACCESS_TOKEN"
    assert pat.options["token"] == "s3cret"
    assert read_login(oauth, token).options["authenticator"] == "oauth"
    assert dict(read_login(identity, token).options) == {
        "account": "acme",
        "role": "R",
        "authenticator": "WORKLOAD_IDENTITY",
        "workload_identity_provider": "AWS",
    }
    assert "s3cret" not in repr(pat)


def test_a_connections_file_is_named():
    given = {
        "authentication": "connections_file",
        "connection_name": "market",
        "connections_file": "/etc/connections.toml",
        "role": "MKT_SVC",
    }

    assert dict(read_login(given, {}.__getitem__).options) == {
        "role": "MKT_SVC",
        "connection_name": "market",
        "connections_file_path": Path("/etc/connections.toml"),
    }


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({**BASE}, "private_key"),
        ({**BASE, "private_key": "-----BEGIN PRIVATE KEY-----"}, "private_key"),
        ({**BASE, "authentication": "pat", "token": "plain"}, "token"),
        ({**BASE, "authentication": "password"}, "authentication"),
        ({"account": "a", "user": "u", "private_key": "env:K"}, "role"),
        ({**BASE, "role": "ACCOUNTADMIN", "private_key": "env:K"}, "role"),
        ({**BASE, "private_key": "env:K", "token": "env:K"}, "token"),
    ],
)
def test_a_log_in_that_cannot_be_is_refused(settings, path):
    with pytest.raises(InvalidInput, match=path):
        read_login(settings, secrets_of(K="x"))


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"password": "x"}, "password"),
        ({"port": "443"}, "port"),
        ({"mode": "direct"}, "mode"),
        ({"prefix": "my prefix"}, "prefix"),
        ({"user_identity": "email"}, "user_identity"),
        ({"max_roles": 0}, "max_roles"),
        ({"entitlements": "GOV.MKT.E"}, "warehouse"),
        ({"entitlements": "MKT.E", "warehouse": "W"}, "entitlements"),
        ({"entitlements": 'G."M', "warehouse": "W"}, "entitlements"),
        ({"trusted_policies": ["G.P.CLOSED"]}, "trusted_policies"),
        ({"trusted_policies": {"P": "0" * 64}}, "trusted_policies"),
        ({"trusted_policies": {"G.P.CLOSED": "yes"}}, "trusted_policies"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, path):
    with pytest.raises(InvalidInput, match=path):
        read_settings(settings)


def test_what_it_can_do_depends_on_the_settings():
    (spec,) = marketplace_provisioners()
    context = BuildContext(
        installation="inst1234",
        name="warehouse",
        clock=lambda: datetime.now(UTC),
        secret=secrets_of(T="t"),
    )
    plain = {**BASE, "authentication": "pat", "token": "env:T", "may_grant": ["*"]}

    built = spec.build(plain, context)
    entitled = spec.build({**plain, "warehouse": "W", "entitlements": "G.M.E"}, context)

    assert spec.capabilities == CAPABILITIES == built.capabilities
    assert entitled.capabilities == CAPABILITIES | {"set_until"}
    for ability in ("discover", "doctor"):
        assert callable(getattr(SnowflakeProvisioner, ability))


def test_the_plugin_is_found_by_its_entry_point():
    (entry,) = entry_points(group="marketplace_sdk", name="snowflake")

    assert entry.load().marketplace_provisioners is marketplace_provisioners
