"""What a class knows, as one self-contained HTML page without scripts, for the screen and for paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache

from helpers.classroom import (
    Class,
    ClassResults,
    LearnerLesson,
    PredictionResult,
    QuestionResult,
    to_take_up,
)
from helpers.course import LESSONS, TITLE
from helpers.publish.classroom.glance import STYLE as GLANCE_STYLE
from helpers.publish.classroom.glance import glance, share_of
from helpers.publish.exports.markup import as_html, body, lesson_name
from helpers.publish.html import WITHOUT_SCRIPTS, document
from helpers.quiz import available_lessons, load_bank
from helpers.theme import FONT, GRID, INK, MEASURED, MUTED, PAPER, WARNING
from helpers.words import counted

STYLE = f"""
@page {{ margin: 16mm 14mm 18mm;
  @bottom-center {{ content: counter(page) " / " counter(pages); font: 9pt Arial, sans-serif; }} }}
* {{ box-sizing: border-box; }}
body {{ font: 16px/1.5 {FONT}; color: {INK}; background: {PAPER}; max-width: 1040px; margin: 0 auto; padding: 24px 16px;
  font-variant-numeric: tabular-nums; }}
h1 {{ font-size: 28px; line-height: 1.2; margin: 0 0 4px; }}
h2 {{ font-size: 21px; margin: 40px 0 8px; break-after: avoid; }}
h3 {{ font-size: 17px; margin: 24px 0 6px; break-after: avoid; }}
h2 + p, h3 + p {{ break-after: avoid; }}
p {{ margin: 0 0 10px; max-width: 75ch; }}
.small {{ color: {MUTED}; font-size: 14px; }}
ol.again {{ padding-left: 28px; }}
ol.again > li {{ margin: 0 0 22px; break-inside: avoid; }}
blockquote {{ margin: 6px 0; padding: 2px 0 2px 14px; border-left: 4px solid {WARNING}; max-width: 75ch; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; margin: 0 0 12px; }}
th, td {{ text-align: left; vertical-align: top; padding: 5px 10px 5px 0; border-bottom: 1px solid {GRID}; }}
th {{ font-weight: 600; }}
tbody th {{ min-width: 9em; overflow-wrap: anywhere; }}
td.number, th.number {{ text-align: right; white-space: nowrap; }}
tr {{ break-inside: avoid; }}
.bar {{ display: block; height: 14px; min-width: 1px; background: {MEASURED}; print-color-adjust: exact; }}
.bars {{ display: flex; height: 8px; min-width: 56px; border: 1px solid {GRID}; }}
.bars .bar {{ height: 6px; min-width: 0; }}
.bar.wrong {{ background: repeating-linear-gradient(45deg, {WARNING} 0 2px, {PAPER} 2px 4px); }}
.histogram {{ break-inside: avoid; }}
.questions td:first-child {{ width: 52%; }}
.questions td:last-child {{ width: 26%; }}
.histogram td:nth-child(3) {{ width: 55%; }}
pre {{ white-space: pre-wrap; border: 1px solid {GRID}; padding: 6px 10px; }}
code {{ font-family: Consolas, Menlo, "DejaVu Sans Mono", monospace; font-size: 0.92em; }}
@media print {{ body {{ font-size: 10.5pt; padding: 0; max-width: none; }} .wide {{ overflow: visible; }} }}
"""


def class_page(group: Class, found: ClassResults, today: date, hide_names: bool = False) -> str:
    """The page as HTML; with `hide_names` it doesn't name the files that were left out."""
    head = (
        f"<header><h1>What the class knows</h1><p class='small'>{as_html(TITLE)} "
        f"{counted(len(group.learners), 'learner')}, {today.isoformat()}.</p></header>"
    )
    sections = [
        glance(found),
        _again(found),
        _progress(found.lessons),
        _predictions(found.predictions),
        _questions(found.questions),
        _left_out(group, found, hide_names),
    ]
    main = "\n".join(sections)
    return document(
        "What the class knows", f"{head}\n<main>{main}</main>", style=STYLE + GLANCE_STYLE, allowed=WITHOUT_SCRIPTS
    )


@cache
def _places() -> Mapping[str, int]:
    """The number of each question in its lesson's bank."""
    banks = (load_bank(lesson) for lesson in available_lessons())
    return {question.id: number for bank in banks for number, question in enumerate(bank, start=1)}


def _again(found: ClassResults) -> str:
    proposed = to_take_up(found)
    if not proposed:
        return ""
    items = "\n".join(
        f"<li id='again-{number}'>{_one_again(each)}</li>" for number, each in enumerate(proposed, start=1)
    )
    return (
        "<h2>Questions to take up again</h2><p class='small'>What the class still gets wrong, counted by each "
        f"learner's last answer. Questions that few have answered rank lower.</p><ol class='again'>{items}</ol>"
    )


def _one_again(each: QuestionResult) -> str:
    counts = (
        f"<p><b>{share_of(each.still_wrong, each.asked)} still wrong</b>; "
        f"{share_of(each.right_first, each.asked)} right at the first try. "
        f"<span class='small'>{as_html(lesson_name(each.question.lesson))}, question {_places()[each.question.id]}"
        "</span></p>"
    )
    kind, right = each.question.kind, each.question.right_answer()
    return f"{counts}{body(each.question)}{_commonest(each)}<p>Right: <b>{as_html(kind.in_words(right))}</b></p>"


def _commonest(each: QuestionResult) -> str:
    """The most common wrong answers, with their feedback."""
    if not each.mistakes:
        return ""
    name = "Commonest wrong answer" if len(each.commonest) == 1 else "Commonest wrong answers, equally often,"
    rows = "".join(
        f"<p><b>{as_html(mistake.answer)}</b></p><blockquote>"
        f"{as_html(mistake.feedback) if mistake.feedback else 'This answer is no longer in the bank.'}</blockquote>"
        for mistake in each.commonest
    )
    return f"<p>{name} at the first try ({each.commonest[0].learners} of {each.asked}):</p>{rows}"


def _progress(lessons: Mapping[str, Mapping[str, LearnerLesson]]) -> str:
    begun = [number for number in LESSONS if any(number in mine for mine in lessons.values())]
    if not begun:
        return "<h2>Progress by learner</h2><p>Nobody has begun a lesson.</p>"
    head = "".join(f"<th class='number' scope='col'>{number}</th>" for number in begun)
    rows = "\n".join(
        f"<tr><th scope='row'>{as_html(name)}</th>{''.join(_cell(mine.get(number)) for number in begun)}</tr>"
        for name, mine in lessons.items()
    )
    return (
        "<h2>Progress by learner</h2><p class='small'>Per lesson the share of predictions, exercises and questions "
        "that are done; below it how many of the answered questions are right by the last answer. In the bar "
        "the right ones are filled, the wrong ones hatched.</p>"
        f"<div class='wide'><table><thead><tr><th scope='col'>Learner</th>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _cell(done: LearnerLesson | None) -> str:
    if done is None:
        return "<td class='number'>–</td>"
    asked = max(len(done.parts.questions), 1)
    parts = (("bar", done.right), ("bar wrong", done.answered - done.right))
    bar = "".join(f"<span class='{name}' style='width:{100 * count / asked:.0f}%'></span>" for name, count in parts)
    return (
        f"<td class='number'>{done.share:.0%}<br><span class='small'>{done.right} of {done.answered} right</span>"
        f"<span class='bars'>{bar}</span></td>"
    )


def _predictions(predictions: Sequence[PredictionResult]) -> str:
    if not predictions:
        return ""
    charts = "\n".join(
        f"<h3>{as_html(lesson_name(each.prediction.lesson))}</h3><p>{as_html(each.prediction.question)}</p>"
        f"{_histogram(each)}"
        for each in predictions
    )
    return f"<h2>Predictions</h2><p class='small'>The first prediction of each learner.</p>{charts}"


def _histogram(each: PredictionResult) -> str:
    most = max(count for _, count in each.bars)
    rows = "".join(
        f"<tr><td>{as_html(label)}</td><td class='number'>{count}</td>"
        f"<td><span class='bar' style='width:{100 * count / most:.0f}%'></span></td></tr>"
        for label, count in each.bars
    )
    return f"<table class='histogram'><tbody>{rows}</tbody></table>"


def _questions(questions: Sequence[QuestionResult]) -> str:
    if not questions:
        return "<h2>All questions</h2><p>Nobody has answered a question.</p>"
    by_lesson: dict[str, list[QuestionResult]] = {}
    for each in questions:
        by_lesson.setdefault(each.question.lesson, []).append(each)
    tables = "\n".join(
        f"<h3>{as_html(lesson_name(lesson))}</h3><div class='wide'><table class='questions'><thead><tr>"
        "<th scope='col'>Question</th>"
        "<th class='number' scope='col'>Right at first</th><th class='number' scope='col'>Right at last</th>"
        "<th scope='col'>Commonest wrong answer</th></tr></thead>"
        f"<tbody>{''.join(map(_row, each))}</tbody></table></div>"
        for lesson, each in by_lesson.items()
    )
    return f"<h2>All questions</h2>{tables}"


def _row(each: QuestionResult) -> str:
    wrong = "–"
    if each.mistakes:
        answers = "; ".join(as_html(mistake.answer) for mistake in each.commonest)
        wrong = f"{answers} ({each.commonest[0].learners})"
    return (
        f"<tr><td>{_places()[each.question.id]}. {as_html(each.question.text)}</td>"
        f"<td class='number'>{each.right_first} of {each.asked}</td>"
        f"<td class='number'>{each.right_last} of {each.asked}</td><td>{wrong}</td></tr>"
    )


def _left_out(group: Class, found: ClassResults, hide_names: bool) -> str:
    lines = [as_html(f"{each.path}: {each.reason}") for each in group.left_out]
    if hide_names and lines:
        lines = [f"{counted(len(lines), 'file or row', 'files or rows')} that could not be read."]
    if found.unknown:
        lines.append(
            f"{counted(found.unknown, 'entry', 'entries')} for questions, predictions or exercises that this version "
            "of the course does not have."
        )
    if not lines:
        return ""
    return f"<h2>Left out</h2><ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"
