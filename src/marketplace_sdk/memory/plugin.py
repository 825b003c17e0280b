"""What is built in, registered through the same hooks as everybody's plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import (
    DirectorySpec,
    EngineSpec,
    InvalidInput,
    NotifierSpec,
    PluginError,
    Problem,
    ProvisionerSpec,
    StorageError,
    StorageSpec,
    check_settings,
    hookimpl,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from marketplace_sdk.plugin import BuildContext, Directory, Notifier, Provisioner, Storage

LONGEST_INTERVAL = 3600


@hookimpl
def marketplace_storages() -> Iterator[StorageSpec]:
    """Offer the store that forgets."""
    yield StorageSpec(
        name="memory",
        build=_storage,
        summary="Keeps everything in this process; for tests and trials.",
        capabilities=frozenset({"search", "search_typos"}),
    )


@hookimpl
def marketplace_directories() -> Iterator[DirectorySpec]:
    """Offer the built-in directory, and made-up people."""
    yield DirectorySpec(
        name="stored",
        build=_stored,
        summary="People whom the marketplace stores itself (the default).",
    )
    yield DirectorySpec(
        name="memory",
        build=_directory,
        summary="People listed in the settings; for tests and trials.",
    )


@hookimpl
def marketplace_provisioners() -> Iterator[ProvisionerSpec]:
    """Offer the platform in memory."""
    yield ProvisionerSpec(
        name="memory",
        build=_platform,
        summary="A data platform in this process; for tests and trials.",
        capabilities=frozenset({"discover", "open_world", "unmask"}),
    )


@hookimpl
def marketplace_notifiers() -> Iterator[NotifierSpec]:
    """Offer the notifier that remembers."""
    yield NotifierSpec(
        name="memory",
        build=_notifier,
        summary="Remembers messages in this process; for tests and trials.",
        receives=frozenset({"event", "notice"}),
    )


@hookimpl
def marketplace_engines() -> Iterator[EngineSpec]:
    """Offer the loop."""
    yield EngineSpec(
        name="loop",
        build=_engine,
        summary="Delivers what is due in this process, again and again (the default).",
    )


def _storage(url: str, _: BuildContext) -> Storage:
    from marketplace_sdk.memory.storage import MemoryStorage

    if url.partition(":")[2].strip("/"):
        raise InvalidInput(
            "cannot configure storage memory",
            problems=[Problem("storage", "has nothing behind its scheme")],
            hint='write "memory"',
        )
    return MemoryStorage()


def _stored(settings: Mapping[str, Any], context: BuildContext) -> Directory:
    from marketplace_sdk.memory.directory import StoredDirectory

    check_settings(settings, plugin="stored", known={})
    if context.storage is None:
        raise PluginError("cannot build directory stored: it was given no storage")
    return StoredDirectory(context.storage, context.clock)


def _directory(settings: Mapping[str, Any], context: BuildContext) -> Directory:
    from marketplace_sdk.domain.people import GroupFacts, Person
    from marketplace_sdk.memory.directory import MemoryDirectory

    check_settings(
        settings, plugin="memory", known={"people": (list, tuple), "groups": (list, tuple)}
    )
    return MemoryDirectory(
        _values(Person, "people", settings.get("people", ())),
        _values(GroupFacts, "groups", settings.get("groups", ())),
        clock=context.clock,
    )


def _platform(settings: Mapping[str, Any], context: BuildContext) -> Provisioner:
    from marketplace_sdk.memory.platform import MemoryPlatform

    known: Mapping[str, Any] = {
        "objects": dict,
        "principals": (list, tuple),
        "protected": (list, tuple),
        "native_expiry": bool,
    }
    check_settings(settings, plugin="memory", known=known)
    return MemoryPlatform(
        settings.get("objects"),
        settings.get("principals"),
        settings.get("protected"),
        name=context.name,
        clock=context.clock if settings.get("native_expiry") else None,
    )


def _engine(settings: Mapping[str, Any], _: BuildContext) -> Any:
    from marketplace_sdk.memory.engine import LoopEngine

    check_settings(settings, plugin="loop", known={"interval": (int, float)})
    interval = settings.get("interval", 5.0)
    if isinstance(interval, bool) or not 0 < interval <= LONGEST_INTERVAL:
        raise InvalidInput(
            "cannot configure engine loop",
            problems=[Problem("interval", f"must be seconds, up to {LONGEST_INTERVAL}")],
        )
    return LoopEngine(float(interval))


def _notifier(settings: Mapping[str, Any], _: BuildContext) -> Notifier:
    from marketplace_sdk.memory.notifier import MemoryNotifier

    check_settings(settings, plugin="memory", known={})
    return MemoryNotifier()


def _values(kind: type[Any], key: str, entries: Sequence[Any]) -> list[Any]:
    from marketplace_sdk.wire.codec import load

    found, problems = [], []
    for at, entry in enumerate(entries):
        try:
            found.append(entry if isinstance(entry, kind) else load(kind, entry))
        except StorageError:
            problems.append(Problem(f"{key}.{at}", f"is not a {kind.__name__}"))
    if problems:
        raise InvalidInput("cannot configure directory memory", problems=problems)
    return found
