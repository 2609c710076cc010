"""The first page: what the course is, for whom, where to begin, its lessons, and how to cite it."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path

from helpers.course import AUTHORS, LESSONS, TITLE
from helpers.publish.cells.asked import asked_of
from helpers.publish.site.frame import GLOSSARY, GUIDE, PICTURE, STILL, Page, Site, framed

CITATION = Path(__file__).resolve().parents[3] / "CITATION.cff"
DESCRIPTION = (
    "A free course on vanishing gradients: lessons with sliders, in which every sentence about gradients can be "
    "checked by moving one, and every number by a test."
)
WHAT_IT_SHOWS = (
    "A network of 40 sigmoid layers: light that starts at the loss fades out before it reaches the input; with ReLU "
    "and He’s weights it arrives, with batch normalization it burns out, residual blocks carry it."
)
LEAD = (
    "Deep networks learn from gradients, and in many networks the gradient never reaches the first layers. This course "
    "shows why, and what helps: in lessons with sliders, where every sentence about gradients can be checked by "
    "moving one."
)
FOR_WHOM = (
    ("Learning alone", "Predict, measure, move sliders, answer questions. A little calculus and Python are enough."),
    (
        "Teaching",
        f'Show a panel, let the class predict, move a slider. The <a href="{GUIDE}">teacher’s guide</a> has '
        "minutes, polls, notes and answers to expect.",
    ),
    ("Building networks", "Find the law behind a network that doesn’t learn, and a doctor that examines your own."),
)
HOW_IT_WORKS = (
    "The pages need no Python. What a slider shows was computed by the course’s engine and stored here, for many "
    "settings, though not for all; where one is missing, the panel says so and shows the nearest. Exercises, training "
    "runs and games are part of the running course: <code>python start.py</code> opens it, with Python 3.11 or newer "
    "and nothing else."
)


def index_page(site: Site) -> str:
    """The first page of the site."""
    audience = "".join(f"<div><h2>{name}</h2><p>{text}</p></div>" for name, text in FOR_WHOM)
    body = f"""{_opening(site)}
<section class="site-audience" aria-label="For whom it is">{audience}</section>
<section aria-labelledby="lessons"><h2 id="lessons">The lessons</h2>
<ol class="site-lessons">{"".join(_card(number, file) for number, file in site.pages.items())}</ol></section>
<section aria-labelledby="answers" id="answers-section" hidden><h2 id="answers">Your answers</h2>
<div class="site-answers"></div></section>
<section aria-labelledby="how"><h2 id="how">How these pages work</h2><p>{HOW_IT_WORKS}</p>
<p>Beside the lessons: the <a href="{GLOSSARY}">glossary</a>, with one meaning for each term, and the
<a href="{GUIDE}">teacher’s guide</a>, a page to print.</p></section>
{_licence(site)}"""
    return framed(Page("index.html", TITLE, body, DESCRIPTION), site)


def _opening(site: Site) -> str:
    first = next(iter(site.pages.values()), "")
    start = f'<a class="site-button primary" href="{first}">Start</a>' if first else ""
    return f"""<div class="site-opening"><h1>{TITLE}</h1>
<p class="site-lead">{LEAD}</p>
<p class="site-begin">{start} <a class="site-button" id="go-on" href="" hidden>Go on</a>
<a class="site-button" href="#lessons">The lessons</a></p>
<figure class="site-moving"><picture><source media="(prefers-reduced-motion: reduce), print" srcset="{STILL}">
<img src="{PICTURE}" data-still="{STILL}" width="880" height="222" alt="{WHAT_IT_SHOWS}"></picture>
<button type="button" id="motion" hidden>Pause</button></figure></div>"""


def _card(number: str, file: str) -> str:
    lesson = LESSONS[number]
    return (
        f'<li><a class="site-card" href="{file}"><img src="stills/{number}.svg" alt="" width="320" height="150">'
        f'<span class="site-number">{number}</span> <b>{html.escape(lesson.title)}</b>'
        f'<span class="site-shows">{html.escape(lesson.shows[0].upper() + lesson.shows[1:])}.</span></a>'
        f'<p class="site-done" {asked_of(number)} hidden></p>'
        f'<p class="site-files"><a href="notebooks/{Path(file).stem}.ipynb" download>Notebook '
        f'<span class="site-spoken">of lesson {number} </span>(.ipynb)</a></p></li>'
    )


def _licence(site: Site) -> str:
    cited = read_citation()
    authors, year = AUTHORS[0].upper() + AUTHORS[1:], cited["date-released"][:4]
    address = f" {html.escape(site.addresses.site)}" if site.addresses.site else ""
    source = (
        f' The source is at <a href="{html.escape(site.addresses.source)}">{html.escape(site.addresses.source)}</a>.'
        if site.addresses.source
        else ""
    )
    return f"""<section aria-labelledby="licence"><h2 id="licence">Licence and citation</h2>
<p>By {AUTHORS} The code is under the BSD 3-Clause licence. Texts, questions and figures are under
<a href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a>: use, change and share them, and name the
authors.{source}</p>
<p>To cite the course:</p>
<blockquote class="site-cite">{authors} ({year}). <i>{TITLE}</i> (version {cited["version"]}).{address}</blockquote>
</section>"""


def read_citation() -> Mapping[str, str]:
    """The fields of CITATION.cff that have their value on the same line."""
    return dict(re.findall(r"^([\w-]+): (.+)$", CITATION.read_text(encoding="utf-8"), re.MULTILINE))
