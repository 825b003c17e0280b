"""Provisioners with one fault each, on top of a good one; ``caught_by`` names the checks that tell.

``SoundProvisioner`` has none: it passes everything on.
"""

from __future__ import annotations

from marketplace_sdk.testing.broken._provisioners_base import SoundProvisioner
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
    CannotSeeWhatWasDropped,
    ClaimsWhatOthersGave,
    ForgetsMarkers,
    HidesStrangers,
    LeavesOutEmptyScopes,
    ReadsOnePage,
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
    PastesColumns,
    PlansByAsking,
    PlansDifferently,
    SharesKeys,
    UnmasksReaders,
)

__all__ = [
    "BROKEN",
    "AnswersGuardsUnread",
    "AnswersOneName",
    "AppliesAndRaises",
    "BreaksOnWhatIsMissing",
    "CallsAnOutageARefusal",
    "CallsUnreachableAbsent",
    "CannotSeeWhatWasDropped",
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
    "PastesColumns",
    "PastesNames",
    "PlansByAsking",
    "PlansDifferently",
    "PromisesEnds",
    "ReadsOnePage",
    "RefusesRepetition",
    "RemembersNames",
    "RepairsWhileLooking",
    "ReportsDoneAndDoesNothing",
    "ResolvesEverything",
    "RevokesEverybody",
    "SeesForeignScopesEmpty",
    "SeesOnlyItsOwnWork",
    "SharesKeys",
    "SoundProvisioner",
    "StopsWithoutAWord",
    "SwallowsFailures",
    "UnmasksReaders",
]

BROKEN: tuple[type[SoundProvisioner], ...] = tuple(SoundProvisioner.__subclasses__())
