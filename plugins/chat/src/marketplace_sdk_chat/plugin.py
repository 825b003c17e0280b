"""Entry point of the plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import NotifierSpec, check_settings, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from marketplace_sdk.plugin import BuildContext, Notifier

_NOTICES = frozenset({"notice"})


@hookimpl
def marketplace_notifiers() -> Iterator[NotifierSpec]:
    """Offer Slack and Teams, which receive notices and no events."""
    yield NotifierSpec(
        name="slack",
        build=_slack,
        receives=_NOTICES,
        summary="Direct messages in Slack, by a bot.",
    )
    yield NotifierSpec(
        name="teams",
        build=_teams,
        receives=_NOTICES,
        summary="Cards in Microsoft Teams, by a workflow.",
    )


def _slack(settings: Mapping[str, Any], context: BuildContext) -> Notifier:
    # The HTTP library is slow to import and only needed where a chat is configured.
    from marketplace_sdk_chat.config import SLACK, read_slack
    from marketplace_sdk_chat.slack import SlackNotifier

    check_settings(settings, plugin="slack", known=SLACK, required=("token",))
    return SlackNotifier(read_slack(settings, context.secret), clock=context.clock)


def _teams(settings: Mapping[str, Any], context: BuildContext) -> Notifier:
    from marketplace_sdk_chat.config import TEAMS, read_teams
    from marketplace_sdk_chat.teams import TeamsNotifier

    check_settings(settings, plugin="teams", known=TEAMS, required=("url",))
    return TeamsNotifier(read_teams(settings, context.secret), clock=context.clock)
