"""Write the slides of a lesson: one page, its table of data, and the files that both need."""

from __future__ import annotations

import hashlib
import html
import re
import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from helpers.course import AUTHORS, CODE_LICENCE, CONTENT_LICENCE, LESSONS, NOTEBOOKS
from helpers.publish.cells.assets import write_assets
from helpers.publish.cells.context import BuildContext, BuildOptions
from helpers.publish.cells.lessons import run_lesson
from helpers.publish.cells.running import Cell
from helpers.publish.cells.text import markdown_html
from helpers.publish.folder import digest, write_text, written_whole
from helpers.publish.html import data_script, document, hash_of, policy
from helpers.publish.present.short import short_deck
from helpers.publish.present.slides import Slide, slides_of
from helpers.publish.teacher import notes_of

LICENCE = f"© {AUTHORS}, {CONTENT_LICENCE}; code {CODE_LICENCE}"
HERE = Path(__file__).parent
REVEAL = HERE / "reveal"
FINGERPRINT = "made-from.txt"
LINK = re.compile(r'<a href="\d\d_[^"]*"[^>]*>(.*?)</a>')
TALLEST = 560
"""The greatest height of a figure in pixels: a taller one would be scaled down to its slide, with its type."""

SECTIONS = {"Slide": "Panel"}
"""Names of sections for the foot of a slide, where the lesson's own heading would be misread."""


def build_slides(notebook: Path, folder: Path, context: BuildContext, cells: Sequence[Cell] | None = None) -> Path:
    """Write the slides of a notebook into a new folder and return the path of their page.

    `cells` are the notebook's cells, if it has been run already. NotebookError where a cell raises, FolderError where
    the folder can't be written.
    """
    with written_whole(folder, "python start.py present") as draft:
        write_assets(draft / "assets")
        shutil.copytree(REVEAL, draft / "assets" / "reveal")
        for name in ("present.js", "present.css"):
            shutil.copyfile(HERE / name, draft / "assets" / name)
        (draft / "tables").mkdir()
        cells = run_lesson(notebook, context) if cells is None else cells
        cut = slides_of if context.options.whole else short_deck
        stacks = cut(cells, context, notes_of(notebook, cells))
        write_text(draft / "index.html", slides_page(context.lesson, stacks))
        fit_figures(context.data)
        write_text(draft / "tables" / f"{context.lesson}.js", data_script(context.data))
        made_from = fingerprint(notebook, context.options)
        write_text(draft / FINGERPRINT, f"{made_from}\n{digest(draft, without=FINGERPRINT)}\n")
    return folder / "index.html"


def is_built(notebook: Path, folder: Path, options: BuildOptions) -> bool:
    """Whether the folder already holds what `build_slides` would write, with every file intact."""
    try:
        made_from, contents = (folder / FINGERPRINT).read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return False
    return made_from == fingerprint(notebook, options) and contents == digest(folder, without=FINGERPRINT)


def fingerprint(notebook: Path, options: BuildOptions) -> str:
    """A fingerprint of all that the slides depend on: the notebook, the helpers, the data and the options."""
    found = hashlib.sha256(f"{options.fineness.part} {options.quick} {options.whole}".encode())
    folders = (NOTEBOOKS.parent / "helpers", NOTEBOOKS.parent / "data")
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if "__pycache__" not in path.parts]
    for path in [notebook, *files]:
        if path.is_file():
            found.update(path.read_bytes())
    return found.hexdigest()


def fit_figures(data: Mapping[str, Any]) -> None:
    """Limit figures in a page's data to the height `TALLEST`; their links to other lessons become text."""
    for each in data.values():
        if "spec" in each:
            layout = each["spec"]["figure"]["layout"]
            layout["height"] = min(layout["height"], TALLEST)
            for note in layout.get("annotations", ()):
                note["text"] = LINK.sub(r"\1", note["text"])


# The page ------------------------------------------------------------------------------------------------------------


def slides_page(lesson: str, stacks: Sequence[Sequence[Slide]]) -> str:
    """The slides as HTML. Links to other lessons become text, since the folder holds only this one."""
    title = LESSONS[lesson].name
    body = "\n".join(f"<section>{''.join(_slide(slide, title) for slide in stack)}</section>" for stack in stacks)
    body = LINK.sub(r"\1", body)
    ours = ("plotly.js", "live.js", "grading.js", "pages.js", f"../tables/{lesson}.js", "site.js")
    scripts = [f"assets/{name}" for name in (*ours, "reveal/reveal.js", "reveal/notes.js", "present.js")]
    sheets = [f"assets/{name}" for name in ("reveal/reveal.css", "site.css", "present.css")]
    framed = f'<div class="reveal"><div class="slides">\n{body}\n</div></div>'
    return document(title, framed, sheets, scripts, early=["assets/theme.js"], allowed=policy([speaker_script()]))


@cache
def speaker_script() -> str:
    """The hash, for a Content-Security-Policy, of the script that reveal.js writes into the speaker's window."""
    notes = (REVEAL / "notes.js").read_text(encoding="utf-8")
    script = notes.partition("<script>")[2].partition(r"<\/script>")[0]
    return hash_of(re.sub(r"\\(.)", r"\1", script))  # undo the escapes of the template literal it is in


def _slide(slide: Slide, title: str) -> str:
    blocks = "".join(
        f'<div class="block{" fragment" if block.fragment else ""}">{block.html}</div>' for block in slide.blocks
    )
    kind = " figure" if slide.is_full and "site-figure" in slide.blocks[0].html else ""
    part = html.escape(LICENCE if re.match(r"\d\d ", slide.part) else SECTIONS.get(slide.part, slide.part))
    notes = "".join(markdown_html(note) for note in slide.notes)
    aside = f'<aside class="notes">{notes}</aside>' if notes else ""
    return (
        f'<section><div class="sheet{kind}">{blocks}</div><div class="foot">{html.escape(title)} · {part}</div>'
        f"{aside}</section>"
    )
