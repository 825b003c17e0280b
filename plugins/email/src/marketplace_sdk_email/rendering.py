"""Subject and texts of a notice, from templates."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen
from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
)
from jinja2.sandbox import SandboxedEnvironment

from marketplace_sdk.plugin import InvalidInput, Problem

if TYPE_CHECKING:
    from marketplace_sdk.plugin import Message, Recipient

__all__ = ["NotRendered", "Templates", "Texts"]

_PARTS = ("subject.txt", "txt", "html")
_STEM = re.compile(r"[a-z][a-z0-9_]{0,63}")
_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_LONGEST_SUBJECT = 200


class NotRendered(Exception):
    """A template could not be filled in; says which, and nothing of the message."""


@frozen
class Texts:
    """What a notice says: one line, plain text, and HTML."""

    subject: str
    plain: str
    html: str


class Templates:
    """Finds and fills in templates, the company's before ours.

    A notice of kind ``access_requested`` for somebody who reads ``pt-BR`` is made from the first
    of ``pt-BR/access_requested.txt``, ``pt/access_requested.txt``, ``pt-BR/notice.txt``,
    ``pt/notice.txt``, ``access_requested.txt`` and ``notice.txt`` that there is; the same for
    ``.subject.txt`` and ``.html``.

    Args:
        folder: of the company's own templates; empty for none.
        language: of people whose directory names none.

    Raises:
        InvalidInput: the folder is none, or a template in it cannot be read or has bad syntax.
    """

    def __init__(self, folder: str = "", language: str = "") -> None:
        loaders: list[BaseLoader] = [PackageLoader("marketplace_sdk_email")]
        if folder:
            loaders.insert(0, FileSystemLoader(folder))
        self._language = language
        # Values are escaped in HTML, and a template reaches nothing but what it is given.
        self._environment = SandboxedEnvironment(
            loader=ChoiceLoader(loaders),
            autoescape=lambda name: name is not None and name.endswith(".html"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        if folder:
            self._check(Path(folder))

    def render(self, message: Message, recipient: Recipient) -> Texts:
        """Fill in the templates of a notice.

        Raises:
            NotRendered: a template uses what is not there, or fails.
        """
        facts: dict[str, Any] = {
            "kind": message.type,
            "subject": message.subject,
            "body": message.body,
            "link": message.link,
            "about": message.about,
            "at": message.at,
            "data": dict(message.data),
            "recipient": recipient,
            "language": recipient.language or self._language or "en",
        }
        subject, plain, html = (self._fill(part, message.type, facts) for part in _PARTS)
        line = _BREAKS.sub(" ", subject).strip()
        if len(line) > _LONGEST_SUBJECT:
            line = line[: _LONGEST_SUBJECT - 1] + "…"
        return Texts(line, plain, html)

    def _fill(self, part: str, kind: str, facts: dict[str, Any]) -> str:
        names = list(_names(part, kind, facts["language"]))
        try:
            return self._environment.select_template(names).render(facts)
        except Exception as error:  # noqa: BLE001 - whatever a company's template does, it is not rendered
            # Only the type: the text of an error may hold what the template was given.
            raise NotRendered(f"{kind}.{part} ({type(error).__name__})") from None

    def _check(self, folder: Path) -> None:
        problems = []
        if not folder.is_dir():
            problems.append(Problem("templates", "is no folder that can be read"))
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.suffix not in (".txt", ".html"):
                continue
            try:
                self._environment.get_template(name)
            except TemplateSyntaxError as error:
                problems.append(Problem("templates", f"{name}, line {error.lineno}: bad syntax"))
            except (TemplateError, OSError, UnicodeDecodeError):
                problems.append(Problem("templates", f"{name} cannot be read"))
        if problems:
            raise InvalidInput("cannot configure email", problems=problems)


def _names(part: str, kind: str, language: str) -> list[str]:
    """Names of templates, the most special first."""
    stems = [kind, "notice"] if _STEM.fullmatch(kind) else ["notice"]
    languages = [language]
    while "-" in languages[-1]:
        languages.append(languages[-1].rpartition("-")[0])
    inside = [f"{one}/{stem}.{part}" for stem in stems for one in languages]
    return inside + [f"{stem}.{part}" for stem in stems]
