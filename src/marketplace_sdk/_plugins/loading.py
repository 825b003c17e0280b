"""Loading plugins and gathering what each offers, so that a fault stays its owner's."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Collection, Iterable
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pluggy

from marketplace_sdk import hookspecs
from marketplace_sdk._plugins.offers import (
    KINDS,
    Kind,
    Offer,
    Plugin,
    PluginInfo,
    flaw,
    stream,
    text,
)
from marketplace_sdk.errors import PluginError
from marketplace_sdk.plugin import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Loaded"]

BUILT_IN = "marketplace_sdk.memory.plugin"
OWN_DISTRIBUTION = "data-marketplace-sdk"


class Loaded:
    """The plugins that were found, each with what it offers; arguments as of ``PluginHost``.

    Attributes:
        manager: pluggy's own, for the calls.
        plugins: in the order in which they were found, blocked ones too.
        by_key: those that are registered, by the name that pluggy knows.
        offers: by kind and name; more than one is a quarrel that nobody wins.
    """

    def __init__(self, *, discover: bool, block: Collection[str], extra: Iterable[object]) -> None:
        self._block = frozenset([block] if isinstance(block, str) else block)
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.plugins: list[Plugin] = []
        self.by_key: dict[str, Plugin] = {}
        self.offers: dict[tuple[str, str], list[Offer]] = {}
        own = PluginInfo(
            name="memory", distribution=OWN_DISTRIBUTION, version=_version(OWN_DISTRIBUTION)
        )
        self._load(own, lambda: _import(BUILT_IN))
        if discover:
            for point in sorted(metadata.entry_points(group=PROJECT), key=_place):
                self._load(_info(point), point.load)
        passed = [self._load(PluginInfo(name=_name_of(each)), _giver(each)) for each in extra]
        for plugin in self.by_key.values():
            for kind in KINDS:
                self._gather(kind, plugin)
        for plugin in passed:
            if plugin.problems:
                raise PluginError(f"cannot use {plugin}: {'; '.join(plugin.problems)}")

    def _load(self, info: PluginInfo, load: Callable[[], object]) -> Plugin:
        if info.name in self._block:
            info = PluginInfo(
                name=info.name,
                distribution=info.distribution,
                version=info.version,
                blocked=True,
            )
        plugin = Plugin(info)
        self.plugins.append(plugin)
        if info.blocked:
            return plugin
        key = f"{info.name} of {info.distribution}" if info.distribution else f"{info.name} in code"
        try:
            module = load()
        except (Exception, SystemExit) as error:  # noqa: BLE001  # another's fault stays another's
            plugin.problems.append(f"cannot be imported: {text(error)}")
            return plugin
        try:
            self.manager.register(module, name=key)
        except ValueError:
            plugin.problems.append("cannot be registered: this plugin is there already")
        except Exception as error:  # noqa: BLE001  # the same
            # pluggy has taken in the hooks before the one that it refused.
            with contextlib.suppress(Exception):
                self.manager.unregister(module)
            plugin.problems.append(f"cannot be registered: {text(error)}")
        else:
            self.by_key[key] = plugin
            plugin.defects.extend(self._misfits(module))
            plugin.problems.extend(plugin.defects)
        return plugin

    def _misfits(self, module: object) -> Iterator[str]:
        """What ``check_pending`` would find, for one plugin instead of the first that has any."""
        for caller in self.manager.get_hookcallers(module) or ():
            for call in caller.get_hookimpls():
                if call.plugin is not module:
                    continue
                if not caller.has_spec() and not call.optionalhook:
                    yield f"implements the unknown hook {caller.name}"
                elif call.hookwrapper or call.wrapper:
                    yield f"wraps {caller.name}: a plugin may not change what others answer"

    def _gather(self, kind: Kind[Any], plugin: Plugin) -> None:
        """Ask one plugin for its specs of one kind."""
        caller = getattr(self.manager.hook, kind.hook)
        for call in caller.get_hookimpls():
            if self.by_key.get(call.plugin_name) is not plugin or call.hookwrapper or call.wrapper:
                continue
            try:
                for spec in stream(call.function()):
                    self._offer(kind, plugin, spec)
            except (Exception, SystemExit) as error:  # noqa: BLE001  # the same
                plugin.problems.append(f"{kind.hook} failed: {text(error)}")

    def _offer(self, kind: Kind[Any], plugin: Plugin, spec: object) -> None:
        name = getattr(spec, "name", None)
        problem = flaw(kind, spec, name)
        if problem:
            plugin.problems.append(problem)
        if not isinstance(name, str) or not name:
            return
        offers = self.offers.setdefault((kind.name, name), [])
        if offers:
            others = " and ".join(sorted({str(offer.plugin) for offer in offers}))
            plugin.problems.append(f"{kind.name} {name} is offered by {others} too")
        offers.append(Offer(plugin, spec, problem))
        if not problem:
            plugin.provides.append(f"{kind.name} {name}")


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
