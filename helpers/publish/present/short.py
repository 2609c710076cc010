"""The short deck: a lesson's questions, its panels with what to try beside them, its verdicts and its take-away.

What a cell shows and its position decide how it is presented; no cell is listed by name. The last slide names the
learner's part: exercises, quiz and *Go deeper* sections.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from helpers.course import LESSONS, Lesson
from helpers.lesson import as_html
from helpers.publish.cells.context import BuildContext
from helpers.publish.cells.deeper import DEEPER, title_of
from helpers.publish.cells.needed import needed
from helpers.publish.cells.pieces import Kind, Piece
from helpers.publish.cells.running import Cell, panels_in
from helpers.publish.cells.text import markdown_html, output_html
from helpers.publish.cells.widgets import with_pieces
from helpers.publish.present.slides import BETWEEN_BLOCKS, Block, Slide
from helpers.publish.teacher import spread
from helpers.quiz import load_bank, load_predictions
from helpers.words import counted

SHORT = "short"
"""The tag of cells that the short deck always shows; of a code cell it shows the output."""

FEW_LINES = 10
"""The most lines of a cell's printed text that are shown with a comparison."""

MYTHS, TAKE_AWAY = "Myth check", "Take-away"
CLAIM, STEPS, SOURCES = re.compile(r'\*\*["“]'), re.compile(r"\d+\. "), re.compile(r"\*\*Sources?\.")
ASKS_OR_ANSWERS = re.compile(r"\b(?:predict|compare)\(")
SEEN = re.compile(r"\bseen\b")
"""A word in the id of a cell that says what was seen in the panel above it."""

ASIDE = re.compile(r"\s*\([^()]*\*Go deeper\*[^()]*\)")
"""A remark in parentheses that refers to a section which the deck leaves out."""

OTHER_ROWS = re.compile(r"(<table>\s*<tr>.*?</tr>)\s*<tr>.*?(?=</table>)", re.DOTALL)
"""The rows of a table after its first one, which would leave a slide no room."""

LABEL = re.compile(r'aria-label="([^"]+)"')
PRESETS = re.compile(r'<div class="site-presets">.*?</div>')
PRESET = re.compile(r'<button type="button" data-preset="\d+">(.*?)</button>')


@dataclass(frozen=True)
class Part:
    """A section of the lesson: its heading without the number signs, and its cells outside *Go deeper*."""

    heading: str
    cells: Sequence[Cell]


def parts_of(cells: Sequence[Cell]) -> list[Part]:
    """The sections of a lesson, without imports and *Go deeper*; the first begins with the lesson's title."""
    parts: list[tuple[str, list[Cell]]] = []
    for cell in cells:
        if cell.slide == "skip" or DEEPER in cell.tags:
            continue
        heading = re.match(r"##? +(.+)", cell.source) if cell.kind == "markdown" else None
        if heading or not parts:
            parts.append((heading[1].strip() if heading else "", []))
        parts[-1][1].append(cell)
    return [Part(*part) for part in parts]


def frames_of(cells: Sequence[Cell]) -> list[list[Cell]]:
    """The cells in groups, each from a cell of slide type "slide" or "subslide" up to the next."""
    frames: list[list[Cell]] = []
    for cell in cells:
        if cell.slide in ("slide", "subslide") or not frames:
            frames.append([])
        frames[-1].append(cell)
    return frames


def short_deck(
    cells: Sequence[Cell], context: BuildContext, notes: Mapping[str, str] | None = None
) -> list[list[Slide]]:
    """The slides of a lesson that has been run: a stack for each section that has any.

    `notes` are the teacher's, by the id of their cell. The speaker's window shows them, followed by the lesson's text
    before a panel.
    """
    cells = [replace(cell, source=ASIDE.sub("", cell.source)) for cell in with_pieces(cells, context)]
    deck = _Deck(cells, context, notes or {})
    stacks = [list(deck.slides(part)) for part in parts_of(cells)]
    stacks.append([at_home(cells, LESSONS[context.lesson])])
    return [stack for stack in stacks if stack]


def to_run(cells: Sequence[Cell]) -> frozenset[str]:
    """The ids of the cells that must run for the short deck; the lesson needn't have been run."""
    return needed(cells, {cell.id for part in parts_of(cells) for cell in _shown_of(part)})


def _shown_of(part: Part) -> Iterator[Cell]:
    """The code cells whose output the short deck shows."""
    for place, cell in enumerate(part.cells):
        asks = ASKS_OR_ANSWERS.search(cell.source)
        if cell.kind == "code" and (part.heading == MYTHS or SHORT in cell.tags or asks or panels_in([cell])):
            yield from part.cells[max(place - 1, 0) : place + 1] if asks else [cell]


class _Deck:
    """The state shared by the slides of one lesson while they are made."""

    def __init__(self, cells: Sequence[Cell], context: BuildContext, notes: Mapping[str, str]) -> None:
        self.context, self.notes, self.bound = context, notes, spread(cells, notes)
        self.title = next((cell.id for cell in cells if cell.kind == "markdown"), "")
        self.together = [
            ids
            for part in parts_of(cells)
            for frame in frames_of(part.cells)
            if (ids := {piece.prediction for piece in _all("prediction", *frame)})
        ]
        self.answers = [cell for part in parts_of(cells) for cell in part.cells if _all("comparison", cell)]
        self.around = {
            cell.id: (_printed_before(part.cells, place), _text_after(part.cells, place, together=True))
            for part in parts_of(cells)
            for place, cell in enumerate(part.cells)
        }
        self.answered: set[str] = set()

    def slides(self, part: Part) -> Iterator[Slide]:
        """The slides of a section."""
        if part.heading == MYTHS:
            yield from self.myths(part)
        elif part.heading == TAKE_AWAY:
            yield self.take_away(part)
        else:
            yield from self.usual(part)

    def slide(self, part: Part, blocks: Sequence[Block], cells: Sequence[Cell], further: Sequence[str] = ()) -> Slide:
        """A slide with these blocks, the teacher's notes on its cells, and the texts `further` as more of them."""
        bound = dict.fromkeys(self.bound[cell.id] for cell in cells if cell.id in self.bound)
        return Slide(part.heading, list(blocks), [*(self.notes[id] for id in bound), *further])

    # ---- questions, panels, measurements

    def usual(self, part: Part) -> Iterator[Slide]:
        """The slides of a section that is neither the myth check nor the take-away."""
        for frame in frames_of(part.cells):
            asks = bool(_all("prediction", *frame))
            if asks:
                yield self.slide(part, [block for cell in frame for block in self.content(cell)], frame)
            for cell in frame:
                if cell.id == self.title:
                    yield self.slide(part, _title(cell, LESSONS[self.context.lesson]), [cell])
                elif SHORT in cell.tags and not asks:
                    yield self.slide(part, self.content(cell), [cell])
                for panel in _all("panel", cell):
                    yield from self.panel(panel, cell, part)
                ids = {piece.prediction for piece in _all("comparison", cell)}
                if ids - self.answered:
                    yield from self.measured(ids, part)

    def content(self, cell: Cell) -> list[Block]:
        """A cell without its code: its text, or its output."""
        if cell.kind == "markdown":
            return _paragraphs(cell.source)
        printed = [Block(output_html(cell.text))] if cell.text.strip() else []
        return printed + [Block(self.context.put(piece)) for piece in cell.shown]

    def panel(self, panel: Piece, cell: Cell, part: Part) -> Iterator[Slide]:
        """A panel beside the steps to try, or else beside the lesson's text about it; then what the panel shows."""
        place = part.cells.index(cell)
        before = [each for each in _text_before(part.cells, place) if each.id != self.title]
        after = _text_after(part.cells, place)
        seen = [each for each in after if SEEN.search(each.id)][:1]
        if after and _has_steps(after[0]):
            used, (beside, rest) = after[:1], _divided(after[0].source, last_of_steps=True)
        elif before:
            used, (beside, rest) = [before.pop()], ("", "")
            beside = used[0].source
        else:
            used, (beside, rest) = after[:1], _divided("".join(each.source for each in after[:1]))
        shown = with_beside(self.context.put(panel), markdown_html(_without_heading(beside)))
        yield self.slide(part, [Block(shown, alone=True)], [*before, *used, cell], [each.source for each in before])
        blocks = _paragraphs("\n\n".join([rest, *(each.source for each in seen if each not in used)]))
        if blocks:
            yield self.slide(part, [_heading(_name_of(panel)), *blocks], seen)

    def measured(self, ids: set[str], part: Part) -> Iterator[Slide]:
        """The questions and the measurements of all predictions made together: one slide, or more where a cell draws.

        What a cell has drawn gets a slide of its own, with the lesson's text about it; the next question follows it.
        """
        questions = load_predictions()
        wanted = set().union(ids, *(group for group in self.together if group & ids))
        cells = [cell for cell in self.answers if wanted & {each.prediction for each in _all("comparison", cell)}]
        self.answered |= wanted
        blocks, told = [_heading(part.heading)], list[Cell]()
        for cell in cells:
            before, after = self.around[cell.id]
            asked = [questions[piece.prediction].question for piece in _all("comparison", cell)]
            blocks += [Block(f'<p class="asked">{as_html(question)}</p>') for question in asked]
            printed = [block for each in (*before, replace(cell, shown=())) for block in self.content(each)]
            printed += [Block(self.brief(self.context.put(piece))) for piece in _all("other", cell)]
            fold = "".join(self.context.put(piece) for piece in _all("comparison", cell))
            drawn = [Block(self.context.put(piece), alone=True) for piece in _all("figure", cell)]
            read = [block for each in after for block in self.content(each)]
            blocks.append(Block(inside(fold, printed, [] if drawn else read)))
            told.append(cell)
            if drawn:
                yield self.slide(part, blocks, told)
                yield self.slide(part, [*drawn, *read], [cell])
                blocks, told = [_heading(part.heading)], []
        if told:
            yield self.slide(part, blocks, told)

    def brief(self, printed: str) -> str:
        """What a cell has printed as HTML with the first row of each table, and where the other rows are."""
        cut = OTHER_ROWS.sub(r"\1", printed)
        where = f"<p>The other rows of each table are in <code>{LESSONS[self.context.lesson].notebook}</code>.</p>"
        return cut if cut == printed else cut + where

    # ---- myths and take-away

    def myths(self, part: Part) -> Iterator[Slide]:
        """A numbered slide for each claim: the claim, then the output, and at last the verdict."""
        cells = [replace(cell, source=_without_heading(cell.source)) for cell in part.cells]
        starts = [place for place, cell in enumerate(cells) if CLAIM.match(cell.source)]
        for number, (start, end) in enumerate(pairwise([0, *starts[1:], len(cells)]), start=1):
            claim = cells[start:end]
            code = next((place for place, cell in enumerate(claim) if cell.kind == "code"), len(claim))
            asked = max(1, min(code, len(claim) - 1))
            blocks = [_heading(f"{part.heading} {number} of {len(starts)}" if len(starts) > 1 else part.heading)]
            blocks += [block for cell in claim[:asked] for block in self.content(cell)]
            blocks += [replace(block, fragment=True) for cell in claim[asked:] for block in self.content(cell)]
            yield self.slide(part, blocks, claim)

    def take_away(self, part: Part) -> Slide:
        """The slide of the take-away; the sources go into the speaker's notes."""
        texts = [text for cell in part.cells for text in _blocks(cell.source)]
        kept = [text for text in texts if not SOURCES.match(text)]
        sources = [text for text in texts if SOURCES.match(text)]
        return self.slide(part, [Block(markdown_html(text)) for text in kept], part.cells, sources)


# Pieces of slides ----------------------------------------------------------------------------------------------------


def _title(cell: Cell, lesson: Lesson) -> list[Block]:
    """The title, what the lesson shows, and its goals."""
    heading, *texts = _blocks(cell.source)
    goals = [text for place, text in enumerate(texts) if STEPS.match(text) or STEPS.match((*texts, "")[place + 1])]
    shows = f"{lesson.shows[0].upper()}{lesson.shows[1:]}."
    return [Block(markdown_html(text)) for text in (heading, shows, *goals)]


def at_home(cells: Sequence[Cell], lesson: Lesson) -> Slide:
    """The last slide: what is left for the learner, and the next lesson."""
    exercises = [name for cell in cells for name in re.findall(r'\bcheck\("(\w+)"', cell.source)]
    deeper = [title for cell in cells if cell.kind == "markdown" and (title := title_of(cell.source))]
    after = list(LESSONS)[list(LESSONS).index(lesson.number) + 1 :][:1]
    rows = [
        f"- **Write it yourself:** {', '.join(f'`{name}`' for name in exercises)}" if exercises else "",
        f"- **Quiz:** {counted(len(load_bank(lesson.number)), 'question')}",
        f"- **Go deeper:** {'; '.join(deeper)}" if deeper else "",
        *(f"- **Next time:** {LESSONS[number].name}" for number in after),
    ]
    where = f"All of it is in `{lesson.notebook}`; `python start.py` opens the course."
    listed = "\n".join(row for row in rows if row)
    return Slide("At home", [_heading("At home"), Block(markdown_html(listed)), Block(markdown_html(where))])


def with_beside(panel: str, beside: str) -> str:
    """The HTML of a panel with a text beside its plot.

    Where the text names a preset of the panel in italics, the name becomes the preset's button, and the panel's own
    button for it is left out.
    """
    buttons = {html.unescape(found[1]): found[0] for found in PRESET.finditer(panel)}
    named: set[str] = set()

    def button(found: re.Match[str]) -> str:
        named.add(html.unescape(found[1]))
        return buttons.get(html.unescape(found[1]), found[0])

    text = re.sub(r"<em>(.*?)</em>", button, beside)
    left = "".join(each for name, each in buttons.items() if name not in named)
    row = f'<div class="site-presets"><b>Try</b> {left}</div>' if left else ""
    return PRESETS.sub("", panel, count=1).replace(
        '<div class="site-controls">', f'<div class="beside">{text}{row}</div><div class="site-controls">', 1
    )


def inside(fold: str, first: Sequence[Block], last: Sequence[Block]) -> str:
    """The HTML of a fold with blocks added before and after its contents, so that opening it shows all of them."""
    head, summary, rest = fold.partition("</summary>")
    body, end, more = rest.rpartition("</details>")
    before, after = ("".join(block.html for block in blocks) for blocks in (first, last))
    return f"{head}{summary}{before}{body}{after}{end}{more}"


def _name_of(panel: Piece) -> str:
    """The name of a panel that screen readers announce."""
    found = LABEL.search(panel.html)
    return html.unescape(found[1]) if found else "What the panel shows"


def _heading(text: str) -> Block:
    return Block(f"<h2>{html.escape(text)}</h2>")


def _blocks(source: str) -> list[str]:
    return [text for text in BETWEEN_BLOCKS.split(source.strip()) if text]


def _paragraphs(source: str) -> list[Block]:
    return [Block(markdown_html(text)) for text in _blocks(source)]


def _without_heading(source: str) -> str:
    return re.sub(r"\A#+ .*\n*", "", source)


def _all(kind: Kind, *cells: Cell) -> list[Piece]:
    """The pieces of a kind shown by some cells."""
    return [piece for cell in cells for piece in cell.shown if piece.kind == kind]


# Which text belongs to what ------------------------------------------------------------------------------------------


def _has_steps(cell: Cell) -> bool:
    return any(STEPS.match(text) for text in _blocks(cell.source))


def _divided(source: str, last_of_steps: bool = False) -> tuple[str, str]:
    """A text split after its first paragraph, or after its numbered steps."""
    blocks = _blocks(source)
    end = max(place for place, text in enumerate(blocks) if STEPS.match(text)) if last_of_steps else 0
    return "\n\n".join(blocks[: end + 1]), "\n\n".join(blocks[end + 1 :])


def _text_before(cells: Sequence[Cell], place: int) -> list[Cell]:
    """The text cells right before a cell."""
    found: list[Cell] = []
    while place and cells[place - 1].kind == "markdown":
        place -= 1
        found.insert(0, cells[place])
    return found


def _printed_before(cells: Sequence[Cell], place: int) -> list[Cell]:
    """The code cell right before one that prints nothing, if it printed a few lines; else nothing."""
    before = cells[place - 1 : place] if not cells[place].text.strip() else []
    return [replace(each, shown=()) for each in before if each.kind == "code" and _is_brief(each.text)]


def _is_brief(text: str) -> bool:
    return 0 < len(text.strip().splitlines()) <= FEW_LINES


def _text_after(cells: Sequence[Cell], place: int, together: bool = False) -> list[Cell]:
    """The text cells right after a cell; with `together` only those on the same slide."""
    found: list[Cell] = []
    for cell in cells[place + 1 :]:
        if cell.kind != "markdown" or (together and cell.slide in ("slide", "subslide")):
            break
        found.append(cell)
    return found
