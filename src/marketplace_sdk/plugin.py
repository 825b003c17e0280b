"""The one import for plugin authors.

A plugin is a module with hook implementations that *yield specs*: named factories of objects that
satisfy a Protocol. Name it in the entry-point group ``marketplace_sdk``::

    [project.entry-points.marketplace_sdk]
    acme = "marketplace_sdk_acme.plugin"

and write::

    from marketplace_sdk.plugin import ProvisionerSpec, hookimpl

    @hookimpl
    def marketplace_provisioners():
        yield ProvisionerSpec(name="acme", build=_build, summary="Grants on Acme DB.")

    def _build(settings, context):
        from marketplace_sdk_acme.provisioner import AcmeProvisioner  # heavy imports stay here
        return AcmeProvisioner(settings, installation=context.installation)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pluggy
from attrs import field, frozen

from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.review import Seat, Stage
from marketplace_sdk.domain.search import (
    TYPO_TIER,
    Query,
    Term,
    answered,
    errors_between,
    pieces,
)
from marketplace_sdk.errors import (
    AdapterError,
    DirectoryError,
    InvalidInput,
    MarketplaceError,
    NotificationError,
    PluginError,
    Problem,
    ProvisioningError,
    StaleRevision,
    StorageError,
    printable,
)
from marketplace_sdk.ports.directory import BatchDirectory, Directory
from marketplace_sdk.ports.discovery import Discovered, DiscoveredColumn, Discoverer
from marketplace_sdk.ports.doctoring import Doctor, Shortcoming
from marketplace_sdk.ports.dotted import dotted_name, split_name
from marketplace_sdk.ports.notifier import Message, Notifier, Recipient
from marketplace_sdk.ports.object_grants import ObjectGrants
from marketplace_sdk.ports.provisioner import (
    Call,
    CannotLook,
    Change,
    Guard,
    Item,
    Known,
    Outcome,
    Presence,
    Provisioner,
    Ref,
    Resolved,
    Scope,
    Seen,
    Target,
    TargetObject,
    Unresolved,
)
from marketplace_sdk.ports.settings import check_settings
from marketplace_sdk.ports.storage import (
    Backlog,
    EventRow,
    Hit,
    MigratingStorage,
    Record,
    SearchingTransaction,
    Storage,
    StoreFacts,
    Transaction,
    Work,
)

if TYPE_CHECKING:
    from marketplace_sdk.wire.codec import dump, load

__all__ = [
    "API_VERSION",
    "PROJECT",
    "TYPO_TIER",
    "AdapterError",
    "AddStage",
    "Backlog",
    "BatchDirectory",
    "BuildContext",
    "Call",
    "CannotLook",
    "Change",
    "CommandSpec",
    "Directory",
    "DirectoryError",
    "DirectorySpec",
    "Discovered",
    "DiscoveredColumn",
    "Discoverer",
    "Doctor",
    "Duration",
    "EngineSpec",
    "EventRow",
    "Guard",
    "Hit",
    "InvalidInput",
    "Item",
    "Known",
    "MarketplaceError",
    "Message",
    "MigratingStorage",
    "NotificationError",
    "Notifier",
    "NotifierSpec",
    "ObjectGrants",
    "Outcome",
    "PluginError",
    "Presence",
    "Problem",
    "Provisioner",
    "ProvisionerSpec",
    "ProvisioningError",
    "Query",
    "QuestionTypeSpec",
    "Recipient",
    "Record",
    "Ref",
    "Refuse",
    "Resolved",
    "Scope",
    "SearchingTransaction",
    "Seat",
    "Seen",
    "Shortcoming",
    "Shorten",
    "Stage",
    "StaleRevision",
    "Storage",
    "StorageError",
    "StorageSpec",
    "StoreFacts",
    "Target",
    "TargetObject",
    "Term",
    "Transaction",
    "Unresolved",
    "Work",
    "answered",
    "check_settings",
    "dotted_name",
    "dump",
    "errors_between",
    "hookimpl",
    "load",
    "pieces",
    "printable",
    "split_name",
]

PROJECT = "marketplace_sdk"
API_VERSION = 1
"""Version of the contract between host and plugins; a spec of another one is refused."""

hookimpl: pluggy.HookimplMarker = pluggy.HookimplMarker(PROJECT)


def _words(words: Iterable[str]) -> frozenset[str]:
    return frozenset(words)


@frozen(kw_only=True)
class BuildContext:
    """What the host hands to every factory.

    Attributes:
        installation: short id of this marketplace, [a-z0-9]{8,}; marks what is ours on platforms.
        name: the name under which the object was configured, for example the connection's.
        clock: the marketplace's clock; returns an aware datetime.
        secret: resolves ``env:NAME`` and ``file:PATH``; refuses anything else.
        storage: the marketplace's own storage; None while the storage itself is built.
    """

    installation: str
    name: str
    clock: Callable[[], datetime] = field(repr=False)
    secret: Callable[[str], str] = field(repr=False)
    storage: Storage | None = field(default=None, repr=False)


@frozen(kw_only=True)
class StorageSpec:
    """A way to keep things; chosen by the scheme of the storage URL.

    Attributes:
        name: the scheme, for example ``sqlite``.
        build: called with the whole URL and a context.
        summary: one line for ``marketplace plugins``.
        capabilities: words that describe what it can do: ``multi_process``, ``search``,
            ``search_typos``. What depends on the server, the built store says itself.
        api_version: of the contract it was written for.
    """

    name: str
    build: Callable[[str, BuildContext], Storage] = field(repr=False)
    summary: str = ""
    capabilities: frozenset[str] = field(default=frozenset(), converter=_words)
    api_version: int = API_VERSION


@frozen(kw_only=True)
class DirectorySpec:
    """A source of people; chosen by ``directory={"plugin": name, ...}``."""

    name: str
    build: Callable[[Mapping[str, Any], BuildContext], Directory] = field(repr=False)
    summary: str = ""
    capabilities: frozenset[str] = field(default=frozenset(), converter=_words)
    api_version: int = API_VERSION


@frozen(kw_only=True)
class ProvisionerSpec:
    """A data platform; chosen by ``connections={"lake": {"plugin": name, ...}}``.

    ``capabilities``: ``set_until`` (items that say ``expires`` are given an end), ``unmask``,
    ``discover`` (it is a Discoverer), ``protect``. ``open_world`` says that ``may_grant`` may be
    left out, which only the memory platform does. A provisioner with an attribute
    ``capabilities`` adds to them what its settings allow.
    """

    name: str
    build: Callable[[Mapping[str, Any], BuildContext], Provisioner] = field(repr=False)
    summary: str = ""
    capabilities: frozenset[str] = field(default=frozenset(), converter=_words)
    api_version: int = API_VERSION


@frozen(kw_only=True)
class NotifierSpec:
    """A way to tell; chosen by ``notifiers=[{"plugin": name, ...}]``.

    ``receives`` holds ``event`` (for systems), ``notice`` (for people, one message for each) or
    both.
    """

    name: str
    build: Callable[[Mapping[str, Any], BuildContext], Notifier] = field(repr=False)
    summary: str = ""
    receives: frozenset[str] = field(default=frozenset({"event"}), converter=_words)
    api_version: int = API_VERSION


@frozen(kw_only=True)
class EngineSpec:
    """What runs the delivery work; chosen by ``engine={"plugin": name, ...}``.

    ``build`` returns an object with ``run(market, stop)``, which calls ``market.deliver()`` until
    ``stop``, a ``threading.Event``, is set.
    """

    name: str
    build: Callable[[Mapping[str, Any], BuildContext], Any] = field(repr=False)
    summary: str = ""
    api_version: int = API_VERSION


@frozen(kw_only=True)
class QuestionTypeSpec:
    """A custom kind of question.

    Attributes:
        name: the kind, upper case, for example ``COST_CENTRE``.
        check: called with an answer, which is plain data: text, numbers, True, False, None, or
            lists and mappings of these by text; returns what is wrong with it, or empty text.
        json_schema: JSON Schema (draft 2020-12) of one answer.
    """

    name: str
    check: Callable[[Any], str] = field(repr=False)
    json_schema: Mapping[str, Any] = field(repr=False)
    summary: str = ""
    api_version: int = API_VERSION


@frozen(kw_only=True)
class CommandSpec:
    """A sub-command of ``marketplace``; ``build`` returns a click command."""

    name: str
    build: Callable[[], Any] = field(repr=False)
    summary: str = ""
    api_version: int = API_VERSION


@frozen
class Refuse:
    """Answer of a request check: do not accept the request, and why."""

    reason: str


@frozen
class AddStage:
    """Answer of a request check: one more stage must approve, after the others."""

    stage: Stage


@frozen
class Shorten:
    """Answer of a request check: access may last at most this long."""

    duration: Duration


def __getattr__(name: str) -> object:
    """``dump`` and ``load``: only stores need them, and what they are made with takes its time."""
    if name not in ("dump", "load"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from marketplace_sdk.wire import codec  # noqa: PLC0415  # that is what it is for

    return getattr(codec, name)
