"""The configuration file: the same marketplace as in code, no secret in it, and clear refusals."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from marketplace_sdk import Marketplace
from marketplace_sdk._configuration import json_schema, read_configuration
from marketplace_sdk.errors import InvalidInput, PluginError

ROOT = Path(__file__).parents[2]

WHOLE = """
storage = "memory"
hide_products = true
block = ["nobody"]
seal_every = 3600

[connections.lake]
plugin = "memory"
may_grant = ["sales.*"]

[[notifiers]]
plugin = "webhook"
url = "https://receiver.example/hook"
secret = "env:HOOK_SECRET"

[[notifiers]]
plugin = "memory"
name = "log"
receives = ["event", "seal"]

[directory]
plugin = "memory"

[engine]
plugin = "loop"
interval = 0.5

[delivery]
lease = 120
attempts = 3
"""


@pytest.fixture
def file(tmp_path):
    """A function that writes a file and returns its path."""

    def write(text):
        path = tmp_path / "marketplace.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems(path):
    with pytest.raises(InvalidInput) as caught:
        read_configuration(path)
    return {each.path: each.message for each in caught.value.problems}


def test_a_file_says_what_the_arguments_say(file, monkeypatch):
    monkeypatch.setenv("HOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    with Marketplace.from_config(file(WHOLE)) as market:
        assert market._context.hide_products
        assert set(market._context.connections) == {"lake"}
        configured = market._context.sender.configured
        assert {name: each.receives for name, each in configured.items()} == {
            "webhook": {"event"},
            "log": {"event", "seal"},
        }
        assert market._deliverer._sealer.every == timedelta(hours=1)
        assert market._engine.interval == 0.5
        assert market._deliverer._settings.lease == 120


def test_an_empty_file_is_a_marketplace_in_memory(file):
    with Marketplace.from_config(file("")) as market:
        assert market.installation


def test_what_is_not_known_is_refused_with_the_nearest_name(file):
    found = problems(file("[conections.lake]\nplugin = 'memory'\n[delivery]\nleese = 3\nzz = 1"))

    assert found["conections"] == "unknown; did you mean connections?"
    assert found["delivery.leese"] == "unknown; did you mean lease?"
    assert found["delivery.zz"].startswith("unknown; known are attempts, ")


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("storage = 3", "storage", "must be a text"),
        ("hide_products = 1", "hide_products", "must be true or false"),
        ("block = 'sql'", "block", "must be an array of plugin names"),
        ("block = [1]", "block", "must be an array of plugin names"),
        ("connections = []", "connections", "must be a table of tables"),
        ("connections.lake = 'memory'", "connections.lake", "must be a table"),
        ("[connections.lake]", "connections.lake.plugin", "must be the name of a plugin"),
        ("[[notifiers]]\nplugin = 3", "notifiers.0.plugin", "must be the name of a plugin"),
        ("[directory]", "directory.plugin", "must be the name of a plugin"),
        ("[delivery]\nlease = '9'", "delivery.lease", "must be a number"),
        ("[delivery]\nlease = true", "delivery.lease", "must be a number"),
        ("seal_every = true", "seal_every", "must be seconds, or false for never"),
        ("seal_every = 0", "seal_every", "must be seconds, or false for never"),
        ("seal_every = nan", "seal_every", "must be seconds, or false for never"),
        ("seal_every = 1e15", "seal_every", "must be seconds, or false for never"),
        ("seal_every = 'day'", "seal_every", "must be seconds, or false for never"),
        ("[delivery]\nattempts = 1.5", "delivery.attempts", "must be a whole number"),
    ],
)
def test_a_value_of_the_wrong_shape_is_refused(file, text, path, message):
    assert problems(file(text)) == {path: message}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("[[notifiers]]\nplugin='webhook'\nsecret='hush-hush'", "notifiers.0.secret"),
        ("[connections.a]\nplugin='x'\napi_token='hush-hush'", "connections.a.api_token"),
        ("[connections.a]\nplugin='x'\nprivate_key='hush-hush'", "connections.a.private_key"),
        ("[connections.a]\nplugin='x'\nsecrets=['hush-hush']", "connections.a.secrets.0"),
        ("[connections.a]\nplugin='x'\ndsn='postgresql://m:hush-hush@h/d'", "connections.a.dsn"),
        ("[connections.a]\nplugin='x'\ndsn='host=h password=hush-hush'", "connections.a.dsn"),
        ("storage = 'postgresql://m:hush-hush@h/d'", "storage"),
        ("[connections.a]\nplugin='x'\n[connections.a.more]\nPASSWORD='x'\npassword='hush-hush'",
         "connections.a.more.password"),
    ],
)  # fmt: skip
def test_a_secret_in_the_file_is_refused_and_not_repeated(file, text, path):
    with pytest.raises(InvalidInput) as caught:
        read_configuration(file(text))

    assert path in [each.path for each in caught.value.problems]
    assert "hush-hush" not in f"{caught.value!s} {caught.value!r}"


@pytest.mark.parametrize(
    "text",
    [
        "[connections.a]\nplugin='x'\nprivate_key_file='/etc/key.p8'\ndsn='postgresql://m@h/d'",
        "[[notifiers]]\nplugin='webhook'\nsecret='file:/run/secrets/hook'",
        "storage = 'env:STORAGE_URL'",
    ],
)
def test_a_reference_or_the_name_of_a_file_is_no_secret(file, text):
    assert read_configuration(file(text))


def test_sealing_can_be_switched_off(file):
    with Marketplace.from_config(file("seal_every = false")) as market:
        assert market._deliverer._sealer.every is None


def test_delivery_settings_are_checked_as_in_code(file):
    with pytest.raises(InvalidInput, match="shorter than the lease"):
        read_configuration(file("[delivery]\nlease = 5"))


def test_a_file_that_is_not_there_or_not_toml_is_an_error_that_says_where(file, tmp_path):
    with pytest.raises(InvalidInput, match="No such file"):
        read_configuration(tmp_path / "none.toml")
    with pytest.raises(InvalidInput, match="not TOML at line 1, column 9") as caught:
        read_configuration(file("storage=hush"))
    assert "hush" not in str(caught.value)


def test_an_unknown_plugin_is_named(file):
    with pytest.raises(PluginError, match="cannot use engine steam"):
        Marketplace.from_config(file("[engine]\nplugin = 'steam'"))


def test_the_storage_may_be_kept_elsewhere(monkeypatch):
    monkeypatch.setenv("STORAGE_URL", "memory")

    with Marketplace("env:STORAGE_URL") as market:
        assert market.installation
    with pytest.raises(InvalidInput, match="NOT_THERE is not set"):
        Marketplace("env:NOT_THERE")


def test_the_file_of_the_documentation_can_be_read(file):
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)

    read = read_configuration(file(example))

    assert set(read) == {*json_schema()["properties"]} - {"directory"}


def test_the_schema_accepts_what_the_reader_accepts(file):
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)

    assert list(validator.iter_errors(tomllib.loads(WHOLE))) == []
    assert list(validator.iter_errors({"conections": {}, "delivery": {"leese": 1}}))
    assert json.dumps(schema)
