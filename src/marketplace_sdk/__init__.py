"""Embed a data-product marketplace whose approvals change the data platform by themselves.

Start with ``Marketplace``. Plugin authors import ``marketplace_sdk.plugin``, tests
``marketplace_sdk.testing``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marketplace_sdk._declaring import (
        import_standards,
        read_declarations,
        write_declarations,
    )
    from marketplace_sdk.domain.campaigns import Campaign, CampaignItem, CampaignProgress
    from marketplace_sdk.domain.catalog import (
        Column,
        DataSource,
        Domain,
        DomainPolicy,
        Tag,
        TagRule,
    )
    from marketplace_sdk.domain.conditions import All, Answer, Any, Has, Is, Not, Tagged, Wish
    from marketplace_sdk.domain.declarations import (
        Applied,
        Declaration,
        DeclarationPlan,
        DeclaredChange,
    )
    from marketplace_sdk.domain.deputies import Deputyship
    from marketplace_sdk.domain.destinations import Delivery, TestCall
    from marketplace_sdk.domain.determinations import Determination, OpenSeat, Tally
    from marketplace_sdk.domain.durations import Duration
    from marketplace_sdk.domain.emergency import Emergency, EmergencyAccess, EmergencyReview
    from marketplace_sdk.domain.event_types import CATALOGUE
    from marketplace_sdk.domain.forms import DataUseAgreement, FormVersion, Question, RequestForm
    from marketplace_sdk.domain.inbox import InboxMessage
    from marketplace_sdk.domain.notice_kinds import NOTICES
    from marketplace_sdk.domain.patience import Escalation
    from marketplace_sdk.domain.people import Actor, Beneficiary, GroupFacts, Person
    from marketplace_sdk.domain.preferences import Channel, QuietHours
    from marketplace_sdk.domain.products import DataProduct
    from marketplace_sdk.domain.provisioned import (
        Drift,
        DriftFinding,
        GrantItem,
        PlannedChange,
        Preview,
    )
    from marketplace_sdk.domain.quorum import tally
    from marketplace_sdk.domain.requests import AccessRequest, Explanation, Inquiry
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
    from marketplace_sdk.services.destinations import DestinationView
    from marketplace_sdk.services.grants import GrantView
    from marketplace_sdk.services.preferences import ChannelChoice, PreferencesView
    from marketplace_sdk.services.sources import Discovery
    from marketplace_sdk.wire.published import EVENT_TYPES, event_schema
    from marketplace_sdk.work.pages import Page

__version__ = "0.1.0"

__all__ = [
    "CATALOGUE",
    "EVENT_TYPES",
    "NOTICES",
    "AccessRequest",
    "Actor",
    "AdapterError",
    "All",
    "AlreadyDetermined",
    "AlreadyRequested",
    "Answer",
    "Any",
    "Applied",
    "Beneficiary",
    "Campaign",
    "CampaignItem",
    "CampaignProgress",
    "Channel",
    "ChannelChoice",
    "Check",
    "Column",
    "Conflict",
    "DataProduct",
    "DataSource",
    "DataUseAgreement",
    "Declaration",
    "DeclarationPlan",
    "DeclaredChange",
    "Delivery",
    "Deputyship",
    "DestinationView",
    "Determination",
    "DirectoryError",
    "Discovery",
    "Domain",
    "DomainPolicy",
    "Drift",
    "DriftFinding",
    "DuplicateName",
    "Duration",
    "Emergency",
    "EmergencyAccess",
    "EmergencyReview",
    "Erasure",
    "Escalation",
    "Explanation",
    "Finding",
    "FormVersion",
    "GrantItem",
    "GrantView",
    "GroupFacts",
    "Has",
    "Health",
    "InboxMessage",
    "Inquiry",
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
    "PreferencesView",
    "Preview",
    "Problem",
    "ProvisioningError",
    "Question",
    "QuietHours",
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
    "TestCall",
    "TransitionNotAllowed",
    "Verification",
    "Wish",
    "__version__",
    "attribute",
    "domain_permission",
    "event_schema",
    "group",
    "import_standards",
    "permission",
    "read_declarations",
    "tally",
    "user",
    "verify_export",
    "write_declarations",
]

_PLACES: Mapping[str, tuple[str, ...]] = {
    "_declaring": ("import_standards", "read_declarations", "write_declarations"),
    "domain.campaigns": ("Campaign", "CampaignItem", "CampaignProgress"),
    "domain.catalog": ("Column", "DataSource", "Domain", "DomainPolicy", "Tag", "TagRule"),
    "domain.conditions": ("All", "Answer", "Any", "Has", "Is", "Not", "Tagged", "Wish"),
    "domain.declarations": ("Applied", "Declaration", "DeclarationPlan", "DeclaredChange"),
    "domain.deputies": ("Deputyship",),
    "domain.destinations": ("Delivery", "TestCall"),
    "domain.determinations": ("Determination", "OpenSeat", "Tally"),
    "domain.durations": ("Duration",),
    "domain.emergency": ("Emergency", "EmergencyAccess", "EmergencyReview"),
    "domain.event_types": ("CATALOGUE",),
    "domain.forms": ("DataUseAgreement", "FormVersion", "Question", "RequestForm"),
    "domain.inbox": ("InboxMessage",),
    "domain.notice_kinds": ("NOTICES",),
    "domain.patience": ("Escalation",),
    "domain.people": ("Actor", "Beneficiary", "GroupFacts", "Person"),
    "domain.preferences": ("Channel", "QuietHours"),
    "domain.products": ("DataProduct",),
    "domain.provisioned": ("Drift", "DriftFinding", "GrantItem", "PlannedChange", "Preview"),
    "domain.quorum": ("tally",),
    "domain.requests": ("AccessRequest", "Explanation", "Inquiry"),
    "domain.review": ("ReviewFlow", "Rule", "Seat", "Stage"),
    "domain.seals": ("Seal",),
    "domain.selectors": (
        "StewardSelector",
        "attribute",
        "domain_permission",
        "group",
        "permission",
        "user",
    ),
    "errors": (
        "AdapterError",
        "AlreadyDetermined",
        "AlreadyRequested",
        "Conflict",
        "DirectoryError",
        "DuplicateName",
        "InvalidInput",
        "MarketplaceError",
        "NotAllowed",
        "NotFound",
        "NotificationError",
        "PluginError",
        "Problem",
        "ProvisioningError",
        "StaleRevision",
        "StorageError",
        "TransitionNotAllowed",
    ),
    "marketplace": ("Marketplace", "Services"),
    "services._erasing": ("Erasure",),
    "services._exporting": ("verify_export",),
    "services._health": ("Check", "Health"),
    "services._retaining": ("Retention",),
    "services._verifying": ("Finding", "Verification"),
    "services.destinations": ("DestinationView",),
    "services.grants": ("GrantView",),
    "services.preferences": ("ChannelChoice", "PreferencesView"),
    "services.sources": ("Discovery",),
    "wire.published": ("EVENT_TYPES", "event_schema"),
    "work.pages": ("Page",),
}
"""Module of each public name: it is imported with the first use of one of them, so that a command
or a plugin pays for what it needs only."""

_MODULES = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
