"""Divide a whole lesson into slides: which cell begins one, what gets one of its own, and which notes belong to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from helpers.publish.cells.context import BuildContext
from helpers.publish.cells.pieces import Piece
from helpers.publish.cells.running import Cell
from helpers.publish.cells.text import code_html, markdown_html, output_html
from helpers.publish.cells.widgets import piece_of
from helpers.publish.teacher import spread

BETWEEN_BLOCKS = re.compile(r"\n{2,}(?=\S)")


@dataclass(frozen=True)
class Block:
    """A piece that isn't divided: a paragraph, some code, a panel. `alone`: it gets a slide of its own."""

    html: str
    alone: bool = False
    fragment: bool = False


@dataclass
class Slide:
    """One slide: its blocks from top to bottom, the part of the lesson it belongs to, and the teacher's notes."""

    part: str
    blocks: list[Block] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        """Whether nothing more may be added."""
        return any(block.alone for block in self.blocks)

    def add(self, block: Block) -> None:
        """Add a block below the others; the first is visible from the start, even if its cell is a fragment."""
        self.blocks.append(block if self.blocks else replace(block, fragment=False))


def slides_of(
    cells: Sequence[Cell], context: BuildContext, notes: Mapping[str, str] | None = None
) -> list[list[Slide]]:
    """The slides of a lesson that has been run: a stack of slides for each cell of slide type "slide".

    `notes` are the teacher's, by the id of their cell; each belongs to all slides up to the next note in its section.
    """
    notes = notes or {}
    noted = spread(cells, notes)
    stacks: list[list[Slide]] = []

    def turn() -> Slide:
        slide = Slide(stacks[-1][0].part if stacks[-1] else "")
        stacks[-1].append(slide)
        return slide

    for cell in cells:
        if cell.slide == "skip":
            continue
        if cell.slide == "slide" or not stacks:
            before = stacks[-1][0].part if stacks else ""
            stacks.append([])
            turn().part = _heading(cell) or before
        elif cell.slide == "subslide":
            turn()
        for block in _blocks(cell, context):
            slide = stacks[-1][-1]
            if slide.is_full or (block.alone and slide.blocks):
                slide = turn()
            slide.add(replace(block, fragment=cell.slide == "fragment"))
            note = notes.get(noted.get(cell.id, ""), "")
            if note and note not in slide.notes:
                slide.notes.append(note)
    return [kept for stack in stacks if (kept := [slide for slide in stack if slide.blocks])]


def _heading(cell: Cell) -> str:
    found = re.match(r"#+ +(.+)", cell.source)
    return found[1].strip() if found else ""


def _blocks(cell: Cell, context: BuildContext) -> Iterator[Block]:
    if cell.kind == "markdown":
        yield from (Block(markdown_html(text)) for text in BETWEEN_BLOCKS.split(cell.source.strip()) if text)
        return
    if _shows_code(cell, context):
        yield Block(code_html(cell.source))
    if cell.text.strip():
        yield Block(output_html(cell.text))
    for shown in cell.shown:
        yield from _shown(piece_of(shown, context), context)


def _shown(piece: Piece, context: BuildContext) -> Iterator[Block]:
    """The blocks of a piece that a cell shows; a figure and each question of a quiz get a slide of their own."""
    html = context.put(piece)
    if piece.kind == "quiz":
        for question in piece.parts:
            yield Block(f'<div class="lesson site-quiz">{question}</div>', alone=True)
    else:
        yield Block(html, alone='class="site-figure' in html)


def _shows_code(cell: Cell, context: BuildContext) -> bool:
    """Whether the code is worth showing besides its output."""
    pieces = [piece_of(shown, context) for shown in cell.shown]
    compares = not cell.text.strip() and any(piece.kind == "comparison" for piece in pieces)
    return not compares and not (cell.only_shows and cell.shown)
