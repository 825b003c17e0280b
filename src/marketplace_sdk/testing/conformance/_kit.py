"""What every kit shares: capabilities, reasons for what is left out, and versions of the checks.

A kit is a class made with ``kit=True``; its checks are the ``test_...`` methods of the plain
classes that it mixes in::

    @check("search", since=2)
    class SearchChecks:
        capabilities = {"search": "finds products by their words"}

        def test_a_word_is_found(self, storage: Storage) -> None: ...

    class StorageConformance(RecordChecks, SearchChecks, Conformance, kit=True):
        checks_version = 2

Whoever inherits from a kit says what does not hold for his adapter, each with a reason. What he
says is verified when his class is made, so a wrong declaration is an error of pytest's collection.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar

import pytest
from attrs import frozen

from marketplace_sdk.errors import InvalidInput, Problem

__all__ = ["Conformance", "check", "needs_of"]

_Subject = TypeVar("_Subject", bound=Callable[..., Any])

_DECLARED = ("lacks", "overrides", "checks_version")
"""What a third party's class sets."""
_LISTING = "test_left_out"
_MARK = "__conformance__"


@frozen
class _Terms:
    """When a check applies."""

    needs: frozenset[str] = frozenset()
    since: int = 1


@frozen
class _LeftOut:
    """Stands in the place of a check; pytest collects only what can be called."""

    reason: str


def check(*needs: str, since: int = 1) -> Callable[[_Subject], _Subject]:
    """Say of a check, or of a class of them, which capabilities it needs and when it came.

    Args:
        needs: names of capabilities; an adapter that lacks one of them is not checked.
        since: the ``checks_version`` of the kit in which it appeared.
    """

    def mark(subject: _Subject) -> _Subject:
        marked = [one for _, one in _tests(subject)] if isinstance(subject, type) else [subject]
        for one in marked:
            own: _Terms = getattr(one, _MARK, _Terms())
            setattr(one, _MARK, _Terms(own.needs | set(needs), max(own.since, since)))
        return subject

    return mark


class Conformance:
    """Checks of one port for its implementations; inherit from the kit of the port.

    Attributes:
        capabilities: what an adapter may lack, by name, with what it means.
        lacks: capabilities that this adapter lacks, each with the reason. Checks that need one
            are left out.
        overrides: checks that do not hold for this adapter, each with the reason. One that the
            class defines itself replaces the kit's; any other is left out.
        checks_version: the version of the checks to hold to; newer ones are left out. A kit
            raises its own when it gains a check or makes one stricter.
    """

    capabilities: ClassVar[Mapping[str, str]] = {}
    lacks: ClassVar[Mapping[str, str]] = {}
    overrides: ClassVar[Mapping[str, str]] = {}
    checks_version: ClassVar[int] = 1

    _kit: ClassVar[type[Conformance]]
    _checks: ClassVar[Mapping[str, Callable[..., Any]]]

    def __init_subclass__(cls, *, kit: bool = False, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        problems = cls._become_kit() if kit else cls._apply()
        if problems:
            raise InvalidInput(
                f"cannot check {cls.__qualname__}",
                problems=problems,
                hint="every exception from the kit is declared, with a reason",
            )

    @classmethod
    def left_out(cls) -> dict[str, str]:
        """Names of the checks that are left out, each with the reason."""
        values = {name: getattr(cls, name) for name in cls._checks}
        return {name: one.reason for name, one in values.items() if isinstance(one, _LeftOut)}

    def test_left_out(self, left_out: str) -> None:
        """One line of the report for each check that is left out; its reason is in the brackets."""
        assert not callable(getattr(self, left_out))

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """List what is left out, and refuse marks that leave out a check without a reason."""
        name = metafunc.definition.originalname
        if name == _LISTING:
            listed = self.left_out()
            ids = [f"{check}: {reason}" for check, reason in listed.items()]
            metafunc.parametrize("left_out", list(listed), ids=ids)
        if name in self._checks:
            for mark in metafunc.definition.iter_markers():
                if mark.name in _HIDING and not _reason(mark).strip():
                    raise InvalidInput(
                        f"cannot check {type(self).__qualname__}",
                        problems=[Problem(name, f"is marked {mark.name} without a reason")],
                    )

    @classmethod
    def _become_kit(cls) -> list[Problem]:
        owners = [owner for owner in reversed(cls.__mro__) if owner is not Conformance]
        cls._kit = cls
        cls._checks = {name: one for owner in owners for name, one in _tests(owner)}
        cls.capabilities = {
            name: meaning
            for owner in owners
            for name, meaning in vars(owner).get("capabilities", {}).items()
        }
        problems = []
        for name, one in cls._checks.items():
            terms = _terms(one)
            problems += [
                Problem(name, f"needs {need}, which is no capability")
                for need in sorted(terms.needs - set(cls.capabilities))
            ]
            if terms.since > cls.checks_version:
                problems.append(Problem(name, f"is newer than version {cls.checks_version}"))
        return problems

    @classmethod
    def _apply(cls) -> list[Problem]:
        """Leave out what the class declares; returns what is wrong with its declarations."""
        problems = [
            *_unreasonable("lacks", cls.lacks, "capability", cls.capabilities),
            *_unreasonable("overrides", cls.overrides, "check", cls._checks),
            *cls._undeclared(),
        ]
        version: object = cls.checks_version
        latest = cls._kit.checks_version
        if type(version) is not int or not 1 <= version <= latest:
            problems.append(Problem("checks_version", f"must be a number from 1 to {latest}"))
        if not problems:
            for name, kept in cls._checks.items():
                reason = cls._reason_to_leave_out(name)
                # An inherited declaration does not outlive the one that takes its place.
                if reason or isinstance(getattr(cls, name), _LeftOut):
                    setattr(cls, name, _LeftOut(reason) if reason else kept)
            listing = Conformance.test_left_out if cls.left_out() else _LeftOut("there is none")
            setattr(cls, _LISTING, listing)
        return problems

    @classmethod
    def _undeclared(cls) -> Iterator[Problem]:
        """What the class defines in the place of something of the kit, without a reason."""
        for name in dir(cls._kit):
            # Statically, because each look at a method or fixture makes another object.
            value = inspect.getattr_static(cls, name)
            if name.startswith("_") or name in _DECLARED or isinstance(value, _LeftOut):
                continue
            if value is inspect.getattr_static(cls._kit, name):
                continue
            if name not in cls._checks:
                yield Problem(name, "belongs to the kit and cannot be replaced")
            elif name not in cls.overrides:
                yield Problem(name, "is replaced without a reason in overrides")

    @classmethod
    def _reason_to_leave_out(cls, name: str) -> str:
        value = getattr(cls, name)
        if not isinstance(value, _LeftOut) and value is not cls._checks[name]:
            return ""
        terms = _terms(cls._checks[name])
        if name in cls.overrides:
            return cls.overrides[name]
        for capability in sorted(terms.needs & set(cls.lacks)):
            return f"lacks {capability}: {cls.lacks[capability]}"
        if terms.since > cls.checks_version:
            return f"came with version {terms.since} of the checks"
        return ""


_HIDING = frozenset({"skip", "skipif", "xfail"})


def _tests(owner: type) -> list[tuple[str, Callable[..., Any]]]:
    return [(name, one) for name, one in vars(owner).items() if name.startswith("test")]


def _terms(one: object) -> _Terms:
    terms: _Terms = getattr(one, _MARK, _Terms())
    return terms


def needs_of(one: object) -> frozenset[str]:
    """Capabilities that a check needs."""
    return _terms(one).needs


def _reason(mark: pytest.Mark) -> str:
    given = mark.kwargs.get("reason", mark.args[0] if mark.name == "skip" and mark.args else "")
    return given if isinstance(given, str) else ""


def _unreasonable(
    where: str, declared: object, kind: str, known: Mapping[str, object]
) -> Iterator[Problem]:
    if not isinstance(declared, Mapping):
        yield Problem(where, "must be a mapping of names to reasons")
        return
    for name, reason in declared.items():
        if name not in known:
            choices = f"; there are: {', '.join(sorted(known))}" if kind == "capability" else ""
            yield Problem(f"{where}.{name}", f"is no {kind} of this kit{choices}")
        elif not isinstance(reason, str) or not reason.strip():
            yield Problem(f"{where}.{name}", "has no reason")
