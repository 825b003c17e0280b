"""Settings are refused before anything is sent, each by its name and none with its value."""

from __future__ import annotations

import pytest

from marketplace_sdk import Marketplace
from marketplace_sdk.plugin import InvalidInput
from marketplace_sdk_email.config import read

GOOD = {"host": "mail.example.com", "sender": "marketplace@example.com"}


def test_the_defaults_are_encrypted(notifier):
    config = read(GOOD, str)
    assert (config.security, config.port, config.timeout) == ("starttls", 587, 10.0)


@pytest.mark.parametrize(("security", "port"), [("tls", 465), ("starttls", 587)])
def test_the_port_follows_the_encryption(security, port):
    assert read({**GOOD, "security": security}, str).port == port


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"host": "mail example"}, "host"),
        ({"security": "ssl"}, "security"),
        ({"security": "none"}, "security"),
        ({"port": 0}, "port"),
        ({"port": True}, "port"),
        ({"sender": "marketplace"}, "sender"),
        ({"sender": "a@example.com\r\nBcc: e@example.com"}, "sender"),
        ({"sender_name": "a\nb"}, "sender"),
        ({"reply_to": "nobody"}, "reply_to"),
        ({"username": "marketplace"}, "password"),
        ({"password": "env:MAIL"}, "password"),
        ({"username": "marketplace", "password": "hunter2"}, "password"),
        ({"language": "German!"}, "language"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_repeated(wrong, key):
    with pytest.raises(InvalidInput) as caught:
        read({**GOOD, **wrong}, str)
    assert [problem.path for problem in caught.value.problems] == [key]
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_only_a_server_on_this_machine_may_be_written_to_in_clear(host):
    assert read({**GOOD, "host": host, "security": "none"}, str).port == 25


def test_the_password_is_in_no_repr(notifier):
    settings = {"username": "marketplace", "password": "env:MAIL_PASSWORD"}
    built = notifier(25, **settings)
    assert "horse" not in repr(built) + repr(read({**GOOD, **settings}, lambda _: "horse"))


def test_unreadable_authorities_are_refused(notifier, tmp_path):
    with pytest.raises(InvalidInput, match="ca_file"):
        notifier(25, ca_file=str(tmp_path / "missing.pem"))


@pytest.mark.parametrize(
    ("settings", "key"), [({"host": "mail"}, "sender"), ({**GOOD, "hots": "mail"}, "hots")]
)
def test_a_marketplace_refuses_missing_and_unknown_settings(settings, key):
    with pytest.raises(InvalidInput, match=key):
        Marketplace(storage="memory://", notifiers=[{"plugin": "email", **settings}])
