"""Texts from templates that a company can override, by kind and language; for mail and for chats.

::

    folder = TemplateFolder("marketplace_sdk_pager", plugin="pager", own=settings["templates"])
    text = folder.fill("page.txt", message.type, folder.facts(message, message.recipient))
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    from collections.abc import Mapping

    from marketplace_sdk.plugin import Message, Recipient

__all__ = ["NotRendered", "TemplateFolder", "language_of"]

_STEM = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


class NotRendered(Exception):
    """A template could not be filled in; says which, and nothing of the message."""


class TemplateFolder:
    """Finds and fills in templates, the company's before the plugin's.

    For a notice of kind ``access_requested`` and somebody who reads ``pt-BR``, the part ``txt`` is
    made from the first of ``pt-BR/access_requested.txt``, ``pt/access_requested.txt``,
    ``pt-BR/notice.txt``, ``pt/notice.txt``, ``access_requested.txt`` and ``notice.txt`` that there
    is. Parts that end in ``html`` have their values escaped.

    Args:
        package: whose folder ``templates`` holds the plugin's own.
        plugin: its name, for what is wrong with the company's.
        own: folder of the company's templates; empty for none.
        language: of people whose directory names none; empty: ``en``.

    Raises:
        InvalidInput: the folder is none, or a template in it cannot be read or has bad syntax.
    """

    def __init__(self, package: str, *, plugin: str, own: str = "", language: str = "") -> None:
        loaders: list[BaseLoader] = [PackageLoader(package)]
        if own:
            loaders.insert(0, FileSystemLoader(own))
        self._language = language or "en"
        # Values are escaped in HTML, and a template reaches nothing but what it is given.
        self._environment = SandboxedEnvironment(
            loader=ChoiceLoader(loaders),
            autoescape=lambda name: name is not None and name.endswith(".html"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        if own:
            self._check(Path(own), plugin)

    def facts(self, message: Message, recipient: Recipient) -> dict[str, Any]:
        """What a template of a notice is given."""
        return {
            "kind": message.type,
            "subject": message.subject,
            "body": message.body,
            "link": message.link,
            "about": message.about,
            "at": message.at,
            "data": dict(message.data),
            "recipient": recipient,
            "language": recipient.language or self._language,
        }

    def fill(self, part: str, kind: str, facts: Mapping[str, Any]) -> str:
        """One part of what is said about a notice of this kind, in ``facts["language"]``.

        Raises:
            NotRendered: the template uses what is not there, or fails.
        """
        names = list(_names(part, kind, facts["language"]))
        try:
            return self._environment.select_template(names).render(facts)
        except Exception as error:  # noqa: BLE001 - whatever a company's template does, it is not rendered
            # Only the type: the text of an error may hold what the template was given.
            raise NotRendered(f"{kind}.{part} ({type(error).__name__})") from None

    def _check(self, folder: Path, plugin: str) -> None:
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
            raise InvalidInput(f"cannot configure {plugin}", problems=problems)


def language_of(text: str) -> str:
    """A language as a setting names it; empty for none.

    Raises:
        ValueError: it is no tag such as ``de`` or ``pt-BR``.
    """
    if text and not _LANGUAGE.fullmatch(text):
        raise ValueError("must be a tag such as de or pt-BR")
    return text


def _names(part: str, kind: str, language: str) -> list[str]:
    """Names of templates, the most special first."""
    stems = [kind, "notice"] if _STEM.fullmatch(kind) else ["notice"]
    languages = [language]
    while "-" in languages[-1]:
        languages.append(languages[-1].rpartition("-")[0])
    inside = [f"{one}/{stem}.{part}" for stem in stems for one in languages]
    return inside + [f"{stem}.{part}" for stem in stems]
