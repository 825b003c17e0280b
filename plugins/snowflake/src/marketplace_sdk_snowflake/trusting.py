"""The line of the settings by which a policy or a view is trusted. Nothing is changed here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from marketplace_sdk.plugin import InvalidInput, Problem, dotted_name, split_name
from marketplace_sdk_snowflake.listing import objects_of
from marketplace_sdk_snowflake.masking import Masks
from marketplace_sdk_snowflake.naming import quote_identifier
from marketplace_sdk_snowflake.showing import fingerprint

if TYPE_CHECKING:
    from marketplace_sdk_snowflake.sessions import Talk
    from marketplace_sdk_snowflake.settings import Settings
    from marketplace_sdk_snowflake.showing import Name

__all__ = ["line"]


def line(talk: Talk, settings: Settings, text: str, *, view: bool) -> str:
    """The setting, with the fingerprint of what is there now.

    Args:
        talk: with Snowflake.
        settings: of the connection.
        text: name of a masking policy.
        view: it is that of a view or dynamic table instead.

    Raises:
        InvalidInput: it is no such name, or the text cannot be read.
        Failure: Snowflake gives no answer.
    """
    name = _name(text)
    print_ = _of_view(talk, name) if view else Masks(talk, settings, "").fingerprint(name)
    if not print_:
        raise _refused(text, "there is none, or its text is hidden from this role")
    key = json.dumps(dotted_name(*name), ensure_ascii=False)
    return f'{"trusted_views" if view else "trusted_policies"} = {{{key} = "{print_}"}}'


def _of_view(talk: Talk, name: Name) -> str:
    found = objects_of(talk, name[:2], {name[2]}).get(name[2])
    return "" if found is None else fingerprint(talk, found)


def _name(text: str) -> Name:
    try:
        database, schema, name = split_name(text)
        for part in (database, schema, name):
            quote_identifier(part)
    except ValueError:
        raise _refused(text, "must be DATABASE.SCHEMA.NAME") from None
    return database, schema, name


def _refused(text: str, why: str) -> InvalidInput:
    return InvalidInput(f"cannot trust {text!r}", problems=[Problem("name", why)])
