"""The short way to a provisioner, for platforms that know who holds a right on an object.

::

    class AcmeProvisioner(ObjectGrants):
        def __init__(self, client, account):
            super().__init__(platform=f"acme:{account}")
            self._client = client

        def holders(self, object):
            return {user: False for user in self._client.readers(object)}

        def grant(self, object, principal):
            self._client.allow(object, principal)

        def revoke(self, object, principal):
            self._client.forbid(object, principal)
"""

# `object` is the port's word, and the one that an author looks for

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from marketplace_sdk.errors import ProvisioningError
from marketplace_sdk.ports.provisioner import (
    CannotLook,
    Guard,
    Item,
    Outcome,
    Presence,
    Resolved,
    Scope,
    Seen,
    Unresolved,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from marketplace_sdk.ports.provisioner import Call, Change, Known, Ref, Target

__all__ = ["ObjectGrants"]

T = TypeVar("T")

_PROTECTED = "column_protected"
_RANK = 50


class ObjectGrants(ABC):
    """The six methods of a provisioner over three that an author writes.

    One right, held by principals on objects, granted directly. ``holders``, ``grant`` and
    ``revoke`` get native ids. What an author writes does I/O, and raises ProvisioningError:
    ``retryable`` when the platform could not be asked, not retryable when it said no. Any other
    error counts as no answer, and nothing of it is shown but its type.

    Objects with masked columns stay closed until ``protected_columns`` says that the platform
    masks them. Masking exceptions are not possible.

    Args:
        platform: identity of the platform itself, the same over every connection to it.
    """

    def __init__(self, platform: str) -> None:
        self.platform = platform

    @abstractmethod
    def holders(self, object: str, /) -> Mapping[str, bool]:
        """Everybody who holds the right on an object, strangers too.

        Returns:
            By native id of the principal, whether the grant carries a marker of ours. Where the
            platform has no markers, False for all: the ledger knows what is ours.
        """

    @abstractmethod
    def grant(self, object: str, principal: str, /) -> None:
        """Give the right; called for a principal who does not hold it."""

    @abstractmethod
    def revoke(self, object: str, principal: str, /) -> None:
        """Take the right away; called for a principal who holds it."""

    def resolve_object(self, name: str, /) -> str | None:
        """The native id of an object, or None if there is none; by default its name."""
        return name

    def resolve_principal(self, name: str, /) -> str | None:
        """The native id of a user or group, or None if there is none; by default the name."""
        return name

    def protected_columns(self, object: str, /) -> Collection[str] | None:  # noqa: ARG002  # for authors
        """Columns that the platform itself masks, by default none; None: it cannot say now."""
        return ()

    def resolve(self, refs: Collection[Ref], call: Call) -> Mapping[Ref, Resolved | Unresolved]:
        """What each name means now.

        Raises:
            ProvisioningError: the platform cannot be reached, or no time is left.
        """
        answers: dict[Ref, Resolved | Unresolved] = {}
        for ref in refs:
            if call.over:
                raise ProvisioningError("cannot resolve names: no time is left", retryable=True)
            find = self.resolve_principal if ref.kind == "principal" else self.resolve_object
            id = _asked(find, ref.name)
            if id is not None and (not isinstance(id, str) or not id):
                raise _wrong_answer(find, "the native id as a text, or None", id)
            if id is None:
                answers[ref] = Unresolved(
                    ref=ref,
                    reason="not_found",
                    message=f"there is no {ref.kind} {ref.name}; create it or correct the name",
                )
            else:
                answers[ref] = Resolved(
                    ref=ref, platform=self.platform, native_id=id, name=ref.name, kind=ref.kind
                )
        return answers

    def base(self, target: Target, known: Known) -> Sequence[Item]:  # noqa: ARG002  # the port's
        """Nothing: every grant is one beneficiary's own."""
        return ()

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """The right on each object.

        Raises:
            ProvisioningError: the target is a masked column.
        """
        if target.column is not None:
            raise ProvisioningError(
                f"cannot unmask {target.key}: {self.platform} has no masking exceptions",
                code="unsupported",
            )
        found = ((each, known.object(each.name)) for each in target.objects)
        return [
            self._item(who, object, sorted(each.masked))
            for each, object in found
            if object is not None
        ]

    def observe(
        self, scopes: Collection[Scope], guards: Collection[Guard], call: Call
    ) -> Mapping[Scope, Seen | CannotLook]:
        """Everybody who holds the right on the objects of these scopes."""
        return {scope: self._look(scope, guards, call) for scope in scopes}

    def apply(self, batch: Sequence[Change], call: Call) -> Iterator[Outcome]:
        """Make the changes of one object; after one without an answer nothing is attempted.

        Raises:
            ProvisioningError: the platform cannot be reached.
        """
        held: Mapping[str, bool] | None = None
        stopped = ""
        for change in batch:
            item = change.item
            problem = self._misfit(change)
            if problem:
                yield Outcome(key=item.key, result="refused", error=problem)
                continue
            stopped = stopped or ("no time is left" if call.over else "")
            if stopped:
                yield Outcome(key=item.key, result="not_attempted", error=stopped, retryable=True)
                continue
            if held is None:
                held = self._held(item.data["object_id"])
            if (item.data["principal_id"] in held) == (change.action == "add"):
                yield Outcome(key=item.key, result="already", evidence="list of holders")
                continue
            outcome = self._change(change)
            if outcome.result == "unknown":
                stopped = "an earlier change has no answer"
            yield outcome

    def describe(self, change: Change) -> str:
        """The change for people; write the platform's own statement here if it has one."""
        data = change.item.data
        if change.action == "add":
            return f"grant {data['object']} to {data['principal']}"
        return f"revoke {data['object']} from {data['principal']}"

    def _item(self, who: Resolved, object: Resolved, masked: Sequence[str]) -> Item:
        data: Any = {
            "object_id": object.native_id,
            "principal_id": who.native_id,
            "object": object.name,
            "principal": who.name,
        }
        return Item(
            key=_key(object.native_id, who.native_id),
            scope=Scope(self.platform, f"object:{object.native_id}"),
            kind="grant",
            rank=_RANK,
            opens=(object.name,),
            guards=tuple(Guard(_PROTECTED, _subject(object.native_id, each)) for each in masked),
            data=data,
        )

    def _look(self, scope: Scope, guards: Collection[Guard], call: Call) -> Seen | CannotLook:
        kind, _, object = scope.key.partition(":")
        if scope.platform != self.platform or kind != "object" or not object:
            return CannotLook(reason=f"not a scope of {self.platform}", retryable=False)
        if call.over:
            return CannotLook(reason="no time is left")
        try:
            held = self._held(object)
            answers = self._answers(object, guards)
        except ProvisioningError as error:
            return CannotLook(reason=error.message, retryable=error.retryable)
        items = {_key(object, each): Presence(ours=bool(ours)) for each, ours in held.items()}
        return Seen(items=items, guards=answers, evidence=f"list of holders of {object}")

    def _held(self, object: str) -> Mapping[str, bool]:
        held = _asked(self.holders, object)
        wanted = "a mapping from native ids, which are texts, to True or False"
        # An id of another type would never be found again, and access look absent for ever.
        if not isinstance(held, Mapping):
            raise _wrong_answer(self.holders, wanted, held)
        for each in held:
            if not isinstance(each, str):
                raise _wrong_answer(self.holders, wanted, each)
        return held

    def _answers(self, object: str, guards: Collection[Guard]) -> dict[Guard, bool]:
        """Guards about columns of this object; those about others belong to other scopes."""
        if not any(guard.subject.startswith(_subject(object)) for guard in guards):
            return {}
        protected = _asked(self.protected_columns, object)
        if protected is None:
            return {}
        masked = {_subject(object, column) for column in protected}
        return {
            guard: guard.subject in masked
            for guard in guards
            if guard.kind == _PROTECTED and guard.subject.startswith(_subject(object))
        }

    def _misfit(self, change: Change) -> str:
        """Why a change is none that can be made here, or empty text."""
        item = change.item
        if change.action == "set_until":
            return "cannot set an end: a grant has none of its own here"
        object, principal = item.data.get("object_id"), item.data.get("principal_id")
        fits = item.scope == Scope(self.platform, f"object:{object}") and item.key == _key(
            str(object), str(principal)
        )
        return "" if fits else f"cannot change {item.key}: it is not an item of {self.platform}"

    def _change(self, change: Change) -> Outcome:
        data, key = change.item.data, change.item.key
        make = self.grant if change.action == "add" else self.revoke
        try:
            make(data["object_id"], data["principal_id"])
        except ProvisioningError as error:
            # Retryable means that the platform could not be asked: the call may have got through.
            result: Literal["unknown", "refused"] = "unknown" if error.retryable else "refused"
            return Outcome(key=key, result=result, error=str(error), retryable=error.retryable)
        except Exception as error:  # noqa: BLE001  # whatever a driver raises, it is no answer
            why = _no_answer(error).message
            return Outcome(key=key, result="unknown", error=why, retryable=True)
        return Outcome(key=key, result="done", evidence=self.describe(change))


def _asked(question: Callable[[str], T], about: str) -> T:
    """What the author's method answers.

    Raises:
        ProvisioningError: the author's own, or for any other error one that says no answer.
    """
    try:
        return question(about)
    except ProvisioningError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever a driver raises, it is no answer
        raise _no_answer(error) from None


def _no_answer(error: Exception) -> ProvisioningError:
    # Only the type, and raised `from None`: the text of a driver's error may hold anything.
    why = f"the platform gave no answer ({type(error).__name__})"
    return ProvisioningError(why, retryable=True)


def _wrong_answer(asked: Callable[[str], object], wanted: str, answer: object) -> ProvisioningError:
    """What an author's method gave back that is no answer; only its type is told."""
    found = type(answer).__name__ if answer != "" else "an empty text"
    name = getattr(asked, "__name__", type(asked).__name__)
    return ProvisioningError(
        f"{name} must return {wanted}; there is {found} in what it returned", code="plugin_error"
    )


def _key(object: str, principal: str) -> str:
    # The length makes it readable in one way only, whatever the ids hold.
    return f"grant:{len(object)}:{object}:{principal}"


def _subject(object: str, column: str = "") -> str:
    """``"object"."column"`` with quotes, because either may hold dots; or its beginning."""
    table, last = (text.replace('"', '""') for text in (object, column))
    return f'"{table}"."{last}"' if column else f'"{table}"."'
