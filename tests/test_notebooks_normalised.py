"""Every notebook is normalised, and every lesson has the same order of sections."""

from __future__ import annotations

import ast
import base64
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from helpers.course import LESSONS
from helpers.publish.cells.deeper import DEEPER, FOLDED
from helpers.publish.cells.running import EXERCISE, HIDE_INPUT, IMPORT, divided
from tools import normalise
from tools.import_cell import course_address, import_cell
from tools.normalise import CHECKED, NOTEBOOKS, ROOT, normalised, unspeaking_ids

ALL = sorted(NOTEBOOKS.glob("*.ipynb"))
SECTIONS = ["Predict", "Slide", "Measure", "Explain", "Write it yourself", "Train", "Myth check", "Quiz", "Take-away"]
MEASURED_FIRST = [*SECTIONS[:1], *SECTIONS[2:4], SECTIONS[1], *SECTIONS[4:]]  # the sliders come after the explanation
SLIDE_TYPES = {"slide", "subslide", "fragment", "skip", "-"}
MOST_LINES = 15
MOST_IMPORT_LINES = 7
IMPORTING = (ast.Import, ast.ImportFrom, ast.AugAssign, ast.Expr)  # finding the course and fetching it, see import_cell


def problems(number: int, cells: list[Any]) -> list[str]:
    """What a notebook does otherwise than the others; number 0 is the start page, which is no lesson."""
    found = []
    code_cells = [cell for cell in cells if cell.cell_type == "code"]
    for cell in cells:
        if cell.metadata.get("slideshow", {}).get("slide_type") not in SLIDE_TYPES:
            found.append(f"{cell.id}: no slide type")
    for cell in code_cells[1:]:  # the first one holds the imports, however many
        if len(cell.source.splitlines()) > MOST_LINES:
            found.append(f"{cell.id}: more than {MOST_LINES} lines of code")
    first_line = cells[0].source.splitlines()[0]
    if not first_line.startswith(f"# {number:02} " if number else "# "):
        found.append(f"{cells[0].id}: the title is not `# {number:02} Title`")
    if number:
        headings = [line[3:] for cell in cells for line in prose_lines(cell) if line.startswith("## ")]
        orders = (SECTIONS, MEASURED_FIRST)
        if not any(headings in (order, [name for name in order if name != "Train"]) for order in orders):
            found.append(f"the sections are {headings}")
    return found + import_problems(code_cells)


def prose_lines(cell: Any) -> list[str]:
    """The lines of a cell that can be headings."""
    return cell.source.splitlines() if cell.cell_type == "markdown" else []


def import_problems(cells: list[Any]) -> list[str]:
    """Whether the first code cell holds the imports, all of them, each by its name.

    It may show something, too: then it is part of a slide, and site and slides know the imports by their lines.
    """
    found = []
    for place, cell in enumerate(cells):
        imports, rest = divided(cell.source)
        shows = bool(imports and rest)
        statements = ast.parse(imports if shows else cell.source).body
        imported = [node for node in statements if isinstance(node, ast.Import | ast.ImportFrom)]
        if place == 0 and not all(isinstance(node, IMPORTING) for node in statements):
            found.append(f"{cell.id}: the first code cell is not one of imports alone")
        if place == 0 and (cell.metadata.get("slideshow", {}).get("slide_type") == "skip") is shows:
            found.append(
                f"{cell.id}: the imports have another slide type than skip, by which site and slides know them"
            )
        if place > 0 and imported:
            found.append(f"{cell.id}: imports outside the first code cell")
        if any(alias.name == "*" for node in imported for alias in node.names):
            found.append(f"{cell.id}: a star import")
    return found


def needed_from_deeper(cells: list[Any]) -> set[str]:
    """The names that the main line uses and only a *Go deeper* section gives."""
    given: dict[bool, set[str]] = {True: set(), False: set()}
    needed: set[str] = set()
    for cell in cells:
        if cell.cell_type == "code":
            is_deeper = DEEPER in cell.metadata.get("tags", [])
            bound, loaded = names(cell.source)
            needed |= set() if is_deeper else (loaded - bound) & given[True] - given[False]
            given[is_deeper] |= bound
    return needed


def names(source: str) -> tuple[set[str], set[str]]:
    """The names that a source binds, and those that it uses."""
    nodes = list(ast.walk(ast.parse(source)))
    bound = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    bound |= {alias.asname or alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    bound |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return bound, {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def read(text: str) -> Any:
    return nbformat.reads(text, as_version=4)


def test_there_are_notebooks() -> None:
    numbers = [path.name[:2] for path in ALL]
    assert numbers and numbers == [number for number in LESSONS if number in numbers], "one notebook a lesson"


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
class TestNotebook:
    def test_is_normalised(self, path: Path) -> None:
        text = path.read_bytes().decode("utf-8")
        assert text == normalised(text), f"run `python -m tools.normalise {path.relative_to(NOTEBOOKS.parent)}`"

    def test_is_valid_with_speaking_ids(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        nbformat.validate(json.loads(text))
        assert unspeaking_ids(text) == []

    def test_begins_with_a_short_folded_cell_that_imports_what_is_used(self, path: Path) -> None:
        cells = read(path.read_text(encoding="utf-8")).cells
        imports, *others = [cell for cell in cells if cell.cell_type == "code"]
        source, rest = divided(imports.source)
        wanted = import_cell([rest, *(cell.source for cell in others)], course_address())
        assert source == wanted, "run `python -m tools.normalise`"
        assert len(source.splitlines()) <= MOST_IMPORT_LINES
        assert imports.metadata.jupyter.source_hidden and imports.metadata.cellView == "form"

    def test_holds_no_teachers_note(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        assert "Teacher's note" not in text, f"it goes into data/teacher/{path.stem}.md, under the id of its cell"

    def test_its_main_line_runs_without_its_go_deeper_sections(self, path: Path) -> None:
        assert needed_from_deeper(read(path.read_text(encoding="utf-8")).cells) == set()

    def test_keeps_the_order_of_a_lesson(self, path: Path) -> None:
        assert problems(int(path.name[:2]), read(path.read_text(encoding="utf-8")).cells) == []

    def test_tags_say_what_the_cells_do(self, path: Path) -> None:
        """Site and slides run tagged cells without the others: one that computed would show nothing, or fail."""
        cells = [cell for cell in read(path.read_text(encoding="utf-8")).cells if cell.cell_type == "code"]
        tags = {cell.id: set(cell.metadata.get("tags", [])) for cell in cells}
        lesson_calls = ("panel = panels.", "predict(", "quiz(", "lesson.")
        for cell in cells:
            is_exercise = "\ncheck(" in cell.source
            assert (EXERCISE in tags[cell.id]) == is_exercise, cell.id
            if cell.source.startswith(lesson_calls) and "\n\n" not in cell.source:
                assert HIDE_INPUT in tags[cell.id], cell.id
            if HIDE_INPUT in tags[cell.id]:
                assert not is_exercise and "print(" not in cell.source and "train(" not in cell.source, cell.id


# The checks themselves


def code(id: str, source: str, slide_type: str | None = "slide", tags: tuple[str, ...] = ()) -> Any:
    cell = nbformat.v4.new_code_cell(source, id=id)
    cell.metadata = prose(id, source, slide_type).metadata | ({"tags": list(tags)} if tags else {})
    return cell


def prose(id: str, source: str, slide_type: str | None = "slide") -> Any:
    metadata = {"slideshow": {"slide_type": slide_type}} if slide_type else {}
    return nbformat.v4.new_markdown_cell(source, id=id, metadata=metadata)


def lesson(*sections: str) -> list[Any]:
    title = [prose("title", "# 03 A title"), code("imports", "import math\nfrom helpers import theory", "skip")]
    return title + [prose(name.lower().replace(" ", "-"), f"## {name}\nText.") for name in sections]


def messy() -> str:
    """A notebook as JupyterLab saves it after a run."""
    printed = [nbformat.v4.new_output("stream", name="stdout", text=text) for text in ("one\n", "two\n")]
    warned = nbformat.v4.new_output("stream", name="stderr", text="careful\n")
    shown = nbformat.v4.new_output("display_data", {"image/png": "AAAA"})
    result = nbformat.v4.new_output("execute_result", {"text/plain": "3", "text/html": "<b>3</b>"}, execution_count=41)
    free = code("free", "print(1)  \n\n")
    free.update(execution_count=40, outputs=list(printed))
    free.metadata |= {"collapsed": True, "editable": False}
    checked = code("checked", "print('one')", tags=(CHECKED,))
    checked.update(execution_count=41, outputs=[*printed, warned, shown, result])
    notebook = nbformat.v4.new_notebook(
        cells=[prose("title", "# 03 Gradient σ", None), free, checked, code("empty", "")],
        metadata={
            "widgets": {"state": {}},
            "language_info": {"name": "python"},
            "kernelspec": {"name": "mine", "display_name": "Mine"},
        },
    )
    return str(nbformat.writes(notebook))


def test_normalising_keeps_what_was_written_and_what_is_compared() -> None:
    notebook = read(normalised(messy()))
    assert notebook.metadata == {"kernelspec": normalise.KERNEL}
    title, free, checked = notebook.cells
    assert title.source == "# 03 Gradient σ" and title.metadata == {}
    assert free.source == "print(1)" and free.metadata == {"slideshow": {"slide_type": "slide"}}
    assert free.outputs == [] and free.execution_count is None
    assert checked.metadata == {"tags": [CHECKED], "slideshow": {"slide_type": "slide"}}
    printed, result = checked.outputs
    assert printed == {"output_type": "stream", "name": "stdout", "text": "one\ntwo\n"}
    assert result.data == {"text/plain": "3"} and result.execution_count == checked.execution_count == 2


@pytest.mark.parametrize(
    ("source", "tags"),
    [
        ("panel = panels.relu()\npanel", [HIDE_INPUT]),
        (f"import math\n\nmath.sqrt(2)\n{IMPORT}panels\n\npanels.relu()", [HIDE_INPUT]),
        ('quiz("01", panel)', [HIDE_INPUT]),
        ("panels.still(timeline())", [HIDE_INPUT]),
        ('def f(x):\n    ...\n\n\ncheck("f", f)', [EXERCISE]),
        ("history = train(panels.relu())", []),
        ("depth = 20", []),
        ("print(sum([1]))", [CHECKED]),
    ],
)
def test_normalising_gives_each_cell_the_tag_of_what_it_calls(source: str, tags: list[str]) -> None:
    cell = code("cell", source, tags=(HIDE_INPUT, *(tag for tag in tags if tag == CHECKED)))
    notebook = nbformat.v4.new_notebook(cells=[cell])
    (kept,) = read(normalised(str(nbformat.writes(notebook)))).cells
    assert kept.metadata.get("tags", []) == tags


def normalised_cells(*cells: Any) -> list[Any]:
    return read(normalised(str(nbformat.writes(nbformat.v4.new_notebook(cells=list(cells)))))).cells


def test_normalising_tags_and_folds_go_deeper_up_to_the_next_heading() -> None:
    cells = normalised_cells(
        prose("explain", "## Explain"),
        prose("deeper", "### Go deeper: the second derivation\n\nText."),
        code("sum", "print(1)", tags=(CHECKED,)),
        prose("note", "#### A detail"),
        prose("back", "### Back"),
        code("stale", "x = 1", tags=(DEEPER,)),
        prose("more", "### Go deeper: more"),
        prose("train", "## Train"),
    )
    tagged = {cell.id: cell.metadata.get("tags", []) for cell in cells}
    assert [id for id, tags in tagged.items() if DEEPER in tags] == ["deeper", "sum", "note", "more"]
    assert tagged["sum"] == [DEEPER, CHECKED]
    assert [cell.id for cell in cells if cell.metadata.get(FOLDED)] == ["deeper", "more"]


def test_normalising_folds_the_import_cell_and_no_other() -> None:
    cells = normalised_cells(code("imports", "from helpers.notebook import np"), code("use", "np.ones(3)"))
    assert [cell.metadata.get("jupyter", {}).get("source_hidden", False) for cell in cells] == [True, False]


def test_what_the_main_line_needs_from_go_deeper_is_named() -> None:
    cells = [code("a", "y = 1", tags=(DEEPER,)), code("b", "z = 2\nx = y + z")]
    assert needed_from_deeper(cells) == {"y"}
    assert needed_from_deeper([code("c", "y = 0"), *cells]) == set()


def test_a_still_stands_where_a_panel_will_be() -> None:
    cell = nbformat.v4.new_code_cell("panels.start_here()", id="panel", metadata={"tags": ["still"]})
    found = nbformat.reads(normalised(nbformat.writes(nbformat.v4.new_notebook(cells=[cell]))), as_version=4)
    (output,) = found.cells[0].outputs
    assert output.output_type == "display_data" and "loss" in output.data["text/plain"]
    assert base64.b64decode(output.data["image/png"]) == (ROOT / "data" / "network.png").read_bytes()


def test_normalising_twice_changes_nothing_and_the_layout_is_fixed() -> None:
    once = normalised(messy())
    assert normalised(once) == once
    assert once == json.dumps(json.loads(once), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def test_ids_must_speak_and_be_unique() -> None:
    bad = ["twice", "twice", "3d", "Slide", "two_words", "a1b2c3d4", "a1b2c3d4-93b8-4a0e-8f30-0d6cbb0f4a11"]
    cells = [{"id": id} for id in ["slide-panel", "measure2", *bad, "gain-10-15"]]
    assert unspeaking_ids(json.dumps({"cells": [*cells, {}]})) == [*bad, "(none)"]


def test_command_line_checks_and_mends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "03_messy.ipynb"
    path.write_text(messy(), encoding="utf-8")
    assert normalise.main(["--check", str(path)]) == 1
    assert "not normalised" in capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == messy()
    assert normalise.main([str(path)]) == 0
    assert normalise.main(["--check", str(path)]) == 0
    assert path.read_text(encoding="utf-8") == normalised(messy())


def test_command_line_leaves_alone_what_has_no_speaking_ids(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "03_nameless.ipynb"
    text = messy().replace('"id": "free"', '"id": "1f2e3d4c"')
    path.write_text(text, encoding="utf-8")
    assert normalise.main([str(path)]) == 1
    assert "1f2e3d4c" in capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == text


def test_command_line_runs(tmp_path: Path) -> None:
    path = tmp_path / "03_run.ipynb"
    cell = code("checked", "import os\nprint(6 * 7)\nos.environ['GRADIENT_COURSE_HOME'] != ''", tags=(CHECKED,))
    path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=[cell])), encoding="utf-8")
    assert normalise.main(["--run", str(path)]) == 0
    printed, result = read(path.read_text(encoding="utf-8")).cells[0].outputs
    assert printed.text == "42\n" and result.data == {"text/plain": "True"}


def test_a_lesson_in_order_has_no_problems() -> None:
    assert problems(3, lesson(*SECTIONS)) == []
    assert problems(3, lesson(*[name for name in SECTIONS if name != "Train"])) == []
    assert MEASURED_FIRST[:5] == ["Predict", "Measure", "Explain", "Slide", "Write it yourself"]
    assert problems(3, lesson(*MEASURED_FIRST)) == []
    assert problems(0, lesson()[:1] + [code("imports", "import math", "skip")]) == []
    assert problems(0, lesson()[:1] + [code("panel", f"{IMPORT}panels\n\npanels.start_here()", "-")]) == []


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        (lesson(*SECTIONS[:-1]), "the sections are"),
        (lesson(*reversed(SECTIONS)), "the sections are"),
        (lesson(*SECTIONS, "More"), "the sections are"),
        ([prose("title", "# 04 Another"), *lesson(*SECTIONS)[1:]], "the title is not"),
        ([*lesson(*SECTIONS), prose("more", "text", None)], "no slide type"),
        ([prose("title", "# 03 A"), code("shown", "import math"), *lesson(*SECTIONS)[2:]], "slide type than skip"),
        ([*lesson(*SECTIONS), code("long", "x = 1\n" * 16)], "more than 15 lines"),
        ([*lesson(*SECTIONS), code("late", "import torch")], "imports outside"),
        (
            [prose("title", "# 03 A"), code("first", "x = 1", "skip"), *lesson(*SECTIONS)[2:]],
            "not one of imports alone",
        ),
        (
            [prose("title", "# 03 A"), code("star", "from math import *", "skip"), *lesson(*SECTIONS)[2:]],
            "a star import",
        ),
    ],
)
def test_what_is_out_of_order_is_named(cells: list[Any], complaint: str) -> None:
    assert any(complaint in problem for problem in problems(3, cells))
    assert len(problems(3, cells)) == 1
