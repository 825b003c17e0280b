"""What files say that there should be, and what would have to change for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from attrs import field, frozen

from marketplace_sdk.domain.values import FrozenMap, check_id, freeze
from marketplace_sdk.errors import InvalidInput, Problem

__all__ = ["DECLARED_KINDS", "Applied", "Declaration", "DeclarationPlan", "DeclaredChange"]

DECLARED_KINDS = ("source", "domain", "agreement", "form", "product", "destination")
"""Kinds in the order in which they are made; they are taken away in the opposite one."""

_MARKS: Mapping[str, str] = {"create": "+", "update": "~", "delete": "-"}


@frozen(kw_only=True)
class Declaration:
    """One thing that should be as it says; what it leaves out stays as it is.

    Attributes:
        kind: source, domain, agreement, form, product or destination.
        id: of the thing; for sources and domains, the name.
        fields: by name, as values of the marketplace (a ReviewFlow, Columns, Questions ...).
        place: where it stands, for messages, for example ``shop.yaml:12``.
    """

    kind: str
    id: str
    fields: FrozenMap[str, Any] = field(factory=FrozenMap, converter=freeze, repr=False)
    place: str = field(default="", eq=False)

    def __attrs_post_init__(self) -> None:
        if self.kind not in DECLARED_KINDS:
            raise InvalidInput(
                "cannot declare this",
                problems=[Problem("kind", f"must be one of {', '.join(DECLARED_KINDS)}")],
            )
        check_id(self.id, f"{self.kind}.id")


@frozen(kw_only=True)
class DeclaredChange:
    """One thing that would be made, changed or taken away.

    Attributes:
        action: create, update or delete.
        kind: of what.
        id: of which.
        before: the fields that differ, as plain data; of a new thing empty.
        after: the same fields, as they would be.
        declaration: what asks for it; None for what no file mentions.
    """

    action: Literal["create", "update", "delete"]
    kind: str
    id: str
    before: FrozenMap[str, Any] = field(factory=FrozenMap, converter=freeze, repr=False)
    after: FrozenMap[str, Any] = field(factory=FrozenMap, converter=freeze, repr=False)
    declaration: Declaration | None = field(default=None, repr=False)

    @property
    def title(self) -> str:
        """The change in one line, such as ``+ product orders``."""
        return f"{_MARKS[self.action]} {self.kind} {self.id}"

    def __str__(self) -> str:
        return "\n".join([self.title, *(f"    {line}" for line in self._lines())])

    def _lines(self) -> Iterator[str]:
        for name, after in self.after.items():
            if self.action == "create":
                yield f"{name}: {_short(after)}"
            else:
                yield from _differences(name, self.before.get(name), after)


@frozen(kw_only=True)
class DeclarationPlan:
    """What would have to change, in the order in which it would be done.

    Attributes:
        changes: empty when everything is as declared.
        problems: what is declared and cannot be brought about.
    """

    changes: tuple[DeclaredChange, ...] = ()
    problems: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [str(change) for change in self.changes] or ["nothing to change"]
        return "\n".join([*lines, *(f"cannot: {problem}" for problem in self.problems)])


@frozen(kw_only=True)
class Applied:
    """What became of a plan; each change was made, or not, by itself.

    Attributes:
        done: changes that were made.
        failed: titles of changes that could not be made, and why.
    """

    done: tuple[DeclaredChange, ...] = ()
    failed: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [change.title for change in self.done] or ["nothing was changed"]
        return "\n".join([*lines, *(f"failed: {each}" for each in self.failed)])


def _differences(name: str, before: object, after: object) -> Iterator[str]:
    """What differs, as far inside as both have something."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in {**before, **after}:
            if before.get(key) != after.get(key):
                yield from _differences(f"{name}.{key}", before.get(key), after.get(key))
    elif isinstance(before, tuple) and isinstance(after, tuple):
        more = [f"+ {_short(each)}" for each in after if each not in before]
        less = [f"- {_short(each)}" for each in before if each not in after]
        yield f"{name}: {', '.join(more + less) or 'another order'}"
    else:
        yield f"{name}: {_short(before)} -> {_short(after)}"


def _short(value: object) -> str:
    """Plain data in one line, as people write it."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_short(each)}' for key, each in value.items())}}}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_short, value))}]"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if len(text) > 200:  # noqa: PLR2004 - a line that can be read
        text = f"{text[:200]}..."
    return repr(text) if (isinstance(value, str) and not text.isprintable()) or text == "" else text
