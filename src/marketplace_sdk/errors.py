"""Everything the SDK raises, as one tree.

::

    MarketplaceError
     ├─ InvalidInput            what was given is wrong; nothing was written
     ├─ NotFound                does not exist, or you may not know that it does
     ├─ NotAllowed              you may see it, but may not do this
     ├─ Conflict                the world moved on
     │   ├─ StaleRevision       somebody changed it since you looked
     │   ├─ AlreadyDetermined   the request, or your seat, is decided
     │   ├─ DuplicateName       the name or id is taken
     │   └─ AlreadyRequested    the same wish is pending or granted
     ├─ TransitionNotAllowed    this state has no such step
     ├─ AdapterError            something outside failed
     │   ├─ StorageError
     │   ├─ DirectoryError
     │   ├─ NotificationError
     │   └─ ProvisioningError
     └─ PluginError             a plugin is broken, missing or refused

Messages read *cannot <verb> <kind> <id>: <reason>*; ``hint`` says what to do next. No message
carries a secret, a form answer or a row of data. Every error survives pickling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "AdapterError",
    "AlreadyDetermined",
    "AlreadyRequested",
    "Conflict",
    "DirectoryError",
    "DuplicateName",
    "InvalidInput",
    "MarketplaceError",
    "NotAllowed",
    "NotFound",
    "NotificationError",
    "PluginError",
    "Problem",
    "ProvisioningError",
    "StaleRevision",
    "StorageError",
    "TransitionNotAllowed",
]


class Problem(NamedTuple):
    """One thing that is wrong with an input.

    Attributes:
        path: where, for example ``answers.why``.
        message: what is wrong there, without repeating the value.
    """

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class MarketplaceError(Exception):
    """Root of every error that the SDK raises on purpose.

    Attributes:
        code: stable snake_case name of the reason, for programs.
        hint: what to do about it, for people; may be empty.
        http_status: what a portal would answer.
    """

    default_code: ClassVar[str] = "error"
    default_hint: ClassVar[str] = ""
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, *, code: str | None = None, hint: str = "") -> None:
        self.message: str = printable(message)
        super().__init__(self.message)
        self.code: str = code or self.default_code
        self.hint: str = hint or self.default_hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __reduce__(self) -> tuple[Callable[..., MarketplaceError], tuple[Any, ...]]:
        return (_rebuild, (type(self), self.args, dict(self.__dict__)))


def _rebuild(
    kind: type[MarketplaceError], args: tuple[Any, ...], state: Mapping[str, Any]
) -> MarketplaceError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class InvalidInput(MarketplaceError):
    """What was given is wrong; ``problems`` lists each place. Nothing was written."""

    default_code = "invalid_input"
    http_status = 422

    def __init__(
        self,
        message: str,
        *,
        problems: Sequence[Problem] = (),
        code: str | None = None,
        hint: str = "",
    ) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        text = message
        if self.problems:
            text = f"{message}: " + "; ".join(str(problem) for problem in self.problems)
        what_to_do = hint or ("" if self.problems else "correct it and try again")
        super().__init__(text, code=code, hint=what_to_do)


class NotFound(MarketplaceError):
    """There is no such thing, or the actor may not know that there is."""

    default_code = "not_found"
    default_hint = "check the id; what you may not see is not found either"
    http_status = 404

    def __init__(self, verb: str, kind: str, id: str, *, hint: str = "") -> None:
        super().__init__(f"cannot {verb} {kind} {_short(id)}: not found", hint=hint)
        self.kind = kind
        self.id = id


class NotAllowed(MarketplaceError):
    """The actor may see the thing but may not do this; ``needs`` says who may."""

    default_code = "not_allowed"
    default_hint = "ask somebody who may"
    http_status = 403

    def __init__(
        self,
        message: str,
        *,
        actor: str = "",
        action: str = "",
        needs: str = "",
        code: str | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, code=code, hint=hint or (f"needs {needs}" if needs else ""))
        self.actor = actor
        self.action = action
        self.needs = needs


class Conflict(MarketplaceError):
    """The world is not, or no longer, as the command assumed."""

    default_code = "conflict"
    default_hint = "read it again and decide again"
    http_status = 409


class StaleRevision(Conflict):
    """Somebody changed the record since it was read; read it again and decide again.

    With an empty ``id``, no single record but the whole of what the kind stands for.
    """

    default_code = "stale_revision"

    def __init__(
        self, kind: str, id: str, *, expected: int | None = None, found: int | None = None
    ) -> None:
        super().__init__(
            f"cannot write {kind}{_short(id) and ' '}{_short(id)}: it changed meanwhile",
            hint="read it again and decide again",
        )
        self.kind = kind
        self.id = id
        self.expected = expected
        self.found = found


class AlreadyDetermined(Conflict):
    """The request, or every seat the actor could fill, has been decided."""

    default_code = "already_determined"
    default_hint = "a determination is never edited; read where the request stands"

    def __init__(self, message: str, *, state: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.state = state


class DuplicateName(Conflict):
    """The name, id or platform principal is taken by ``existing``."""

    default_code = "duplicate_name"
    default_hint = "choose another one"

    def __init__(self, message: str, *, existing: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.existing = existing


class AlreadyRequested(Conflict):
    """The same wish is pending or granted already, as request ``existing``."""

    default_code = "already_requested"
    default_hint = "look at the existing request"

    def __init__(self, message: str, *, existing: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.existing = existing


class TransitionNotAllowed(MarketplaceError):
    """The thing's ``state`` has no step called ``event``."""

    default_code = "transition_not_allowed"
    default_hint = "read its state again; nothing is ever reopened"
    http_status = 409

    def __init__(self, kind: str, id: str, *, state: str, event: str, hint: str = "") -> None:
        super().__init__(f"cannot {event} {kind} {_short(id)}: it is {state}", hint=hint)
        self.kind = kind
        self.id = id
        self.state = state
        self.event = event


class AdapterError(MarketplaceError):
    """Something outside failed. ``retryable`` says whether waiting may help.

    Attributes:
        retryable: whether the same call may succeed later.
        retry_after: seconds that the other side asked us to wait, if it did.
    """

    default_code = "adapter_error"
    http_status = 503

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        code: str | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self.retryable = retryable
        self.retry_after = retry_after


class StorageError(AdapterError):
    """The store could not read or write."""

    default_code = "storage_error"


class DirectoryError(AdapterError):
    """The directory of people could not be read; commands that need it are refused."""

    default_code = "directory_error"


class NotificationError(AdapterError):
    """A message could not be delivered."""

    default_code = "notification_error"


class ProvisioningError(AdapterError):
    """A data platform could not be read or changed."""

    default_code = "provisioning_error"


class PluginError(MarketplaceError):
    """A plugin is missing, broken, blocked or answers wrongly; the message names it."""

    default_code = "plugin_error"


def _short(value: object) -> str:
    """An id as it may stand in a message: one line, printable, at most 80 characters."""
    clean = printable(str(value))
    return clean if len(clean) <= 80 else clean[:77] + "..."  # noqa: PLR2004 - as the docstring says


def printable(text: str, *, lines: bool = False) -> str:
    """The text without control characters, direction marks and broken characters.

    Nothing of it can act on a terminal then, or make a second line in a log.

    Args:
        text: whoever wrote it.
        lines: line breaks stay.
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or (lines and c == "\n") else "\N{REPLACEMENT CHARACTER}" for c in text
    )
