"""A paper to print, and its key as a second page: HTML with nothing to load, made for A4 and for Letter."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase

from helpers.exports.markup import COURSE, as_html, body
from helpers.exports.presented import Presented, present
from helpers.quiz import Question

STYLE = """
@page { margin: 18mm 16mm 20mm; @bottom-center { content: counter(page) " / " counter(pages); font-size: 9pt; } }
* { box-sizing: border-box; }
body { font: 11pt/1.45 "Segoe UI", "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; color: #000;
  max-width: 180mm; margin: 0 auto; padding: 4mm; }
h1 { font-size: 18pt; margin: 0 0 2mm; }
header { border-bottom: 1pt solid #000; padding-bottom: 5mm; margin-bottom: 6mm; break-after: avoid; }
.blanks { display: flex; gap: 8mm; margin: 5mm 0 0; }
.blanks span { flex: 1; border-bottom: 0.6pt solid #000; padding-bottom: 1mm; }
.blanks span.wide { flex: 3; }
.question { display: grid; grid-template-columns: 9mm 1fr; margin: 0 0 7mm; break-inside: avoid; }
.number { font-weight: bold; }
.lesson { color: #555; font-size: 9pt; }
p { margin: 0 0 2.5mm; orphans: 3; widows: 3; }
pre { margin: 0 0 2.5mm; padding: 2mm 3mm; border: 0.6pt solid #999; white-space: pre-wrap; }
code { font-family: Consolas, Menlo, "DejaVu Sans Mono", monospace; font-size: 0.92em; }
ol.options, ul.remarks { list-style: none; margin: 0; padding: 0; }
ol.options li { display: grid; grid-template-columns: 6mm 6mm 1fr; margin: 1.6mm 0; }
.box { display: inline-block; width: 3.6mm; height: 3.6mm; border: 0.8pt solid #000; margin-top: 0.9mm; }
.blank { margin: 9mm 0 0; }
.blank span { display: inline-block; width: 55mm; border-bottom: 0.6pt solid #000; }
.solution { font-weight: bold; }
ul.remarks li { margin: 1.4mm 0; padding-left: 6mm; text-indent: -6mm; font-size: 10pt; }
"""


def documents(questions: Sequence[Question], seed: int) -> tuple[str, str]:
    """The paper and its key, each one HTML page; the seed stands on both, so that they are known to belong together."""
    shown = [present(question, seed) for question in questions]
    blanks = '<div class="blanks"><span class="wide">Name</span><span>Date</span><span>Points</span></div>'
    return (
        _page(f"{COURSE} Questions", seed, blanks, [_asked(each) for each in shown]),
        _page(f"{COURSE} Key", seed, "", [_solved(each) for each in shown]),
    )


def _page(title: str, seed: int, below: str, sections: Sequence[str]) -> str:
    numbered = "\n".join(
        f'<section class="question"><div class="number">{number}</div><div>{section}</div></section>'
        for number, section in enumerate(sections, start=1)
    )
    count = f"{len(sections)} question{'s' if len(sections) > 1 else ''}, seed {seed}"
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{as_html(title)}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<header><h1>{as_html(title)}</h1>"
        f'<div class="lesson">{count}</div>{below}</header>\n<main>\n{numbered}\n</main>\n</body>\n</html>\n'
    )


def _asked(shown: Presented) -> str:
    return f"{_head(shown)}{_space(shown)}"


def _solved(shown: Presented) -> str:
    remarks = "".join(
        f"<li>{'✓' if each.right else '✗'} <b>{as_html(each.label)}</b> – {as_html(each.feedback)}</li>"
        for each in shown.remarks
    )
    return f'{_head(shown)}<p class="solution">{as_html(shown.solution)}</p><ul class="remarks">{remarks}</ul>'


def _head(shown: Presented) -> str:
    return f'{body(shown.question)}<div class="lesson">lesson {shown.question.lesson}</div>'


def _space(shown: Presented) -> str:
    """Where the answer goes: boxes to tick, or a line to write a number on."""
    if shown.options:
        rows = "".join(
            f'<li><span class="box"></span><span>{letter}</span><span>{as_html(option)}</span></li>'
            for letter, option in zip(ascii_uppercase, shown.options, strict=False)
        )
        return f'<ol class="options">{rows}</ol>'
    return f'<p class="blank">Answer: <span></span> {as_html(shown.question.unit)}</p>'
