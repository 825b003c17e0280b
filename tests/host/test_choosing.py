"""What is installed can be chosen by name; what is broken hurts only who chooses it."""

from __future__ import annotations

import subprocess
import sys
import types
from datetime import UTC, datetime

import pytest

from marketplace_sdk import Marketplace
from marketplace_sdk._plugins import PluginHost
from marketplace_sdk.errors import InvalidInput, PluginError
from marketplace_sdk.plugin import BuildContext, EngineSpec, NotifierSpec, hookimpl

GOOD = """
    @hookimpl
    def marketplace_storages():
        yield StorageSpec(name="acme", build=lambda url, context: url, summary="Acme.")

    @hookimpl
    def marketplace_engines():
        return [EngineSpec(name="cron", build=dict)]

    @hookimpl
    def marketplace_question_types():
        yield QuestionTypeSpec(name="COST", check=str, json_schema={})

    @hookimpl
    def marketplace_commands():
        yield CommandSpec(name="zulu", build=str)
        yield CommandSpec(name="hello", build=str)
"""


def context(storage=None):
    return BuildContext(
        installation="i1234567",
        name="lake",
        clock=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        secret=str,
        storage=storage,
    )


def info(host, name):
    (found,) = [each for each in host.describe() if each.name == name]
    return found


def commands(host):
    """Names of the commands; the workspace's own plugins bring some too."""
    return [each.name for each in host.commands()]


def test_what_is_built_in_registers_through_the_same_hooks():
    host = PluginHost(discover=False)

    assert info(host, "memory").provides == (
        "storage memory",
        "directory stored",
        "directory memory",
        "provisioner memory",
        "notifier memory",
        "engine loop",
    )
    assert host.provenance("storage", "memory").endswith("(plugin memory)")
    assert host.provisioner("memory").capabilities == {
        "discover",
        "open_world",
        "unmask",
    }
    assert host.notifier("memory").receives == {"event", "notice"}


def test_what_is_built_in_can_be_built():
    host = PluginHost(discover=False)
    storage = host.storage("memory").build("memory", context())

    stored = host.directory("stored").build({}, context(storage))
    made_up = host.directory("memory").build(
        {"people": [{"id": "bob", "groups": ["g"]}], "groups": [{"name": "h"}]}, context()
    )
    platform = host.provisioner("memory").build({"objects": {"t": ["id"]}}, context())
    notifier = host.notifier("memory").build({}, context())

    assert stored.person("bob") is None
    assert made_up.person("bob").groups == {"g"}
    assert made_up.group("h").name == "h"
    assert platform.identity == "memory:lake"
    assert notifier.messages == ()


def test_what_is_built_in_refuses_settings_that_it_does_not_know():
    host = PluginHost(discover=False)

    with pytest.raises(InvalidInput):
        host.storage("memory").build("memory://somewhere", context())
    with pytest.raises(InvalidInput):
        host.provisioner("memory").build({"objcts": {}}, context())
    with pytest.raises(InvalidInput, match=r"people\.1: is not a Person"):
        host.directory("memory").build({"people": [{"id": "bob"}, {"groups": 3}]}, context())
    with pytest.raises(PluginError):
        host.directory("stored").build({}, context())


def test_an_installed_plugin_is_found_and_says_where_it_comes_from(install):
    install("x", GOOD, version="2.1")

    host = PluginHost()

    assert host.storage("acme").build("acme:1", None) == "acme:1"
    assert host.engine("cron").name == "cron"
    assert host.provenance("storage", "acme") == "marketplace-sdk-x 2.1 (plugin x)"
    assert host.provenance("storage", "nothing") == ""
    assert list(host.question_types()) == ["COST"]
    of_plugins = {"databricks", "demo", "postgres", "snowflake"}
    assert [name for name in commands(host) if name not in of_plugins] == ["hello", "zulu"]


def test_without_discovery_no_entry_point_is_read_or_imported(install):
    install("x", "raise SystemExit")

    host = PluginHost(discover=False)

    assert [each.name for each in host.describe()] == ["memory"]


def test_the_host_imports_no_adapter_before_it_is_built():
    code = (
        "import sys\n"
        "from marketplace_sdk._plugins import PluginHost\n"
        "PluginHost(discover=False)\n"
        "sys.exit(any(f'marketplace_sdk.memory.{n}' in sys.modules for n in\n"
        "    ('storage', 'platform', 'notifier', 'directory')))\n"
    )

    done = subprocess.run([sys.executable, "-c", code], check=False)

    assert done.returncode == 0


def test_an_unknown_name_lists_what_can_be_chosen():
    host = PluginHost(discover=False)

    with pytest.raises(PluginError, match="cannot use directory ldap") as caught:
        host.directory("ldap")

    assert "choose one of memory, stored" in str(caught.value)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (None, "ModuleNotFoundError: No module named 'marketplace_sdk_x_plugin'"),
        ("raise ValueError('half\\na line')", "ValueError: half a line"),
        ("import sys; sys.exit(3)", "SystemExit"),
        ("@hookimpl\ndef marketplace_storages(nonsense): ...", "nonsense"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_hurts_nobody_else(install, code, said):
    """Its fault is listed, and told to whoever looks for a name that nobody offers."""
    install("x", code)
    install("y", GOOD)

    host = PluginHost()

    assert host.storage("acme").name == "acme"
    assert said in info(host, "x").problems[0]
    with pytest.raises(PluginError, match=r"marketplace-sdk-x 1\.0 \(plugin x\)"):
        host.storage("x")


def test_hooks_before_a_refused_one_are_not_taken_in(install):
    install(
        "x",
        """
        @hookimpl
        def marketplace_check_plan(plan):
            return ["always"]

        @hookimpl
        def marketplace_check_request(nonsense):
            return []

        @hookimpl
        def marketplace_engines():
            yield EngineSpec(name="late", build=str)
        """,
    )

    host = PluginHost()

    assert host.check_plan([], None, None) == []
    with pytest.raises(PluginError):
        host.engine("late")


def test_a_hook_that_raises_keeps_what_it_yielded_before(install):
    install(
        "x",
        """
        @hookimpl
        def marketplace_storages():
            yield StorageSpec(name="first", build=str)
            raise RuntimeError("no driver")
        """,
    )

    host = PluginHost()

    assert host.storage("first").name == "first"
    assert info(host, "x").problems == ("marketplace_storages failed: RuntimeError: no driver",)
    with pytest.raises(PluginError, match="no driver"):
        host.storage("second")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            'yield StorageSpec(name="bad", build=str, api_version=2)',
            "for version 2 of the contract",
        ),
        ('yield EngineSpec(name="bad", build=str)', "yielded EngineSpec instead of StorageSpec"),
        ('yield StorageSpec(name="bad", build=None)', "build cannot be called"),
        ('yield StorageSpec(name="", build=str)', "a spec without a name"),
        ('return "bad"', "answered with str instead of a list"),
        ("return 3", "answered with int instead of a list"),
        ("yield None", "yielded NoneType instead of StorageSpec"),
    ],
)
def test_a_wrong_spec_cannot_be_selected_and_the_others_can(install, body, said):
    install("good", GOOD)
    install("x", f"@hookimpl\ndef marketplace_storages():\n    {body}\n")

    host = PluginHost()

    assert said in info(host, "x").problems[0]
    assert host.storage("acme").name == "acme"
    with pytest.raises(PluginError, match="marketplace-sdk-x") as caught:
        host.storage("bad")
    assert said in str(caught.value)


def test_a_hook_that_offers_nothing_is_fine(install):
    install("x", "@hookimpl\ndef marketplace_storages(): ...")

    assert info(PluginHost(), "x").problems == ()


def test_an_async_hook_is_refused(install):
    install("x", "@hookimpl\nasync def marketplace_storages():\n    return []")

    assert "hooks are not awaited" in info(PluginHost(), "x").problems[0]


def test_an_unknown_hook_name_makes_the_whole_plugin_unusable(install):
    """It may be a misspelt guard-rail, and nobody would notice that it is off."""
    install("x", GOOD + "\n    @hookimpl\n    def marketplace_check_reqest(request): ...\n")

    host = PluginHost()

    assert info(host, "x").problems == ("implements the unknown hook marketplace_check_reqest",)
    with pytest.raises(PluginError, match="marketplace_check_reqest"):
        host.storage("acme")
    assert {"hello", "zulu"}.isdisjoint(commands(host))


def test_a_hook_of_a_later_host_may_be_marked_as_optional(install):
    install("x", GOOD + "\n    @hookimpl(optionalhook=True)\n    def marketplace_later(): ...\n")

    assert PluginHost().storage("acme").name == "acme"


def test_a_plugin_may_not_wrap_what_others_answer(install):
    install(
        "x",
        """
        @hookimpl(wrapper=True)
        def marketplace_storages():
            yield
            return []
        """,
    )

    host = PluginHost()

    assert "wraps marketplace_storages" in info(host, "x").problems[0]
    assert host.storage("memory").name == "memory"


def test_a_name_offered_twice_can_be_had_from_nobody(install):
    install("x", GOOD)
    install("y", GOOD.replace('"cron"', '"other"'), version="3")

    host = PluginHost()

    with pytest.raises(PluginError) as caught:
        host.storage("acme")
    assert "marketplace-sdk-x 1.0 (plugin x) and marketplace-sdk-y 3 (plugin y)" in str(
        caught.value
    )
    assert "uninstall or block one of them" in caught.value.hint
    assert host.engine("cron").name == "cron"
    assert host.engine("other").name == "other"
    assert {"hello", "zulu"}.isdisjoint(commands(host))
    assert (
        "storage acme is offered by marketplace-sdk-x 1.0 (plugin x) too"
        in info(host, "y").problems
    )


def test_two_distributions_may_use_one_plugin_name(install):
    install("x", GOOD)
    install(
        "x",
        '@hookimpl\ndef marketplace_engines():\n    yield EngineSpec(name="b", build=str)',
        distribution="other-x",
    )

    host = PluginHost()

    assert host.engine("b").name == "b"
    assert host.storage("acme").name == "acme"
    assert {each.distribution for each in host.describe() if each.name == "x"} == {
        "marketplace-sdk-x",
        "other-x",
    }


def test_one_module_is_registered_once(install):
    install("x", GOOD, module="shared_plugin")
    install("y", None, module="shared_plugin")

    host = PluginHost()

    assert host.storage("acme").name == "acme"
    assert info(host, "y").problems == ("cannot be registered: this plugin is there already",)


def test_a_blocked_plugin_is_not_even_imported(install):
    install("x", "raise SystemExit")
    install("y", GOOD)

    host = PluginHost(block=["x", "y"])

    assert info(host, "x").blocked
    assert info(host, "x").problems == ()
    with pytest.raises(PluginError, match=r"marketplace-sdk-y 1\.0 \(plugin y\): blocked"):
        host.storage("acme")


def test_one_name_may_be_blocked_without_a_list(install):
    install("xy", GOOD)

    assert info(PluginHost(block="xy"), "xy").blocked


def test_a_plugin_may_be_passed_in_code():
    class Mine:
        @hookimpl
        def marketplace_engines(self):
            yield EngineSpec(name="mine", build=str)

    host = PluginHost(discover=False, extra=[Mine()])

    assert host.engine("mine").name == "mine"
    assert host.provenance("engine", "mine") == "plugin Mine, passed in code"


def test_a_plugin_passed_in_code_must_be_sound():
    """Whoever passes it has selected it."""
    broken = types.ModuleType("broken")

    @hookimpl
    def marketplace_storages():
        raise RuntimeError("no driver")

    broken.marketplace_storages = marketplace_storages

    with pytest.raises(PluginError, match=r"plugin broken, passed in code: .* no driver"):
        PluginHost(discover=False, extra=[broken])


def test_hosts_share_nothing():
    class Mine:
        @hookimpl
        def marketplace_notifiers(self):
            yield NotifierSpec(name="mine", build=str)

    with_it = PluginHost(discover=False, extra=[Mine()])
    without = PluginHost(discover=False)

    assert with_it.notifier("mine").name == "mine"
    with pytest.raises(PluginError):
        without.notifier("mine")


@pytest.mark.parametrize("where", ["marketplace.db", "host=db password=hunter2", "/srv/m.db", ""])
def test_what_is_no_url_is_answered_with_one_and_not_repeated(where):
    """It may be the words of libpq, with a password in them."""
    with pytest.raises(InvalidInput, match="is no URL") as refused:
        Marketplace.migrate(where, discover=False)

    assert "sqlite:///marketplace.db" in refused.value.hint
    assert "hunter2" not in str(refused.value)
