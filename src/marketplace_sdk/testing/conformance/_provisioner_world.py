"""What the author of a provisioner supplies: a data platform that a test can use and break."""

# `object` is the port's word, and the one that an author looks for

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from contextlib import AbstractContextManager
from typing import NoReturn

import pytest

from marketplace_sdk.ports.provisioner import Provisioner, Scope

__all__ = ["CAPABILITIES", "ProvisionerWorld"]

CAPABILITIES = {
    "exact_case": "names that differ only in case name different things",
    "hostile_names": "a name may hold quotes, blanks, semicolons, dots and comment signs",
    "lookup": "a name that means nothing is known to mean nothing before anything is changed",
    "markers": "what the marketplace gave can be told from what others gave",
    "masking": "columns can be protected, and the platform says whether they are",
    "native_ids": "what is dropped and made again under its name has another native id",
    "outage": "the world can cut the provisioner off from the platform (`unreachable`)",
    "refusal": "the world can make the platform refuse changes on one object (`refusing`)",
    "secrets": "the provisioner is given a secret, such as a password (`secrets`)",
    "set_until": "the platform ends an access by itself",
    "unmask": "somebody can be shown the real values of a protected column",
}
"""What a platform, its provisioner or its world can do; what cannot be done is declared."""


class ProvisionerWorld(ABC):
    """A data platform with an administrator who can do everything, for one test.

    An object or principal that the checks ask for is new. Its real name may be longer than the
    word that was asked for (a schema in front, something behind against collisions), but holds
    that word as it is. Names that are returned or taken are those which would be registered.

    Override what stands below the abstract methods as well, or declare the capability missing.

    Attributes:
        secrets: texts that no repr, log, error, statement or evidence may show.
        crowd: how many people read one object in the check of long lists; let it be more than
            the platform puts on one page.
    """

    secrets: Sequence[str] = ()
    crowd: int = 120

    @abstractmethod
    def connect(self, installation: str) -> Provisioner:
        """A provisioner as another worker process would build it.

        The world closes what it made, when the test is over.

        Args:
            installation: id that marks what is ours, [a-z0-9]{8,}.
        """

    @abstractmethod
    def make_object(self, word: str, columns: Sequence[str] = ("id",)) -> str:
        """Make an object that nobody may read yet; returns its name."""

    @abstractmethod
    def make_principal(self, word: str) -> str:
        """Make somebody who may read nothing yet; returns the name."""

    @abstractmethod
    def can_read(self, principal: str, object: str) -> bool:
        """Whether the principal gets to read anything of the object, best found out by trying."""

    @abstractmethod
    def snapshot(self) -> Hashable:
        """Everything that a marketplace could change, to compare before and after."""

    @abstractmethod
    def grant_by_hand(self, principal: str, object: str) -> None:
        """Let an administrator give the right to read, behind the marketplace's back."""

    def intrude(self, principal: str, object: str, scope: Scope) -> None:  # noqa: ARG002  # for authors
        """Let an administrator add the principal to a scope that opens the object.

        By default ``grant_by_hand``, which is right where a scope is an object. Where it is a
        role or a group, make the principal a member of it.
        """
        self.grant_by_hand(principal, object)

    def give_again(self, principal: str, object: str, scope: Scope) -> bool:  # noqa: ARG002  # for authors
        """Let an administrator give what the principal holds because of the marketplace.

        By default nothing is given, which is right where somebody holds a right or does not,
        whoever gave it. Override it where the platform knows what each of them gave.

        Returns:
            Whether it can be seen on the platform that somebody else has given it.
        """
        return False

    def sees_clear(self, principal: str, object: str, column: str) -> bool:  # noqa: ARG002  # for authors
        """Whether the principal gets the real values of a column (``masking``)."""
        self._missing("sees_clear", "masking")

    def protect(self, object: str, column: str) -> None:  # noqa: ARG002  # for authors
        """Protect a column, so that readers of the object do not see it (``masking``).

        Where protection follows from the way in which access is given, nothing has to be done.
        """
        self._missing("protect", "masking")

    def unprotect(self, object: str, column: str) -> None:  # noqa: ARG002  # for authors
        """Open a column to everybody, behind the marketplace's back (``masking``)."""
        self._missing("unprotect", "masking")

    def replace_object(self, object: str) -> None:  # noqa: ARG002  # for authors
        """Drop an object and make it again under its name, with its columns (``native_ids``)."""
        self._missing("replace_object", "native_ids")

    def replace_principal(self, principal: str) -> None:  # noqa: ARG002  # for authors
        """Drop a principal and make another one of that name (``native_ids``)."""
        self._missing("replace_principal", "native_ids")

    def unreachable(self) -> AbstractContextManager[object]:
        """While the block runs, no provisioner of this world reaches the platform (``outage``).

        It must end however the block ends, as with ``refusing``.
        """
        self._missing("unreachable", "outage")

    def refusing(self, object: str) -> AbstractContextManager[object]:  # noqa: ARG002  # for authors
        """While the block runs, the platform refuses to give rights on the object (``refusal``)."""
        self._missing("refusing", "refusal")

    def _missing(self, method: str, capability: str) -> NoReturn:
        pytest.fail(
            f"{type(self).__name__} does not override {method}(); do so, or declare the "
            f"capability {capability!r} missing with a reason",
            pytrace=False,
        )
