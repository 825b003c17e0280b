"""Whether guards hold on the platform at this moment."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from attrs import frozen

from marketplace_sdk_databricks import principals
from marketplace_sdk_databricks.guards import PROTECTED, SOURCES, USABLE, Subject
from marketplace_sdk_databricks.naming import canonical_principal
from marketplace_sdk_databricks.securables import effective, get_table
from marketplace_sdk_databricks.showing import behind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from marketplace_sdk.plugin import Guard
    from marketplace_sdk_databricks.site import Site

__all__ = ["Guarding"]


@frozen
class Guarding:
    """Answers guards, those about one object together."""

    site: Site

    def answers(self, guards: Collection[Guard]) -> Mapping[Guard, bool]:
        """Answers to the guards that can be read; the others have none, which blocks as well."""
        answers: dict[Guard, bool] = {}
        for told in self.site.deadline.each(_told, list(self._questions(guards))):
            answers.update(told)
        return answers

    def _questions(self, guards: Collection[Guard]) -> Iterator[Callable[[], Mapping[Guard, bool]]]:
        columns: dict[str, list[tuple[str, Guard]]] = {}
        usable: dict[str, list[tuple[str, Guard]]] = {}
        views: dict[str, list[tuple[str, Guard]]] = {}
        for guard in guards:
            if guard.kind == PROTECTED:
                about = Subject.read(guard.subject)
                if about.keeper:
                    views.setdefault(about.keeper, []).append((about.table, guard))
                else:
                    columns.setdefault(about.table, []).append((about.column, guard))
            elif guard.kind == USABLE:
                schema, _, who = guard.subject.partition(" for ")
                usable.setdefault(schema, []).append((who, guard))
            elif guard.kind == SOURCES:
                views.setdefault(guard.subject, []).append(("", guard))
        for questions, ask in (
            (columns, self._protected),
            (usable, self._usable),
            (views, self._shown),
        ):
            for name, asked in questions.items():
                yield partial(ask, name, asked)

    def _protected(self, name: str, asked: list[tuple[str, Guard]]) -> Mapping[Guard, bool]:
        table = get_table(self.site.client, name)
        if table is None:
            return {}
        wanted = {column.lower() for column, _ in asked}
        own = {each.name or "" for each in table.columns or ()}
        masks = self.site.masking.read(
            self.site.client,
            table,
            self.site.platform,
            {each for each in own if each.lower() in wanted},
        )
        hides = {column.lower(): mask.hides for column, mask in masks.items()}
        answers = {guard: hides.get(column.lower(), False) for column, guard in asked}
        return {guard: answer for guard, answer in answers.items() if answer is not None}

    def _shown(self, name: str, asked: list[tuple[str, Guard]]) -> Mapping[Guard, bool]:
        """Whether a view keeps nothing of a table, and whether all that it reads is known."""
        table = get_table(self.site.client, name)
        if table is None:
            return {}
        found = behind(self.site.client, table)
        kept = {each for each, _ in found.kept}
        answers: dict[Guard, bool] = {}
        for behind_it, guard in asked:
            if guard.kind == PROTECTED and behind_it in kept:
                answers[guard] = False
            elif not found.unknown:
                answers[guard] = True
        return answers

    def _usable(self, schema: str, asked: list[tuple[str, Guard]]) -> Mapping[Guard, bool]:
        """Whether somebody may use a schema and its catalog, by themselves or by a group."""
        client, catalog = self.site.client, schema.split(".", maxsplit=1)[0]
        in_schema = {
            who for who, held in effective(client, "schema", schema).items() if "USE_SCHEMA" in held
        }
        in_catalog = {
            who
            for who, held in effective(client, "catalog", catalog).items()
            if "USE_CATALOG" in held
        }
        found = principals.find(client, [who for who, _ in asked])
        answers = {}
        for who, guard in asked:
            principal = found.get(canonical_principal(who))
            if principal is not None:
                names = {principal.name, *principals.groups_of(client, principal)}
                answers[guard] = not names.isdisjoint(_spelt(in_schema)) and not names.isdisjoint(
                    _spelt(in_catalog)
                )
        return answers


def _told(ask: Callable[[], Mapping[Guard, bool]]) -> Mapping[Guard, bool]:
    try:
        return ask()
    except OSError:
        # Without an answer what it guards stays closed.
        return {}


def _spelt(names: Collection[str]) -> frozenset[str]:
    return frozenset(canonical_principal(each) for each in names if each)
