"""What plugins offer by name, and what is wrong with an offer."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from marketplace_sdk.domain.schemas import schema_flaw
from marketplace_sdk.plugin import (
    API_VERSION,
    CommandSpec,
    DirectorySpec,
    EngineSpec,
    NotifierSpec,
    ProvisionerSpec,
    QuestionTypeSpec,
    StorageSpec,
)

T = TypeVar("T")


@frozen
class Kind(Generic[T]):
    """One sort of things that plugins offer by name."""

    name: str
    hook: str
    spec: type[T]
    made_with: str = "build"


STORAGE = Kind("storage", "marketplace_storages", StorageSpec)
DIRECTORY = Kind("directory", "marketplace_directories", DirectorySpec)
PROVISIONER = Kind("provisioner", "marketplace_provisioners", ProvisionerSpec)
NOTIFIER = Kind("notifier", "marketplace_notifiers", NotifierSpec)
ENGINE = Kind("engine", "marketplace_engines", EngineSpec)
QUESTION_TYPE = Kind("question type", "marketplace_question_types", QuestionTypeSpec, "check")
COMMAND = Kind("command", "marketplace_commands", CommandSpec)
KINDS: tuple[Kind[Any], ...] = (
    STORAGE,
    DIRECTORY,
    PROVISIONER,
    NOTIFIER,
    ENGINE,
    QUESTION_TYPE,
    COMMAND,
)


@frozen(kw_only=True)
class PluginInfo:
    """A plugin, for ``marketplace plugins``.

    Attributes:
        name: of the entry point, or of the module or class that was passed in code.
        distribution: which package brought it; empty when it was passed in code.
        version: of the distribution.
        provides: kind and name of everything usable, such as ``storage sqlite``, and its checks.
        problems: what is wrong with it.
        blocked: it was not loaded, because the configuration says so.
    """

    name: str
    distribution: str = ""
    version: str = ""
    provides: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    blocked: bool = False

    @property
    def provenance(self) -> str:
        """Where it comes from, for messages."""
        if not self.distribution:
            return f"plugin {self.name}, passed in code"
        return f"{self.distribution} {self.version or '(no version)'} (plugin {self.name})"


@frozen
class Plugin:
    """A plugin while it is being looked at; the lists fill up.

    Attributes:
        defects: problems for which nothing of it may be used; they stand in ``problems`` too.
    """

    info: PluginInfo
    provides: list[str] = field(factory=list)
    problems: list[str] = field(factory=list)
    defects: list[str] = field(factory=list)

    def __str__(self) -> str:
        return self.info.provenance


@frozen
class Offer:
    """A spec, whose it is, and what is wrong with it."""

    plugin: Plugin
    spec: Any
    problem: str = ""

    @property
    def trouble(self) -> str:
        """Why it cannot be used, or empty text."""
        return "; ".join(filter(None, [self.problem, *self.plugin.defects]))


def flaw(kind: Kind[Any], spec: object, name: object) -> str:
    """What is wrong with a spec, or empty text."""
    what = f"{kind.hook} yielded"
    if not isinstance(spec, kind.spec):
        return f"{what} {type(spec).__name__} instead of {kind.spec.__name__}"
    if not isinstance(name, str) or not name:
        return f"{what} a spec without a name"
    version = getattr(spec, "api_version", None)
    if version != API_VERSION:
        return f"{kind.name} {name} is for version {version!r} of the contract, not {API_VERSION}"
    if not callable(getattr(spec, kind.made_with)):
        return f"{kind.name} {name}: {kind.made_with} cannot be called"
    if isinstance(spec, QuestionTypeSpec) and (wrong := schema_flaw(spec.json_schema)):
        return f"{kind.name} {name}: its json_schema: {wrong}"
    return ""


def stream(answer: object) -> Iterable[object]:
    """What a hook yielded or returned; a coroutine is closed, so that it does not complain."""
    if inspect.iscoroutine(answer):
        answer.close()
        raise TypeError("the hook is async; hooks are not awaited")
    if answer is None:
        return ()
    if isinstance(answer, (str, bytes)) or not isinstance(answer, Iterable):
        raise TypeError(f"the hook answered with {type(answer).__name__} instead of a list")
    return answer


def text(error: BaseException) -> str:
    """An error of a plugin's own code in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())
