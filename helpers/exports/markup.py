"""Texts of the banks as HTML that any reader takes."""

from __future__ import annotations

import html
import re

from helpers.course import LESSONS
from helpers.quiz import Question

COURSE = "Where did the gradient go?"

_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def cleaned(text: str) -> str:
    """The text with what no XML file may hold (control characters, halves of pairs) marked by a U+FFFD."""
    return _NO_XML.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def as_html(text: str) -> str:
    """A text as HTML that can do no harm: what stands in `backticks` becomes code, a line break stays one."""
    escaped = html.escape(cleaned(text), quote=False)
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", escaped).replace("\n", "<br>")


def body(question: Question, picture: str = "") -> str:
    """What a question shows, as HTML: its text, the unit of its answer, its code, and a picture as HTML."""
    unit = f" (in {as_html(question.unit)})" if question.unit else ""
    code = f"<pre><code>{html.escape(cleaned(question.code), quote=False)}</code></pre>" if question.code else ""
    return f"<p>{as_html(question.text)}{unit}</p>{code}{picture}"


def lesson_name(lesson: str) -> str:
    """Number and title of a lesson: "03 Deep sigmoid networks"."""
    return f"{lesson} {LESSONS.get(lesson, '')}".strip()
