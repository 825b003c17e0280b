"""What the demo found out: as a story for people, as JSON for machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Report", "Step"]

_INDENT = (0, 0, 0, 4)


@attrs.frozen(kw_only=True)
class Step:
    """One expectation, and what came of it.

    Attributes:
        scene: number of the scene.
        expectation: what should be, in words.
        got: what is.
        ok: whether that is as expected.
        who: the person who asked PostgreSQL; empty when the marketplace was asked.
        sql: the statement that they ran.
    """

    scene: int
    expectation: str
    got: str
    ok: bool
    who: str = ""
    sql: str = ""


class Report:
    """Tells the story while it happens, and keeps every step.

    Args:
        quiet: say nothing, because only the JSON is wanted.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.steps: list[Step] = []
        self.scenes: list[str] = []
        self.facts: dict[str, Any] = {}
        self.error = ""
        self._console = Console(quiet=quiet, highlight=False, markup=False)
        utf = "utf" in self._console.encoding
        self._yes, self._no = ("✓", "✗") if utf else ("ok", "FAILED")

    @property
    def ok(self) -> bool:
        """Whether the demo was played to its end and every expectation was met."""
        return not self.error and bool(self.steps) and all(step.ok for step in self.steps)

    def scene(self, title: str) -> None:
        """A new scene begins."""
        self.scenes.append(title)
        self._console.print()
        self._console.print(f"{len(self.scenes)}  {title}", style="bold cyan")

    def act(self, who: str, what: str) -> None:
        """Somebody does something."""
        self._line((who, "bold"), f" {what}")

    def note(self, lines: Iterable[str]) -> None:
        """What the marketplace says, word for word."""
        for line in lines:
            self._line((f"| {line}", "italic"))

    def step(self, step: Step) -> None:
        """An expectation was checked."""
        self.steps.append(step)
        mark, style = (self._yes, "green") if step.ok else (self._no, "bold red")
        if step.sql:
            self._line((f"{step.who}> ", "bold"), step.sql)
            shown = step.got
        else:
            shown = step.expectation if step.ok else f"{step.expectation}: {step.got}"
        missed = f"  (expected: {step.expectation})" if step.sql and not step.ok else ""
        self._line((f"{mark} ", style), shown, (missed, style))

    def finish(self) -> None:
        """The summary, after the last scene."""
        table = Table("", "scene", "met", "", title="\nSummary", title_justify="left")
        for number, title in enumerate(self.scenes, 1):
            mine = [step.ok for step in self.steps if step.scene == number]
            met = f"{sum(mine)} of {len(mine)}"
            table.add_row(str(number), title, met, self._yes if all(mine) else self._no)
        self._console.print(table)
        facts = "".join(f", {key} {value}" for key, value in self.facts.items())
        met = f"{sum(step.ok for step in self.steps)} of {len(self.steps)} expectations met{facts}"
        self._console.print(met, style="bold green" if self.ok else "bold red")

    def as_json(self) -> str:
        """Every step, then the summary."""
        failed = [step.expectation for step in self.steps if not step.ok]
        summary = {"ok": self.ok, "steps": len(self.steps), "failed": failed, **self.facts}
        summary |= {"error": self.error} if self.error else {}
        steps = [
            {**attrs.asdict(step), "scene": self.scenes[step.scene - 1]} for step in self.steps
        ]
        return json.dumps({"steps": steps, "summary": summary}, indent=2, ensure_ascii=False)

    def _line(self, *parts: str | tuple[str, str]) -> None:
        self._console.print(Padding(Text.assemble(*parts), _INDENT))
