"""The ids of a lesson's questions and predictions as HTML attributes, from which a script counts the answers."""

from __future__ import annotations

import html
import json

from helpers.classroom.parts import lesson_parts
from helpers.quiz import available_lessons


def asked_of(lesson: str) -> str:
    """The number of a lesson and the ids of its questions and predictions, as HTML attributes."""
    if lesson not in available_lessons():
        return f'data-lesson="{lesson}"'
    parts = lesson_parts(lesson)
    ids = {"questions": sorted(parts.questions), "predictions": sorted(parts.predictions)}
    return f'data-lesson="{lesson}" data-asked="{html.escape(json.dumps(ids))}"'
