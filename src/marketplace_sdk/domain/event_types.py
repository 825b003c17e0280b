"""Everything that can happen: what the log calls it, and what leaves of it in a webhook."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

__all__ = ["CATALOGUE", "EventType"]


@frozen(kw_only=True)
class EventType:
    """One entry of the catalogue.

    Attributes:
        name: what the audit log calls it.
        about: kind of the aggregate.
        outgoing: type under which it leaves in a webhook; empty: it does not leave.
        summary: one line for the reference.
    """

    name: str
    about: str
    outgoing: str = ""
    summary: str


_REQUESTS = "data_product.access_requests"
CATALOGUE: Mapping[str, EventType] = {
    each.name: each
    for each in (
        EventType(
            name="audit.erased", about="audit", summary="What was kept of a person was erased."
        ),
        EventType(
            name="audit.retained", about="audit", summary="Old payloads and messages were erased."
        ),
        EventType(name="system.acting", about="system", summary="A job acts, and says why."),
        EventType(name="person.added", about="person", summary="A person became known."),
        EventType(name="person.updated", about="person", summary="A person's facts changed."),
        EventType(name="person.empowered", about="person", summary="GOVERNANCE was given."),
        EventType(name="person.linked", about="person", summary="A platform name was linked."),
        EventType(name="person.deactivated", about="person", summary="A person left."),
        EventType(name="person.reactivated", about="person", summary="A person is back."),
        EventType(name="group.linked", about="group", summary="A platform name was linked."),
        EventType(
            name="deputyship.named",
            about="deputyship",
            summary="A steward named a deputy for a time.",
        ),
        EventType(
            name="deputyship.ended",
            about="deputyship",
            summary="A deputyship ended before its time.",
        ),
        EventType(name="domain.created", about="domain", summary="A domain was created."),
        EventType(name="domain.updated", about="domain", summary="What is said about it changed."),
        EventType(name="domain.assigned", about="domain", summary="Sources were assigned."),
        EventType(name="domain.removed", about="domain", summary="Sources were removed."),
        EventType(name="domain.granted", about="domain", summary="A domain permission was given."),
        EventType(
            name="domain.ungranted", about="domain", summary="A domain permission was taken."
        ),
        EventType(name="domain.policy_set", about="domain", summary="The policy was set."),
        EventType(name="domain.deleted", about="domain", summary="A domain was deleted."),
        EventType(name="source.registered", about="source", summary="A data source is known."),
        EventType(name="source.updated", about="source", summary="A data source changed."),
        EventType(name="source.tagged", about="source", summary="Tags were set."),
        EventType(
            name="source.accepted", about="source", summary="A replaced object may be granted on."
        ),
        EventType(
            name="source.owner_accepted",
            about="source",
            summary="That its object belongs to somebody else now was accepted.",
        ),
        EventType(
            name="object.replaced",
            about="object",
            summary="An object was dropped and made again; says what becomes of access.",
        ),
        EventType(
            name="object.by_hand_taken",
            about="object",
            summary="A right that somebody had given by hand, too, was taken away with ours.",
        ),
        EventType(
            name="object.closed",
            about="object",
            summary="Access was taken away: a masked column would be read in clear.",
        ),
        EventType(
            name="connection.drifted", about="connection", summary="It is not as it should be."
        ),
        EventType(
            name="connection.repaired", about="connection", summary="Drift is to be put right."
        ),
        EventType(
            name="connection.uninstalled",
            about="connection",
            summary="Everything of ours is taken away, and nothing is given any more.",
        ),
        EventType(name="connection.installed", about="connection", summary="Open again."),
        EventType(
            name="target.changed",
            about="target",
            summary="A platform was changed: what, for whom, and its evidence.",
        ),
        EventType(name="destination.created", about="destination", summary="A webhook was set up."),
        EventType(name="destination.updated", about="destination", summary="It was changed."),
        EventType(
            name="destination.secret_rotated",
            about="destination",
            summary="It is signed with a new secret.",
        ),
        EventType(
            name="destination.disabled",
            about="destination",
            summary="Nothing is sent there any more, because somebody, or it itself, said so.",
        ),
        EventType(
            name="destination.suspended",
            about="destination",
            summary="Nothing is sent there any more, because it kept failing.",
        ),
        EventType(name="destination.enabled", about="destination", summary="It is sent to again."),
        EventType(name="destination.deleted", about="destination", summary="It is gone."),
        EventType(
            name="destination.redelivered",
            about="destination",
            summary="What was sent there is sent again.",
        ),
        EventType(
            name="destination.tested", about="destination", summary="A call tried whether it works."
        ),
        EventType(name="form.created", about="form", summary="A request form was created."),
        EventType(name="form.edited", about="form", summary="A form has a new version."),
        EventType(name="form.deleted", about="form", summary="An unused form was deleted."),
        EventType(name="agreement.created", about="agreement", summary="An agreement exists."),
        EventType(
            name="product.published",
            about="product",
            outgoing="data_product.state.created",
            summary="A data product was published.",
        ),
        EventType(name="product.updated", about="product", summary="Its metadata changed."),
        EventType(
            name="product.sources_changed",
            about="product",
            outgoing="data_product.data_sources.updated",
            summary="Its data sources changed.",
        ),
        EventType(name="product.confirmed", about="product", summary="Added sources confirmed."),
        EventType(name="product.suspended", about="product", summary="Access is withheld."),
        EventType(name="product.resumed", about="product", summary="Access is given again."),
        EventType(name="product.retired", about="product", summary="Closed for new requests."),
        EventType(name="product.deleting", about="product", summary="Waits for revocations."),
        EventType(
            name="product.deleted",
            about="product",
            outgoing="data_product.state.deleted",
            summary="A data product is gone; a tombstone stays.",
        ),
        EventType(
            name="request.submitted",
            about="request",
            outgoing=f"{_REQUESTS}.created",
            summary="Somebody asks for access or a masking exception.",
        ),
        EventType(
            name="request.question_asked",
            about="request",
            outgoing=f"{_REQUESTS}.question_asked",
            summary="Somebody who may decide wants to know more first.",
        ),
        EventType(
            name="request.question_answered",
            about="request",
            outgoing=f"{_REQUESTS}.question_answered",
            summary="Such a question was answered.",
        ),
        EventType(name="request.determined", about="request", summary="One steward approved."),
        EventType(
            name="request.approved",
            about="request",
            outgoing=f"{_REQUESTS}.consumer.updated",
            summary="The final determination approved.",
        ),
        EventType(
            name="request.denied",
            about="request",
            outgoing=f"{_REQUESTS}.consumer.updated",
            summary="The final determination denied.",
        ),
        EventType(
            name="request.canceled",
            about="request",
            outgoing=f"{_REQUESTS}.canceled",
            summary="A pending request was called off.",
        ),
        EventType(
            name="request.revoked",
            about="request",
            outgoing=f"{_REQUESTS}.revoked",
            summary="An approval was taken back.",
        ),
        EventType(
            name="request.expired",
            about="request",
            outgoing=f"{_REQUESTS}.expired",
            summary="A temporary approval ended.",
        ),
        EventType(
            name="request.deleted",
            about="request",
            outgoing=f"{_REQUESTS}.deleted",
            summary="The product behind a request was deleted.",
        ),
        EventType(
            name="request.emergency_opened",
            about="request",
            outgoing=f"{_REQUESTS}.emergency_opened",
            summary="Somebody broke the glass: access that nobody decided.",
        ),
        EventType(
            name="request.emergency_reviewed",
            about="request",
            outgoing=f"{_REQUESTS}.emergency_reviewed",
            summary="Afterwards somebody found whether it was an emergency.",
        ),
        EventType(
            name="request.emergency_overdue",
            about="request",
            outgoing=f"{_REQUESTS}.emergency_overdue",
            summary="The review of an emergency access is late.",
        ),
        EventType(
            name="request.emergency_settled",
            about="request",
            summary="Whoever broke the glass without an emergency may do so again.",
        ),
        EventType(name="request.stuck", about="request", summary="Nobody can fill a seat."),
        EventType(name="campaign.started", about="campaign", summary="A recertification began."),
        EventType(name="campaign.opened", about="campaign", summary="Every item of it is open."),
        EventType(name="campaign.shortened", about="campaign", summary="It is to be closed early."),
        EventType(
            name="campaign.closed", about="campaign", summary="It is over; says what became of it."
        ),
        EventType(
            name="campaign.canceled", about="campaign", summary="It was called off; access stays."
        ),
        EventType(
            name="request.escalated",
            about="request",
            outgoing=f"{_REQUESTS}.escalated",
            summary="A stage was open for so long that others may decide, too.",
        ),
        EventType(
            name="channel.updated",
            about="channel",
            summary="What holds for people who chose nothing was set.",
        ),
        EventType(name="grant.wanted", about="grant", summary="Access is to be provided."),
        EventType(name="grant.extended", about="grant", summary="A new end was set."),
        EventType(name="grant.active", about="grant", summary="The platform shows the access."),
        EventType(name="grant.withheld", about="grant", summary="Access is held back."),
        EventType(name="grant.resumed", about="grant", summary="Access is wanted again."),
        EventType(
            name="grant.expiring",
            about="grant",
            outgoing=f"{_REQUESTS}.expiring",
            summary="Access ends in 7 days or in 1 day.",
        ),
        EventType(name="grant.ending", about="grant", summary="Access is to be taken away."),
        EventType(name="grant.ended", about="grant", summary="The platform shows it is gone."),
        EventType(
            name="grant.adopted", about="grant", summary="What was there before became ours."
        ),
        EventType(name="grant.certified", about="grant", summary="A campaign: it is still needed."),
        EventType(
            name="grant.certification_refused",
            about="grant",
            summary="A campaign: it is not needed any more, and is revoked.",
        ),
        EventType(
            name="grant.kept_by_silence",
            about="grant",
            summary="A campaign: nobody answered, which keeps it.",
        ),
        EventType(name="grant.outlived", about="grant", summary="Access outlives its reason."),
        EventType(
            name="grant.trouble", about="grant", summary="The platform could not be changed."
        ),
    )
}
