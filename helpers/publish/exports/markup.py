"""Texts of the banks as HTML that any platform accepts."""

from __future__ import annotations

import html
import re
import textwrap

from helpers.course import LESSONS
from helpers.quiz import Question
from helpers.quiz.text import as_html as text_as_html

_NO_TEXT = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def cleaned(text: str) -> str:
    """The text with characters that a text file can't hold (control characters, lone surrogates) replaced by U+FFFD."""
    return _NO_TEXT.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def as_html(text: str) -> str:
    """Escape a text for HTML; text in `backticks` becomes code, line breaks are kept."""
    return text_as_html(cleaned(text))


def body(question: Question, picture: str = "", hint: str = "") -> str:
    """A question as HTML: its text, the unit of the answer, code, a picture given as HTML, and a hint on answering."""
    unit = f" (in {as_html(question.unit)})" if question.unit else ""
    code = f"<pre><code>{html.escape(cleaned(question.code), quote=False)}</code></pre>" if question.code else ""
    how = f"<p><em>{as_html(hint)}</em></p>" if hint else ""
    return f"<p>{as_html(question.text)}{unit}</p>{code}{picture}{how}"


def name_of(question: Question) -> str:
    """The name by which a teacher finds a question in a list: its id and the first words of its text."""
    return f"{question.id}: {textwrap.shorten(cleaned(question.text), 60, placeholder=' …')}"


def explained(question: Question) -> str:
    """The explanation shown after any answer as HTML: the reasons for an order, or model answer and rubric."""
    explanation = question.kind.explanation(question)
    if explanation is None:
        return ""
    points = "".join(f"<li><b>{as_html(each.text)}</b> – {as_html(each.feedback)}</li>" for each in question.answers)
    tag = "ol" if explanation.numbered else "ul"
    return f"<p>{as_html(explanation.text)}</p><{tag}>{points}</{tag}>"


def lesson_name(lesson: str) -> str:
    """Number and title of a lesson: "03 Deep sigmoid networks"."""
    return LESSONS[lesson].name if lesson in LESSONS else lesson
