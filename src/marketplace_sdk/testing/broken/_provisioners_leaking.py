"""Provisioners that show their password."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import ClassVar

from attrs import evolve

from marketplace_sdk.errors import ProvisioningError
from marketplace_sdk.ports.provisioner import Call, Change, Outcome, Ref, Resolved, Unresolved
from marketplace_sdk.testing.broken._provisioners_base import SoundProvisioner

__all__ = ["LeaksInErrors", "LeaksInEvidence", "LeaksInLogs", "LeaksInRepr"]

_log = logging.getLogger("broken.provisioner")


class LeaksInRepr(SoundProvisioner):
    """Shows its password to whoever prints it."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_no_secret_in_a_repr",)

    def __repr__(self) -> str:
        return f"LeaksInRepr(secret={self.secret!r})"


class LeaksInLogs(SoundProvisioner):
    """Writes down with what it connects."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_no_secret_in_a_log",)

    def apply(self, batch: Sequence[Change], call: Call) -> Iterator[Outcome]:
        """The changes, with a line in the log."""
        _log.debug("connecting with %s", self.secret)
        yield from self.inner.apply(batch, call)


class LeaksInErrors(SoundProvisioner):
    """Hands on a driver's error, in which everything stands that the driver was told."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_no_secret_in_an_error",)

    def resolve(self, refs: Collection[Ref], call: Call) -> Mapping[Ref, Resolved | Unresolved]:
        """What the names mean.

        Raises:
            ProvisioningError: with what the driver said behind it.
        """
        try:
            return self.inner.resolve(refs, call)
        except ProvisioningError as error:
            driver = ConnectionError(f"cannot connect to acme://market:{self.secret}@host")
            raise ProvisioningError(error.message, retryable=error.retryable) from driver


class LeaksInEvidence(SoundProvisioner):
    """Keeps for the auditors how it was connected."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_no_secret_in_a_statement_or_in_evidence",)

    def apply(self, batch: Sequence[Change], call: Call) -> Iterator[Outcome]:
        """The changes, with too much evidence."""
        for outcome in self.inner.apply(batch, call):
            yield evolve(outcome, evidence=f"{outcome.evidence} over market:{self.secret}@host")
