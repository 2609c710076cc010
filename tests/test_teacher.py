"""The teacher's notes: every lesson has some, and each belongs to a cell that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.course import LESSONS, notebooks
from helpers.publish import teacher
from helpers.publish.cells.running import Cell, read_cells
from helpers.publish.teacher import NotesError, notes_of, read_notes, spread


@pytest.mark.parametrize("lesson", notebooks())
def test_every_note_of_a_lesson_goes_with_a_cell_that_is_there(lesson: str) -> None:
    path = notebooks()[lesson]
    cells = read_cells(path)
    notes = notes_of(path, cells)
    text = (teacher.FOLDER / f"{path.stem}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {LESSONS[lesson].name}\n")
    assert len(read_notes(text)) == len(notes), "a cell has one note"
    assert len(notes) >= (3 if lesson == "00" else 7) and all(len(note.split()) >= 5 for note in notes.values())
    order = [cell.id for cell in cells if cell.id in notes]
    assert list(notes) == order, "the notes stand in the order of the lesson"


def test_no_file_of_notes_is_without_its_notebook() -> None:
    assert sorted(path.stem for path in teacher.FOLDER.iterdir()) == sorted(path.stem for path in notebooks().values())


def test_notes_are_read_and_a_cell_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "01_a.md").write_text("# 01 A\n\n## one\n\nAsk.\n\n- x\n\n## two\n\nWait.\n", encoding="utf-8")
    cells = [Cell("one", "markdown", "text"), Cell("two", "markdown", "text")]
    assert notes_of(Path("01_a.ipynb"), cells, tmp_path) == {"one": "Ask.\n\n- x", "two": "Wait."}
    with pytest.raises(NotesError, match=r"01_a.md has notes for two, and 01_a.ipynb has no such cell"):
        notes_of(Path("01_a.ipynb"), cells[:1], tmp_path)
    assert notes_of(Path("02_b.ipynb"), cells, tmp_path) == {}


def test_a_note_goes_with_the_cells_after_it_up_to_the_next_section() -> None:
    cells = [Cell(id, "markdown", source) for id, source in (("a", "## One"), ("b", "text"), ("c", "## Two"))]
    assert spread(cells, {"a": "note"}) == {"a": "a", "b": "a"}
    assert spread(cells, {"a": "note", "b": "other"}) == {"a": "a", "b": "b"}
