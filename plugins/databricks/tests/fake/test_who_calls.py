"""Tokens, OAuth machine to machine, federation."""

from __future__ import annotations

import pytest
import requests
from databricks.sdk import errors

from marketplace_sdk_databricks.testing import FakeDatabricks

TABLE = "/api/2.1/unity-catalog/permissions/table/c.s.t"


def test_a_token_that_is_not_known_is_refused(fake, connect):
    client = connect(host=fake.host, token="other")

    with pytest.raises(errors.Unauthenticated):
        client.grants.get("table", "c.s.t")
    assert fake.calls[-1].outcome == 401


def test_a_client_with_its_secret_is_its_principal(fake, connect):
    fake.oauth("0d6b8f0a-0000-4000-8000-000000000001", "s3cret")
    client = connect(
        host=fake.host,
        client_id="0d6b8f0a-0000-4000-8000-000000000001",
        client_secret="s3cret",
        auth_type="oauth-m2m",
        discovery_url=fake.discovery_url,
    )

    assert client.current_user.me().id
    assert fake.calls[-1].caller == "0d6b8f0a-0000-4000-8000-000000000001"


def test_a_server_that_describes_itself_needs_no_discovery_url(connect):
    with FakeDatabricks(well_known=True) as fake:
        fake.oauth("client", "s3cret")
        client = connect(
            host=fake.host, client_id="client", client_secret="s3cret", auth_type="oauth-m2m"
        )

        client.current_user.me()
        assert fake.calls[-1].caller == "client"
        assert client.config.account_id == fake.account_id


@pytest.mark.parametrize(
    ("form", "auth", "status"),
    [
        ({"grant_type": "client_credentials"}, ("client", "wrong"), 401),
        ({"grant_type": "client_credentials"}, ("other", ""), 401),
        ({"grant_type": "client_credentials"}, None, 401),
        (
            {
                "grant_type": "client_credentials",
                "client_id": "client",
                "client_secret": "s3cret",
            },
            None,
            200,
        ),
        ({"grant_type": "password"}, ("client", "s3cret"), 400),
        (
            {
                "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                "client_id": "client",
                "subject_token": "wrong",
            },
            None,
            401,
        ),
    ],
)
def test_a_token_is_given_for_what_is_right_only(fake, form, auth, status):
    fake.oauth("client", "s3cret")
    fake.federation("client", "from-the-provider")

    answer = requests.post(f"{fake.host}/oidc/v1/token", data=form, auth=auth, timeout=5)

    assert answer.status_code == status


def test_a_token_of_an_identity_provider_is_exchanged(fake, ask):
    fake.federation("client", "from-the-provider")
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "client_id": "client",
        "subject_token": "from-the-provider",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    }

    token = requests.post(f"{fake.host}/oidc/v1/token", data=form, timeout=5).json()

    me = ask("GET", "/api/2.0/preview/scim/v2/Me", token=token["access_token"])[1]
    assert me["applicationId"] == "client"


def test_tokens_can_be_revoked(fake, ask):
    fake.revoke_tokens()

    assert ask("GET", TABLE)[0] == 401
    assert ask("GET", TABLE, token=fake.token_of(fake.me))[0] == 200


def test_who_was_deleted_is_turned_away(fake, ask):
    token = fake.token_of("ann@x.org")
    fake.drop("user", "ann@x.org")

    assert ask("GET", TABLE, token=token)[0] == 403


def test_what_is_no_header_of_a_client_gives_no_token(fake):
    answer = requests.post(
        f"{fake.host}/oidc/v1/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": "Basic //79"},
        timeout=5,
    )

    assert answer.status_code == 401
