"""What the names of a target mean on its platform: objects, and who the members are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from attrs import field, frozen

from marketplace_sdk.delivery.calls import guarded
from marketplace_sdk.delivery.masking import Masks
from marketplace_sdk.delivery.plan import Obstacle
from marketplace_sdk.delivery.replacing import Replaced, replaced
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.people import Beneficiary, GroupFacts, Person
from marketplace_sdk.errors import MarketplaceError
from marketplace_sdk.ports.provisioner import Ref, Resolved, TargetObject, Unresolved

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from marketplace_sdk.delivery.calls import Connection, OnReplaced
    from marketplace_sdk.delivery.ledger import Pin
    from marketplace_sdk.delivery.situation import Situation
    from marketplace_sdk.ports.directory import Directory
    from marketplace_sdk.ports.provisioner import Call

__all__ = ["Names", "names_of", "resolve_names"]

A = TypeVar("A")
T = TypeVar("T")


@frozen(kw_only=True)
class Names:
    """What the names of a target mean now.

    Attributes:
        objects: by registered name, those that may be granted on.
        members: by id of the grant.
        missing_objects: why an object is not among them.
        missing_members: why a grant's beneficiary is not.
        replaced: by registered name, objects that are not what they were when they were pinned.
        masks: what is to be masked of them.
    """

    objects: Mapping[str, Resolved] = field(factory=dict)
    members: Mapping[str, Resolved] = field(factory=dict)
    missing_objects: Mapping[str, Obstacle] = field(factory=dict)
    missing_members: Mapping[str, Obstacle] = field(factory=dict)
    replaced: Mapping[str, Replaced] = field(factory=dict)
    masks: Masks = field(factory=Masks)

    @property
    def resolved(self) -> Mapping[Ref, Resolved]:
        """Everything that means something, by the name that was asked for."""
        found = [*self.objects.values(), *self.members.values()]
        return {one.ref: one for one in found}

    def usable(self, objects: Iterable[TargetObject]) -> tuple[TargetObject, ...]:
        """Those that may be granted on, each with every mask that counts for it."""
        return tuple(
            TargetObject(each.name, each.masked | self.masks.columns.get(found.name, frozenset()))
            for each in objects
            if (found := self.objects.get(each.name)) is not None
        )


def resolve_names(
    situation: Situation,
    directory: Directory,
    connection: Connection,
    call: Callable[[], Call],
    also: Collection[str] = (),
) -> tuple[Mapping[str, str | Obstacle], Mapping[Ref, Resolved | Unresolved]]:
    """Ask the directory and the platform; no unit of work is open meanwhile.

    Args:
        situation: of the target.
        directory: knows the principals' names.
        connection: to the platform.
        call: makes the call, when it is known that there is something to ask.
        also: registered names of other objects that are to be looked up in the same call.

    Returns:
        The principal's name of each member, by id of the grant, and what each name means.
    """
    who = {id: situation.grants[id].beneficiary for id in sorted(situation.members)}
    known = _principals(set(who.values()), directory, connection.name)
    names = {id: known[each] for id, each in who.items()}
    refs = {Ref("principal", name) for name in names.values() if isinstance(name, str)}
    refs |= {Ref("object", name) for name in situation.objects}
    if not refs:
        return names, {}
    return names, _ask(refs | {Ref("object", name) for name in also}, connection, call())


def names_of(
    situation: Situation,
    principals: Mapping[str, str | Obstacle],
    answers: Mapping[Ref, Resolved | Unresolved],
    pins: Mapping[str, Pin],
    on_replaced: OnReplaced,
    masks: Masks,
) -> Names:
    """What may be used: whatever is not the thing any more that it was at first is left out.

    Args:
        situation: of the target.
        principals: from ``resolve_names``.
        answers: from ``resolve_names``.
        pins: of objects, by ``platform|name``.
        on_replaced: what becomes of objects that were dropped and made again.
        masks: of the objects. While it is unknown which there are, no object may be used.
    """
    found: dict[str, Resolved | Obstacle] = {}
    others: dict[str, Replaced] = {}
    for name in situation.objects:
        found[name] = meant = _meaning(Ref("object", name), answers)
        pin = pins.get(f"{meant.platform}|{name}") if isinstance(meant, Resolved) else None
        if pin is None or not isinstance(meant, Resolved):
            continue
        other = replaced(pin, meant, on_replaced)
        if other is not None:
            others[name] = other
            found[name] = _held(other) or meant
    if masks.unknown is not None:
        found = {
            name: masks.unknown if isinstance(each, Resolved) else each
            for name, each in found.items()
        }
    people = {
        id: _member(principal, situation.grants[id], situation.mark.connection, answers)
        for id, principal in principals.items()
    }
    return Names(
        objects={name: each for name, each in found.items() if isinstance(each, Resolved)},
        members={id: each for id, each in people.items() if isinstance(each, Resolved)},
        missing_objects={name: each for name, each in found.items() if isinstance(each, Obstacle)},
        missing_members={id: each for id, each in people.items() if isinstance(each, Obstacle)},
        replaced=others,
        masks=masks,
    )


def _held(other: Replaced) -> Obstacle | None:
    if not other.held:
        return None
    return Obstacle(
        "object_replaced",
        f"{other.pin.object} was dropped and made again, and {other.held}; nothing is granted on "
        "the new one until GOVERNANCE accepts it (sources.accept_replaced)",
        retryable=False,
    )


def _member(
    principal: str | Obstacle,
    grant: Grant,
    connection: str,
    answers: Mapping[Ref, Resolved | Unresolved],
) -> Resolved | Obstacle:
    if isinstance(principal, Obstacle):
        return principal
    who = _meaning(Ref("principal", principal), answers)
    pinned = grant.principals.get(connection)
    if isinstance(who, Obstacle) or pinned is None or pinned.native_id == who.native_id:
        return who
    return Obstacle(
        "principal_replaced",
        f"{pinned.name} on {connection} is not the principal any more that the access was given "
        "to; revoke it and ask again",
        retryable=False,
    )


def _principals(
    beneficiaries: Collection[Beneficiary], directory: Directory, connection: str
) -> Mapping[Beneficiary, str | Obstacle]:
    """The name of each beneficiary on a connection, or why there is none."""
    people = _people({who.id for who in beneficiaries if who.kind == "person"}, directory)
    return {
        who: _principal(
            who,
            _asked(directory.group, who.id) if who.kind == "group" else people[who.id],
            connection,
        )
        for who in beneficiaries
    }


def _people(ids: Collection[str], directory: Directory) -> Mapping[str, Person | str | None]:
    """Each of these people, in one call where the directory can; or why they are not known."""
    ask_many: Callable[[Collection[str]], Mapping[str, Person]] | None
    ask_many = getattr(directory, "find_people", None)
    if ask_many is None:
        return {id: _asked(directory.person, id) for id in ids}
    many = _asked(ask_many, ids)
    return {id: many if isinstance(many, str) else many.get(id) for id in ids}


def _asked(ask: Callable[[A], T], about: A) -> T | str:
    """What the directory answers, or what it fails with."""
    try:
        return ask(about)
    except MarketplaceError as error:
        return error.code
    except Exception as error:  # noqa: BLE001  # a plugin may raise anything
        return type(error).__name__


def _principal(
    who: Beneficiary, found: Person | GroupFacts | str | None, connection: str
) -> str | Obstacle:
    if isinstance(found, str):
        return Obstacle("directory_unreachable", f"cannot look {who} up: {found}")
    if isinstance(found, Person) and not found.active:
        return Obstacle(
            "beneficiary_left",
            f"{who} is not active in the directory any more; revoke the access",
            retryable=False,
        )
    name = None if found is None else found.principals.get(connection)
    if name:
        return name
    return Obstacle(
        "no_principal",
        f"{who} has no user on {connection} yet; link one",
        retryable=False,
    )


def _ask(
    refs: Collection[Ref], connection: Connection, call: Call
) -> Mapping[Ref, Resolved | Unresolved]:
    ordered = sorted(refs, key=lambda ref: (ref.kind, ref.name))
    answers = guarded(
        f"look up names on {connection.name}",
        connection.plugin,
        lambda: dict(connection.provisioner.resolve(ordered, call)),
    )
    if not isinstance(answers, Obstacle):
        return answers
    return {
        ref: Unresolved(ref=ref, reason=answers.code, message=answers.message, retryable=True)
        for ref in ordered
    }


def _meaning(ref: Ref, answers: Mapping[Ref, Resolved | Unresolved]) -> Resolved | Obstacle:
    answer = answers.get(ref)
    if isinstance(answer, Resolved):
        return answer
    if answer is None:
        return Obstacle("cannot_look", f"{ref.name}: the platform gave no answer")
    known = ("cannot_look", "platform_unreachable", "platform_refused", "plugin_error")
    code = answer.reason if answer.reason in known else f"{ref.kind}_{answer.reason}"
    return Obstacle(code, answer.message, answer.retryable)
