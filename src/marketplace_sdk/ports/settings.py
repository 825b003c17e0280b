"""Settings of a plugin, checked by name and type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sdk.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check_settings"]


def check_settings(
    settings: Mapping[str, Any],
    *,
    plugin: str,
    known: Mapping[str, type | tuple[type, ...]],
    required: tuple[str, ...] = (),
) -> None:
    """Refuse unknown, missing and mistyped settings with InvalidInput, naming each key.

    ``plugin`` and ``may_grant`` are the host's own keys and always known. Values never appear
    in the message, because they may be secrets.
    """
    problems = [
        Problem(str(key), f"unknown; {plugin} knows {', '.join(sorted(known))}")
        for key in settings
        if key not in known and key not in ("plugin", "may_grant")
    ]
    problems += [Problem(key, "is required") for key in required if key not in settings]
    problems += [
        Problem(key, f"must be {_type_name(kind)}")
        for key, kind in known.items()
        if key in settings and not isinstance(settings[key], kind)
    ]
    if problems:
        raise InvalidInput(f"cannot configure {plugin}", problems=problems)


def _type_name(kind: type | tuple[type, ...]) -> str:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return " or ".join(k.__name__ for k in kinds)
