"""How long each lesson takes: `python -m tools.minutes [LESSON …]` prints the minutes and the counts behind them."""

from __future__ import annotations

import sys

from helpers.course import notebooks
from helpers.publish.cells.running import read_cells
from helpers.publish.minutes import contents

TITLES = ("class", "alone", "class, whole", "alone, whole", "words", "cells", "sliders", "formulas")


def main(lessons: list[str]) -> int:
    """Print a table of the lessons named, or of all: the main line, and the whole with the Go deeper sections."""
    print("lesson  " + "  ".join(TITLES))
    for lesson, path in notebooks().items():
        if not lessons or lesson in lessons:
            cells = read_cells(path)
            main_line, whole = contents(lesson, cells), contents(lesson, cells, whole=True)
            minutes = (main_line.in_class, main_line.alone, whole.in_class, whole.alone)
            made_of = (main_line.words, main_line.cells, main_line.sliders, main_line.formulas)
            columns = zip((*minutes, *made_of), TITLES, strict=True)
            print(f"{lesson:6}  " + "  ".join(f"{number:{len(title)}}" for number, title in columns))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
