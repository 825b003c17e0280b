"""Entry point of the plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import NotifierSpec, check_settings, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from marketplace_sdk.plugin import BuildContext, Notifier

__all__ = ["marketplace_notifiers"]


@hookimpl
def marketplace_notifiers() -> Iterator[NotifierSpec]:
    """Offer mail, which receives notices and no events."""
    receives: Any = {"notice"}
    yield NotifierSpec(
        name="email",
        build=_build,
        summary="Mail over SMTP with TLS, from templates that a company can override.",
        receives=receives,
    )


def _build(settings: Mapping[str, Any], context: BuildContext) -> Notifier:
    # The template engine is slow to import and only needed where mail is configured.
    from marketplace_sdk_email.config import KNOWN, read
    from marketplace_sdk_email.notifier import EmailNotifier

    check_settings(settings, plugin="email", known=KNOWN, required=("host", "sender"))
    return EmailNotifier(read(settings, context.secret))
