"""Entry point of the plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import NotifierSpec, check_settings, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from marketplace_sdk.plugin import BuildContext, Notifier


@hookimpl
def marketplace_notifiers() -> Iterator[NotifierSpec]:
    """Offer signed webhooks, which receive events and no notices (a spec's default)."""
    yield NotifierSpec(
        name="webhook",
        build=_build,
        summary="Signed HTTPS calls (Standard Webhooks), one per event.",
    )


def _build(settings: Mapping[str, Any], context: BuildContext) -> Notifier:
    # The HTTP library is slow to import and only needed where a webhook is configured.
    from marketplace_sdk_webhook.config import KNOWN, read
    from marketplace_sdk_webhook.notifier import WebhookNotifier

    check_settings(settings, plugin="webhook", known=KNOWN, required=("url", "secret"))
    return WebhookNotifier(read(settings, context.secret), clock=context.clock)
