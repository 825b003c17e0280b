"""Embed a data-product marketplace whose approvals change the data platform by themselves.

Start with ``Marketplace``. Plugin authors import ``marketplace_sdk.plugin``, tests
``marketplace_sdk.testing``.
"""

from __future__ import annotations

from marketplace_sdk.domain.catalog import Column, DataSource, Domain, DomainPolicy, Tag, TagRule
from marketplace_sdk.domain.conditions import All, Answer, Any, Has, Is, Not, Tagged, Wish
from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.events import CATALOGUE, NOTICES
from marketplace_sdk.domain.forms import DataUseAgreement, FormVersion, Question, RequestForm
from marketplace_sdk.domain.inbox import InboxMessage
from marketplace_sdk.domain.people import Actor, Beneficiary, GroupFacts, Person
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.provisioned import (
    Drift,
    DriftFinding,
    GrantItem,
    PlannedChange,
    Preview,
)
from marketplace_sdk.domain.quorum import Determination, OpenSeat, Tally, tally
from marketplace_sdk.domain.requests import AccessRequest, Explanation
from marketplace_sdk.domain.review import ReviewFlow, Rule, Seat, Stage
from marketplace_sdk.domain.seals import Seal
from marketplace_sdk.domain.selectors import (
    StewardSelector,
    attribute,
    domain_permission,
    group,
    permission,
    user,
)
from marketplace_sdk.errors import (
    AdapterError,
    AlreadyDetermined,
    AlreadyRequested,
    Conflict,
    DirectoryError,
    DuplicateName,
    InvalidInput,
    MarketplaceError,
    NotAllowed,
    NotFound,
    NotificationError,
    PluginError,
    Problem,
    ProvisioningError,
    StaleRevision,
    StorageError,
    TransitionNotAllowed,
)
from marketplace_sdk.marketplace import Marketplace, Services
from marketplace_sdk.services._erasing import Erasure
from marketplace_sdk.services._exporting import verify_export
from marketplace_sdk.services._health import Check, Health
from marketplace_sdk.services._retaining import Retention
from marketplace_sdk.services._verifying import Finding, Verification
from marketplace_sdk.services.grants import GrantView
from marketplace_sdk.services.sources import Discovery
from marketplace_sdk.work.pages import Page

__version__ = "0.1.0"

__all__ = [
    "CATALOGUE",
    "NOTICES",
    "AccessRequest",
    "Actor",
    "AdapterError",
    "All",
    "AlreadyDetermined",
    "AlreadyRequested",
    "Answer",
    "Any",
    "Beneficiary",
    "Check",
    "Column",
    "Conflict",
    "DataProduct",
    "DataSource",
    "DataUseAgreement",
    "Determination",
    "DirectoryError",
    "Discovery",
    "Domain",
    "DomainPolicy",
    "Drift",
    "DriftFinding",
    "DuplicateName",
    "Duration",
    "Erasure",
    "Explanation",
    "Finding",
    "FormVersion",
    "GrantItem",
    "GrantView",
    "GroupFacts",
    "Has",
    "Health",
    "InboxMessage",
    "InvalidInput",
    "Is",
    "Marketplace",
    "MarketplaceError",
    "Not",
    "NotAllowed",
    "NotFound",
    "NotificationError",
    "OpenSeat",
    "Page",
    "Person",
    "PlannedChange",
    "PluginError",
    "Preview",
    "Problem",
    "ProvisioningError",
    "Question",
    "RequestForm",
    "Retention",
    "ReviewFlow",
    "Rule",
    "Seal",
    "Seat",
    "Services",
    "Stage",
    "StaleRevision",
    "StewardSelector",
    "StorageError",
    "Tag",
    "TagRule",
    "Tagged",
    "Tally",
    "TransitionNotAllowed",
    "Verification",
    "Wish",
    "__version__",
    "attribute",
    "domain_permission",
    "group",
    "permission",
    "tally",
    "user",
    "verify_export",
]
