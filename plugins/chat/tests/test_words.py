"""Words come from templates: a company's own, by kind and language, and one folder for mail too."""

from __future__ import annotations

import pytest

from marketplace_sdk_chat.words import MOST, Line, words_of
from marketplace_sdk_email.rendering import Templates
from marketplace_sdk_email.templates import TemplateFolder

GERMAN = {
    "access_requested.subject.txt": "{{ data.requester }} möchte {{ data.product }} lesen",
    "access_requested.item.txt": "{{ data.requester }}: {{ data.product }}",
    "notice.chat.txt": "Bitte entscheiden Sie.",
    "digest.subject.txt": "{{ data.count }} Nachrichten",
    "digest.chat.txt": "Seit gestern:",
    "notice.more.txt": "… und {{ more }} weitere",
    "notice.open.txt": "Zum Marktplatz",
}


@pytest.fixture
def folder(tmp_path):
    """A company's templates, with German ones."""
    (tmp_path / "de").mkdir()
    for name, text in GERMAN.items():
        (tmp_path / "de" / name).write_text(text, encoding="utf-8")
    return tmp_path


def words(folder, message, default=""):
    templates = TemplateFolder(
        "marketplace_sdk_chat", plugin="chat", own=str(folder), language=default
    )
    return words_of(message, message.recipient, templates)


def test_a_notice_is_told_in_the_language_of_its_person(folder, notice):
    """And in that of the marketplace to whoever has none."""
    german = words(folder, notice(to={"language": "de-AT"}))

    assert (german.title, german.open) == ("bo möchte Orders lesen", "Zum Marktplatz")
    assert german.lines == (Line("Bitte entscheiden Sie."),)
    assert words(folder, notice(), default="de") == german
    assert words(folder, notice()).title == "bo asks for access to Orders; please decide."


def test_what_a_digest_names_is_told_in_the_words_of_its_kind(folder, digest):
    """Each with its page; and how many there are beside."""
    german = words(folder, digest(2, more=3, to={"language": "de"}))

    assert german.title == "5 Nachrichten"
    assert [each.text for each in german.lines] == ["Seit gestern:", "bo: Orders", "bo: Orders"]
    assert german.lines[2].link.endswith("/requests/r1?a=1&b=2")
    assert german.more == "… und 3 weitere"


def test_mail_reads_the_same_folder(folder, notice):
    """A company writes a subject once for all channels."""
    message = notice(to={"language": "de"})

    mail = Templates(str(folder)).render(message, message.recipient)

    assert mail.subject == words(folder, message).title


def test_each_line_of_a_template_is_a_line(folder, notice):
    """Blank ones are none, and there are only so many."""
    (folder / "de" / "notice.chat.txt").write_text("one\n\n  two  \n" + "more\n" * 100)

    lines = words(folder, notice(to={"language": "de"})).lines

    assert [each.text for each in lines[:3]] == ["one", "two", "more"]
    assert len(lines) == MOST
