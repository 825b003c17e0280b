"""Three methods make a provisioner."""

from __future__ import annotations

import traceback

import pytest

from marketplace_sdk.errors import ProvisioningError
from marketplace_sdk.ports.object_grants import ObjectGrants
from marketplace_sdk.ports.provisioner import (
    Call,
    CannotLook,
    Change,
    Guard,
    Known,
    Ref,
    Resolved,
    Scope,
    Seen,
    Target,
    TargetObject,
    Unresolved,
)

CALL = Call(seconds_left=lambda: 60.0, correlation_id="test")
OVER = Call(seconds_left=lambda: 0.0, correlation_id="test")


class Shelf(ObjectGrants):
    """The least that an author has to write, and switches to break it."""

    def __init__(self):
        super().__init__(platform="shelf:1")
        self.readers = {}
        self.error = None
        self.listings = 0

    def holders(self, name):
        self.listings += 1
        self._check()
        return dict.fromkeys(self.readers.get(name, ()), False)

    def grant(self, name, principal):
        self._check()
        self.readers.setdefault(name, set()).add(principal)

    def revoke(self, name, principal):
        self._check()
        self.readers[name].remove(principal)

    def _check(self):
        if self.error:
            raise self.error


class Catalogue(Shelf):
    """A platform with ids of its own, that masks columns."""

    def resolve_object(self, name):
        return f"o:{name}" if name != "gone" else None

    def resolve_principal(self, name):
        return f"p:{name}"

    def protected_columns(self, name):
        self._check()
        return {"email"} if name == "o:orders" else set()


def items(shelf, *names, who="bob", masked=()):
    who_ref, refs = Ref("principal", who), [Ref("object", name) for name in names]
    found = shelf.resolve([who_ref, *refs], CALL)
    known = Known(
        installation="i", resolved={r: a for r, a in found.items() if isinstance(a, Resolved)}
    )
    target = Target(
        key="product:p", objects=tuple(TargetObject(name, frozenset(masked)) for name in names)
    )
    assert shelf.base(target, known) == ()
    return list(shelf.member(target, found[who_ref], known))


def add(item):
    return Change(action="add", item=item)


def remove(item):
    return Change(action="remove", item=item)


def results(shelf, *changes, call=CALL):
    return [outcome.result for outcome in shelf.apply(changes, call)]


def test_a_right_is_given_seen_and_taken_away():
    shelf = Shelf()
    (item,) = items(shelf, "orders")

    given = results(shelf, add(item))
    during = shelf.observe([item.scope], [], CALL)[item.scope]
    taken = results(shelf, remove(item))
    after = shelf.observe([item.scope], [], CALL)[item.scope]

    assert (given, taken) == (["done"], ["done"])
    assert (list(during.items), list(after.items)) == ([item.key], [])


def test_strangers_are_listed_too():
    shelf = Shelf()
    shelf.readers["orders"] = {"eve", "bob"}
    (bob,), (eve,) = items(shelf, "orders"), items(shelf, "orders", who="eve")

    assert set(shelf.observe([bob.scope], [], CALL)[bob.scope].items) == {bob.key, eve.key}


def test_names_stand_for_themselves_unless_the_author_says_otherwise():
    refs = [Ref("object", "orders"), Ref("principal", "bob"), Ref("object", "gone")]

    plain, own = Shelf().resolve(refs, CALL), Catalogue().resolve(refs, CALL)

    assert [plain[ref].native_id for ref in refs] == ["orders", "bob", "gone"]
    assert [own[ref].native_id for ref in refs[:2]] == ["o:orders", "p:bob"]
    assert isinstance(own[refs[2]], Unresolved)


def test_the_author_is_called_with_native_ids_and_may_grant_sees_names():
    shelf = Catalogue()
    (item,) = items(shelf, "orders", "gone")

    results(shelf, add(item))

    assert shelf.readers == {"o:orders": {"p:bob"}}
    assert item.opens == ("orders",)
    assert shelf.describe(add(item)) == "grant orders to bob"
    assert shelf.describe(remove(item)) == "revoke orders from bob"


def test_what_is_so_already_is_not_done_again():
    shelf = Shelf()
    shelf.readers["orders"] = {"bob"}
    (item,) = items(shelf, "orders")

    assert results(shelf, add(item)) == ["already"]
    shelf.readers.clear()
    assert results(shelf, remove(item)) == ["already"]


def test_a_batch_lists_once():
    shelf = Shelf()
    batch = [add(items(shelf, "orders", who=who)[0]) for who in ("bob", "ann")]

    assert results(shelf, *batch) == ["done", "done"]
    assert shelf.listings == 1


def test_a_platform_without_masks_protects_no_column():
    shelf = Shelf()
    (item,) = items(shelf, "orders", masked=["email"])

    seen = shelf.observe([item.scope], item.guards, CALL)[item.scope]

    assert seen.guards == {item.guards[0]: False}


def test_masked_columns_keep_an_object_closed_when_the_platform_cannot_say():
    shelf = Shelf()
    shelf.protected_columns = lambda name: None
    (item,) = items(shelf, "orders", masked=["email"])

    seen = shelf.observe([item.scope], item.guards, CALL)[item.scope]

    assert len(item.guards) == 1
    assert seen.guards == {}


def test_masked_columns_are_answered_by_the_author():
    shelf = Catalogue()
    (orders,) = items(shelf, "orders", masked=["email", "phone"])
    (other,) = items(shelf, "other", masked=["email"])
    foreign = Guard("other", orders.guards[0].subject)

    found = shelf.observe(
        [orders.scope, other.scope], [*orders.guards, *other.guards, foreign], CALL
    )

    email, phone = orders.guards
    assert found[orders.scope].guards == {email: True, phone: False}
    assert found[other.scope].guards == {other.guards[0]: False}


def test_guards_of_names_with_dots_do_not_run_into_each_other():
    shelf = Shelf()
    (one,) = items(shelf, "a", masked=["b.c"])
    (two,) = items(shelf, "a.b", masked=["c"])

    assert one.guards != two.guards


def test_masking_exceptions_are_not_possible():
    shelf = Shelf()
    (who,) = shelf.resolve([Ref("principal", "bob")], CALL).values()
    target = Target(key="column:orders|email", objects=(TargetObject("orders"),), column="email")

    with pytest.raises(ProvisioningError, match="no masking exceptions"):
        shelf.member(target, who, Known(installation="i", resolved={}))


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (ProvisioningError("no right"), "refused"),
        (ProvisioningError("cut off", retryable=True), "unknown"),
        (ConnectionError("password=hunter2"), "unknown"),
    ],
)
def test_errors_of_the_author_become_outcomes(error, result):
    """What said no is refused; anything else may have got through."""
    shelf = Shelf()
    (item,) = items(shelf, "orders")
    shelf.holders = lambda name: {}
    shelf.error = error

    (outcome,) = shelf.apply([add(item)], CALL)

    assert outcome.result == result
    assert "hunter2" not in outcome.error


def test_after_a_change_without_an_answer_nothing_is_attempted():
    shelf = Shelf()
    batch = [add(items(shelf, "orders", who=who)[0]) for who in ("bob", "ann")]
    shelf.holders = lambda name: {}
    shelf.error = OSError()

    assert results(shelf, *batch) == ["unknown", "not_attempted"]


def test_a_refusal_does_not_stop_what_comes_after():
    shelf = Shelf()
    batch = [add(items(shelf, "orders", who=who)[0]) for who in ("bob", "ann")]
    shelf.holders = lambda name: {}
    shelf.error = ProvisioningError("no right")

    assert results(shelf, *batch) == ["refused", "refused"]


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (ProvisioningError("no right"), False),
        (ProvisioningError("cut off", retryable=True), True),
        (ConnectionError("password=hunter2"), True),
    ],
)
def test_what_cannot_be_listed_is_not_guessed(error, retryable):
    shelf = Shelf()
    (item,) = items(shelf, "orders")
    shelf.error = error

    found = shelf.observe([item.scope], [], CALL)[item.scope]

    assert isinstance(found, CannotLook)
    assert found.retryable is retryable
    assert "hunter2" not in found.reason


@pytest.mark.parametrize("id", [7, "", b"orders", 1.5])
def test_a_native_id_that_is_no_text_is_told_with_the_method(id):
    """As services answer with numbers; nothing that was answered is repeated but its type."""
    shelf = Shelf()
    shelf.resolve_principal = lambda name: id

    with pytest.raises(ProvisioningError, match="must return the native id as a text") as caught:
        shelf.resolve([Ref("principal", "bob")], CALL)

    assert not caught.value.retryable
    assert caught.value.code == "plugin_error"


@pytest.mark.parametrize("held", [["bob"], {7: True}, {"bob": True, None: False}, None])
def test_holders_that_could_never_be_found_again_are_no_answer(held):
    """Access would be given again and again, or never be believed."""
    shelf = Shelf()
    (item,) = items(shelf, "orders")
    shelf.holders = lambda name: held

    found = shelf.observe([item.scope], [], CALL)[item.scope]
    assert isinstance(found, CannotLook)
    assert "must return a mapping from native ids" in found.reason
    with pytest.raises(ProvisioningError, match="must return a mapping"):
        results(shelf, add(item))


def test_a_batch_that_cannot_be_listed_raises():
    shelf = Shelf()
    (item,) = items(shelf, "orders")
    shelf.error = ConnectionError("password=hunter2")

    with pytest.raises(ProvisioningError, match="ConnectionError") as caught:
        results(shelf, add(item))

    assert caught.value.retryable
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("kind", ["object", "principal"])
def test_names_that_cannot_be_asked_for_are_no_answer(kind):
    """Not the driver's error, which may hold anything, nor behind ours."""

    def find(name):
        raise ConnectionError("password=hunter2")

    shelf = Shelf()
    shelf.resolve_object = shelf.resolve_principal = find

    with pytest.raises(ProvisioningError, match="ConnectionError") as caught:
        shelf.resolve([Ref(kind, "orders")], CALL)

    assert caught.value.retryable
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_masks_that_cannot_be_read_leave_the_scope_unseen():
    shelf = Catalogue()
    (item,) = items(shelf, "orders", masked=["email"])
    shelf.holders = lambda name: {}

    shelf.error = ConnectionError()
    broken = shelf.observe([item.scope], item.guards, CALL)[item.scope]
    shelf.error = ProvisioningError("no")
    refused = shelf.observe([item.scope], item.guards, CALL)[item.scope]

    assert (broken.retryable, refused.retryable) == (True, False)


def test_without_time_nothing_is_asked_or_changed():
    shelf = Shelf()
    (item,) = items(shelf, "orders")

    assert results(shelf, add(item), call=OVER) == ["not_attempted"]
    assert isinstance(shelf.observe([item.scope], [], OVER)[item.scope], CannotLook)
    with pytest.raises(ProvisioningError):
        shelf.resolve([Ref("object", "orders")], OVER)
    assert shelf.listings == 0


def test_what_is_not_of_this_platform_is_refused():
    shelf, other = Shelf(), Shelf()
    other.platform = "shelf:2"
    (item,), (foreign,) = items(shelf, "orders"), items(other, "orders")
    scopes = [foreign.scope, Scope("shelf:1", "role:x")]

    assert results(shelf, add(foreign), Change(action="set_until", item=item)) == ["refused"] * 2
    assert not any(isinstance(each, Seen) for each in shelf.observe(scopes, [], CALL).values())
