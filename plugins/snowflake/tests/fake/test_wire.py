"""The protocol, driven by the real connector."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
import time
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from snowflake.connector import errors

from marketplace_sdk_snowflake.testing import FakeSnowflake, Refused
from marketplace_sdk_snowflake.testing.logins import authenticate


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def der(key):
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def pem(key):
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def login_refusal(connect, **arguments):
    with pytest.raises(errors.Error) as caught, connect.with_arguments(**arguments):
        pass
    return caught.value.errno, str(caught.value)


def test_a_login_opens_a_session_of_the_user_with_the_role_that_it_asked_for(connect):
    with connect(role="MKT_SVC") as client:
        assert client.run("SELECT CURRENT_USER(), CURRENT_ROLE(), CURRENT_ACCOUNT_NAME()") == [
            ("MARKETPLACE", "MKT_SVC", "FAKE")
        ]


def test_facts_of_the_account_can_be_asked_without_a_warehouse(connect):
    with connect() as client:
        (row,) = client.run(
            "SELECT CURRENT_ACCOUNT(), CURRENT_ORGANIZATION_NAME(), CURRENT_REGION(), "
            "CURRENT_VERSION(), CURRENT_WAREHOUSE()"
        )
    assert row == ("FK00001", "FAKEORG", "AWS_EU_CENTRAL_1", "10.40.0", None)


def test_a_login_by_key_pair_is_checked_against_the_registered_key(fake, connect, key):
    fake.user("ROBOT", public_key=pem(key))
    with connect.with_arguments(user="ROBOT", private_key=der(key)) as client:
        assert client.run("SELECT CURRENT_USER()") == [("ROBOT",)]


def test_a_login_by_another_key_is_refused(fake, connect, key):
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    fake.user("ROBOT", public_key=pem(key))
    number, text = login_refusal(connect, user="ROBOT", private_key=der(other))
    assert number == 394304 or "394304" in text


@pytest.mark.parametrize(
    ("authenticator", "secret"),
    [("oauth", "oauth"), ("programmatic_access_token", "programmatic_access_token")],
)
def test_a_login_by_token_is_checked_against_the_registered_token(
    fake, connect, authenticator, secret
):
    fake.user("ROBOT", **{secret: "the-right-token"})
    who = {"user": "ROBOT", "authenticator": authenticator}
    with connect.with_arguments(**who, token="the-right-token") as client:
        assert client.run("SELECT CURRENT_USER()") == [("ROBOT",)]
    number, text = login_refusal(connect, **who, token="another-token")
    wanted = {"oauth": "390303", "programmatic_access_token": "394400"}[authenticator]
    assert str(number) == wanted or wanted in text


def test_a_wrong_password_is_refused(connect):
    number, text = login_refusal(connect, user="ALICE", password="wrong")
    assert number == 390100 or "390100" in text


def test_a_role_that_was_not_granted_is_refused_at_login(fake, connect):
    fake.role("OTHER")
    with pytest.raises(errors.Error, match="OTHER"), connect("ALICE", "OTHER"):
        pass


def test_a_disabled_user_is_refused(fake, connect):
    fake.user("GONE", disabled=True)
    with pytest.raises(errors.Error, match="disabled"), connect("GONE"):
        pass


def signed(key, *, name="ROBOT", account="FAKE", expires=60, fingerprint=None):
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    print_ = fingerprint or base64.b64encode(hashlib.sha256(public).digest()).decode()
    claims = {
        "iss": f"{account}.{name}.SHA256:{print_}",
        "sub": f"{account}.{name}",
        "exp": time.time() + expires,
    }
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "RS256"}, claims)
    ]
    text = ".".join(parts)
    mark = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"expires": -1}, 394303),
        ({"fingerprint": "AAAA"}, 394304),
        ({"account": "OTHER"}, 390144),
        ({"name": "NOBODY"}, 390144),
    ],
)
def test_a_signed_token_that_does_not_hold_is_refused(fake, key, change, number):
    fake.user("ROBOT", public_key=pem(key))
    data = {"AUTHENTICATOR": "SNOWFLAKE_JWT", "LOGIN_NAME": "ROBOT", "TOKEN": signed(key, **change)}
    with pytest.raises(Refused) as caught:
        authenticate(fake.world, data)
    assert caught.value.errno == number


def test_a_signed_token_whose_claims_were_changed_is_refused(fake, key):
    fake.user("ROBOT", public_key=pem(key))
    head, _, mark = signed(key).split(".")
    body = signed(key, expires=3600).split(".")[1]
    data = {"AUTHENTICATOR": "SNOWFLAKE_JWT", "TOKEN": f"{head}.{body}.{mark}"}
    with pytest.raises(Refused) as caught:
        authenticate(fake.world, data)
    assert caught.value.errno == 390144


def test_an_expired_oauth_token_is_told_apart_from_a_wrong_one(fake, connect):
    fake.user("ROBOT", **{"expired oauth": "old"})
    number, text = login_refusal(connect, user="ROBOT", authenticator="oauth", token="old")
    assert number == 390318 or "390318" in text


def test_session_parameters_and_the_tag_of_one_statement_reach_the_record(fake, connect):
    with connect(session_parameters={"QUERY_TAG": "batch"}) as client:
        client.run("SELECT 1")
        client.run("SELECT 2", _statement_params={"QUERY_TAG": "one"})
    tags = {one.sql: one.tag for one in fake.statements if one.sql.startswith("SELECT")}
    assert tags == {"SELECT 1": "batch", "SELECT 2": "one"}


def test_every_statement_is_recorded_with_who_sent_it_and_how_it_ended(fake, client):
    client.run("SHOW ROLES LIKE 'X'")
    client.refusal("GRANT EVERYTHING")
    good, bad = fake.statements[-2:]
    assert (good.sql, good.user, good.role, good.outcome) == (
        "SHOW ROLES LIKE 'X'",
        "MARKETPLACE",
        "MKT_SVC",
        "ok",
    )
    assert bad.outcome == "1003"
    assert len({one.sfqid for one in fake.statements}) == len(fake.statements)
    assert good.request_id != bad.request_id


def test_the_query_id_of_the_record_is_the_one_that_the_connector_tells(fake, client):
    with client.connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.sfqid == fake.statements[-1].sfqid


def test_values_are_bound_by_the_server(connect):
    with connect(paramstyle="qmark") as client:
        assert client.run("SELECT ?, ?, ?", "a'b", 7, None) == [("a'b", 7, None)]


def test_quoted_names_are_folded_only_where_the_session_says_so(fake, connect):
    fake.role("lower")
    with connect(session_parameters={"QUOTED_IDENTIFIERS_IGNORE_CASE": False}) as client:
        assert client.run('SHOW GRANTS OF ROLE "lower"') == []
    with connect(session_parameters={"QUOTED_IDENTIFIERS_IGNORE_CASE": True}) as client:
        assert client.refusal('SHOW GRANTS OF ROLE "lower"') == (2003, "02000")


def test_a_parameter_of_the_session_can_be_set_and_taken_back(fake, client):
    client.run("ALTER SESSION SET QUERY_TAG = 'later', QUOTED_IDENTIFIERS_IGNORE_CASE = TRUE")
    client.run("SELECT 1")
    assert fake.statements[-1].tag == "later"
    client.run("ALTER SESSION UNSET QUERY_TAG")
    assert client.table("SHOW PARAMETERS LIKE 'QUERY_TAG' IN SESSION")[0]["value"] == ""
    assert client.refusal("ALTER SESSION SET NO_SUCH_THING = 1") == (1006, "22023")


def test_secondary_roles_come_with_the_login(fake, connect):
    fake.role("READER")
    fake.grant_role("READER", ("USER", "ALICE"))
    body = "SELECT IS_ROLE_IN_SESSION('READER')"
    with connect("ALICE", secondary_roles="NONE") as client:
        assert client.run(body) == [(False,)]
        client.run("USE SECONDARY ROLES ALL")
        assert client.run(body) == [(True,)]
    with connect("ALICE") as client:
        assert client.run(body) == [(True,)]


def test_a_role_can_be_used_only_by_who_holds_it(fake, connect):
    fake.role("READER")
    with connect("ALICE") as client:
        assert client.refusal("USE ROLE READER") == (3013, "42501")
        fake.grant_role("READER", ("USER", "ALICE"))
        client.run("USE ROLE READER")
        assert client.run("SELECT CURRENT_ROLE()") == [("READER",)]
        assert client.refusal("USE ROLE NOBODY") == (2043, "02000")


def test_times_arrive_as_times(fake, client):
    (row,) = client.table("SHOW ROLES LIKE 'MKT_SVC'")
    assert abs(row["created_on"].astimezone(UTC) - datetime.now(UTC)).total_seconds() < 60
    (moment,) = client.run("SELECT '2026-12-01 10:00:00.5 +02:00'::TIMESTAMP_TZ")[0]
    assert moment == datetime.fromisoformat("2026-12-01T10:00:00.500+02:00")


def test_what_is_made_anew_has_a_later_time_and_another_number(fake):
    seen = []
    for _ in range(5):
        fake.admin("CREATE OR REPLACE TABLE SALES.CORE.ORDERS (ID NUMBER)")
        seen.append(fake.admin("SHOW TABLES LIKE 'ORDERS'")[0][0])
    assert seen == sorted(set(seen))


def test_the_state_of_a_query_can_be_asked(client):
    with client.connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        status = client.connection.get_query_status(cursor.sfqid)
    assert status.name == "SUCCESS"


def test_several_sessions_work_at_the_same_time(fake, connect):
    failures = []

    def work(number):
        try:
            with connect() as client:
                for step in range(5):
                    client.run(f'CREATE ROLE "R{number}_{step}"')
        except errors.Error as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(fake.admin("SHOW ROLES LIKE 'R_\\\\__'")) == 20


def test_nothing_is_left_when_the_fake_stops():
    before = set(threading.enumerate())
    with FakeSnowflake() as fake:
        port = fake.address["port"]
        idle = socket.create_connection(("127.0.0.1", port))
        half = socket.create_connection(("127.0.0.1", port))
        half.sendall(b"POST /queries/v1/query-request HTTP/1.1\r\nContent-Length: 10\r\n\r\n12")
    left = [thread for thread in threading.enumerate() if thread not in before]
    assert [thread.name for thread in left if "Dummy" not in thread.name] == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    idle.close()
    half.close()


def test_a_session_that_was_closed_is_gone(fake, connect):
    with connect() as client:
        client.run("SELECT 1")
    assert fake.open_sessions == 0
