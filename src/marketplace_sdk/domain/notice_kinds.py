"""What people can be told, in one line each, and which of it asks them for something."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "ANSWER_REMINDER",
    "ASKS",
    "CERTIFY",
    "EMERGENCY",
    "EMERGENCY_REVIEWS",
    "NOTICES",
    "QUESTION_ASKED",
    "REMINDER",
    "REMINDS",
    "TIMING_OUT",
]

TIMING_OUT = "request_timing_out"
"""Kind of the notice that asks once more, a day before time calls a request off."""

ASKS = frozenset({"access_requested", "stage_opened", "decision_escalated", TIMING_OUT})
"""Kinds of notices that ask to decide a request: only whoever may, when it is told, gets them."""

CERTIFY = frozenset({"certification_asked", "certification_ending"})
"""Kinds of notices that ask for answers in a campaign; they are over when it is."""

REMINDER = "requests_pending"
"""Kind of the notice that reminds a steward of everything that waits for them."""

QUESTION_ASKED = "question_asked"
"""Kind of the notice that asks for an answer; it is over when there is one."""

ANSWER_REMINDER = "answers_pending"
"""Kind of the notice that reminds somebody of all the questions that they have not answered."""

REMINDS: Mapping[str, frozenset[str]] = {
    REMINDER: ASKS,
    ANSWER_REMINDER: frozenset({QUESTION_ASKED}),
}
"""Kinds of reminders, each with the kinds of notices that asked for the same before."""
EMERGENCY = "emergency_opened"
"""Kind of the notice that somebody broke the glass; it waits for no digest."""

EMERGENCY_REVIEWS = "emergency_reviews_pending"
"""Kind of the notice that reminds a steward of emergency access to be reviewed."""

NOTICES: Mapping[str, str] = {
    "access_requested": "{requester} asks for {what} {product}; please decide{on_behalf}.",
    "requested_on_behalf": "{requester} asks for {what} {product} for {beneficiary}.",
    "stage_opened": "{requester} asks for {what} {product}; it is your turn to decide{on_behalf}.",
    QUESTION_ASKED: "{asked_by} has a question about {what} {product} for {beneficiary}; "
    "please answer.",
    "question_answered": "{answered_by} has answered your question about {what} {product} for "
    "{beneficiary}.",
    "determination_made": "{outcome} for {beneficiary}: {what} {product}{acted}.",
    "deputy_acted": "{deputy} has {did} for {person}: {what} {product} for {beneficiary}.",
    "deputy_named": "{deputy} may decide for {person}: {scope}, from {since} until {until}.",
    "deputy_ended": "{deputy} does not decide for {person} any more: {scope}.",
    "access_revoked": "revoked for {beneficiary}: {what} {product}.",
    "access_not_certified": "revoked for {beneficiary}: {what} {product}; {why} in {campaign}.",
    "certification_asked": "{campaign}, until {deadline}: grants that wait for your word: {count}.",
    "certification_ending": "{campaign} ends at {deadline}; grants that wait for your word, and "
    "are {silence} without it: {count}.",
    "campaign_closed": "{campaign} is over: {counts}.",
    "campaign_canceled": "{campaign} was canceled: {why}.",
    "request_canceled": "canceled for {beneficiary}: {what} {product}.",
    "decision_escalated": "{requester} asks for {what} {product}; nobody has decided yet, and you "
    "may, too{on_behalf}.",
    "request_escalated": "nobody has decided yet on {what} {product} for {beneficiary}; {to} may "
    "now, too.",
    "request_timing_out": "{requester} asks for {what} {product}; it is called off in 1 day unless "
    "somebody decides{on_behalf}.",
    "request_timed_out": "called off for {beneficiary}, for nobody decided in time: {what} "
    "{product}.",
    "access_expired": "expired for {beneficiary}: {what} {product}.",
    "access_expiring": "ends in {due} for {beneficiary}: {what} {product}.",
    "access_active": "active now for {beneficiary}: {what} {product}.",
    EMERGENCY: "{requester} broke the glass: access to {product} until {until}, without a "
    "decision; to be reviewed until {due}.",
    "emergency_reviewed": "{reviewed_by} found the emergency access of {requester} to {product} "
    "{outcome}.",
    "emergency_overdue": "nobody has reviewed the emergency access of {requester} to {product}; "
    "it was due on {due}.",
    "emergency_settled": "{settled_by} settled the emergency access of {requester} to {product}.",
    EMERGENCY_REVIEWS: "Emergency access waits for your review: {count}, the first due on {due}.",
    "access_stuck": "nobody can decide on {what} {product}: {seat}.",
    "product_suspended": "{product} is suspended; access is withheld.",
    "product_resumed": "{product} is available again.",
    "product_deleted": "{product} was deleted.",
    "product_published": "{product} was published.",
    "steward_named": "You are a data steward now, by name: {product}.",
    "sources_updated": "The data sources of {product} changed.",
    "by_hand_taken": "{what}, which somebody had given by hand, too, was taken away with ours.",
    "platform_drifted": "{connection} is not as it should be: {counts}.",
    "access_outlives": "on {connection} access outlives its reason: {objects}.",
    "access_closed": "on {connection} access to {objects} was taken away: {column} would be read "
    "without its mask.",
    "object_replaced": "{object} was dropped and made again; {decision}.",
    "destination_stopped": "nothing is sent to {destination} any more: {why}.",
    REMINDER: "Waiting for your decision: {count}, the oldest for {days} days.",
    ANSWER_REMINDER: "Waiting for your answer: {count}, the oldest for {days} days.",
    "digest": "Notices that wait for you: {count}.",
    "source_quarantined": "{product} holds {source}, which has left its domain.",
}
"""Kinds of notices, and how they read."""
