"""Builds the parts of a marketplace from settings and plugins, and closes them again."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from marketplace_sdk import _system
from marketplace_sdk.delivery.connecting import connect
from marketplace_sdk.delivery.listeners import Builds, Listener
from marketplace_sdk.domain.destinations import INCLUDED, Destination, Subscription
from marketplace_sdk.domain.notice_kinds import NOTICES
from marketplace_sdk.errors import InvalidInput, Problem, StaleRevision
from marketplace_sdk.plugin import BuildContext
from marketplace_sdk.ports.storage import Record
from marketplace_sdk.services._context import MOST_TRIES
from marketplace_sdk.wire.published import EVENT_TYPES
from marketplace_sdk.work.reindexing import check_indexed

if TYPE_CHECKING:
    from datetime import datetime

    from marketplace_sdk._plugins import PluginHost
    from marketplace_sdk.delivery.calls import Connection
    from marketplace_sdk.ports.directory import Directory
    from marketplace_sdk.ports.notifier import Notifier
    from marketplace_sdk.ports.provisioner import Provisioner
    from marketplace_sdk.ports.storage import Storage

__all__ = ["Builder", "storage_of", "wrong"]

_OF_THE_HOST = ("name", "receives", "types", "include")
"""Settings of a notifier that its plugin does not see."""

_SCHEME = re.compile(r"[A-Za-z][\w+-]*")

DEFAULT_SECRETS = ("env:MARKETPLACE_WEBHOOK_*",)


class Builder:
    """Builds one part after the other; storage comes first, for the others may need it.

    Args:
        host: knows the plugins.
        clock: returns an aware datetime.

    Attributes:
        installation: id of this marketplace; empty until there is storage.
    """

    def __init__(self, host: PluginHost, clock: Callable[[], datetime]) -> None:
        self._host = host
        self._clock = clock
        self._closing: list[Any] = []
        self._storage: Storage | None = None
        self._installation = ""

    @property
    def installation(self) -> str:
        """The short id that marks what is ours on every platform."""
        return self._installation

    def close(self) -> None:
        """Let go of everything that was built, the last first. May be called twice."""
        while self._closing:
            close = getattr(self._closing.pop(), "close", None)
            if close is not None:
                close()

    def closes(self, part: object) -> None:
        """Close this too, before what was built until now."""
        self._closing.append(part)

    def context(self, name: str) -> BuildContext:
        """What the factory of a plugin is given, for what is configured under that name."""
        return BuildContext(
            installation=self._installation,
            name=name,
            clock=self._clock,
            secret=_secret,
            storage=self._storage,
        )

    def storage(self, storage: str | Storage) -> Storage:
        """Storage by URL or as it is given, set up and fit for this release."""
        if isinstance(storage, str):
            storage = storage_of(storage, self._host, self._clock)
        self._closing.append(storage)
        storage.setup()
        check_indexed(storage)
        self._storage = storage
        self._installation = _installation(storage)
        return storage

    def directory(self, directory: Mapping[str, Any] | Directory | None) -> Directory:
        """Where people come from; None means that they are kept here."""
        if directory is not None and not isinstance(directory, Mapping):
            return directory
        settings = {"plugin": "stored"} if directory is None else directory
        spec = self._host.directory(_plugin_name(settings, "directory"))
        built = spec.build(_rest(settings), self.context("directory"))
        self._closing.append(built)
        return built

    def connections(
        self, given: Mapping[str, Mapping[str, Any] | Provisioner]
    ) -> dict[str, Connection]:
        """Data platforms, by name."""
        return {
            name: connect(name, each, self._host, self.context, self._closing.append)
            for name, each in given.items()
        }

    def listeners(self, notifiers: Sequence[Mapping[str, Any] | Notifier]) -> dict[str, Listener]:
        """Ways to tell, by name."""
        listeners: dict[str, Listener] = {}
        for place, given in enumerate(notifiers):
            settings = given if isinstance(given, Mapping) else {"plugin": given}
            plugin = settings.get("plugin")
            path = f"notifiers.{place}"
            if isinstance(plugin, str):
                name = str(settings.get("name", plugin if plugin not in listeners else ""))
                name = name or f"{plugin}-{place + 1}"
                spec = self._host.notifier(plugin)
                built = spec.build(_rest(settings, *_OF_THE_HOST), self.context(name))
                receives = spec.receives
                self._closing.append(built)
            elif plugin is None:
                raise wrong(f"{path}.plugin", "is required")
            else:
                name = str(settings.get("name", f"{type(plugin).__name__}-{place + 1}"))
                built = plugin
                receives = getattr(plugin, "receives", frozenset({"event", "notice"}))
            if name in listeners or name == "inbox" or "|" in name:
                raise wrong(f"{path}.name", "is taken or not usable")
            subscription = Subscription(
                name=name,
                receives=_receives(settings, f"{path}.receives", receives),
                types=_words(settings, f"{path}.types", frozenset({*EVENT_TYPES, *NOTICES})),
                include=_words(settings, f"{path}.include", INCLUDED),
            )
            listeners[name] = Listener(subscription=subscription, notifier=built)
        return listeners

    def destinations(self, settings: Mapping[str, Any] | None) -> tuple[Builds, tuple[str, ...]]:
        """What makes the way to a stored destination, and which secrets it may name.

        The plugin is looked for when the first one is made: a marketplace without destinations
        needs none.
        """
        given = {"plugin": "webhook", **(settings or {})}
        plugin = _plugin_name(given, "destinations")
        secrets = given.get("secrets", DEFAULT_SECRETS)
        if isinstance(secrets, str) or not all(_is_pattern(each) for each in secrets):
            raise wrong("destinations.secrets", "must list patterns such as env:WEBHOOK_*")
        fixed = _rest(given, "secrets")
        for key in ("url", "secret", "format"):
            if key in fixed:
                raise wrong(f"destinations.{key}", "is each destination's own")

        def build(destination: Destination, references: tuple[str, ...]) -> Notifier:
            own = {
                "url": destination.url,
                "secret": list(references),
                "format": destination.format,
            }
            return self._host.notifier(plugin).build({**fixed, **own}, self.context(destination.id))

        return build, tuple(secrets)

    def engine(self, engine: Mapping[str, Any] | Any | None) -> Any:
        """What runs the delivery work; None means the loop in this process."""
        if engine is not None and not isinstance(engine, Mapping):
            return engine
        settings = {"plugin": "loop"} if engine is None else engine
        spec = self._host.engine(_plugin_name(settings, "engine"))
        return spec.build(_rest(settings), self.context("engine"))


def storage_of(url: str, host: PluginHost, clock: Callable[[], datetime]) -> Storage:
    """The storage that a URL, or a reference to one, names; not set up, so it can be looked at."""
    if url.startswith(("env:", "file:")):
        url = _secret(url)
    context = BuildContext(installation="", name="storage", clock=clock, secret=_secret)
    name = url.split(":", 1)[0]
    # What is no name of a plugin may hold a password, and is not repeated.
    if not _SCHEME.fullmatch(name):
        raise InvalidInput(
            "cannot open storage",
            problems=[Problem("storage", "is no URL")],
            hint="sqlite:///marketplace.db is a file here, postgresql://... a database",
        )
    return host.storage(name).build(url, context)


def _installation(storage: Storage) -> str:
    """The id of this marketplace, made when its storage is first opened."""
    record = Record(
        kind="installation", id="self", revision=1, document={"id": _system.new_installation()}
    )
    for attempt in range(MOST_TRIES):
        try:
            with storage.begin() as unit:
                known = unit.get("installation", "self")
                if known is None:
                    unit.put(record, None)
                return str((known or record).document["id"])
        except StaleRevision:
            # Somebody else makes one at this moment.
            if attempt == MOST_TRIES - 1:
                raise
    raise AssertionError("unreachable")  # pragma: no cover - the loop returns or raises


def _secret(reference: str) -> str:
    try:
        return _system.read_secret(reference)
    except ValueError as error:
        raise InvalidInput(
            "cannot read a secret", problems=[Problem("secret", str(error))]
        ) from None


def _plugin_name(settings: Mapping[str, Any], path: str) -> str:
    name = settings.get("plugin")
    if not isinstance(name, str):
        raise wrong(f"{path}.plugin", "must be the name of a plugin")
    return name


def _rest(settings: Mapping[str, Any], *host_keys: str) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key not in ("plugin", *host_keys)}


def _receives(settings: Mapping[str, Any], path: str, able: frozenset[str]) -> frozenset[str]:
    """What a notifier gets: a seal is a message to systems, for whoever can take those."""
    given = settings.get("receives")
    if given is None:
        return able
    words = able | ({"seal"} if "event" in able else frozenset())
    if (
        isinstance(given, str)
        or not isinstance(given, Collection)
        or not all(isinstance(word, str) and word in words for word in given)
    ):
        raise wrong(path, f"must be some of {', '.join(sorted(words))}")
    return frozenset(given)


def _words(settings: Mapping[str, Any], path: str, known: frozenset[str]) -> frozenset[str]:
    """Some of the known words, or none."""
    given = settings.get(path.rsplit(".", 1)[-1])
    if given is None:
        return frozenset()
    if isinstance(given, str) or not isinstance(given, Collection) or not given:
        raise wrong(path, "must be a list, or be left out")
    for each in given:
        if not isinstance(each, str) or each not in known:
            near = get_close_matches(str(each), known, n=1)
            raise wrong(
                path, f"holds an unknown word{f'; did you mean {near[0]}?' if near else ''}"
            )
    return frozenset(given)


def _is_pattern(text: object) -> bool:
    return isinstance(text, str) and text.startswith(("env:", "file:"))


def wrong(path: str, what: str) -> InvalidInput:
    """The error for a setting at a path of the configuration."""
    return InvalidInput("cannot configure the marketplace", problems=[Problem(path, what)])
