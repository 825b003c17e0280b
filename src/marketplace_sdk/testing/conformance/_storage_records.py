"""How a store keeps records."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from marketplace_sdk.errors import InvalidInput, StaleRevision
from marketplace_sdk.testing.conformance._storage_examples import (
    HOSTILE,
    NOT_TEXT,
    PLAIN,
    exact,
    keep,
    make,
    never_found,
    stored,
)

if TYPE_CHECKING:
    from marketplace_sdk.ports.storage import Record, Storage

__all__ = ["RecordChecks"]


class RecordChecks:
    """Records: what is put comes back to the letter, and only on the revision that was read."""

    def test_a_record_comes_back_as_it_was_put(self, storage: Storage) -> None:
        """Plain data of every type survives."""
        document = {"a": [1, 2.5, True, None, "x"], "b": {"c": {}}, "big": 2**53, "": []}
        record = make(
            "r1", index=[("state", "open"), ("state", "late")], order="7", document=document
        )

        keep(storage, record)

        with storage.begin(write=False) as transaction:
            assert transaction.get("thing", "r1") == record

    def test_plain_data_of_every_type_survives(self, storage: Storage) -> None:
        """Whole, large and broken numbers, flags, nothing, empty and deep ones; none is altered."""
        keep(storage, make("r1", document=PLAIN))

        assert exact(stored(storage, "r1").document) == exact(PLAIN)

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_is_only_text(self, storage: Storage, text: str) -> None:
        """Quotes, emoji, direction marks, long and empty texts are kept to the letter."""
        record = make(
            text, kind="k" + text, index=[(text, text)], order=text, document={text: text}
        )

        keep(storage, record, make("other", kind="k" + text))

        with storage.begin(write=False) as transaction:
            assert transaction.get("k" + text, text) == record
            assert transaction.find("k" + text, [(text, [text])]) == [record]
            assert transaction.find("k" + text, [(text, [text + " "])]) == []

    def test_a_megabyte_of_text_is_kept(self, storage: Storage) -> None:
        """Nothing is cut off, in whatever script."""
        text = "Zugriff auf 💩'\n" * 70_000

        keep(storage, make("r1", document={"text": text}))

        assert stored(storage, "r1").document == {"text": text}

    def test_fields_that_nobody_knows_are_kept(self, storage: Storage) -> None:
        """What a newer release wrote survives an older one; the store never looks inside."""
        keep(storage, make("r1", document={"name": "x"}))
        newer = {"name": "y", "added_later": {"nested": [{"x": None}]}, "$schema": 2}

        with storage.begin() as transaction:
            transaction.put(make("r1", revision=2, document=newer), 1)
        with storage.begin() as transaction:
            found = transaction.get("thing", "r1")
            assert found is not None
            transaction.put(evolve(found, revision=3), 2)

        assert stored(storage, "r1").document == newer

    def test_case_and_normal_form_are_never_folded(self, storage: Storage) -> None:
        """Ids and values are equal only when every character is."""
        names = ["ada", "Ada", "é", "e\N{COMBINING ACUTE ACCENT}", "ada "]

        keep(storage, *(make(name, index=[("name", name)]) for name in names))

        with storage.begin(write=False) as transaction:
            for name in names:
                assert [one.id for one in transaction.find("thing", [("name", [name])])] == [name]

    def test_nothing_is_none(self, storage: Storage) -> None:
        """What was never put is None, also when another kind has the id."""
        keep(storage, make("r1"))

        with storage.begin(write=False) as transaction:
            assert transaction.get("thing", "r2") is None
            assert transaction.get("other", "r1") is None
            assert transaction.find("other") == []

    def test_a_caller_cannot_change_the_store_through_a_document(self, storage: Storage) -> None:
        """Documents are copies, on the way in and on the way out."""
        document: dict[str, Any] = {"list": [1], "nested": {"a": 1}}
        keep(storage, make("r1", document=document))

        document["list"].append(2)
        with storage.begin() as transaction:
            found = transaction.get("thing", "r1")
            assert found is not None
            found.document["nested"]["a"] = 2
            for listed in transaction.find("thing"):
                listed.document["list"].clear()

        with storage.begin(write=False) as transaction:
            again = transaction.get("thing", "r1")
            assert again is not None
            assert again.document == {"list": [1], "nested": {"a": 1}}

    def test_a_caller_cannot_change_what_he_put_in_an_open_block(self, storage: Storage) -> None:
        """What counts is the document at the moment of the put."""
        document: dict[str, Any] = {"list": [1]}

        with storage.begin() as transaction:
            transaction.put(make("r1", document=document), None)
            document["list"].append(2)
            document["more"] = True

        assert stored(storage, "r1").document == {"list": [1]}

    @pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", float("nan"), float("inf")])
    def test_what_is_not_plain_data_is_refused(self, storage: Storage, value: object) -> None:
        """A document that cannot be kept faithfully is InvalidInput, and nothing is written."""
        with pytest.raises(InvalidInput), storage.begin() as transaction:
            transaction.put(make("r1", document={"value": value}), None)

        with storage.begin(write=False) as transaction:
            assert transaction.get("thing", "r1") is None

    def test_a_refusal_does_not_repeat_the_document(self, storage: Storage) -> None:
        """Errors are logged, and documents hold what people answered."""
        secret = "hunter" + str(2)  # the traceback shows this line

        with pytest.raises(InvalidInput) as refusal, storage.begin() as transaction:
            transaction.put(make("r1", document={secret: [secret, object()]}), None)

        assert secret not in "".join(traceback.format_exception(refusal.value))

    @pytest.mark.parametrize("text", NOT_TEXT)
    @pytest.mark.parametrize("place", ["kind", "id", "order", "index key", "index value"])
    def test_what_is_no_text_is_no_key(self, storage: Storage, place: str, text: str) -> None:
        """NUL and half a surrogate pair cannot be kept by every store, so none takes them."""
        record = {
            "kind": make("r1", kind=text),
            "id": make(text),
            "order": make("r1", order=text),
            "index key": make("r1", index=[(text, "x")]),
            "index value": make("r1", index=[("x", text)]),
        }[place]

        with pytest.raises(InvalidInput), storage.begin() as transaction:
            transaction.put(record, None)

        with storage.begin(write=False) as transaction:
            assert transaction.find("thing") == []

    def test_half_a_surrogate_pair_is_in_no_document(self, storage: Storage) -> None:
        """It is no text in any encoding; NUL is, and survives."""
        for document in ({"a": ["\ud800"]}, {"\udfff": 1}):
            with pytest.raises(InvalidInput), storage.begin() as transaction:
                transaction.put(make("r1", document=document), None)

        keep(storage, make("r1", document={"a\0": "\0"}))
        assert stored(storage, "r1").document == {"a\0": "\0"}

    @pytest.mark.parametrize("text", NOT_TEXT)
    def test_what_is_no_text_is_never_found(self, storage: Storage, text: str) -> None:
        """People look for anything; a store answers that there is none, or refuses."""
        keep(storage, make("r1", index=[("a", "b")]))

        def look(kind: str, id: str) -> Record | None:
            with storage.begin(write=False) as transaction:
                return transaction.get(kind, id)

        def search(key: str, *values: str) -> object:
            with storage.begin(write=False) as transaction:
                return transaction.find("thing", [(key, values)])

        never_found(lambda: look("thing", text))
        never_found(lambda: look(text, "r1"))
        never_found(lambda: search("a", text))
        never_found(lambda: search("a", text, "c"))
        never_found(lambda: search(text, "b"))

    def test_a_second_new_record_of_one_id_is_stale(self, storage: Storage) -> None:
        """``expected=None`` means that there must be none."""
        keep(storage, make("a"))

        with pytest.raises(StaleRevision), storage.begin() as transaction:
            transaction.put(make("a"), None)

    @pytest.mark.parametrize("expected", [1, 3, 7])
    def test_a_put_on_another_revision_is_stale(self, storage: Storage, expected: int) -> None:
        """Only the revision that is stored may be followed."""
        keep(storage, make("a"))
        with storage.begin() as transaction:
            transaction.put(make("a", revision=2), 1)

        with pytest.raises(StaleRevision), storage.begin() as transaction:
            transaction.put(make("a", revision=expected + 1), expected)

        with storage.begin(write=False) as transaction:
            stored = transaction.get("thing", "a")
            assert stored is not None
            assert stored.revision == 2

    def test_a_change_of_what_is_not_there_is_stale(self, storage: Storage) -> None:
        """Neither put nor remove invents a record."""
        with pytest.raises(StaleRevision), storage.begin() as transaction:
            transaction.put(make("a", revision=2), 1)

        with pytest.raises(StaleRevision), storage.begin() as transaction:
            transaction.remove("thing", "a", 1)

    def test_a_remove_on_another_revision_is_stale(self, storage: Storage) -> None:
        """A record that changed meanwhile is not removed."""
        keep(storage, make("a"))

        with pytest.raises(StaleRevision), storage.begin() as transaction:
            transaction.remove("thing", "a", 2)

        with storage.begin(write=False) as transaction:
            assert transaction.get("thing", "a") is not None

    def test_a_revision_that_does_not_follow_is_refused(self, storage: Storage) -> None:
        """``record.revision`` is one more than what is expected."""
        with pytest.raises(InvalidInput), storage.begin() as transaction:
            transaction.put(make("a", revision=2), None)

    def test_a_refused_put_leaves_the_block_as_it_was(self, storage: Storage) -> None:
        """Whoever catches the refusal may go on, and nothing of the refused record is kept."""
        keep(storage, make("a", index=[("s", "x")]))

        with storage.begin() as transaction:
            with pytest.raises(StaleRevision):
                transaction.put(make("a", index=[("s", "y")]), None)
            with pytest.raises(StaleRevision):
                transaction.put(make("a", revision=8, index=[("s", "y")]), 7)
            with pytest.raises(StaleRevision):
                transaction.remove("thing", "a", 7)
            transaction.put(make("b", index=[("s", "y")]), None)

        with storage.begin(write=False) as transaction:
            assert [one.id for one in transaction.find("thing", [("s", ["x"])])] == ["a"]
            assert [one.id for one in transaction.find("thing", [("s", ["y"])])] == ["b"]
