"""The filters of SCIM listings: ``attribute operator "text"``, joined by ``and`` or ``or``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus

from marketplace_sdk_databricks.testing._refusals import ScimRefusal

_TERM = re.compile(r'\s*([A-Za-z.]+)\s+(eq|ne|co|sw)\s+"((?:[^"\\]|\\.)*)"\s*')
_JOIN = re.compile(r"(and|or)\b", re.IGNORECASE)

_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda found, text: found == text,
    "ne": lambda found, text: found != text,
    "co": lambda found, text: text in found,
    "sw": lambda found, text: found.startswith(text),
}


def matching(text: str) -> Callable[[Mapping[str, str]], bool]:
    """The test that a filter stands for, on the attributes of one principal.

    Capital letters make no difference, as RFC 7643 says of ``userName`` and ``displayName``: who
    looks for a group must compare what comes back.

    Raises:
        ScimRefusal: 400, the fake cannot read the filter.
    """
    found = _read(text)

    def test(attributes: Mapping[str, str]) -> bool:
        known = {key.lower(): value.lower() for key, value in attributes.items()}
        return any(
            all(
                _OPERATORS[operator](known.get(attribute.lower(), ""), value.lower())
                for attribute, operator, value in group
            )
            for group in found
        )

    return test


def _read(text: str) -> list[list[tuple[str, str, str]]]:
    found: list[list[tuple[str, str, str]]] = [[]]
    place = 0
    while True:
        term = _TERM.match(text, place)
        if term is None:
            raise ScimRefusal(HTTPStatus.BAD_REQUEST, "invalidFilter", "Filter is not valid.")
        attribute, operator, value = term.groups()
        found[-1].append((attribute, operator, re.sub(r"\\(.)", r"\1", value)))
        place = term.end()
        if place == len(text):
            return found
        join = _JOIN.match(text, place)
        if join is None:
            raise ScimRefusal(HTTPStatus.BAD_REQUEST, "invalidFilter", "Filter is not valid.")
        if join.group().lower() == "or":
            found.append([])
        place = join.end()
