"""Settings are checked when the marketplace starts; secrets stand elsewhere."""

from __future__ import annotations

import pytest

from marketplace_sdk import InvalidInput, Marketplace
from marketplace_sdk_chat.config import read_slack, read_teams

HERE = {"allow_networks": ["127.0.0.0/8"]}


def problems(read, settings, kept="xoxb-1"):
    with pytest.raises(InvalidInput) as caught:
        read(settings, lambda _: kept)
    return [each.path for each in caught.value.problems]


@pytest.mark.parametrize(
    ("settings", "paths"),
    [
        ({"token": "xoxb-plain"}, ["token"]),
        ({"token": "env:T", "base_url": "https://evil.example/api"}, ["base_url"]),
        ({"token": "env:T", "base_url": "https://slack.com.evil.example/api"}, ["base_url"]),
        ({"token": "env:T", "base_url": "http://127.0.0.1:1/api"}, ["base_url"]),
        ({"token": "env:T", "base_url": "http://10.0.0.1/api", **HERE}, ["base_url"]),
        ({"token": "env:T", "allow_networks": ["here"]}, ["allow_networks"]),
        ({"token": "env:T", "timeout": 0}, ["timeout"]),
        ({"token": "env:T", "timeout": float("nan")}, ["timeout"]),
        ({"token": "env:T", "language": "German"}, ["language"]),
    ],
)
def test_settings_of_slack_are_checked(settings, paths):
    """A token is a reference, and goes to Slack only, or to a fake on this machine."""
    assert problems(read_slack, settings) == paths


@pytest.mark.parametrize("kept", ["", "two\nlines", "xoxb \x00"])
def test_a_token_is_one_line(kept):
    """It stands in a header."""
    assert problems(read_slack, {"token": "env:T"}, kept) == ["token"]


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({"url": "https://flows.example/1?sig=x"}, ""),
        ({"url": "env:U"}, "http://flows.example/1?sig=x"),
        ({"url": "env:U"}, "no address"),
    ],
)
def test_the_url_of_a_workflow_is_a_secret(settings, kept):
    """Whoever has it can write to everybody; it is a reference to an https address."""
    assert problems(read_teams, settings, kept) == ["url"]


def test_both_are_found_by_name_and_get_notices_only(monkeypatch):
    """As the configuration names them."""
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-1")
    monkeypatch.setenv("TEAMS_URL", "https://flows.example/1?sig=x")
    notifiers = [
        {"plugin": "slack", "token": "env:SLACK_TOKEN"},
        {"plugin": "teams", "url": "env:TEAMS_URL"},
    ]
    with Marketplace(notifiers=notifiers) as market:
        market.people.add("uma", permissions=["USER_ADMIN", "APPLICATION_ADMIN"])
        names = [each.name for each in market.preferences.defaults(by="uma")]
        found = market.destinations.find(by="uma").items

    assert names == ["slack", "teams"]
    assert {tuple(each.receives) for each in found} == {("notice",)}


def test_a_template_with_bad_syntax_is_said(tmp_path, monkeypatch):
    """With file and line, at the start."""
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-1")
    (tmp_path / "notice.chat.txt").write_text("well\n{% if %}")
    slack = {"plugin": "slack", "token": "env:SLACK_TOKEN", "templates": str(tmp_path)}

    with pytest.raises(InvalidInput, match=r"notice\.chat\.txt, line 2"):
        Marketplace(notifiers=[slack])


def test_a_file_of_authorities_that_is_none_is_said(tmp_path, monkeypatch):
    """At the start, not with the first message."""
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-1")
    (tmp_path / "ca.pem").write_text("nothing")
    slack = {"plugin": "slack", "token": "env:SLACK_TOKEN", "ca_file": str(tmp_path / "ca.pem")}

    with pytest.raises(InvalidInput, match="ca_file"):
        Marketplace(notifiers=[slack])
