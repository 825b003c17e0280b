"""Settings of the plugin."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from marketplace_sdk.errors import InvalidInput
from marketplace_sdk.plugin import BuildContext
from marketplace_sdk_webhook.plugin import marketplace_notifiers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
GOOD = {"plugin": "webhook", "url": "https://hooks.example.test/in", "secret": SECRET}


def _build(settings, secrets=None):
    (spec,) = marketplace_notifiers()
    context = BuildContext(
        installation="abcd1234",
        name="hook",
        clock=lambda: datetime.now(UTC),
        secret=(secrets or {}).__getitem__,
    )
    return spec.build(settings, context)


def test_the_plugin_offers_one_notifier_for_events():
    """Systems get events, people's notices go elsewhere."""
    (spec,) = marketplace_notifiers()

    assert (spec.name, spec.receives) == ("webhook", {"event"})


def test_url_and_secret_are_enough():
    """Defaults: no extra networks, usual authorities, ten seconds."""
    webhook = _build(GOOD)

    assert repr(webhook) == "WebhookNotifier('hooks.example.test')"
    assert webhook._config.timeout == 10


def test_a_secret_reference_is_resolved():
    """``env:`` and ``file:`` go through the host; a final line break does not count."""
    webhook = _build({**GOOD, "secret": "env:HOOK"}, {"env:HOOK": SECRET + "\n"})

    assert webhook._config.keys == _build(GOOD)._config.keys


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"verify_tls": False}, "verify_tls"),
        ({"url": 5}, "url"),
        ({"url": "https://user:hunter@hooks.example.test/"}, "url"),
        ({"url": "http://hooks.example.test/"}, "url"),
        ({"url": "http://10.0.0.1/", "allow_networks": ["10.0.0.0/8"]}, "url"),
        ({"secret": "tooshort"}, "secret"),
        ({"secret": "whsec_%%%"}, "secret"),
        ({"secret": []}, "secret"),
        ({"secret": [SECRET, SECRET, SECRET]}, "secret"),
        ({"secret": [5]}, "secret"),
        ({"secret": [SECRET, "tooshort"]}, "secret"),
        ({"secret": "whpk_" + "A" * 43 + "="}, "secret"),
        ({"format": "xml"}, "format"),
        ({"source": "two words"}, "source"),
        ({"allow_networks": ["10.0.0.1/8"]}, "allow_networks"),
        ({"allow_networks": [167772160]}, "allow_networks"),
        ({"allow_networks": "10.0.0.0/8"}, "allow_networks"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": True}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"timeout": 301}, "timeout"),
    ],
)
def test_a_wrong_setting_is_refused_by_name_without_its_value(changes, key):
    """The error names the key and never repeats a value, which may be a secret."""
    with pytest.raises(InvalidInput) as caught:
        _build({**GOOD, **changes})

    assert [problem.path for problem in caught.value.problems] == [key]
    assert "hunter" not in str(caught.value)
    assert "tooshort" not in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("key", ["url", "secret"])
def test_a_missing_setting_is_refused(key):
    """Both are required."""
    with pytest.raises(InvalidInput, match="is required"):
        _build({k: v for k, v in GOOD.items() if k != key})


def test_several_wrong_settings_are_told_at_once():
    """One round of corrections is enough."""
    with pytest.raises(InvalidInput) as caught:
        _build({**GOOD, "secret": "tooshort", "timeout": 0, "url": "ftp://x/"})

    assert {problem.path for problem in caught.value.problems} == {"url", "secret", "timeout"}


def test_the_http_library_is_imported_only_when_a_webhook_is_built():
    """Discovery of plugins stays quick."""
    code = (
        "import sys, marketplace_sdk_webhook.plugin as p; list(p.marketplace_notifiers());"
        "sys.exit('httpcore' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
