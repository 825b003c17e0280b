"""The plugin host: finds plugins, checks what they offer, and keeps one's failure from the others.

pluggy isolates nothing, so every implementation is called by itself here. What is wrong with a
plugin is written down beside its name; it is an error only for who selects what it offers.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import pluggy
from attrs import field, frozen

from marketplace_sdk import hookspecs
from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.review import Stage
from marketplace_sdk.errors import PluginError
from marketplace_sdk.plugin import (
    API_VERSION,
    PROJECT,
    AddStage,
    CommandSpec,
    DirectorySpec,
    EngineSpec,
    NotifierSpec,
    ProvisionerSpec,
    QuestionTypeSpec,
    Refuse,
    Shorten,
    StorageSpec,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from marketplace_sdk.domain.forms import RequestForm
    from marketplace_sdk.domain.grants import Grant
    from marketplace_sdk.domain.people import Person
    from marketplace_sdk.domain.products import DataProduct
    from marketplace_sdk.domain.requests import AccessRequest
    from marketplace_sdk.ports.provisioner import Change

__all__ = ["PluginHost", "PluginInfo"]

T = TypeVar("T")

_log = logging.getLogger(__name__)

BUILT_IN = "marketplace_sdk.memory.plugin"
OWN_DISTRIBUTION = "data-marketplace-sdk"


@frozen
class _Kind(Generic[T]):
    """One sort of things that plugins offer by name."""

    name: str
    hook: str
    spec: type[T]
    made_with: str = "build"


STORAGE = _Kind("storage", "marketplace_storages", StorageSpec)
DIRECTORY = _Kind("directory", "marketplace_directories", DirectorySpec)
PROVISIONER = _Kind("provisioner", "marketplace_provisioners", ProvisionerSpec)
NOTIFIER = _Kind("notifier", "marketplace_notifiers", NotifierSpec)
ENGINE = _Kind("engine", "marketplace_engines", EngineSpec)
QUESTION_TYPE = _Kind("question type", "marketplace_question_types", QuestionTypeSpec, "check")
COMMAND = _Kind("command", "marketplace_commands", CommandSpec)
_KINDS: tuple[_Kind[Any], ...] = (
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
class _Plugin:
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
class _Offer:
    """A spec, whose it is, and what is wrong with it."""

    plugin: _Plugin
    spec: Any
    problem: str = ""

    @property
    def trouble(self) -> str:
        """Why it cannot be used, or empty text."""
        return "; ".join(filter(None, [self.problem, *self.plugin.defects]))


class PluginHost:
    """The plugins of one marketplace. Nothing here is shared between two hosts.

    Args:
        discover: whether to look for installed plugins; without it only what is built in and what
            is passed in ``extra`` is there, and no entry point is read.
        block: names of plugins that are not loaded.
        extra: plugin modules or objects, passed in code.

    Raises:
        PluginError: something is wrong with a plugin in ``extra``.
    """

    def __init__(
        self, *, discover: bool = True, block: Collection[str] = (), extra: Iterable[object] = ()
    ) -> None:
        self._block = frozenset([block] if isinstance(block, str) else block)
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._plugins: list[_Plugin] = []
        self._by_key: dict[str, _Plugin] = {}
        self._offers: dict[tuple[str, str], list[_Offer]] = {}
        own = PluginInfo(
            name="memory", distribution=OWN_DISTRIBUTION, version=_version(OWN_DISTRIBUTION)
        )
        self._load(own, lambda: _import(BUILT_IN))
        if discover:
            for point in sorted(metadata.entry_points(group=PROJECT), key=_place):
                self._load(_info(point), point.load)
        passed = [self._load(PluginInfo(name=_name_of(each)), _giver(each)) for each in extra]
        for plugin in self._by_key.values():
            for kind in _KINDS:
                self._gather(kind, plugin)
        for plugin in passed:
            if plugin.problems:
                raise PluginError(f"cannot use {plugin}: {'; '.join(plugin.problems)}")

    # What can be chosen by name.

    def storage(self, name: str) -> StorageSpec:
        """The storage of that name. Raises PluginError, as all of these do: see ``_select``."""
        return self._select(STORAGE, name)

    def directory(self, name: str) -> DirectorySpec:
        """The directory of that name."""
        return self._select(DIRECTORY, name)

    def provisioner(self, name: str) -> ProvisionerSpec:
        """The data platform of that name."""
        return self._select(PROVISIONER, name)

    def notifier(self, name: str) -> NotifierSpec:
        """The notifier of that name."""
        return self._select(NOTIFIER, name)

    def engine(self, name: str) -> EngineSpec:
        """The engine of that name."""
        return self._select(ENGINE, name)

    def question_types(self) -> dict[str, QuestionTypeSpec]:
        """Every usable kind of question by name; one that is broken or doubled is not there."""
        return {spec.name: spec for spec in self._usable(QUESTION_TYPE)}

    def question_checks(self) -> dict[str, Callable[[Any], str]]:
        """By kind of question, what says whether an answer fits; one that breaks refuses it."""
        return {
            name: _guarded(spec.check, self.provenance(QUESTION_TYPE.name, name))
            for name, spec in self.question_types().items()
        }

    def commands(self) -> list[CommandSpec]:
        """Every usable sub-command, by name; one that is broken or doubled is not there."""
        return self._usable(COMMAND)

    def provenance(self, kind: str, name: str) -> str:
        """Who offers a name, such as ``marketplace-sdk-x 1.0 (plugin x)``; empty: nobody does."""
        return " and ".join(str(offer.plugin) for offer in self._offers.get((kind, name), ()))

    def describe(self) -> list[PluginInfo]:
        """Every plugin with what it provides and what is wrong with it, built-in ones first."""
        return [
            PluginInfo(
                name=each.info.name,
                distribution=each.info.distribution,
                version=each.info.version,
                provides=tuple(each.provides),
                problems=tuple(each.problems),
                blocked=each.info.blocked,
            )
            for each in self._plugins
        ]

    # Guard-rails.

    @property
    def checks_requests(self) -> bool:
        """Whether any plugin has something to say about requests."""
        return bool(self._manager.hook.marketplace_check_request.get_hookimpls())

    def check_request(
        self, request: AccessRequest, product: DataProduct, form: RequestForm, person: Person
    ) -> list[Refuse | AddStage | Shorten]:
        """What plugins say about a request before it is kept.

        A plugin that raises, or answers with something else, refuses the request: its one answer
        then is a Refuse that names it.
        """
        arguments = {"request": request, "product": product, "form": form, "person": person}
        answers: list[Refuse | AddStage | Shorten] = []
        for plugin, result in self._ask("marketplace_check_request", arguments, _is_verdict):
            answers += [Refuse(f"{plugin} {result}")] if isinstance(result, str) else result
        return answers

    def check_plan(
        self, plan: Sequence[Change], grant: Grant | None, product: DataProduct | None
    ) -> list[str]:
        """What plugins have against the changes of one pass.

        A plugin that raises, or answers with something else, counts as a problem that names it.
        """
        arguments = {"plan": plan, "grant": grant, "product": product}
        problems: list[str] = []
        for plugin, result in self._ask("marketplace_check_plan", arguments, _is_text):
            problems += [f"{plugin} {result}"] if isinstance(result, str) else result
        return problems

    def _ask(
        self, hook: str, arguments: Mapping[str, Any], fits: Callable[[Any], bool]
    ) -> Iterator[tuple[_Plugin, list[Any] | str]]:
        """Each plugin's answers, or as text why there are none."""
        for call in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            if call.hookwrapper or call.wrapper:
                continue
            plugin = self._by_key[call.plugin_name]
            try:
                answers = _listed(call.function(*(arguments[name] for name in call.argnames)))
            except Exception as error:  # noqa: BLE001  # a guard-rail fails closed, whatever it raises
                # Only type and place: the text of an error may quote a form's answers.
                _log.error("%s: %s raised %s at %s", hook, plugin, *_raised(error))
                yield plugin, f"could not check it ({type(error).__name__})"
                continue
            wrong = [type(each).__name__ for each in answers if not fits(each)]
            if wrong:
                yield plugin, f"gave an answer that the check does not have ({wrong[0]})"
            else:
                yield plugin, answers

    # Loading.

    def _load(self, info: PluginInfo, load: Callable[[], object]) -> _Plugin:
        if info.name in self._block:
            info = PluginInfo(
                name=info.name,
                distribution=info.distribution,
                version=info.version,
                blocked=True,
            )
        plugin = _Plugin(info)
        self._plugins.append(plugin)
        if info.blocked:
            return plugin
        key = f"{info.name} of {info.distribution}" if info.distribution else f"{info.name} in code"
        try:
            module = load()
        except (Exception, SystemExit) as error:  # noqa: BLE001  # another's fault stays another's
            plugin.problems.append(f"cannot be imported: {_text(error)}")
            return plugin
        try:
            self._manager.register(module, name=key)
        except ValueError:
            plugin.problems.append("cannot be registered: this plugin is there already")
        except Exception as error:  # noqa: BLE001  # the same
            # pluggy has taken in the hooks before the one that it refused.
            with contextlib.suppress(Exception):
                self._manager.unregister(module)
            plugin.problems.append(f"cannot be registered: {_text(error)}")
        else:
            self._by_key[key] = plugin
            plugin.defects.extend(self._misfits(module))
            plugin.problems.extend(plugin.defects)
        return plugin

    def _misfits(self, module: object) -> Iterator[str]:
        """What ``check_pending`` would find, for one plugin instead of the first that has any."""
        for caller in self._manager.get_hookcallers(module) or ():
            for call in caller.get_hookimpls():
                if call.plugin is not module:
                    continue
                if not caller.has_spec() and not call.optionalhook:
                    yield f"implements the unknown hook {caller.name}"
                elif call.hookwrapper or call.wrapper:
                    yield f"wraps {caller.name}: a plugin may not change what others answer"

    def _gather(self, kind: _Kind[Any], plugin: _Plugin) -> None:
        """Ask one plugin for its specs of one kind."""
        caller = getattr(self._manager.hook, kind.hook)
        for call in caller.get_hookimpls():
            if self._by_key.get(call.plugin_name) is not plugin or call.hookwrapper or call.wrapper:
                continue
            try:
                for spec in _stream(call.function()):
                    self._offer(kind, plugin, spec)
            except (Exception, SystemExit) as error:  # noqa: BLE001  # the same
                plugin.problems.append(f"{kind.hook} failed: {_text(error)}")

    def _offer(self, kind: _Kind[Any], plugin: _Plugin, spec: object) -> None:
        name = getattr(spec, "name", None)
        problem = _flaw(kind, spec, name)
        if problem:
            plugin.problems.append(problem)
        if not isinstance(name, str) or not name:
            return
        offers = self._offers.setdefault((kind.name, name), [])
        if offers:
            others = " and ".join(sorted({str(offer.plugin) for offer in offers}))
            plugin.problems.append(f"{kind.name} {name} is offered by {others} too")
        offers.append(_Offer(plugin, spec, problem))
        if not problem:
            plugin.provides.append(f"{kind.name} {name}")

    # Choosing.

    def _select(self, kind: _Kind[T], name: str) -> T:
        """The one sound offer of a name.

        Raises:
            PluginError: nobody offers it, several do, or its plugin is broken or blocked. The
                message names the plugins concerned and what could be chosen.
        """
        offers = self._offers.get((kind.name, name), [])
        choices = ", ".join(self._names(kind)) or "nothing"
        failed = f"cannot use {kind.name} {name}"
        if not offers:
            lame = [
                f"{each}: {'; '.join(each.problems) or 'blocked'}"
                for each in self._plugins
                if each.info.blocked or each.problems
            ]
            among = f"; not available: {' / '.join(lame)}" if lame else ""
            raise PluginError(
                f"{failed}: no plugin offers it{among}",
                hint=f"choose one of {choices}, or install the plugin that brings it",
            )
        if len(offers) > 1:
            raise PluginError(
                f"{failed}: it is offered by {self.provenance(kind.name, name)}",
                hint=f"uninstall or block one of them, or choose one of {choices}",
            )
        (offer,) = offers
        if offer.trouble:
            raise PluginError(
                f"{failed}: {offer.plugin}: {offer.trouble}",
                hint=f"update or repair the plugin, or choose one of {choices}",
            )
        spec: T = offer.spec
        return spec

    def _usable(self, kind: _Kind[T]) -> list[T]:
        return [self._offers[kind.name, name][0].spec for name in self._names(kind)]

    def _names(self, kind: _Kind[Any]) -> list[str]:
        return sorted(
            name
            for (sort, name), offers in self._offers.items()
            if sort == kind.name and len(offers) == 1 and not offers[0].trouble
        )


def _flaw(kind: _Kind[Any], spec: object, name: object) -> str:
    """What is wrong with a spec, or empty text."""
    what = f"{kind.hook} yielded"
    if not isinstance(spec, kind.spec):
        return f"{what} {_type(spec)} instead of {kind.spec.__name__}"
    if not isinstance(name, str) or not name:
        return f"{what} a spec without a name"
    version = getattr(spec, "api_version", None)
    if version != API_VERSION:
        return f"{kind.name} {name} is for version {version!r} of the contract, not {API_VERSION}"
    if not callable(getattr(spec, kind.made_with)):
        return f"{kind.name} {name}: {kind.made_with} cannot be called"
    return ""


def _stream(answer: object) -> Iterable[object]:
    """What a hook yielded or returned; a coroutine is closed, so that it does not complain."""
    if inspect.iscoroutine(answer):
        answer.close()
        raise TypeError("the hook is async; hooks are not awaited")
    if answer is None:
        return ()
    if isinstance(answer, (str, bytes)) or not isinstance(answer, Iterable):
        raise TypeError(f"the hook answered with {_type(answer)} instead of a list")
    return answer


def _listed(answer: object) -> list[object]:
    return list(_stream(answer))


def _guarded(check: Callable[[Any], str], plugin: str) -> Callable[[Any], str]:
    def guarded(answer: Any) -> str:
        try:
            wrong = check(answer)
        except Exception as error:  # noqa: BLE001  # a guard-rail fails closed, whatever it raises
            # Only type and place: the text of an error may quote the answer.
            _log.error("check of an answer: %s raised %s at %s", plugin, *_raised(error))
            return f"cannot be checked: {plugin} failed ({type(error).__name__})"
        if not isinstance(wrong, str):
            return f"cannot be checked: {plugin} said {type(wrong).__name__}, not text"
        return wrong

    return guarded


def _is_verdict(answer: object) -> bool:
    if isinstance(answer, Refuse):
        return isinstance(answer.reason, str)
    if isinstance(answer, AddStage):
        return isinstance(answer.stage, Stage)
    return isinstance(answer, Shorten) and isinstance(answer.duration, Duration)


def _is_text(answer: object) -> bool:
    return isinstance(answer, str)


def _place(point: metadata.EntryPoint) -> tuple[str, str, str]:
    # Not in the order of installation, so that two machines agree.
    return (point.name, point.dist.name if point.dist else "", point.value)


def _info(point: metadata.EntryPoint) -> PluginInfo:
    dist = point.dist
    return PluginInfo(
        name=point.name,
        distribution=dist.name if dist else "unknown distribution",
        version=dist.version if dist else "",
    )


def _import(name: str) -> object:
    __import__(name)
    return sys.modules[name]


def _giver(plugin: object) -> Callable[[], object]:
    return lambda: plugin


def _name_of(plugin: object) -> str:
    return str(getattr(plugin, "__name__", None) or type(plugin).__name__)


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _type(value: object) -> str:
    return type(value).__name__


def _text(error: BaseException) -> str:
    """An error of a plugin's own code in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _raised(error: BaseException) -> tuple[str, str]:
    """Type of an error and where it was raised."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    place = f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at else "an unknown place"
    return type(error).__name__, place
