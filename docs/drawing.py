"""What the pictures of these pages are drawn with: boxes, arrows and words as SVG.

A picture takes its colours from the page around it, so that it follows the theme of the reader;
by itself, as a README shows it, it follows the reader's system.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["Box", "Picture"]

STYLE = """\
.drawn-{name}{{--ink:var(--color-foreground-primary,#1f2328);--dim:var(--color-foreground-muted,#59636e);\
--paper:var(--color-background-primary,#fff);--fill:var(--color-background-secondary,#f3f5f8);\
--line:var(--color-foreground-border,#818b98);--accent:var(--color-brand-primary,#0a4bff);\
font-family:system-ui,sans-serif;font-size:14px}}
@media (prefers-color-scheme:dark){{.drawn-{name}{{--ink:var(--color-foreground-primary,#d8dee4);\
--dim:var(--color-foreground-muted,#9aa4ae);--paper:var(--color-background-primary,#131416);\
--fill:var(--color-background-secondary,#1e2227);--line:var(--color-foreground-border,#7d858e);\
--accent:var(--color-brand-primary,#5ca5ff)}}}}
.drawn-{name} text{{fill:var(--ink)}} .drawn-{name} .dim{{fill:var(--dim);font-size:12px}}
.drawn-{name} .strong{{font-weight:600}}
.drawn-{name} .code{{font-family:ui-monospace,monospace;font-size:12px}}
.drawn-{name} .paper{{fill:var(--paper)}} .drawn-{name} .box{{fill:var(--fill);stroke:var(--line)}}
.drawn-{name} .main{{stroke:var(--accent);stroke-width:2}}
.drawn-{name} .open{{fill:none;stroke-dasharray:4 4}}
.drawn-{name} .line{{fill:none;stroke:var(--line);stroke-width:1.4}}
.drawn-{name} .dashed{{stroke-dasharray:4 4}} .drawn-{name} .head{{fill:var(--line)}}
.drawn-{name} .dot{{fill:var(--accent)}}
"""

LETTER = 6.3
"""How wide a small letter is about, in the units of a picture."""


class Box:
    """A rectangle that arrows can begin and end at."""

    def __init__(self, left: float, top: float, width: float, height: float) -> None:
        self.left, self.top, self.width, self.height = left, top, width, height

    @property
    def middle(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.top + self.height / 2

    def edge(self, toward: tuple[float, float]) -> tuple[float, float]:
        """Where a line from the middle to a point leaves the box."""
        x, y = self.middle
        across, down = toward[0] - x, toward[1] - y
        share = min(
            self.width / 2 / abs(across) if across else float("inf"),
            self.height / 2 / abs(down) if down else float("inf"),
        )
        return x + across * share, y + down * share


class Picture:
    """One SVG file.

    Args:
        name: of the file; also keeps its styles apart from those of other pictures of a page.
        size: width and height.
        title: what the picture is of.
        says: everything that it shows, in words, for whoever does not see it.
    """

    def __init__(self, name: str, size: tuple[int, int], title: str, says: str) -> None:
        self.name, self.size, self.title, self.says = name, size, title, says
        self._parts: list[str] = []

    def box(
        self, left: float, top: float, width: float, height: float, *words: str, kind: str = ""
    ) -> Box:
        """A box; its first line is strong, the others are dim."""
        self._parts.append(
            f'<rect class="{f"box {kind}".strip()}" x="{_n(left)}" y="{_n(top)}"'
            f' width="{_n(width)}" height="{_n(height)}" rx="6"/>'
        )
        first = top + height / 2 - (len(words) - 1) * 9
        for row, line in enumerate(words):
            self.text(left + width / 2, first + row * 18, line, kind="dim" if row else "strong")
        return Box(left, top, width, height)

    def text(
        self, x: float, y: float, words: str, *, kind: str = "", anchor: str = "middle"
    ) -> None:
        """One line, whose middle is at that height."""
        self._parts.append(
            f'<text class="{kind}" x="{_n(x)}" y="{_n(y + 5)}"'
            f' text-anchor="{anchor}">{escape(words)}</text>'
        )

    def arrow(
        self, start: Box, end: Box, label: str = "", *, bend: float = 0, kind: str = ""
    ) -> None:
        """From one box to another; bent to its left side by so much, with a word at its middle."""
        (x1, y1), (x2, y2) = start.middle, end.middle
        length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
        over = (
            (x1 + x2) / 2 + (y2 - y1) / length * bend * 2,
            (y1 + y2) / 2 - (x2 - x1) / length * bend * 2,
        )
        (x1, y1), (x2, y2) = start.edge(over), end.edge(over)
        self._line(f"M{_n(x1)} {_n(y1)}Q{_n(over[0])} {_n(over[1])} {_n(x2)} {_n(y2)}", kind)
        if bend or x1 != x2:
            self._label((x1 + x2 + 2 * over[0]) / 4, (y1 + y2 + 2 * over[1]) / 4, label)
        else:  # what crosses it level has its word at the middle
            self._label(x1, y1 + (y2 - y1) * 0.25, label)

    def loop(self, box: Box, label: str) -> None:
        """From the lower edge of a box back to it."""
        x, y = box.middle[0], box.top + box.height
        self._line(
            f"M{_n(x - 18)} {_n(y)}C{_n(x - 34)} {_n(y + 40)} {_n(x + 34)} {_n(y + 40)}"
            f" {_n(x + 18)} {_n(y)}"
        )
        self._label(x, y + 36, label)

    def path(
        self, points: Iterable[tuple[float, float]], *, kind: str = "", head: bool = True
    ) -> None:
        """Straight from point to point."""
        self._line("M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points), kind, head=head)

    def dot(self, x: float, y: float) -> None:
        """A point in time."""
        self._parts.append(f'<circle class="dot" cx="{_n(x)}" cy="{_n(y)}" r="5"/>')

    def sequence(self, who: Sequence[str], steps: Sequence[tuple[int, int, str]]) -> None:
        """Who calls whom, from top to bottom; a step from somebody to themselves is a note."""
        width, height = self.size
        lane = width / len(who)
        middles = [lane * (each + 0.5) for each in range(len(who))]
        for x, name in zip(middles, who, strict=True):
            self.path([(x, 44), (x, height - 8)], kind="dashed", head=False)
            self.box(x - lane / 2 + 6, 8, lane - 12, 36, name)
        y = 74.0
        for start, end, words in steps:
            if start == end:
                wide = len(words) * LETTER + 20
                left = min(max(middles[start] - wide / 2, 4), width - wide - 4)
                self.box(left, y - 14, wide, 28, kind="main")
                self.text(left + wide / 2, y, words, kind="dim")
            else:
                self.path([(middles[start], y + 8), (middles[end], y + 8)])
                self._label((middles[start] + middles[end]) / 2, y - 4, words)
            y += 40

    def svg(self) -> str:
        """The file."""
        width, height = self.size
        drawn = "\n".join(self._parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="picture drawn-{self.name}"'
            f' viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
            f' aria-labelledby="{self.name}-title {self.name}-says">\n'
            f'<title id="{self.name}-title">{escape(self.title)}</title>\n'
            f'<desc id="{self.name}-says">{escape(self.says)}</desc>\n'
            f"<style>\n{STYLE.format(name=self.name)}</style>\n"
            f'<defs><marker id="{self.name}-head" viewBox="0 0 10 10" refX="9" refY="5"'
            f' markerWidth="8" markerHeight="8" orient="auto-start-reverse">'
            f'<path class="head" d="M0 0L10 5L0 10z"/></marker></defs>\n'
            f'<rect class="paper" width="{width}" height="{height}" rx="8"/>\n{drawn}\n</svg>\n'
        )

    def _line(self, path: str, kind: str = "", *, head: bool = True) -> None:
        end = f' marker-end="url(#{self.name}-head)"' if head else ""
        self._parts.append(f'<path class="{f"line {kind}".strip()}" d="{path}"{end}/>')

    def _label(self, x: float, y: float, words: str) -> None:
        """Words on a line, on paper of their own so that they can be read."""
        if not words:
            return
        wide = len(words) * LETTER + 6
        self._parts.append(
            f'<rect class="paper" x="{_n(x - wide / 2)}" y="{_n(y - 8)}" width="{_n(wide)}"'
            f' height="16"/>'
        )
        self.text(x, y - 1, words, kind="dim")


def _n(number: float) -> str:
    """Short, and the same on every machine."""
    return f"{round(number, 1):g}"
