"""A paper to print, and its key as a second page: self-contained HTML for A4 and Letter.

A paper may come in versions, with the same questions but other numbers and orders, so that neighbours can't copy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase

from helpers.course import TITLE
from helpers.publish.exports.markup import as_html, body
from helpers.publish.exports.pictures import picture_of
from helpers.publish.exports.presented import Presented, present
from helpers.publish.html import WITHOUT_SCRIPTS, document
from helpers.quiz import Question, for_each_type
from helpers.quiz.papers import version_of
from helpers.theme import UNBROKEN, power_of_ten
from helpers.words import counted

WORKING_MM = 25
"""Height in millimetres of the space for working above the answer to a numeric question."""

SEVERAL = (
    '<p class="small several">Where several answers are right, the point is for exactly these. To give part of it, '
    "count as Moodle does: each right mark adds an equal share of the point, each wrong mark takes away an equal share "
    "(all wrong marks together the whole point), and the result is at least 0.</p>"
)
"""How a question with several right answers is marked."""

STYLE = """
@page { margin: 18mm 16mm 20mm;
  @bottom-center { content: counter(page) " / " counter(pages); font: 9pt Arial, sans-serif; } }
* { box-sizing: border-box; }
body { font: 11pt/1.45 "Segoe UI", "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; color: #000;
  max-width: 180mm; margin: 0 auto; padding: 4mm; }
h1 { font-size: 18pt; margin: 0 0 2mm; overflow-wrap: anywhere; }
header { border-bottom: 1pt solid #000; padding-bottom: 5mm; margin-bottom: 6mm; break-after: avoid; }
.blanks { display: flex; flex-wrap: wrap; gap: 5mm 8mm; margin: 5mm 0 0; align-items: flex-end; }
.blanks span { flex: 1 1 30mm; border-bottom: 0.6pt solid #000; padding-bottom: 1mm; overflow-wrap: anywhere; }
.blanks span.wide { flex: 2 0 65mm; }
.blanks .date { flex: 1 1 auto; min-width: 30mm; }
.blanks .points { display: flex; justify-content: space-between; white-space: nowrap; gap: 4mm; }
.blanks i { font-style: normal; }
.question { display: grid; grid-template-columns: 9mm 1fr; margin: 0 0 7mm; break-inside: avoid; }
.question:last-child { margin-bottom: 0; }
.number { font-weight: bold; }
.small { color: #555; font-size: 9pt; }
.source { float: right; margin: 0.6mm 0 0 4mm; }
.picture svg { width: 120mm; max-width: 100%; height: auto; display: block; margin: 0 0 2.5mm; }
.line { height: 9mm; border-bottom: 0.6pt solid #999; }
p { margin: 0 0 2.5mm; orphans: 3; widows: 3; }
pre { margin: 0 0 2.5mm; padding: 2mm 3mm; border: 0.6pt solid #999; white-space: pre-wrap; }
code { font-family: Consolas, Menlo, "DejaVu Sans Mono", monospace; font-size: 0.92em; }
ol.options, ul.remarks { list-style: none; margin: 0; padding: 0; }
ol.options li { display: grid; grid-template-columns: 6mm 6mm 1fr; margin: 1.6mm 0; }
.box { display: inline-block; width: 3.6mm; height: 3.6mm; border: 0.8pt solid #000; margin-top: 0.9mm; }
ol.ordering .box { width: 6mm; height: 5mm; margin-top: 0; }
ol.ordering li { grid-template-columns: 9mm 6mm 1fr; }
.blank { margin: 2mm 0 0; }
ol.answers { display: flex; flex-wrap: wrap; margin: 4mm 0 0; padding: 0; list-style: none; }
ol.answers li { border: 0.6pt solid #999; margin: 0 -0.6pt -0.6pt 0; padding: 0.8mm 2mm; }
.several { margin: 3mm 0 0; }
ol.answers b { margin-right: 1.5mm; }
.blank span { display: inline-block; width: 55mm; border-bottom: 0.6pt solid #000; }
@media print { body { padding: 0; } }
ul.remarks li { margin: 1.4mm 0; padding-left: 6mm; text-indent: -6mm; font-size: 10pt; }
"""


@dataclass(frozen=True)
class Layout:
    """The layout of a paper: title and date as they are printed, space for working in millimetres, and the number of
    versions."""

    title: str = ""
    date: str = ""
    working_mm: int = WORKING_MM
    versions: int = 1


def files(questions: Sequence[Question], seed: int | str, layout: Layout | None = None) -> dict[str, bytes]:
    """The paper and its key as files; several versions give a pair each, `paper_A.html` and `paper_A_key.html`."""
    layout = layout or Layout()
    if layout.versions == 1:
        sheet, key = documents(questions, seed, layout)
        return {"paper.html": sheet.encode(), "paper_key.html": key.encode()}
    written = {}
    for version in ascii_uppercase[: layout.versions]:
        sheet, key = documents(version_of(questions, seed, version), seed, layout, version)
        written[f"paper_{version}.html"], written[f"paper_{version}_key.html"] = sheet.encode(), key.encode()
    return written


def documents(
    questions: Sequence[Question], seed: int | str, layout: Layout | None = None, version: str = ""
) -> tuple[str, str]:
    """The paper and its key, each one HTML page; both show seed and version, so that they can be matched."""
    layout = layout or Layout()
    shown = [present(question) for question in questions]
    total = sum(question.kind.points(question) for question in questions)
    date = f"<i>{as_html(layout.date)}</i>" if layout.date else ""
    blanks = (
        f'<div class="blanks"><span class="wide">Name</span><span class="date">Date {date}</span>'
        f'<span class="points">Points<i>of {total}</i></span></div>'
    )
    heading = (layout.title or TITLE) + (f" ·{UNBROKEN}Version{UNBROKEN}{version}" if version else "")
    label, style = f"seed {seed}", STYLE + f".working {{ height: {layout.working_mm}mm; }}\n"
    several = SEVERAL if any(_costs_marks(each.question) for each in shown) else ""
    return (
        _page(heading, label, blanks, [_asked(each) for each in shown], style),
        _page(f"{heading} ·{UNBROKEN}Key", label, _answers(shown) + several, [_solved(each) for each in shown], style),
    )


def _costs_marks(question: Question) -> bool:
    """Whether a wrong mark takes away from the point."""
    return any(question.kind.share(question, answer) < 0 for answer in question.answers)


def _page(title: str, label: str, below: str, sections: Sequence[str], style: str) -> str:
    numbered = "\n".join(
        f'<section class="question"><div class="number">{number}</div><div>{section}</div></section>'
        for number, section in enumerate(sections, start=1)
    )
    framed = (
        f"<header><h1>{as_html(title)}</h1>"
        f'<div class="small">{counted(len(sections), "question")}, {as_html(label)}</div>{below}</header>\n'
        f"<main>\n{numbered}\n</main>"
    )
    return document(title, as_written(framed), style=style, allowed=WITHOUT_SCRIPTS)


_KEPT = re.compile(r"(<pre.*?</pre>|<code.*?</code>|<svg.*?</svg>|<[^>]*>)", re.DOTALL)
_INDEX = re.compile(r"(?<!\w)([α-ω])_([A-Za-z0-9]{1,2})(?![A-Za-z0-9_])")
_POWER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)e(-?)([1-9]\d*)(?!\w)")


def as_written(page: str) -> str:
    """A page with numbers and indices as people write them: 2 × 10⁻³ for 2e-3, and a subscript in σ_w.

    Code and printed output (2e-03) stay unchanged.
    """
    parts = _KEPT.split(page)
    return "".join(part if place % 2 else _by_hand(part) for place, part in enumerate(parts))


def _by_hand(text: str) -> str:
    return _INDEX.sub(r"\1<sub>\2</sub>", _POWER.sub(_as_power, text))


_SENTENCES = re.compile(r"(?<=[.!?]) +(?=[A-Z])")
_CHOSEN = re.compile(r"Layer 1 divided by the last layer: \S+ in the picture, (\S+) in the network you chose\.")
_AT_THE_SCREEN = re.compile(r"(?:Set|Move|Put|Run|Look at|Press|Switch|Read|Choose|Drag|Bring|Step) ")


def on_paper(feedback: str) -> str:
    """Feedback without instructions to do something on the screen; if nothing else is left, with "In the lesson:"."""
    sentences = _SENTENCES.split(_CHOSEN.sub(r"Layer 1 divided by the last layer would be \1.", feedback))
    kept = [sentence for sentence in sentences if not _AT_THE_SCREEN.match(sentence)]
    return " ".join(kept) or f"In the lesson: {feedback[:1].lower()}{feedback[1:]}"


def _as_power(found: re.Match[str]) -> str:
    mantissa, sign, exponent = found.groups()
    power = power_of_ten(int(sign + exponent))
    return power if mantissa == "1" else f"{mantissa}{UNBROKEN}×{UNBROKEN}{power}"


def _answers(shown: Sequence[Presented]) -> str:
    """The list of all solutions, for grading; an open question has a dash."""
    answers = "".join(
        f"<li><b>{number}</b>{as_html(each.solution or '–')}</li>" for number, each in enumerate(shown, start=1)
    )
    return f'<ol class="answers">{answers}</ol>'


def _asked(shown: Presented) -> str:
    return f"{_question(shown)}{SPACES[shown.question.type](shown)}"


def _question(shown: Presented) -> str:
    """The question as paper and key show it, with its picture."""
    picture = picture_of(shown.question)
    drawn = f'<div class="picture">{picture.svg}</div>' if picture else ""
    return _source(shown.question) + body(shown.question, drawn, shown.hint)


def _solved(shown: Presented) -> str:
    remarks = tuple(replace(each, feedback=on_paper(each.feedback)) for each in shown.remarks)
    told = replace(shown, remarks=remarks, explanation=shown.explanation and on_paper(shown.explanation))
    return f"{_question(shown)}{told.solved()}{told.remarked()}"


def _source(question: Question) -> str:
    return (
        f'<div class="small source">lesson {question.lesson} · {counted(question.kind.points(question), "point")}</div>'
    )


def _boxes(shown: Presented) -> str:
    rows = "".join(
        f'<li><span class="box"></span><span>{letter}</span><span>{as_html(option)}</span></li>'
        for letter, option in zip(ascii_uppercase, shown.options, strict=False)
    )
    return f'<ol class="options {shown.question.type}">{rows}</ol>'


def _blank(shown: Presented) -> str:
    return f'<div class="working"></div><p class="blank">Answer: <span></span> {as_html(shown.question.unit)}</p>'


def _lines(shown: Presented) -> str:
    return '<div class="line"></div>' * (2 + 2 * len(shown.question.answers))


SPACES: Mapping[str, Callable[[Presented], str]] = for_each_type(
    "helpers/publish/exports/paper.py",
    {
        "multiple_choice": _boxes,
        "many_choice": _boxes,
        "profile": _boxes,
        "ordering": _boxes,
        "numeric": _blank,
        "open": _lines,
    },
)
