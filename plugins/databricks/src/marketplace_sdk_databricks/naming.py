"""Names, paths and literals of Databricks: the only place where text is quoted. It is pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from urllib.parse import quote

from marketplace_sdk.plugin import split_name as dotted

__all__ = [
    "as_path",
    "canonical_principal",
    "check_principal",
    "filter_literal",
    "looks_like_application",
    "looks_like_user",
    "owned_name",
    "owned_prefix",
    "quote_identifier",
    "quote_literal",
    "quote_name",
    "split_name",
]

LONGEST = 255
"""Characters of the name of a catalog, schema or table, and of a group."""

_READABLE = 24
_DIGITS = 12
_APPLICATION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_FORBIDDEN = "/. "


def split_name(text: str, parts: int = 3) -> tuple[str, ...]:
    """The parts of a dotted name of Unity Catalog, with or without backticks, in lower case.

    Unity Catalog keeps names in lower case, so ``Sales.EU.Orders`` and ``sales.eu.orders`` are one.

    Raises:
        ValueError: another number of parts, or a part that no object can have; says which.
    """
    found = tuple(_checked(part) for part in dotted(text, "`"))
    if len(found) != parts:
        raise ValueError(f"must have {parts} parts, as in catalog.schema.table")
    return found


def _checked(part: str) -> str:
    if len(part) > LONGEST:
        raise ValueError(f"a part of a name has at most {LONGEST} characters")
    if any(each in _FORBIDDEN for each in part):
        raise ValueError("a part of a name holds no dot, slash or blank")
    _check_text(part)
    return part.lower()


def as_path(name: str) -> str:
    """A name as one segment of a URL path; the SDK itself encodes nothing.

    ``a.b.x#y`` would ask for, and grant on, ``a.b.x`` if it were sent as it is.

    Raises:
        ValueError: control or broken characters, or a segment that climbs (``.``, ``..``).
    """
    _check_text(name)
    if not name.strip("."):
        raise ValueError("a name is not empty and is not only dots")
    return quote(name, safe=".")


def quote_identifier(name: str) -> str:
    """A name as an SQL identifier, always in backticks.

    Raises:
        ValueError: empty, or with control or broken characters.
    """
    if not name:
        raise ValueError("an identifier must not be empty")
    _check_text(name)
    return "`" + name.replace("`", "``") + "`"


def quote_name(dotted: str) -> str:
    """A dotted name, none of whose parts holds a dot, as SQL."""
    return ".".join(quote_identifier(part) for part in dotted.split("."))


def quote_literal(text: str) -> str:
    r"""A text as an SQL string; with ``\'``, as doubled quotes are no escape in Spark before 4.

    Raises:
        ValueError: control or broken characters.
    """
    _check_text(text)
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def filter_literal(text: str) -> str:
    """A text as a string in a SCIM filter.

    Raises:
        ValueError: control or broken characters.
    """
    _check_text(text)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def looks_like_application(name: str) -> bool:
    """Whether a principal's name is the application id of a service principal."""
    return _APPLICATION.fullmatch(name) is not None


def looks_like_user(name: str) -> bool:
    """Whether a principal's name is that of a user, an e-mail address."""
    return "@" in name


def canonical_principal(name: str) -> str:
    """The one spelling of a grantee: users and service principals in lower case, groups exactly.

    The service stores and compares users in lower case, but the names of groups as they are.
    """
    if looks_like_user(name) or looks_like_application(name):
        return name.lower()
    return name


def check_principal(name: str) -> None:
    """Refuse what can be the name of nobody, before it is sent anywhere.

    Raises:
        ValueError: empty, over 255 characters, or with control or broken characters.
    """
    if not name.strip():
        raise ValueError("a name is not empty")
    if len(name) > LONGEST:
        raise ValueError(f"a name has at most {LONGEST} characters")
    _check_text(name)


def owned_name(installation: str, target: str, platform: str) -> str:
    """The name of what we make for a target: the same on every pass, plain, under 64 characters.

    It holds the installation and a digest of installation, platform and target, so that nobody
    else's group or function has it by accident.
    """
    seed = f"{installation}\0{platform}\0{target}".encode()
    digest = hashlib.sha256(seed).hexdigest()[:_DIGITS]
    readable = _slug(target)[:_READABLE].strip("_")
    return f"{owned_prefix(installation)}{readable}_{digest}"


def owned_prefix(installation: str) -> str:
    """What the names of everything that we make for an installation begin with."""
    return f"mp_{_slug(installation)[:16]}_"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _check_text(text: str) -> None:
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in text):
        raise ValueError("control and broken characters are in no name")
