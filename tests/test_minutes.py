"""How long the lessons take: the constants fit what readers estimated, and main lines fit into a lesson."""

from __future__ import annotations

import re

import pytest

from helpers.course import notebooks
from helpers.publish.cells.deeper import DEEPER
from helpers.publish.cells.running import EXERCISE, HIDE_INPUT, Cell, read_cells
from helpers.publish.minutes import Contents, contents
from tools import minutes

MOST_IN_CLASS = 45
LAST, MOST_OF_THE_LAST = "11", 60
"""The last lesson shows all that the others made; its class is longer."""

BEFORE_THE_CUT = {  # commit 06fbc99, and the class minutes that readers estimated
    "01": (Contents(1612, 108, 12, 5, 4, 2, 21), 65),
    "02": (Contents(1296, 97, 12, 3, 3, 2, 20), 65),
    "03": (Contents(1722, 90, 17, 5, 4, 2, 18), 65),
    "04": (Contents(2027, 95, 19, 12, 4, 2, 21), 85),
    "05": (Contents(2005, 96, 22, 12, 2, 2, 19), 90),
}


@pytest.mark.parametrize("lesson", BEFORE_THE_CUT)
def test_the_constants_fit_what_readers_estimated(lesson: str) -> None:
    made_of, estimated = BEFORE_THE_CUT[lesson]
    assert abs(made_of.in_class - estimated) <= 10


LESSONS = {lesson: read_cells(path) for lesson, path in notebooks().items()}


@pytest.mark.parametrize("lesson", [name for name, cells in LESSONS.items() if any(DEEPER in c.tags for c in cells)])
def test_the_main_line_of_a_lesson_with_go_deeper_sections_fits_its_class(lesson: str) -> None:
    cells = LESSONS[lesson]
    needed = contents(lesson, cells).in_class
    (minutes,) = re.findall(r"In class: (\d+) minutes", cells[0].source)
    assert needed <= int(minutes) <= (MOST_OF_THE_LAST if lesson == LAST else MOST_IN_CLASS)


def test_what_a_lesson_is_made_of() -> None:
    deeper = frozenset({DEEPER})
    cells = [
        Cell("title", "markdown", "# 03 Two words"),
        Cell("imports", "code", "import math", slide="skip"),
        Cell("panel", "code", "panel = panels.deep_sigmoid_nets()\npanel", tags=frozenset({HIDE_INPUT})),
        Cell("law", "markdown", "one $$a$$"),
        Cell("sum", "code", "print(1)"),
        Cell("more", "markdown", "### Go deeper: more", tags=deeper),
        Cell("more-sum", "code", "print(2)", tags=deeper),
        Cell("write", "markdown", "## Write it yourself\n\nnow"),
        Cell("task", "code", 'check("x", x)', tags=frozenset({EXERCISE})),
    ]
    main_line, whole = contents("03", cells), contents("03", cells, whole=True)
    assert (main_line.words, main_line.homework_words, main_line.cells) == (6, 5, 1)
    assert main_line.sliders >= 4 and (main_line.formulas, main_line.exercises) == (1, 1)
    assert (whole.words, whole.cells) == (10, 2)
    assert whole.in_class > main_line.in_class and whole.alone > main_line.alone


def test_the_table_has_a_row_for_each_lesson(capsys: pytest.CaptureFixture[str]) -> None:
    assert minutes.main(["00", "01"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == ["lesson", "00", "01"]
    cells = read_cells(notebooks()["00"])
    assert rows[1].split()[1:3] == [str(contents("00", cells).in_class), str(contents("00", cells).alone)]
