"""Texts come from templates, and a company's own win."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.plugin import InvalidInput
from marketplace_sdk_email.rendering import Templates
from marketplace_sdk_email.templates import NotRendered


@pytest.fixture
def folder(tmp_path):
    """Write templates: ``folder(name=text, ...)`` gives the folder's path."""

    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return str(tmp_path)

    return write


@pytest.fixture
def plain(folder, notice):
    """The plain text that templates make: ``plain(files, language, default)``."""

    def render(files, language="", default="", kind="access_requested"):
        message = notice(to={"language": language}, type=kind)
        return Templates(folder(files), default).render(message, message.recipient).plain

    return render


FILES = {
    "pt-BR/access_requested.txt": "1",
    "pt/access_requested.txt": "2",
    "pt-BR/notice.txt": "3",
    "pt/notice.txt": "4",
    "access_requested.txt": "5",
    "notice.txt": "6",
}


@pytest.mark.parametrize("present", range(1, 7))
def test_the_most_special_template_wins(plain, present):
    """Language before kind before ours; each step is found when those before it are missing."""
    files = {name: text for name, text in FILES.items() if int(text) >= present}
    assert plain(files, "pt-BR") == str(present)


def test_people_without_a_language_read_the_marketplaces(plain):
    assert plain(FILES, default="pt") == "2"
    assert plain(FILES) == "5"


def test_without_templates_of_the_company_ours_are_used(plain):
    assert plain({}, "pt-BR").startswith("bo asks for access to Orders; please decide.")


def test_a_template_says_the_facts_in_its_own_words(plain):
    files = {"de/access_requested.txt": "{{ data.requester }} möchte {{ data.product }} lesen"}
    assert plain(files, "de") == "bo möchte Orders lesen"


@pytest.mark.parametrize("kind", ["../secret", "de/notice", "A", "", "x" * 100])
def test_a_kind_that_is_no_word_uses_the_general_template(plain, kind):
    assert plain({"notice.txt": "general", "secret.txt": "no"}, kind=kind) == "general"


@pytest.mark.parametrize(
    "text",
    [
        "{{ unknown }}",
        "{{ data.unknown }}",
        "{{ 1 / 0 }}",
        "{{ subject.__class__.__mro__ }}",
        "{{ recipient.__init__.__globals__ }}",
        "{% include '../secret.txt' %}",
    ],
)
def test_a_template_that_fails_is_named_and_tells_nothing(folder, notice, text):
    """What it was given stays out of the error, and it reaches nothing beyond it."""
    message = notice()
    templates = Templates(folder({"notice.txt": text}))
    with pytest.raises(NotRendered, match=r"^access_requested\.txt \(\w+\)$"):
        templates.render(message, message.recipient)


def test_bad_syntax_is_refused_at_the_start_with_file_and_line(folder):
    with pytest.raises(InvalidInput) as caught:
        Templates(folder({"de/notice.html": "ok\n{% if %}"}))
    assert "de/notice.html, line 2" in str(caught.value)


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="folder"):
        Templates(str(tmp_path / "missing"))


@given(text=st.text())
def test_no_text_becomes_markup(text):
    """Names of products and people are what anybody typed."""
    hostile = f"<script>{text}</script>"
    html = Templates().render(_notice(hostile), _notice(hostile).recipient).html
    assert "<script>" not in html


@given(text=st.text(max_size=1000))
def test_a_subject_is_one_line_of_bounded_length(text):
    subject = Templates().render(_notice(text), _notice(text).recipient).subject
    assert len(subject) <= 200
    assert len(subject.splitlines()) <= 1


def _notice(text):
    from datetime import UTC, datetime

    from marketplace_sdk.plugin import Message, Recipient

    return Message(
        id="i",
        sort="notice",
        type="access_requested",
        at=datetime(2026, 1, 2, tzinfo=UTC),
        data={},
        recipient=Recipient(id="ana"),
        subject=text,
        body=text,
        link="https://portal.example/" + "x",
    )


def test_a_digest_lists_what_waits(notice):
    """Each with its page, escaped where it must be; what is not named is counted."""
    items = [
        {
            "kind": "k",
            "about": "request:r1",
            "at": "",
            "subject": "<b> asks",
            "link": "https://p/1",
        },
        {"kind": "k", "about": "product:p1", "at": "", "subject": "p1 was deleted.", "link": ""},
    ]
    message = notice(
        type="digest",
        subject="Notices that wait for you: 5.",
        data={"count": 5, "more": 3, "items": items},
        link="https://p/inbox",
    )

    texts = Templates().render(message, message.recipient)

    assert texts.subject == "Notices that wait for you: 5."
    assert "- <b> asks\n  https://p/1\n\n- p1 was deleted.\n" in texts.plain
    assert '<a href="https://p/1" style="color: #1f5fbf">&lt;b&gt; asks</a>' in texts.html
    assert "<li>p1 was deleted.</li>" in texts.html
    assert "And 3 more in your inbox." in texts.plain
    assert "And 3 more in your inbox." in texts.html
    assert texts.plain.count("https://p/inbox") == 1


def test_a_company_translates_digests(tmp_path, notice):
    """By the same names as other notices."""
    (tmp_path / "de").mkdir()
    text = '{% for each in data["items"] %}Es wartet: {{ each.about }}{% endfor %}'
    (tmp_path / "de" / "digest.txt").write_text(text)
    items = [{"kind": "k", "about": "request:r1", "at": "", "subject": "s", "link": ""}]
    message = notice(
        type="digest", data={"count": 1, "more": 0, "items": items}, to={"language": "de"}
    )

    assert Templates(str(tmp_path)).render(message, message.recipient).plain == (
        "Es wartet: request:r1"
    )
