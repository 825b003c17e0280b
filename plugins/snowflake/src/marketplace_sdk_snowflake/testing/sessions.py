"""What a login opens."""

from __future__ import annotations

from typing import Any

from attrs import define, field

__all__ = ["DEFAULTS", "Session"]

DEFAULTS: dict[str, Any] = {
    "AUTOCOMMIT": True,
    "CLIENT_SESSION_KEEP_ALIVE": False,
    "QUERY_TAG": "",
    "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
    "STATEMENT_TIMEOUT_IN_SECONDS": 172800,
    "TIMESTAMP_LTZ_OUTPUT_FORMAT": "",
    "TIMESTAMP_NTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3",
    "TIMESTAMP_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM",
    "TIMESTAMP_TZ_OUTPUT_FORMAT": "",
    "TIMEZONE": "UTC",
}
"""Parameters of a session that the fake knows, with their defaults."""


@define
class Session:
    """One session. ``role`` is the primary role, ``secondary`` is ALL or NONE."""

    number: int
    user: str
    role: str = ""
    secondary: str = "ALL"
    database: str = ""
    schema: str = ""
    warehouse: str = ""
    administrator: bool = False
    parameters: dict[str, Any] = field(factory=dict)
    undo: list[Any] | None = None

    def parameter(self, name: str) -> Any:
        """The value that holds in this session."""
        return self.parameters.get(name, DEFAULTS.get(name))

    @property
    def folds_names(self) -> bool:
        """Whether quoted names are folded to upper case."""
        return str(self.parameter("QUOTED_IDENTIFIERS_IGNORE_CASE")).upper() == "TRUE"
