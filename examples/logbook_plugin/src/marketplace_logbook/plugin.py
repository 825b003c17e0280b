"""Entry point of the plugin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from marketplace_sdk.plugin import BuildContext, Notifier, NotifierSpec, check_settings, hookimpl


@hookimpl
def marketplace_notifiers() -> Iterator[NotifierSpec]:
    """Offer the logbook, which receives notices and no events."""
    yield NotifierSpec(
        name="logbook",
        build=_build,
        summary="One line of JSON in a file for each notice.",
        receives=frozenset({"notice"}),
    )


def _build(settings: Mapping[str, Any], _: BuildContext) -> Notifier:
    # Imported here: whoever only lists plugins does not load it.
    from marketplace_logbook.notifier import Logbook

    check_settings(settings, plugin="logbook", known={"path": str}, required=("path",))
    return Logbook(settings["path"])
