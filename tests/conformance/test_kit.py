"""A kit leaves nothing out in silence."""

from __future__ import annotations

import pytest

from marketplace_sdk.errors import InvalidInput
from marketplace_sdk.testing.conformance._kit import Conformance, check

pytest_plugins = ["pytester"]


class DoorChecks:
    capabilities = {"lock": "keeps people out"}

    def test_opens(self):
        assert True

    @check("lock")
    def test_locks(self):
        assert True


@check("bell", since=2)
class BellChecks:
    capabilities = {"bell": "rings"}

    def test_rings(self):
        assert True


class DoorConformance(DoorChecks, BellChecks, Conformance, kit=True):
    """Checks of doors."""

    checks_version = 2

    @pytest.fixture
    def door(self):
        return object()


KIT = """
    import pytest
    from marketplace_sdk.testing.conformance._kit import Conformance, check

    class DoorChecks:
        capabilities = {"lock": "keeps people out"}

        def test_opens(self):
            assert True

        @check("lock")
        @pytest.mark.parametrize("key", ["brass", "steel"])
        def test_locks(self, key):
            assert True

    class DoorConformance(DoorChecks, Conformance, kit=True):
        pass
"""


@pytest.fixture
def run(pytester):
    """Runs pytest on the text of one module, with the kit of doors beside it."""

    def run(text, *options):
        pytester.makepyfile(doors=KIT)
        pytester.syspathinsert()
        pytester.makepyfile(test_it="import pytest\nfrom doors import DoorConformance\n" + text)
        start = pytester.runpytest_subprocess if "-n" in options else pytester.runpytest_inprocess
        return start("-p", "no:randomly", *options)

    return run


def problems(make):
    with pytest.raises(InvalidInput) as refusal:
        make()
    return [str(problem) for problem in refusal.value.problems]


def test_a_kit_knows_the_capabilities_of_all_its_mix_ins():
    """One more class of checks brings its own."""
    assert DoorConformance.capabilities == {"lock": "keeps people out", "bell": "rings"}


def test_nothing_is_left_out_unless_it_is_declared():
    """Whoever says nothing is checked in everything."""

    class Door(DoorConformance):
        pass

    assert Door.left_out() == {}
    assert not callable(Door.test_left_out)


def test_what_a_lacking_capability_needs_is_left_out_with_the_reason():
    """Other checks stay."""

    class Curtain(DoorConformance):
        lacks = {"lock": "it is made of cloth"}

    assert Curtain.left_out() == {"test_locks": "lacks lock: it is made of cloth"}
    assert Curtain.test_opens is DoorChecks.test_opens


def test_a_class_further_down_may_lack_less():
    """Its own declaration counts, not the one that it inherited."""

    class Curtain(DoorConformance):
        lacks = {"lock": "it is made of cloth"}

    class Shutter(Curtain):
        lacks = {}

    assert Shutter.left_out() == {}
    assert Shutter.test_locks is DoorChecks.test_locks
    assert not callable(Curtain.test_locks)


def test_newer_checks_are_left_out_for_who_holds_to_an_older_version():
    """A release with more checks does not break somebody's build overnight."""

    class Door(DoorConformance):
        checks_version = 1

    assert Door.left_out() == {"test_rings": "came with version 2 of the checks"}


def test_a_check_is_replaced_or_left_out_with_a_reason():
    """What the class defines is run instead; what it does not define is left out."""

    class Door(DoorConformance):
        overrides = {"test_opens": "it slides", "test_rings": "nobody visits"}

        def test_opens(self):
            """Another way to say it."""

    assert Door.left_out() == {"test_rings": "nobody visits"}
    assert Door.test_opens is not DoorChecks.test_opens


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        (
            {"lacks": {"key": "lost"}},
            "lacks.key: is no capability of this kit; there are: bell, lock",
        ),
        ({"lacks": {"lock": " "}}, "lacks.lock: has no reason"),
        ({"lacks": {"lock": None}}, "lacks.lock: has no reason"),
        ({"lacks": {"lock"}}, "lacks: must be a mapping of names to reasons"),
        ({"overrides": {"test_open": "typo"}}, "overrides.test_open: is no check of this kit"),
        ({"overrides": {"test_opens": ""}}, "overrides.test_opens: has no reason"),
        ({"overrides": ["test_opens"]}, "overrides: must be a mapping of names to reasons"),
        (
            {"test_opens": lambda self: None},
            "test_opens: is replaced without a reason in overrides",
        ),
        ({"test_opens": None}, "test_opens: is replaced without a reason in overrides"),
        ({"test_left_out": None}, "test_left_out: belongs to the kit and cannot be replaced"),
        ({"door": None}, "door: belongs to the kit and cannot be replaced"),
        ({"capabilities": {}}, "capabilities: belongs to the kit and cannot be replaced"),
        (
            {"pytest_generate_tests": None},
            "pytest_generate_tests: belongs to the kit and cannot be replaced",
        ),
        ({"checks_version": 3}, "checks_version: must be a number from 1 to 2"),
        ({"checks_version": 0}, "checks_version: must be a number from 1 to 2"),
        ({"checks_version": True}, "checks_version: must be a number from 1 to 2"),
        ({"checks_version": "2"}, "checks_version: must be a number from 1 to 2"),
    ],
)
def test_a_wrong_declaration_is_an_error_that_says_what_is_wrong(declared, problem):
    """Unknown names, missing reasons and silent replacements."""
    assert problems(lambda: type("Door", (DoorConformance,), declared)) == [problem]


def test_a_check_is_not_replaced_by_a_class_mixed_in_before_the_kit():
    """The check that would run counts, wherever it comes from."""

    class Quiet:
        def test_opens(self):
            """Says nothing."""

    found = problems(lambda: type("Door", (Quiet, DoorConformance), {}))

    assert found == ["test_opens: is replaced without a reason in overrides"]


def test_a_kit_is_refused_whose_checks_need_what_it_does_not_name():
    """Nobody could declare to lack it."""

    class Checks:
        @check("wings")
        def test_flies(self):
            """Cannot be."""

        @check(since=2)
        def test_sings(self):
            """From the future."""

    found = problems(
        lambda: type(Conformance)("Birds", (Checks, Conformance), {}, kit=True),
    )

    assert found == [
        "test_flies: needs wings, which is no capability",
        "test_sings: is newer than version 1",
    ]


@pytest.mark.parametrize("options", [[], ["--import-mode=importlib"], ["-n", "2"]])
def test_what_is_left_out_is_listed_in_the_report(run, options):
    """One line for each, with its reason, in every way to run pytest."""
    result = run(
        """
class TestCurtain(DoorConformance):
    lacks = {"lock": "it is made of cloth"}

class TestDoor(DoorConformance):
    pass
""",
        "-v",
        *options,
    )

    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(
        ["*TestCurtain::test_left_out[[]test_locks: lacks lock: it is made of cloth[]]*"]
    )


def test_a_wrong_declaration_stops_the_collection(run):
    """Not one check runs, so that nobody overlooks it."""
    result = run("""
class TestDoor(DoorConformance):
    lacks = {"key": "lost"}
""")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*lacks.key: is no capability of this kit; there are: lock*"])


@pytest.mark.parametrize(
    "mark", ["@pytest.mark.skip", "@pytest.mark.xfail", "pytestmark = pytest.mark.skip\n"]
)
def test_a_mark_without_a_reason_stops_the_collection(run, mark):
    """On the class, on the module or on one check."""
    result = run(f"""
{mark}
class TestDoor(DoorConformance):
    pass
""")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*is marked * without a reason*"])


def test_a_mark_with_a_reason_is_pytest_s_own_way_to_say_it(run):
    """It is listed by pytest."""
    result = run(
        """
@pytest.mark.skipif(True, reason="no door on this machine")
class TestDoor(DoorConformance):
    pass
""",
        "-rs",
    )

    result.assert_outcomes(skipped=3)
    result.stdout.fnmatch_lines(["*no door on this machine*"])
