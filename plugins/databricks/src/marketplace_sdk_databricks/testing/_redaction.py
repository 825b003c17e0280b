"""What of a conversation with a real workspace may be kept: names and ids are replaced."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

# Everything else that an answer holds is left out, whatever it is: messages, comments, places of
# storage, rows of data.
KEPT = frozenset(
    {
        "Resources",
        "active",
        "applicationId",
        "catalog_name",
        "catalogs",
        "column_mask",
        "columns",
        "created_at",
        "data_type",
        "destination_id",
        "destination_type",
        "destinations",
        "direct_group_members",
        "display",
        "displayName",
        "display_name",
        "effective_privilege_assignments",
        "error_code",
        "except_principals",
        "for_securable_type",
        "full_name",
        "function_id",
        "function_name",
        "functions",
        "group_id",
        "group_name",
        "id",
        "inherited_from_name",
        "inherited_from_type",
        "mask",
        "match_columns",
        "members",
        "membership_source",
        "meta",
        "metastore_id",
        "name",
        "next_page_token",
        "on_column",
        "on_securable_fullname",
        "on_securable_type",
        "owner",
        "policies",
        "policy_type",
        "position",
        "principal",
        "principal_id",
        "principal_type",
        "privilege",
        "privilege_assignments",
        "privileges",
        "resourceType",
        "schema_id",
        "schema_name",
        "schemas",
        "scimType",
        "securable",
        "state",
        "statement_id",
        "status",
        "table_exists",
        "table_id",
        "table_type",
        "tables",
        "tag_assignments",
        "tag_key",
        "tag_value",
        "to_principals",
        "totalResults",
        "type",
        "type_name",
        "type_text",
        "updated_at",
        "userName",
        "using_column_names",
        "value",
        "workspace_id",
    }
)
_TIMES = ("created_at", "updated_at")
_IDS = {
    "function_id",
    "group_id",
    "id",
    "metastore_id",
    "principal_id",
    "schema_id",
    "statement_id",
    "table_id",
    "workspace_id",
}
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_LEAKS = {
    "a token": re.compile(r"dapi[0-9a-f]{6,}|eyJ[\w-]{10,}"),
    "an e-mail address": re.compile(r"[\w.+-]+@(?!x\.org\b)[\w-]+\.\w+"),
    "an id": re.compile(_UUID + r"|\d{7,}"),
    "an address": re.compile(r"databricks\.(com|net|azure\.cn|us)|https?://(?!\S*\.example\b)"),
}


def kept(value: Any) -> Any:
    """The part of an answer that is compared and may be written down."""
    if isinstance(value, dict):
        return {key: kept(one) for key, one in value.items() if key in KEPT and one is not None}
    return [kept(one) for one in value] if isinstance(value, list) else value


class Redaction:
    """Replaces what belongs to somebody, the same thing always by the same word.

    Args:
        names: stand-ins by real name: of people (in domain ``x.org``), groups, catalogs, and
            whatever else is in the conversation.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = {real.lower(): stand_in for real, stand_in in names.items()}
        self._ids: dict[str, str] = {}

    def learn(self, value: Any) -> None:
        """Take note of the ids in an answer; they are replaced from here on."""
        if isinstance(value, list):
            for one in value:
                self.learn(one)
        elif isinstance(value, dict):
            for key, one in value.items():
                number = isinstance(one, int | str) and str(one)
                if number and (key in _IDS or (key == "value" and number.isdecimal())):
                    self._placeholder("id", number)
                elif key == "next_page_token" and one:
                    self._placeholder("token", str(one))
                else:
                    self.learn(one)

    def _placeholder(self, kind: str, value: str) -> str:
        if value.lower() in self._names:
            return self._names[value.lower()]
        return self._ids.setdefault(value.lower(), f"{{{kind}:{len(self._ids) + 1}}}")

    def text(self, text: str) -> str:
        """A text with every name and id replaced.

        Raises:
            ValueError: something that looks like a person, id, address or token is left.
        """
        stand_ins = {**self._names, **self._ids}
        if stand_ins:
            # The longest first, so that no name is cut out of another.
            either = "|".join(map(re.escape, sorted(stand_ins, key=len, reverse=True)))
            text = re.sub(
                rf"(?<!\w)(?:{either})(?!\w)",
                lambda match: stand_ins[match[0].lower()],
                text,
                flags=re.IGNORECASE,
            )
        for what, pattern in _LEAKS.items():
            if pattern.search(text):
                raise ValueError(f"cannot write the transcript: {what} would be left in it")
        return text

    def target(self, url: str) -> str:
        """Path and query of an address, each part decoded, replaced and encoded again.

        Raises:
            ValueError: as ``text`` does.
        """
        parts = urlsplit(url)
        path = "/".join(self._part(unquote(part)) for part in parts.path.split("/"))
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        query = "&".join(f"{key}={self._part(value)}" for key, value in pairs)
        return f"{path}?{query}" if query else path

    def _part(self, text: str) -> str:
        return quote(self.text(text), safe="{}:,@.$")

    def value(self, value: Any) -> Any:
        """A body with everything replaced; times become one word.

        Raises:
            ValueError: as ``text`` does.
        """
        if isinstance(value, dict):
            return {
                key: "{time}" if key in _TIMES else self.value(one) for key, one in value.items()
            }
        if isinstance(value, list):
            return [self.value(one) for one in value]
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int):
            return self._ids.get(str(value), value)
        return self.text(str(value))
