"""Connections from configuration: the settings that are the host's, and the plugin's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, get_args

from marketplace_sdk.delivery.calls import AddedByHand, Connection, OnReplaced
from marketplace_sdk.domain.values import check_name
from marketplace_sdk.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from marketplace_sdk._plugins import PluginHost
    from marketplace_sdk.plugin import BuildContext
    from marketplace_sdk.ports.provisioner import Provisioner

__all__ = ["connect"]

HOST_KEYS = ("plugin", "may_grant", "on_replaced", "added_by_hand")


def connect(
    name: str,
    given: Mapping[str, Any] | Provisioner,
    host: PluginHost,
    context: Callable[[str], BuildContext],
    built: Callable[[Any], None],
) -> Connection:
    """The connection of that name.

    Args:
        name: as configured.
        given: settings, or an object of an open world.
        host: knows the plugins.
        context: what a factory is given, for the connection's name.
        built: told of everything that a plugin built here, to close it later.

    Raises:
        InvalidInput: a setting is missing or wrong; says which.
        PluginError: the plugin is missing or broken.
    """
    check_name(name, "connections", dots=False)
    if "|" in name:
        raise _wrong(f"connections.{name}", "must not contain |")
    settings = given if isinstance(given, Mapping) else {"plugin": given}
    plugin = settings.get("plugin")
    if plugin is None:
        raise _wrong(f"connections.{name}.plugin", "is required")
    on_replaced = _choice(settings, name, "on_replaced", get_args(OnReplaced))
    added_by_hand = _choice(settings, name, "added_by_hand", get_args(AddedByHand))
    if isinstance(plugin, str):
        spec = host.provisioner(plugin)
        rest = {key: value for key, value in settings.items() if key not in HOST_KEYS}
        provisioner = spec.build(rest, context(name))
        built(provisioner)
        declared = spec.capabilities
        label = plugin
    else:
        provisioner = plugin
        declared = frozenset()
        label = type(plugin).__name__
    # What a platform can do may depend on its settings: then the object says more than the spec.
    capabilities = declared | frozenset(getattr(provisioner, "capabilities", ()))
    return Connection(
        name=name,
        provisioner=provisioner,
        may_grant=_may_grant(settings, name, open_world="open_world" in capabilities),
        on_replaced=on_replaced,
        added_by_hand=added_by_hand,
        capabilities=capabilities,
        plugin=f"{label} {host.provenance('provisioner', label)}".strip(),
    )


def _may_grant(settings: Mapping[str, Any], name: str, *, open_world: bool) -> tuple[str, ...]:
    patterns = settings.get("may_grant", ["*"] if open_world else None)
    if (
        not isinstance(patterns, (list, tuple))
        or not patterns
        or not all(isinstance(pattern, str) and pattern for pattern in patterns)
    ):
        raise _wrong(
            f"connections.{name}.may_grant",
            'is required: patterns of objects that may be granted, such as ["sales.*"]',
        )
    return tuple(patterns)


def _choice(settings: Mapping[str, Any], name: str, key: str, choices: tuple[str, ...]) -> Any:
    """The first choice is the default."""
    value = settings.get(key, choices[0])
    if value not in choices:
        raise _wrong(f"connections.{name}.{key}", f"must be one of {', '.join(choices)}")
    return value


def _wrong(path: str, what: str) -> InvalidInput:
    return InvalidInput("cannot configure the marketplace", problems=[Problem(path, what)])
