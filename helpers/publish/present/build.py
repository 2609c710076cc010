"""Writing the slides of a lesson: one page, its table, and the files that both need."""

from __future__ import annotations

import hashlib
import html
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from helpers.course import AUTHORS, CODE_LICENCE, CONTENT_LICENCE, LESSONS, NOTEBOOKS
from helpers.publish.cells.assets import write_assets, write_text
from helpers.publish.cells.bake import Fineness
from helpers.publish.cells.running import read_cells, run_cells
from helpers.publish.cells.widgets import Page
from helpers.publish.present.slides import Slide, slides_of
from helpers.publish.site.build import empty_folder
from helpers.publish.site.pages import data_script, document

LICENCE = f"© {AUTHORS}, {CONTENT_LICENCE}; code {CODE_LICENCE}"
HERE = Path(__file__).parent
REVEAL = HERE / "reveal"
FINGERPRINT = "made-from.txt"
TALLEST = 560
"""Pixels that a figure may be high: a taller one would be scaled down to its slide, and its type with it."""


def build_slides(
    notebook: Path,
    folder: Path,
    fineness: Fineness,
    quick: bool = False,
    expect: Callable[[int], None] = lambda _: None,
    done: Callable[[], None] = lambda: None,
) -> Path:
    """Run a notebook, bake its panels, write its slides into a folder that is made anew, and give their page.

    quick: run no experiment. `expect` is told of steps to come, `done` is called after each. SiteError where the
    folder holds files of somebody else.
    """
    empty_folder(folder, "python start.py present")
    write_assets(folder / "assets")
    shutil.copytree(REVEAL, folder / "assets" / "reveal")
    for name in ("present.js", "present.css"):
        shutil.copyfile(HERE / name, folder / "assets" / name)
    expect(len(read_cells(notebook)))
    cells = run_cells(notebook, quick, done)
    page = Page(notebook.name[:2], fineness=fineness, expect=expect, done=done)
    write_text(folder / "index.html", slides_page(page.lesson, slides_of(cells, page)))
    lower_figures(page.data)
    write_text(folder / "tables" / f"{page.lesson}.js", data_script(page))
    write_text(folder / FINGERPRINT, fingerprint(notebook, fineness, quick))
    return folder / "index.html"


def is_built(notebook: Path, folder: Path, fineness: Fineness, quick: bool) -> bool:
    """Whether the folder holds the slides that `build_slides` would write into it."""
    try:
        return (folder / FINGERPRINT).read_text(encoding="utf-8") == fingerprint(notebook, fineness, quick)
    except OSError:
        return False


def fingerprint(notebook: Path, fineness: Fineness, quick: bool) -> str:
    """What the slides depend on: the notebook, the helpers, the data, and how much was asked for."""
    digest = hashlib.sha256(f"{fineness.part} {quick}".encode())
    folders = (NOTEBOOKS.parent / "helpers", NOTEBOOKS.parent / "data")
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if "__pycache__" not in path.parts]
    for path in [notebook, *files]:
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest() + "\n"


def lower_figures(data: Mapping[str, Any]) -> None:
    """Make the figures in a page's data no taller than `TALLEST`."""
    for each in data.values():
        if "spec" in each:
            layout = each["spec"]["figure"]["layout"]
            layout["height"] = min(layout["height"], TALLEST)


# The page ------------------------------------------------------------------------------------------------------------


def slides_page(lesson: str, stacks: Sequence[Sequence[Slide]]) -> str:
    """The slides as HTML. Links to other lessons become text, since only this one is here."""
    title = LESSONS[lesson].name
    body = "\n".join(f"<section>{''.join(_slide(slide, title) for slide in stack)}</section>" for stack in stacks)
    body = re.sub(r'<a href="\d\d_[^"]*">(.*?)</a>', r"\1", body)
    scripts = (
        "assets/plotly.min.js", "assets/live.js", "assets/grading.js", f"tables/{lesson}.js", "assets/site.js",
        "assets/reveal/reveal.js", "assets/reveal/notes.js", "assets/present.js",
    )  # fmt: skip
    sheets = ("assets/reveal/reveal.css", "assets/site.css", "assets/present.css")
    return document(title, f'<div class="reveal"><div class="slides">\n{body}\n</div></div>', sheets, scripts)


def _slide(slide: Slide, title: str) -> str:
    blocks = "".join(
        f'<div class="block{" fragment" if block.fragment else ""}">{block.html}</div>' for block in slide.blocks
    )
    kind = " figure" if slide.is_full and "site-figure" in slide.blocks[0].html else ""
    part = html.escape(LICENCE if re.match(r"\d\d ", slide.part) else slide.part)
    notes = f'<aside class="notes">{"".join(slide.notes)}</aside>' if slide.notes else ""
    return (
        f'<section><div class="sheet{kind}">{blocks}</div><div class="foot">{html.escape(title)} · {part}</div>'
        f"{notes}</section>"
    )
