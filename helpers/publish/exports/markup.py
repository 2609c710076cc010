"""Texts of the banks as HTML that any reader takes."""

from __future__ import annotations

import html
import re

from helpers.course import LESSONS
from helpers.quiz import Question
from helpers.quiz.text import as_html as text_as_html

_NO_TEXT = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def cleaned(text: str) -> str:
    """The text with what a file of text can't hold (control characters, halves of pairs) marked by a U+FFFD."""
    return _NO_TEXT.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def as_html(text: str) -> str:
    """A text as HTML that can do no harm: what stands in `backticks` becomes code, a line break stays one."""
    return text_as_html(cleaned(text))


def body(question: Question, picture: str = "", hint: str = "") -> str:
    """What a question shows, as HTML: text, unit of the answer, code, a picture as HTML, and a hint how to answer."""
    unit = f" (in {as_html(question.unit)})" if question.unit else ""
    code = f"<pre><code>{html.escape(cleaned(question.code), quote=False)}</code></pre>" if question.code else ""
    how = f"<p><em>{as_html(hint)}</em></p>" if hint else ""
    return f"<p>{as_html(question.text)}{unit}</p>{code}{picture}{how}"


def explained(question: Question) -> str:
    """What is said after any answer: why an order is as it is; of an open question the model answer and the points."""
    explanation = question.kind.explanation(question)
    if explanation is None:
        return ""
    points = "".join(f"<li><b>{as_html(each.text)}</b> – {as_html(each.feedback)}</li>" for each in question.answers)
    tag = "ol" if explanation.numbered else "ul"
    return f"<p>{as_html(explanation.text)}</p><{tag}>{points}</{tag}>"


def lesson_name(lesson: str) -> str:
    """Number and title of a lesson: "03 Deep sigmoid networks"."""
    return LESSONS[lesson].name if lesson in LESSONS else lesson
