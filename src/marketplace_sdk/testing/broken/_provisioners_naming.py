"""Provisioners that do not know what a name means."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from itertools import count
from typing import ClassVar

from attrs import evolve

from marketplace_sdk.ports.provisioner import Call, Provisioner, Ref, Resolved, Unresolved
from marketplace_sdk.testing.broken._provisioners_base import SoundProvisioner

__all__ = [
    "AnswersOneName",
    "FoldsNames",
    "GuessesNames",
    "MakesUpIds",
    "MatchesCaseBlind",
    "PastesNames",
    "RemembersNames",
    "ResolvesEverything",
]

_Names = Mapping[Ref, Resolved | Unresolved]


class MatchesCaseBlind(SoundProvisioner):
    """Takes a name for another one that differs in case only: access goes to somebody else."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_names_are_taken_letter_by_letter",)

    def __init__(self, inner: Provisioner, secret: str = "") -> None:
        super().__init__(inner, secret)
        self._known: dict[tuple[str, str], Resolved] = {}

    def resolve(self, refs: Collection[Ref], call: Call) -> _Names:
        """What is not there is looked for in other spellings."""
        answers = dict(self.inner.resolve(refs, call))
        for ref, answer in answers.items():
            if isinstance(answer, Resolved):
                self._known[ref.kind, ref.name.casefold()] = answer
        for ref, answer in answers.items():
            near = self._known.get((ref.kind, ref.name.casefold()))
            if isinstance(answer, Unresolved) and near is not None:
                answers[ref] = evolve(near, ref=ref)
        return answers


class RemembersNames(SoundProvisioner):
    """Keeps what a name meant when it was first asked for: what was made again gets the access."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_what_is_made_again_is_something_else",)

    def __init__(self, inner: Provisioner, secret: str = "") -> None:
        super().__init__(inner, secret)
        self._answers: dict[Ref, Resolved | Unresolved] = {}

    def resolve(self, refs: Collection[Ref], call: Call) -> _Names:
        """What is not remembered is asked for."""
        new = [ref for ref in refs if ref not in self._answers]
        self._answers.update(self.inner.resolve(new, call))
        return {ref: self._answers[ref] for ref in refs}


class AnswersOneName(SoundProvisioner):
    """Answers the first question and forgets the others."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_every_name_has_an_answer",)

    def resolve(self, refs: Collection[Ref], call: Call) -> _Names:
        """What one of the names means."""
        return self.inner.resolve(list(refs)[:1], call)


class MakesUpIds(SoundProvisioner):
    """Numbers things itself, in every process anew."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_a_name_keeps_its_meaning",)
    _processes = count()

    def __init__(self, inner: Provisioner, secret: str = "") -> None:
        super().__init__(inner, secret)
        self._number = next(self._processes)

    def resolve(self, refs: Collection[Ref], call: Call) -> _Names:
        """What the names mean to this process."""
        return {
            ref: evolve(answer, native_id=f"{self._number}/{answer.native_id}")
            if isinstance(answer, Resolved)
            else answer
            for ref, answer in self.inner.resolve(refs, call).items()
        }


class ResolvesEverything(SoundProvisioner):
    """Finds a meaning in every name."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_an_unknown_name_is_not_found",
        "test_a_hostile_name_that_is_not_there_is_not_found",
    )

    def resolve(self, refs: Collection[Ref], call: Call) -> _Names:
        """What is not there stands for itself."""
        answers = dict(self.inner.resolve(refs, call))
        for ref, answer in answers.items():
            if isinstance(answer, Unresolved):
                answers[ref] = Resolved(ref=ref, platform="?", native_id=ref.name, name=ref.name)
        return answers


class FoldsNames(SoundProvisioner):
    """Writes every name in small letters before it asks for it."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_names_that_differ_in_case_are_two",)

    def resolve(self, refs: Collection[Ref], call: Call) -> _Names:
        """What the names mean in small letters."""
        return _altered(self.inner, refs, call, {ref: ref.name.lower() for ref in refs})


class GuessesNames(SoundProvisioner):
    """Takes an unknown name for one that begins alike: whoever has that one gets the access."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_an_unknown_name_is_not_found",
        "test_nobody_gets_what_somebody_unknown_was_promised",
    )

    def resolve(self, refs: Collection[Ref], call: Call) -> _Names:
        """What is not there is looked for without its last letter."""
        answers = dict(self.inner.resolve(refs, call))
        unknown = [ref for ref, answer in answers.items() if isinstance(answer, Unresolved)]
        guesses = _altered(self.inner, unknown, call, {ref: ref.name[:-1] for ref in unknown})
        return {**answers, **guesses}


class PastesNames(SoundProvisioner):
    """Pastes names into statements, so that a quote ends them and the rest is something else."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_hostile_name_that_is_not_there_is_not_found",
        "test_hostile_names_stay_names",
        "test_hostile_names_through_a_marketplace",
    )

    def resolve(self, refs: Collection[Ref], call: Call) -> _Names:
        """What the names mean up to the first character that a statement gives a meaning."""
        cut = {ref: re.split(r"['\"\\\\;%/]", ref.name)[0] for ref in refs}
        return _altered(self.inner, refs, call, cut)


def _altered(
    inner: Provisioner, refs: Collection[Ref], call: Call, names: Mapping[Ref, str]
) -> _Names:
    """Answers for other names than those that were asked for."""
    others = {ref: Ref(ref.kind, names[ref]) for ref in refs}
    answers = inner.resolve(set(others.values()), call)
    return {ref: evolve(answers[other], ref=ref) for ref, other in others.items()}
