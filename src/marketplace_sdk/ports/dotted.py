"""Dotted names, as platforms write them: ``SALES.CORE."ODD.NAME"``."""

from __future__ import annotations

import re

__all__ = ["dotted_name", "split_name"]


def split_name(text: str, quote: str = '"') -> tuple[str, ...]:
    """The parts of a dotted name; dots and anything else inside quotes are kept.

    Parts are taken as they stand: nothing is folded to lower or upper case.

    Args:
        text: the name.
        quote: what stands around a part that holds a dot; doubled, it stands for itself.

    Raises:
        ValueError: an empty part, or quotes that do not match; says where.
    """
    parts: list[str] = []
    rest = text
    while True:
        match = re.match(f"{quote}((?:[^{quote}]|{quote * 2})+){quote}|([^{quote}.]+)", rest)
        if match is None:
            raise ValueError(f"cannot read part {len(parts) + 1} of the name")
        quoted, plain = match.groups()
        parts.append(plain if quoted is None else quoted.replace(quote * 2, quote))
        rest = rest[match.end() :]
        if not rest:
            return tuple(parts)
        if not rest.startswith("."):
            raise ValueError(f"a dot must follow part {len(parts)} of the name")
        rest = rest[1:]


def dotted_name(*parts: str) -> str:
    """The parts joined by dots, in double quotes where needed; ``split_name`` gives them back."""
    return ".".join(
        '"' + part.replace('"', '""') + '"' if "." in part or '"' in part else part
        for part in parts
    )
