"""A short deck runs the cells that it shows, and those that give or change what they use."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Collection
from pathlib import Path

import pytest

from helpers.course import notebooks
from helpers.publish.cells import preparing
from helpers.publish.cells.bake import Fineness
from helpers.publish.cells.context import BuildContext, BuildOptions
from helpers.publish.cells.lessons import run_lesson
from helpers.publish.cells.needed import needed
from helpers.publish.cells.preparing import prepare
from helpers.publish.cells.running import Cell, read_cells, run_cells
from helpers.publish.cells.store import Store
from helpers.publish.present.short import short_deck, to_run
from tests.browser.lab import write_notebook
from tests.test_store import QUICK

FIRST = "import math, torch"


def needed_of(*sources: str, imports: str = FIRST) -> list[int]:
    """The places of the cells that the last one needs, itself among them; 0 is the cell with the imports."""
    cells = [Cell(str(place), "code", source) for place, source in enumerate((imports, *sources))]
    cells[0].slide = "skip"
    return sorted(map(int, needed(cells, {str(len(sources))})))


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (("a = 1", "b = 2", "print(a)"), [0, 1, 3]),
        (("a = []", "a.append(1)", "print(a)"), [0, 1, 2, 3]),
        (("a = []", "print(a)", "assert a == []", "a"), [0, 1, 4]),
        (("a = [0]", "a[0] += 1", "a"), [0, 1, 2, 3]),
        (("model = torch.nn.Linear(1, 1)", "history = train(model)", "show(model)"), [0, 1, 2, 3]),
        (("data = [1]", "model = 2", "train(model, data, steps=2)", "data"), [0, 1, 4]),
        (("data = [1]", "history = model.fit(data)", "data"), [0, 1, 2, 3]),
        (("a = 1", "a = 2", "a"), [0, 2, 3]),
        (("a = 1", "a += 2", "a"), [0, 1, 2, 3]),
        (("a = 1", "if math.pi > 3:\n    a = 2", "a"), [0, 1, 2, 3]),
        (("for name in 'ab':\n    print(name)", "for name in 'cd':\n    print(name)"), [0, 2]),
        (("def g():\n    return 1", "def f():\n    return g()", "f()"), [0, 1, 2, 3]),
        (("a = 1", "def f():\n    a = 2", "a"), [0, 1, 2, 3]),
        (("a = 1", "b = [a for a in range(3)]", "a"), [0, 1, 3]),
        (("a = 1", "{a: b for a, b in zip('xy', 'xy')}"), [0, 2]),
        (("a = [1]", "[a for a in a]"), [0, 1, 2]),
        (("a = 1", "b = 1", "[a for _ in range(3) if b]"), [0, 1, 2, 3]),
        (("a = 1", "hook = lambda a: a"), [0, 2]),
        (("a = 1", "hook = lambda x, y=a: x"), [0, 1, 2]),
        (("x = math.sqrt(4)", "print(math.pi)"), [0, 2]),
        (("with open('a') as file:\n    text = file.read()", "[each for each in text]"), [0, 1, 2]),
    ],
)
def test_what_gives_or_changes_a_name_is_needed(sources: tuple[str, ...], expected: list[int]) -> None:
    assert needed_of(*sources) == expected


def test_only_the_cells_that_are_named_run(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "a.ipynb", "print(1)", "1 / 0", "print(3)")
    cells = read_cells(notebook)
    ran = run_cells(notebook, only={cells[0].id, cells[2].id})
    assert [cell.text for cell in ran] == ["1\n", "", "3\n"]


@pytest.mark.parametrize("lesson", notebooks())
def test_a_deck_runs_no_exercise_and_nothing_of_the_quiz(lesson: str) -> None:
    cells = {cell.id: cell for cell in read_cells(notebooks()[lesson])}
    ids = to_run(list(cells.values()))
    assert len(ids) < sum(cell.kind == "code" for cell in cells.values())
    assert not [id for id in ids if "exercise" in cells[id].tags or "quiz(" in cells[id].source]


def test_a_deck_takes_a_whole_run_that_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    notebook = write_notebook(tmp_path / "00_other.ipynb", "1 + 1", "2 + 2")
    prepare({"00": notebook}, QUICK, store)
    monkeypatch.setattr(preparing, "_computed", lambda *_: pytest.fail("it was run again"))
    assert [cell.source for cell in prepare({"00": notebook}, QUICK, store, only=to_run).lessons["00"]] == [
        "1 + 1",
        "2 + 2",
    ]


def deck_of(lesson: str, only: Collection[str] | None) -> str:
    """The slides and the data of their scripts; figures are numbered as they come: a whole run has shown others too."""
    context = BuildContext(lesson, BuildOptions(Fineness(0.001)))
    stacks = short_deck(run_lesson(notebooks()[lesson], context, only), context)
    text = json.dumps([[[dataclasses.asdict(slide) for slide in stack] for stack in stacks], context.data])
    numbers: dict[str, str] = {}
    return re.sub(rf"\b{lesson}-\d+\b", lambda tag: numbers.setdefault(tag[0], f"figure {len(numbers) + 1}"), text)


def check_deck(lesson: str) -> None:
    part = to_run(read_cells(notebooks()[lesson]))
    assert deck_of(lesson, part) == deck_of(lesson, None)


@pytest.mark.slow
def test_the_deck_is_that_of_a_whole_run() -> None:
    check_deck("02")


@pytest.mark.exhaustive
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("lesson", notebooks())
def test_every_deck_is_that_of_a_whole_run(lesson: str) -> None:
    check_deck(lesson)
