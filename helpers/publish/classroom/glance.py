"""The first screen of the page: what to take up again and why, and who is how far."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from statistics import median

from helpers.classroom import ClassResults, LearnerLesson, QuestionResult, to_take_up
from helpers.course import LESSONS
from helpers.publish.exports.markup import as_html, lesson_name

MOST = 3
"""The most questions that the first screen shows."""
MOST_NAMES = 4
"""The most names at either end that the first screen shows."""
FEWEST_FOR_PERCENT = 10
"""With fewer learners a percentage would suggest more precision than there is."""
WIDTH = 110
"""Characters of an answer or a feedback; the sections below have the whole text."""
LONGEST = 200
"""Characters of a question."""
NOTHING = "No question is answered wrong by two learners or more in their last try."

STYLE = """
.glance { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 0 36px; }
.glance h2 { margin-top: 20px; }
.glance li { margin: 0 0 8px; }
.glance p, .glance li { line-height: 1.35; overflow-wrap: anywhere; }
.glance td, .glance th { padding: 2px 10px 2px 0; }
.glance a { color: inherit; }
.glance td.part { width: 45%; vertical-align: middle; }
@media (max-width: 760px) { .glance { grid-template-columns: minmax(0, 1fr); } }
"""


def share_of(count: int, whole: int) -> str:
    """ "12 of 30 (40 %)", or "2 of 3" if there are few."""
    return f"{count} of {whole} ({count / whole:.0%})" if whole >= FEWEST_FOR_PERCENT else f"{count} of {whole}"


def glance(found: ClassResults) -> str:
    """The section as HTML."""
    return f"<div class='glance'><section>{_next(found)}</section><section>{_far(found.lessons)}</section></div>"


def _next(found: ClassResults) -> str:
    proposed = to_take_up(found)
    items = "".join(f"<li>{_one(number, each)}</li>" for number, each in enumerate(proposed[:MOST], start=1))
    more = f"<p class='small'>{len(proposed) - MOST} more below.</p>" if len(proposed) > MOST else ""
    return "<h2>Take up again, in this order</h2>" + (f"<ol>{items}</ol>{more}" if items else f"<p>{NOTHING}</p>")


def _one(number: int, each: QuestionResult) -> str:
    """A question, and the commonest misconception about it."""
    lines = [
        f"<a href='#again-{number}'><b>{share_of(each.still_wrong, each.asked)} wrong</b></a> "
        f"<span class='small'>{as_html(lesson_name(each.question.lesson))}</span>",
        as_html(_ending(each.question.text)),
    ]
    if each.mistakes:
        mistake = each.mistakes[0]
        reason = f" – {as_html(_short(mistake.feedback))}" if mistake.feedback else ""
        lines.append(f"<span class='small'>They say: <b>{as_html(_short(mistake.answer))}</b>{reason}</span>")
    right = each.question.kind.in_words(each.question.right_answer())
    return "<br>".join([*lines, f"<span class='small'>Right: <b>{as_html(_short(right))}</b></span>"])


def _ending(text: str) -> str:
    """A question, or its end, which asks."""
    return text if len(text) <= LONGEST else f"… {text[-LONGEST:].partition(' ')[2]}"


def _short(text: str) -> str:
    return textwrap.shorten(text, WIDTH, placeholder=" …")


def _far(lessons: Mapping[str, Mapping[str, LearnerLesson]]) -> str:
    """How far the class is in each lesson, and who is ahead and who behind."""
    begun = [number for number in LESSONS if any(number in mine for mine in lessons.values())]
    if not begun:
        return "<h2>Who is how far</h2><p>Nobody has begun a lesson.</p>"
    rows = "".join(_row(number, [mine[number] for mine in lessons.values() if number in mine]) for number in begun)
    return (
        "<h2>Who is how far</h2><table><thead><tr><th scope='col'>Lesson</th><th class='number' scope='col'>Begun by"
        f"</th><th scope='col'>Done by them</th></tr></thead><tbody>{rows}</tbody></table>{_ends(lessons, begun)}"
    )


def _ends(lessons: Mapping[str, Mapping[str, LearnerLesson]], begun: list[str]) -> str:
    """Who is behind and who is ahead of the middle of the class, in the lessons that half of it has begun."""
    common = [number for number in begun if 2 * sum(number in mine for mine in lessons.values()) >= len(lessons)]
    if not common:
        return ""
    far = {name: sum(mine[n].share for n in common if n in mine) / len(common) for name, mine in lessons.items()}
    middle = median(far.values())
    ordered = sorted(far, key=lambda name: far[name])
    ends = {
        "Least far": [name for name in ordered if far[name] < middle],
        "Farthest": [name for name in ordered[::-1] if far[name] > middle],
    }
    names = "".join(
        f"<p>{word}: {', '.join(f'{as_html(name)} ({far[name]:.0%})' for name in some[:MOST_NAMES])}</p>"
        for word, some in ends.items()
        if some
    )
    plural = "s" if len(common) > 1 else ""
    return f"<p class='small'>Of lesson{plural} {' '.join(common)}:</p>{names}" if names else ""


def _row(number: str, done: list[LearnerLesson]) -> str:
    share = sum(each.share for each in done) / len(done)
    return (
        f"<tr><th scope='row'>{number}</th><td class='number'>{len(done)}</td><td class='part'>{share:.0%}"
        f"<span class='bars'><span class='bar' style='width:{100 * share:.0f}%'></span></span></td></tr>"
    )
