"""What our login on a platform lacks, or what is too open: an ability that plugins may declare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from marketplace_sdk.ports.provisioner import Call

__all__ = ["Doctor", "Shortcoming"]


@frozen(kw_only=True)
class Shortcoming:
    """One thing that is not as it should be.

    Attributes:
        severity: ``missing`` (something will be refused) or ``risk`` (more is open than needed).
        problem: for people.
        statement: the exact statement that an administrator must run.
    """

    severity: Literal["missing", "risk"]
    problem: str
    statement: str


class Doctor(Protocol):
    """What a provisioner has too that declares the capability ``doctor``."""

    def doctor(self, call: Call, patterns: Sequence[str] = ("*",)) -> Iterable[Shortcoming]:
        """What our login is missing, and what is open that need not be; changes nothing.

        Args:
            call: the deadline.
            patterns: of the objects to be opened, as in ``may_grant``.

        Raises:
            ProvisioningError: the platform cannot be read.
        """
