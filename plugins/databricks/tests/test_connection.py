"""Settings and signing in: wrong ones are refused, secrets go nowhere else, nothing is endless."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from plugins.databricks.tests.helpers import INSTALLATION, call_for

from marketplace_sdk import InvalidInput
from marketplace_sdk.plugin import ProvisioningError, Ref, Resolved
from marketplace_sdk_databricks.provisioner import DatabricksProvisioner
from marketplace_sdk_databricks.settings import read_settings

HOST = "https://dbc-1.cloud.databricks.com"
GOOD = {"host": HOST, "client_id": "app", "client_secret": "s3cret-s3cret"}
TABLE = Ref("object", "c.s.t1")


def read(**settings):
    return read_settings(settings, lambda reference: "" if "MISSING" in reference else "from-there")


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({}, "host"),
        ({**GOOD, "host": "http://dbc-1.cloud.databricks.com"}, "host"),
        ({**GOOD, "host": "ftp://127.0.0.1"}, "host"),
        ({**GOOD, "host": f"{HOST}/browse?o=1"}, "host"),
        ({**GOOD, "host": "https://me:pass@dbc-1.cloud.databricks.com"}, "host"),
        ({**GOOD, "token": "x"}, "client_secret"),
        ({"host": HOST}, "client_secret"),
        ({"host": HOST, "client_secret": "x"}, "client_id"),
        ({"host": HOST, "token": "env:MISSING"}, "token"),
        ({**GOOD, "strategy": "other"}, "strategy"),
        ({**GOOD, "parents": "none"}, "parents"),
        ({**GOOD, "strategy": "group", "parents": "require"}, "parents"),
        ({**GOOD, "exception_table": "c.s"}, "exception_table"),
        ({**GOOD, "exception_table": "c.s.t"}, "warehouse_id"),
        ({**GOOD, "exception_groups": {"c.s.t": "g"}}, "exception_groups.c.s.t"),
        ({**GOOD, "exception_groups": {"c.s.t.email": ""}}, "exception_groups.c.s.t.email"),
        ({**GOOD, "exception_groups": ["x"]}, "exception_groups"),
        ({**GOOD, "unknown": 1}, "unknown"),
        ({**GOOD, "host": 7}, "host"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named_and_its_value_is_not(settings, path):
    with pytest.raises(InvalidInput) as caught:
        read(**settings)

    assert path in {problem.path for problem in caught.value.problems}
    assert "s3cret" not in str(caught.value)
    assert "pass@" not in str(caught.value)


@pytest.mark.parametrize("host", [HOST, HOST.removeprefix("https://"), f"{HOST}/", "http://127.0.0.1:8080", "http://localhost:1"])  # fmt: skip
def test_an_address_is_read(host):
    assert read(**{**GOOD, "host": host}).host in (HOST, host)


def test_names_in_settings_are_as_unity_catalog_keeps_them():
    settings = read(**GOOD, warehouse_id="w", exception_table="C.S.`X`", exception_groups={"C.S.T.Email": "g"})  # fmt: skip

    assert settings.exception_table == "c.s.x"
    assert settings.exception_groups == {"c.s.t.email": "g"}


def test_no_secret_is_in_a_repr():
    settings = read(**GOOD)

    assert "s3cret" not in repr(settings)
    assert "s3cret" not in repr(DatabricksProvisioner(settings, installation=INSTALLATION))


def signed_in(fake, **settings):
    given = {"host": fake.host, **settings}

    def secret(reference):
        kind, _, where = reference.partition(":")
        assert kind == "file"
        return Path(where).read_text()

    made = read_settings(given, secret)
    return DatabricksProvisioner(made, installation=INSTALLATION, name="lake")


def test_a_service_principal_signs_in_with_its_secret(lake, fake):
    fake.oauth(fake.me, "s3cret-s3cret")
    provisioner = signed_in(fake, client_id=fake.me, client_secret="s3cret-s3cret")

    for _ in range(3):
        (answer,) = provisioner.resolve([TABLE], call_for()).values()

    assert isinstance(answer, Resolved)
    asked = [each.path for each in fake.calls if "/oidc/" in each.path]
    assert len(asked) == 2, "a token is used until it is about to end"
    provisioner.close()


def test_a_token_of_the_machine_is_exchanged_and_read_anew(lake, fake, tmp_path):
    """By federation there is no secret to keep; the file is renewed by whoever runs us."""
    token = tmp_path / "token"
    token.write_text("first")
    fake.federation(fake.me, "second")
    provisioner = signed_in(fake, client_id=fake.me, oidc_token=f"file:{token}")

    with pytest.raises(ProvisioningError) as caught:
        provisioner.resolve([TABLE], call_for())
    token.write_text("second")
    (answer,) = provisioner.resolve([TABLE], call_for()).values()

    assert caught.value.code == "bad_credentials"
    assert isinstance(answer, Resolved)
    provisioner.close()


def test_a_token_that_was_revoked_is_replaced(lake, fake):
    """It is told once, and the next call signs in again."""
    fake.oauth(fake.me, "s3cret-s3cret")
    provisioner = signed_in(fake, client_id=fake.me, client_secret="s3cret-s3cret")
    provisioner.resolve([TABLE], call_for())
    fake.revoke_tokens()

    with pytest.raises(ProvisioningError) as caught:
        provisioner.resolve([TABLE], call_for())
    (answer,) = provisioner.resolve([TABLE], call_for()).values()

    assert caught.value.code == "bad_credentials"
    assert isinstance(answer, Resolved)
    provisioner.close()


def test_a_secret_that_cannot_be_read_any_more_is_told(lake, fake):
    answers = iter(["there", "there"])

    def secret(_):
        found = next(answers, None)
        if found is None:
            raise InvalidInput("cannot read env:IT: it is not set")
        return found

    settings = read_settings({"host": fake.host, "token": "env:IT"}, secret)
    provisioner = DatabricksProvisioner(settings, installation=INSTALLATION, name="lake")

    for _ in range(2):
        with pytest.raises(ProvisioningError) as caught:
            provisioner.resolve([TABLE], call_for())

    assert caught.value.code == "bad_credentials"
    provisioner.close()


def test_nothing_is_given_to_ourselves(lake, fake):
    fake.oauth(fake.me, "s3cret-s3cret")
    provisioner = signed_in(fake, client_id=fake.me, client_secret="s3cret-s3cret")

    (answer,) = provisioner.resolve([Ref("principal", fake.me)], call_for()).values()

    assert (answer.reason, "own" in answer.message) == ("not_allowed", True)
    provisioner.close()


def test_a_wrong_secret_is_for_good_and_stays_secret(lake, fake):
    fake.oauth(fake.me, "the-right-one")
    provisioner = signed_in(fake, client_id=fake.me, client_secret="s3cret-s3cret")

    with pytest.raises(ProvisioningError) as caught:
        provisioner.resolve([TABLE], call_for())

    assert not caught.value.retryable
    assert caught.value.code == "bad_credentials"
    assert "s3cret" not in f"{caught.value}{caught.value.hint}"
    provisioner.close()


@pytest.mark.parametrize("path", ["*/.well-known/*", "*/token*"])
@pytest.mark.parametrize(
    ("fault", "retryable"),
    [({"delay": 30}, True), ({"status": 500}, True), ({"status": 429, "retry_after": 3600}, True), ({"drop": True}, True),
     ({"html": "<html>log in</html>"}, False), ({"redirect": "."}, False), ({"status": 403}, False)],
)  # fmt: skip
def test_signing_in_lasts_no_longer_than_the_call(lake, fake, path, fault, retryable):
    """The SDK itself asks for tokens without any time limit."""
    fake.oauth(fake.me, "s3cret-s3cret")
    fake.faults.add("*", path, times=None, **fault)
    provisioner = signed_in(fake, client_id=fake.me, client_secret="s3cret-s3cret")
    began = time.monotonic()

    with pytest.raises(ProvisioningError) as caught:
        provisioner.resolve([TABLE], call_for(1))

    assert time.monotonic() - began < 3
    assert caught.value.retryable == retryable
    assert "s3cret" not in str(caught.value)
    provisioner.close()


def test_a_connection_may_be_used_again_after_it_was_closed(lake):
    provisioner = lake.provisioner()
    provisioner.resolve([TABLE], call_for())

    provisioner.close()
    (answer,) = provisioner.resolve([TABLE], call_for()).values()

    assert isinstance(answer, Resolved)


@pytest.mark.parametrize("spell", [str, str.upper])
def test_nothing_is_given_to_the_marketplace_itself_however_it_is_spelt(fake, spell):
    """An application id is the same in capitals."""
    fake.oauth(fake.me, "s3cret-s3cret")
    provisioner = signed_in(fake, client_id=fake.me, client_secret="s3cret-s3cret")
    ref = Ref("principal", spell(fake.me))

    (answer,) = provisioner.resolve([ref], call_for()).values()

    assert answer.reason == "not_allowed"
    assert "the marketplace's own" in answer.message
    provisioner.close()
