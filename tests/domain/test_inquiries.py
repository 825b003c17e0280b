"""Asking back about a request, and answering: who, when, what is told, and what stays as it is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.domain.inquiries import MOST_INQUIRIES, answer, ask, check_words
from marketplace_sdk.domain.people import Beneficiary
from marketplace_sdk.domain.requests import Inquiry
from marketplace_sdk.domain.review import Seat, Stage
from marketplace_sdk.errors import (
    AlreadyDetermined,
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    StaleRevision,
)
from tests.domain.building import (
    ANA,
    BO,
    CY,
    DEE,
    GIL,
    NOW,
    REX,
    UMA,
    L,
    P,
    U,
    act,
    person,
    request,
)

LATER = NOW + timedelta(hours=3)


def asking(about, who=ANA, question="Which quarter?", *, id="i-1", **more):
    return ask(about, who, question=question, id=id, now=NOW, **more)


def answering(about, who=REX, text="The third.", *, inquiry="i-1", **more):
    return answer(about, who, inquiry=inquiry, text=text, now=LATER, **more)


@pytest.fixture
def asked():
    """ana wants to know something."""
    return asking(request(Stage.any_of(L), revision=4)).request


# Asking


def test_asking_back_changes_nothing_but_the_list_of_inquiries():
    """The request stays pending, with its stages, seats and times."""
    before = request(Stage.all_of(L, P))

    after = asking(before).request

    assert after.inquiries == (
        Inquiry(id="i-1", asked_by="ana", asked_at=NOW, question="Which quarter?"),
    )
    assert after.open_inquiries == after.inquiries
    assert evolve(after, inquiries=()) == before


@pytest.mark.parametrize("who", [CY, DEE, person("sam")], ids=lambda who: who.id)
def test_only_who_may_decide_now_asks_back(who):
    """Stewards of a later stage do not yet; who manages the product is no steward."""
    with pytest.raises(NotAllowed) as refused:
        asking(request(Stage.any_of(L), Stage.any_of(P)), who)

    assert refused.value.action == "request.ask"
    assert refused.value.needs == "group Legal or permission GOVERNANCE"


def test_governance_asks_back_without_a_seat():
    assert asking(request(Stage.any_of(L)), GIL).request.inquiries[0].asked_by == "gil"


def test_who_has_determined_on_the_open_stage_asks_no_more():
    """They cannot decide any more; the next stage is theirs again."""
    half = act(request(Stage.all_of(L, P), Stage.any_of(L)), ANA).request
    with pytest.raises(AlreadyDetermined, match="ana has determined on this stage"):
        asking(half)

    assert asking(act(half, CY).request).request.open_inquiries


@pytest.mark.parametrize("who", [REX, person("rex", permissions=["GOVERNANCE"])])
def test_the_receiving_side_does_not_ask_itself(who):
    """Not with GOVERNANCE either."""
    with pytest.raises(NotAllowed) as refused:
        asking(request(Stage.any_of(U)), who)

    assert refused.value.code == "self_review"


def test_a_steward_on_the_receiving_side_asks_and_answers_where_self_review_is_allowed():
    """Nobody is told what they did themselves."""
    own = request(Stage.any_of(L), requester="ana", allow_self_review=True)

    decision = asking(own)
    (told,) = decision.effects.notices
    assert told.exclude == ("ana",)

    (told,) = answering(decision.request, ANA).effects.notices
    assert (told.audience[0].value, told.exclude) == ("ana", ("ana",))


def test_whoever_stands_in_for_a_vacant_seat_asks_back():
    about = request(Stage.any_of(Seat(L)), stuck=("group Legal",))
    with pytest.raises(NotAllowed):
        asking(about, CY, fallback=P)

    assert asking(about, CY, fallback=P, vacant={(0, 0)}).request.open_inquiries


@pytest.mark.parametrize("event", ["approve", "deny", "cancel"])
def test_a_request_that_is_over_is_not_asked_about(event):
    over = request(Stage.any_of(L)).step(event)
    with pytest.raises(AlreadyDetermined) as refused:
        asking(over)

    assert (refused.value.state, refused.value.hint) == (
        over.state,
        "only what is pending is asked about",
    )


def test_the_same_question_again_is_a_no_op_and_another_a_conflict(asked):
    """Even when the request is decided in between: a repeated call is answered like the first."""
    again = asking(act(asked, BO).request)
    assert (again.changed, again.effects.events) == (False, ())

    for other in ({"question": "Which year?"}, {"who": BO}):
        with pytest.raises(Conflict, match="the inquiry id is taken"):
            asking(asked, **other)


def test_an_older_revision_is_refused(asked):
    for stale in (
        lambda: asking(asked, id="i-2", revision=3),
        lambda: answering(asked, revision=3),
    ):
        with pytest.raises(StaleRevision) as refused:
            stale()
        assert (refused.value.expected, refused.value.found) == (3, 4)

    assert asking(asked, id="i-2", revision=4).changed
    assert answering(asked, revision=4).changed


def test_several_may_be_open_but_not_more_than_fifty():
    about = request(Stage.any_of(L))
    for number in range(MOST_INQUIRIES):
        about = asking(about, id=f"i-{number}").request
    assert len(about.open_inquiries) == MOST_INQUIRIES == 50

    with pytest.raises(Conflict) as refused:
        asking(about, id="one more")
    assert refused.value.code == "too_many_inquiries"


# Answering


def test_an_answer_is_kept_with_its_question(asked):
    """And nothing else of the request changes, the answers of the form least of all."""
    after = answering(asked).request

    assert after.inquiries == (
        Inquiry(
            id="i-1",
            asked_by="ana",
            asked_at=NOW,
            question="Which quarter?",
            answer="The third.",
            answered_by="rex",
            answered_at=LATER,
        ),
    )
    assert after.open_inquiries == ()
    assert evolve(after, inquiries=asked.inquiries) == asked


def test_only_the_inquiry_that_is_named_is_answered(asked):
    two = asking(asked, BO, "Which year?", id="i-2").request

    after = answering(two, inquiry="i-2")

    assert [each.id for each in after.request.open_inquiries] == ["i-1"]


def test_the_same_answer_again_is_a_no_op_and_another_a_conflict(asked):
    """An answer is never edited; also not after the decision."""
    answered = answering(asked).request
    decided = act(answered, BO).request
    for one in (answered, decided):
        assert not answering(one).changed
        for other in ({"text": "The fourth."}, {"who": UMA}):
            with pytest.raises(Conflict) as refused:
                answering(one, **other)
            assert refused.value.code == "already_answered"


def test_there_is_no_answer_without_a_question(asked):
    with pytest.raises(NotFound) as refused:
        answering(asked, inquiry="i-9")

    assert (refused.value.kind, refused.value.id) == ("inquiry", "i-9")


@pytest.mark.parametrize("verdict", ["approve", "deny"])
def test_a_decision_does_not_wait_for_an_answer_and_closes_the_question(asked, verdict):
    decided = act(asked, BO, verdict).request
    assert decided.state != "pending"
    assert decided.open_inquiries == ()
    assert decided.inquiries == asked.inquiries, "what was asked stays readable"

    with pytest.raises(AlreadyDetermined) as refused:
        answering(decided)
    assert refused.value.hint == "nobody waits for the answer any more"


def test_a_cancellation_closes_the_question(asked):
    with pytest.raises(AlreadyDetermined, match="it is canceled"):
        answering(asked.step("cancel"))


def test_a_question_that_was_erased_waits_for_nothing(asked):
    """Whoever asked it is gone: nobody could say what is to be answered."""
    erased = asked.without_words_of("ana")
    assert erased.open
    assert erased.open_inquiries == ()

    with pytest.raises(Conflict) as refused:
        answering(erased)
    assert refused.value.code == "erased"


# What is told


def test_asking_tells_requester_and_beneficiary_and_answering_who_asked():
    """Of a group only the requester, who alone can answer; of a service account its owner."""
    audiences = {
        Beneficiary("person", "pat"): ["user rex", "user pat"],
        Beneficiary("group", "Sales"): ["user rex"],
    }
    for who, told in audiences.items():
        decision = asking(request(Stage.any_of(L), beneficiary=who))
        (notice,) = decision.effects.notices
        assert notice.kind == "question_asked"
        assert [str(one) for one in notice.audience] == told
    account = request(Stage.any_of(L), beneficiary=Beneficiary("person", "bot"), owner="own")
    (notice,) = asking(account).effects.notices
    assert [str(one) for one in notice.audience] == ["user rex", "user bot", "user own"]

    (notice,) = answering(asking(account).request).effects.notices
    assert (notice.kind, [str(one) for one in notice.audience]) == (
        "question_answered",
        ["user ana"],
    )


def test_an_event_says_who_and_which(asked):
    (event,) = answering(asked).effects.events

    assert (event.type, event.aggregate) == ("request.question_answered", "request:r1")
    assert event.data["inquiry"] == {"id": "i-1", "asked_by": "ana", "answered_by": "rex"}
    assert event.data["request"]["state"] == "pending"


def test_no_word_of_it_is_in_events_notices_errors_and_reprs():
    """As private as answers and reasons."""
    first = asking(request(Stage.any_of(L)), question="a secret doubt")
    second = answering(first.request, text="a secret plan")
    with pytest.raises(Conflict) as refused:
        answering(second.request, text="another secret")

    for each in (first, second, second.request.inquiries, refused.value):
        assert "secret" not in repr(each)
        assert "secret" not in str(each)


# Words


@pytest.mark.parametrize(
    "words",
    ["", "  \n\t ", "x" * 4_001, "a\0b", "a\ud800b", "a\x1b[2Jb", "a\x7fb", "a\x9bb", 5, None],
)
def test_words_that_cannot_be_kept_are_refused(words):
    """Blank, huge, broken, or with control characters that act on a terminal."""
    with pytest.raises(InvalidInput) as refused:
        check_words(words, "question")

    assert [each.path for each in refused.value.problems] == ["question"]


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=4_000).filter(str.strip))
def test_all_other_words_are_kept_as_they_are(words):
    assert check_words(words, "question") == words


def test_words_may_have_lines_and_tabs():
    assert check_words("one\r\n\ttwo\n" + "x" * 3_990, "answer")


# Erasing


def test_erasing_a_request_takes_the_words_and_leaves_who_and_when(asked):
    over = act(answering(asked).request, BO).request

    (inquiry,) = over.erased(LATER).inquiries

    assert (inquiry.question, inquiry.answer) == ("", "")
    assert (inquiry.asked_by, inquiry.answered_by, inquiry.answered_at) == ("ana", "rex", LATER)


@pytest.mark.parametrize(
    ("who", "left"),
    [
        ("ana", ("", "The third.")),
        ("rex", ("Which quarter?", "")),
        ("bo", ("Which quarter?", "The third.")),
    ],
)
def test_erasing_one_person_takes_their_words_only(asked, who, left):
    (inquiry,) = answering(asked).request.without_words_of(who).inquiries

    assert (inquiry.question, inquiry.answer) == left
