"""Subject and texts of a mail, from templates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

from marketplace_sdk_email.templates import TemplateFolder

if TYPE_CHECKING:
    from marketplace_sdk.plugin import Message, Recipient

__all__ = ["Templates", "Texts"]

_PARTS = ("subject.txt", "txt", "html")
_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_LONGEST_SUBJECT = 200


@frozen
class Texts:
    """What a notice says: one line, plain text, and HTML."""

    subject: str
    plain: str
    html: str


class Templates:
    """Makes the texts of mails.

    Args:
        folder: of the company's own templates; empty for none.
        language: of people whose directory names none.

    Raises:
        InvalidInput: the folder is none, or a template in it cannot be read or has bad syntax.
    """

    def __init__(self, folder: str = "", language: str = "") -> None:
        self._folder = TemplateFolder(
            "marketplace_sdk_email", plugin="email", own=folder, language=language
        )

    def render(self, message: Message, recipient: Recipient) -> Texts:
        """Fill in the templates of a notice.

        Raises:
            NotRendered: a template uses what is not there, or fails.
        """
        facts = self._folder.facts(message, recipient)
        subject, plain, html = (self._folder.fill(part, message.type, facts) for part in _PARTS)
        line = _BREAKS.sub(" ", subject).strip()
        if len(line) > _LONGEST_SUBJECT:
            line = line[: _LONGEST_SUBJECT - 1] + "…"
        return Texts(line, plain, html)
