"""What a platform has, for whoever registers data sources: an ability that plugins may declare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from attrs import field, frozen

from marketplace_sdk.domain.values import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from marketplace_sdk.ports.provisioner import Call

__all__ = ["Discovered", "DiscoveredColumn", "Discoverer", "Listing"]


@frozen(kw_only=True)
class DiscoveredColumn:
    """A column as it was found on the platform.

    Attributes:
        name: as on the platform, case kept.
        type: the platform's word for it, for people.
        comment: for people.
        tags: names of the platform's tags on the column.
        protected: the platform masks it for everybody without a right of their own.
    """

    name: str
    type: str = ""
    comment: str = ""
    tags: tuple[str, ...] = field(default=(), converter=listed)
    protected: bool = False


@frozen(kw_only=True)
class Discovered:
    """An object as it was found on the platform.

    Attributes:
        name: dotted, as ``DataSource.object`` has it and ``resolve`` understands it.
        kind: what it is there, in the words of ``Resolved.kind``, for example ``view``.
        columns: in order.
        comment: for people.
        tags: names of the platform's tags on the object.
        owner: who owns it there, or empty text.
    """

    name: str
    kind: str = ""
    columns: tuple[DiscoveredColumn, ...] = field(default=(), converter=listed)
    comment: str = ""
    tags: tuple[str, ...] = field(default=(), converter=listed)
    owner: str = ""


@frozen(kw_only=True)
class Listing:
    """What a platform has, beside what is registered.

    Attributes:
        objects: everything that was found.
        means: the platform's dotted name of what is registered under another spelling.
        gone: registered names that mean nothing on the platform any more.
    """

    objects: tuple[Discovered, ...]
    means: Mapping[str, str] = field(factory=dict)
    gone: frozenset[str] = frozenset()


class Discoverer(Protocol):
    """What a provisioner has too that declares the capability ``discover``."""

    def discover(self, pattern: str, call: Call) -> Iterable[Discovered]:
        """Every object whose dotted name matches, each once, in any order.

        Args:
            pattern: case-sensitive, as in ``may_grant``: ``*``, ``?`` and ``[...]``.
            call: the deadline; look at it between round trips.

        Raises:
            ProvisioningError: the platform cannot be reached, or no time is left. What was
                yielded before is then no complete list, and nothing is concluded from it.
        """
