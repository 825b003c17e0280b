"""Request forms: questions, answers, data use agreements, versions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from marketplace_sdk.domain.durations import UNITS, Duration
from marketplace_sdk.domain.patience import Escalation
from marketplace_sdk.domain.review import DEFAULT_REVIEW, ReviewFlow
from marketplace_sdk.domain.schemas import form_schema, form_ui_schema
from marketplace_sdk.domain.selectors import StewardSelector
from marketplace_sdk.domain.values import (
    FrozenMap,
    check_flag,
    check_id,
    check_name,
    check_text,
    freeze,
    listed,
    plain_flaw,
)
from marketplace_sdk.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "STANDARD_FORM",
    "Acknowledgement",
    "DataUseAgreement",
    "FormVersion",
    "Question",
    "RequestForm",
    "check_answers",
    "wish_of",
]

MOST_QUESTIONS = 100
MOST_OPTIONS = 1000
DURATION_LABEL = "How long do you need access to this data?"
_MANY = (str, list, tuple, set, frozenset)
_NO_KINDS: Mapping[str, Mapping[str, Any]] = FrozenMap()
BUILT_IN_KINDS = ("SHORT_ANSWER", "DROPDOWN", "CHECKBOXES", "ACCESS_DURATION")


@frozen(kw_only=True)
class Question:
    """One question of a form.

    Attributes:
        key: by which answers are given; unique in the form.
        label: what people read.
        kind: SHORT_ANSWER, DROPDOWN, CHECKBOXES, ACCESS_DURATION, or a plugin's.
        required: whether it must be answered; a duration always must.
        options: what may be chosen (dropdown, checkboxes).
        help: a line below the question.
    """

    key: str
    label: str
    kind: str
    required: bool = True
    options: tuple[str, ...] = field(default=(), converter=listed)
    help: str = ""

    def __attrs_post_init__(self) -> None:
        check_id(self.key, "question.key")
        check_text(self.label, "question.label", required=True)
        check_text(self.help, "question.help")
        check_flag(self.required, "question.required")
        for option in self.options:
            check_text(option, "question.options", required=True)
        check_name(self.kind, "question.kind")
        problems = []
        chooses = self.kind in ("DROPDOWN", "CHECKBOXES")
        if chooses and not 1 <= len(self.options) <= MOST_OPTIONS:
            problems.append(Problem("question.options", f"needs 1 to {MOST_OPTIONS} options"))
        if chooses and len(set(self.options)) != len(self.options):
            problems.append(Problem("question.options", "must differ from each other"))
        if not chooses and self.options:
            problems.append(Problem("question.options", f"{self.kind} takes no options"))
        if self.kind == "ACCESS_DURATION" and not self.required:
            problems.append(Problem("question.required", "a duration must always be answered"))
        if problems:
            raise InvalidInput("cannot make this question", problems=problems)

    @classmethod
    def short_answer(
        cls, key: str, label: str, *, required: bool = True, help: str = ""
    ) -> Question:
        """Free text."""
        return cls(key=key, label=label, kind="SHORT_ANSWER", required=required, help=help)

    @classmethod
    def dropdown(
        cls, key: str, label: str, *, options: Sequence[str], required: bool = True, help: str = ""
    ) -> Question:
        """Exactly one of the options."""
        return cls(
            key=key,
            label=label,
            kind="DROPDOWN",
            options=options,
            required=required,
            help=help,
        )

    @classmethod
    def checkboxes(
        cls, key: str, label: str, *, options: Sequence[str], required: bool = True, help: str = ""
    ) -> Question:
        """One or more of the options."""
        return cls(
            key=key,
            label=label,
            kind="CHECKBOXES",
            options=options,
            required=required,
            help=help,
        )

    @classmethod
    def access_duration(cls, key: str, *, help: str = "") -> Question:
        """How long the access is needed; always required, asked in fixed words."""
        return cls(key=key, label=DURATION_LABEL, kind="ACCESS_DURATION", help=help)


@frozen
class DataUseAgreement:
    """A text that must be acknowledged before a request is submitted.

    Attributes:
        name: unique in the marketplace.
        body: the text.
        id: given by the marketplace when left empty.
    """

    name: str
    body: str = field(repr=False)
    id: str = ""

    @property
    def body_hash(self) -> str:
        """Hex SHA-256 of the text, kept with every acknowledgement."""
        return hashlib.sha256(self.body.encode("utf-8", "surrogatepass")).hexdigest()


@frozen(kw_only=True)
class Acknowledgement:
    """That somebody said yes to an agreement, and to which text exactly."""

    agreement: str
    body_hash: str
    by: str
    at: datetime


@frozen(kw_only=True)
class FormVersion:
    """A form as it was between two edits; requests keep the version they were filed under.

    Attributes:
        id: of this version.
        form: id of the form.
        number: 1, 2, 3 ...
        name: of the form at that time.
        questions: in order.
        agreements: to be acknowledged.
        review: the review flow.
        allow_self_review: requester and beneficiary may decide if they are stewards.
        fallback: who may fill a seat that nobody can fill.
        escalation: who may fill open seats, too, when a stage has been open for a while.
        expire_after: how long a request may be pending before it is called off; None: for ever.
    """

    id: str
    form: str
    number: int = 1
    name: str
    questions: tuple[Question, ...] = field(default=(), repr=False)
    agreements: tuple[DataUseAgreement, ...] = field(default=(), repr=False)
    review: ReviewFlow = field(default=DEFAULT_REVIEW, repr=False)
    allow_self_review: bool = False
    fallback: StewardSelector | None = None
    escalation: Escalation | None = None
    expire_after: Duration | None = None
    created_at: datetime | None = None
    created_by: str = ""

    def json_schema(self, kinds: Mapping[str, Mapping[str, Any]] = _NO_KINDS) -> dict[str, Any]:
        """JSON Schema of the answers, which portals draw the form from; see ``ui_schema``.

        Args:
            kinds: by kind, the schemas of plugins' questions: ``market.forms.kinds()``. A question
                of a kind that is not there takes anything until it is submitted.
        """
        return form_schema(self, kinds)

    def ui_schema(self) -> dict[str, Any]:
        """How react-jsonschema-form is to show the form: order, widgets and help."""
        return form_ui_schema(self)


@frozen(kw_only=True)
class RequestForm:
    """A form, in its current version.

    Attributes:
        id: unique; may be chosen by the caller.
        domain: whose form it is; None means everybody's.
        current: the version that new requests are filed under.
        revision: of the stored record.
        warnings: about stewards who are named and are nobody now; set when it is saved.
    """

    id: str
    domain: str | None = None
    current: FormVersion
    revision: int = field(default=0, eq=False)
    warnings: tuple[str, ...] = field(default=(), eq=False)

    @property
    def name(self) -> str:
        """The form's name now."""
        return self.current.name

    def json_schema(self, kinds: Mapping[str, Mapping[str, Any]] = _NO_KINDS) -> dict[str, Any]:
        """JSON Schema of the answers to the current version; see ``FormVersion.json_schema``."""
        return self.current.json_schema(kinds)

    def ui_schema(self) -> dict[str, Any]:
        """How react-jsonschema-form is to show the current version."""
        return self.current.ui_schema()


STANDARD_FORM = RequestForm(
    id="standard",
    current=FormVersion(
        id="standard-1",
        form="standard",
        name="Standard request form",
        questions=(
            Question.short_answer(
                "why", "What will you do with this data, and in which role?", required=True
            ),
        ),
    ),
)
"""The form of products that name none. It cannot be edited."""


def check_form(questions: Sequence[Question], custom: Mapping[str, Any]) -> tuple[Question, ...]:
    """The questions, if they can make up a form; ``custom`` are the plugins' kinds by name."""
    problems = []
    if not all(isinstance(question, Question) for question in questions):
        raise InvalidInput(
            "cannot make this form",
            problems=[Problem("questions", "must be Question.short_answer(), .dropdown() ...")],
        )
    keys = [question.key for question in questions]
    if not 1 <= len(keys) <= MOST_QUESTIONS:
        problems.append(Problem("questions", f"needs 1 to {MOST_QUESTIONS} questions"))
    if len(set(keys)) != len(keys):
        problems.append(Problem("questions", "must have different keys"))
    if sum(question.kind == "ACCESS_DURATION" for question in questions) > 1:
        problems.append(Problem("questions", "may ask for the duration only once"))
    problems += [
        Problem(f"questions.{question.key}", "is of a kind that no plugin offers")
        for question in questions
        if question.kind not in BUILT_IN_KINDS and question.kind not in custom
    ]
    if problems:
        raise InvalidInput("cannot make this form", problems=problems)
    return tuple(questions)


def check_answers(
    version: FormVersion,
    answers: Mapping[str, object],
    custom: Mapping[str, Callable[[Any], str]],
) -> FrozenMap[str, Any]:
    """The answers in their stored shape: text, a tuple of texts, or ``{amount, unit}``.

    Args:
        version: the form version that was filled in.
        answers: by question key; a duration may be a Duration, timedelta or {amount, unit}.
        custom: checks of the plugins' kinds, by kind.

    Raises:
        InvalidInput: naming each question; never repeating what was answered.
    """
    if not isinstance(answers, Mapping):
        raise InvalidInput(
            "cannot submit request", problems=[Problem("answers", "must map keys to answers")]
        )
    known = {question.key for question in version.questions}
    problems = [
        Problem("answers", "has an answer that fits no question of the form")
        for key in answers
        if key not in known
    ]
    kept: dict[str, Any] = {}
    for question in version.questions:
        answer = answers.get(question.key)
        if answer is None or (isinstance(answer, _MANY) and not answer):
            if question.required:
                problems.append(Problem(f"answers.{question.key}", "must be answered"))
            continue
        value, wrong = _answer(question, answer, custom)
        if wrong:
            problems.append(Problem(f"answers.{question.key}", wrong))
        else:
            kept[question.key] = value
    if problems:
        raise InvalidInput("cannot submit request", problems=problems)
    return freeze(kept)


def wish_of(version: FormVersion, answers: Mapping[str, Any]) -> Duration | None:
    """The duration that was asked for, if the form asks."""
    for question in version.questions:
        if question.kind == "ACCESS_DURATION" and question.key in answers:
            wish = answers[question.key]
            return Duration(wish["amount"], wish["unit"])
    return None


def _answer(
    question: Question, answer: object, custom: Mapping[str, Callable[[Any], str]]
) -> tuple[object, str]:
    """The stored shape of an answer, and what is wrong with it (empty text: nothing)."""
    if question.kind == "SHORT_ANSWER":
        return _text(answer)
    if question.kind == "DROPDOWN":
        ok = isinstance(answer, str) and answer in question.options
        return answer, "" if ok else "must be exactly one of the options"
    if question.kind == "CHECKBOXES":
        return _choices(question, answer)
    if question.kind == "ACCESS_DURATION":
        return _duration(answer)
    if question.kind not in custom:
        return answer, "cannot be checked"
    return answer, plain_flaw(answer) or custom[question.kind](answer)


def _text(answer: object) -> tuple[object, str]:
    try:
        return check_text(answer, "answer", required=True), ""
    except InvalidInput as error:
        return None, error.problems[0].message


def _choices(question: Question, answer: object) -> tuple[object, str]:
    if not isinstance(answer, (list, tuple, set, frozenset)):
        return None, "must be a list of options"
    chosen = tuple(answer)
    if not all(isinstance(one, str) for one in chosen):
        return None, "must be a list of options"
    ok = set(chosen) <= set(question.options) and len(set(chosen)) == len(chosen)
    ordered = tuple(option for option in question.options if option in chosen)
    return ordered, "" if ok else "must be different options of the question"


def _duration(answer: object) -> tuple[object, str]:
    if isinstance(answer, Mapping) and set(answer) == {"amount", "unit"}:
        unit = str(answer["unit"]).lower()
        try:
            wish = Duration(answer["amount"], unit)
        except InvalidInput as error:
            return None, "; ".join(problem.message for problem in error.problems)
    elif isinstance(answer, (Duration, timedelta)):
        try:
            wish = Duration.of(answer)
        except InvalidInput as error:
            return None, error.problems[0].message
    else:
        return None, f"must be a Duration, or amount and unit ({', '.join(UNITS)})"
    return FrozenMap({"amount": wish.amount, "unit": wish.unit}), ""
