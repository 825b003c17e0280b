"""Provisioners with one fault each, on top of a good one.

The kit of provisioners must catch every one of them; ``caught_by`` names the checks.
"""

from __future__ import annotations

from marketplace_sdk.testing.broken._provisioners_base import BrokenProvisioner
from marketplace_sdk.testing.broken._provisioners_changing import (
    AppliesAndRaises,
    CallsAnOutageARefusal,
    DoesForeignWork,
    GivesUpForGood,
    IgnoresTheDeadline,
    MixesThreads,
    NeverRevokes,
    PromisesEnds,
    RefusesRepetition,
    ReportsDoneAndDoesNothing,
    RevokesEverybody,
    StopsWithoutAWord,
    SwallowsFailures,
)
from marketplace_sdk.testing.broken._provisioners_leaking import (
    LeaksInErrors,
    LeaksInEvidence,
    LeaksInLogs,
    LeaksInRepr,
)
from marketplace_sdk.testing.broken._provisioners_looking import (
    AnswersGuardsUnread,
    CallsUnreachableAbsent,
    ClaimsWhatOthersGave,
    ForgetsMarkers,
    HidesStrangers,
    LeavesOutEmptyScopes,
    RepairsWhileLooking,
    SeesForeignScopesEmpty,
    SeesOnlyItsOwnWork,
)
from marketplace_sdk.testing.broken._provisioners_naming import (
    AnswersOneName,
    FoldsNames,
    GuessesNames,
    MakesUpIds,
    MatchesCaseBlind,
    PastesNames,
    RemembersNames,
    ResolvesEverything,
)
from marketplace_sdk.testing.broken._provisioners_planning import (
    BreaksOnWhatIsMissing,
    ChangesWhilePlanning,
    DescribesEverythingAlike,
    DropsGuards,
    KeepsObjectsInItems,
    NamesNothingOpened,
    PlansByAsking,
    PlansDifferently,
    SharesKeys,
    UnmasksReaders,
)

__all__ = [
    "BROKEN_PROVISIONERS",
    "AnswersGuardsUnread",
    "AnswersOneName",
    "AppliesAndRaises",
    "BreaksOnWhatIsMissing",
    "BrokenProvisioner",
    "CallsAnOutageARefusal",
    "CallsUnreachableAbsent",
    "ChangesWhilePlanning",
    "ClaimsWhatOthersGave",
    "DescribesEverythingAlike",
    "DoesForeignWork",
    "DropsGuards",
    "FoldsNames",
    "ForgetsMarkers",
    "GivesUpForGood",
    "GuessesNames",
    "HidesStrangers",
    "IgnoresTheDeadline",
    "KeepsObjectsInItems",
    "LeaksInErrors",
    "LeaksInEvidence",
    "LeaksInLogs",
    "LeaksInRepr",
    "LeavesOutEmptyScopes",
    "MakesUpIds",
    "MatchesCaseBlind",
    "MixesThreads",
    "NamesNothingOpened",
    "NeverRevokes",
    "PastesNames",
    "PlansByAsking",
    "PlansDifferently",
    "PromisesEnds",
    "RefusesRepetition",
    "RemembersNames",
    "RepairsWhileLooking",
    "ReportsDoneAndDoesNothing",
    "ResolvesEverything",
    "RevokesEverybody",
    "SeesForeignScopesEmpty",
    "SeesOnlyItsOwnWork",
    "SharesKeys",
    "StopsWithoutAWord",
    "SwallowsFailures",
    "UnmasksReaders",
]

BROKEN_PROVISIONERS: tuple[type[BrokenProvisioner], ...] = tuple(
    sorted(
        (
            one
            for one in globals().values()
            if isinstance(one, type)
            and issubclass(one, BrokenProvisioner)
            and one is not BrokenProvisioner
        ),
        key=lambda one: one.__name__,
    )
)
"""All of them, by name."""
