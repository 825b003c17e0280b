"""One notice as a mail."""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from typing import TYPE_CHECKING

from marketplace_sdk_email.config import address_of

if TYPE_CHECKING:
    from marketplace_sdk.plugin import Message, Recipient
    from marketplace_sdk_email.config import Config
    from marketplace_sdk_email.rendering import Texts

__all__ = ["compose"]

_PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def compose(message: Message, recipient: Recipient, texts: Texts, config: Config) -> EmailMessage:
    """The mail; the same message makes the same headers.

    The ``Message-ID`` is the message's own, so that mail programs can drop repetitions, and all
    about one request stands in one thread.

    Raises:
        ValueError: the address is none.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = config.sender
    name = "".join(each if each.isprintable() else " " for each in recipient.name)
    mail["To"] = address_of(recipient.email, name.strip())
    if config.reply_to is not None:
        mail["Reply-To"] = config.reply_to
    mail["Subject"] = texts.subject
    mail["Date"] = message.at
    mail["Message-ID"] = f"<{_part(message.id)}@{config.sender.domain}>"
    if message.about:
        mail["References"] = f"<{_part(message.about)}@{config.sender.domain}>"
    # Keeps out-of-office answers from being sent to it (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(texts.plain)
    mail.add_alternative(texts.html, subtype="html")
    return mail


def _part(id: str) -> str:
    """An id as the left part of a Message-ID; ids may hold anything."""
    return id if _PLAIN_ID.fullmatch(id) else sha256(id.encode()).hexdigest()[:32]
