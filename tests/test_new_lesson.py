"""CONTRIBUTING's recipe for a lesson, followed in a copy of the course: lesson 99 has a page, slides and exports."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.normalise import normalised

ROOT = Path(__file__).resolve().parents[1]

RECORD = """\
    Lesson(
        "99",
        "products",
        "Products",
        adds="nothing but a product",
        shows="how a product of equal factors depends on their number",
        panels=("product",),
    ),
"""
PANEL = '''\
"""Lesson 99: a product of equal factors."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers import figures
from helpers.panels.controls import float_slider
from helpers.panels.curves import LAYERS, padded
from helpers.panels.panel import Panel


def product() -> Panel:
    """One slider: the factor per layer."""

    def compute(factor: float) -> dict[str, Any]:
        powers = -np.log10(factor) * np.arange(-9, 1)
        return {
            "measured": padded(powers),
            "theory": padded(powers),
            "spread over seeds": padded(np.stack([powers, powers])),
            "summary": f"Ten factors of {factor:g} give {factor**10:.1e}.",
        }

    figure = figures.signal_by_layer(LAYERS, title="A product", low=-40, high=5)
    return Panel("product", figure, {"factor": float_slider("factor", 0.5, 0.1, 2.0, 0.1)}, compute)
'''
EXERCISE = '''\
"""The exercise of lesson 99."""

from __future__ import annotations

from typing import Any

from helpers.exercises.checking import Exercise, Mistake, CheckResult, judge_function


def _judge(function: Any) -> CheckResult:
    mistakes = [Mistake(lambda factor, n: factor * n, "That is a sum of equal terms. Multiply them.")]
    return judge_function(function, "power_of", lambda factor, n: factor**n, [(0.5, 3), (2.0, 4)], mistakes=mistakes)


EXERCISES = (
    Exercise(
        id="power_of",
        hints=("A product of equal factors is a power.", "Python writes powers as `**`."),
        solution="def power_of(factor, n):\\n    return factor**n\\n",
        judge=_judge,
    ),
)
'''
PREDICTION = {
    "id": "99",
    "type": "scale",
    "question": "What is 0.5 multiplied by itself until ten factors stand there?",
    "outcome": "Computed",
    "low": -6,
    "high": 0,
}
QUESTION = {
    "id": "99-power",
    "type": "multiple_choice",
    "question": "What is the product of ten factors of 0.5?",
    "answers": [
        {"answer": "about 1/1000", "correct": True, "feedback": "0.5¹⁰ is 1/1024."},
        {"answer": "5", "correct": False, "feedback": "That is the sum of ten halves."},
        {"answer": "0.05", "correct": False, "feedback": "That divides one half by ten."},
    ],
}
CELLS: list[tuple[str, str, list[str]]] = [
    ("title", "# 99 Products\n\nAfter this lesson you can multiply.", []),
    ("imports", "from helpers.notebook import check, panels, predict, quiz", []),
    ("predict-text", "## Predict", []),
    ("predict", 'predict("99")', ["hide-input"]),
    ("slide-text", "## Slide", []),
    ("panel", "panel = panels.product()\npanel", ["hide-input"]),
    ("measure-text", "## Measure", []),
    ("measure", "print(0.5**10)", []),
    ("explain-text", "## Explain\n\nA product of equal factors is a power.", []),
    ("write-text", "## Write it yourself", []),
    ("write", 'def power_of(factor, n): ...\n\n\ncheck("power_of", power_of)', ["exercise"]),
    ("myth-text", "## Myth check", []),
    ("myth", "assert 0.5**10 < 0.5 * 10", []),
    ("quiz-text", "## Quiz", []),
    ("quiz", 'quiz("99", panel)', ["hide-input"]),
    ("take-away", "## Take-away\n\nTen halves make a thousandth.", []),
]


def notebook() -> str:
    """The notebook of lesson 99, normalised as CONTRIBUTING asks for."""
    cells = []
    for name, source, tags in CELLS:
        is_prose = source.startswith("#")
        slide_type = "slide" if is_prose else "skip" if name == "imports" else "-"
        metadata = {"slideshow": {"slide_type": slide_type}} | ({"tags": tags} if tags else {})
        cell: dict[str, object] = {"id": name, "metadata": metadata, "source": source}
        cell |= {"cell_type": "markdown"} if is_prose else {"cell_type": "code", "execution_count": None, "outputs": []}
        cells.append(cell)
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    written = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return normalised(json.dumps(written))


def insert(path: Path, before: str, text: str) -> None:
    """Put text into a file before the last place where `before` stands."""
    head, found, tail = path.read_text(encoding="utf-8").rpartition(before)
    assert found
    path.write_text(head + text + before + tail, encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the course with lesson 99, added as CONTRIBUTING tells; the other notebooks are left out."""
    folder = tmp_path_factory.mktemp("course")
    for name in ("helpers", "data"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("CITATION.cff", "pyproject.toml", "requirements.txt", "start.py"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "notebooks").mkdir()
    insert(folder / "helpers/course.py", ")\n\nLESSONS", RECORD)
    (folder / "notebooks/99_products.ipynb").write_text(notebook(), encoding="utf-8")
    (folder / "helpers/panels/lesson_99.py").write_text(PANEL, encoding="utf-8")
    (folder / "helpers/exercises/lesson_99.py").write_text(EXERCISE, encoding="utf-8")
    (folder / "data/quiz/99_products.json").write_text(json.dumps([QUESTION]), encoding="utf-8")
    predictions = folder / "data/quiz/predictions.json"
    every = json.loads(predictions.read_text(encoding="utf-8"))
    predictions.write_text(json.dumps([*every, PREDICTION]), encoding="utf-8")
    return folder


def run(copy: Path, *arguments: str) -> str:
    """What a program of the copy prints; the copy's `helpers` is the one that is imported, in kernels too."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "GRADIENT_COURSE_HOME": str(copy / "home")}
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, encoding="utf-8", timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_new_lesson_has_a_page(copy: Path) -> None:
    run(copy, "helpers.publish.site", "--to", str(copy / "site"), "--lesson", "99", "--quick", "--part", "0.1")
    page = (copy / "site/99_products.html").read_text(encoding="utf-8")
    assert "99 Products" in page and "What is the product of ten factors of 0.5?" in page
    assert "power_of" in page
    assert "Ten factors of 0.5 give" in (copy / "site/tables/99.js").read_text(encoding="utf-8")
    assert "99_products.html" in (copy / "site/index.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_new_lesson_has_slides(copy: Path) -> None:
    run(copy, "helpers.publish.present", "99", "--to", str(copy / "slides"), "--quick", "--part", "0.1")
    slides = (copy / "slides/index.html").read_text(encoding="utf-8")
    assert "99 Products" in slides and "Ten halves make a thousandth." in slides


@pytest.mark.slow
@pytest.mark.parametrize("format", ["anki", "moodle", "gift", "paper"])
def test_the_new_lesson_is_exported(copy: Path, format: str) -> None:
    printed = run(copy, "helpers.publish.exports", format, "--to", str(copy / "exports"), "--lesson", "99")
    assert re.match(r"1 question, seed 0:", printed)


@pytest.mark.slow
def test_the_new_lesson_stands_in_map_and_lists(copy: Path) -> None:
    program = (
        "from helpers import figures, panels, exercises, quiz, lesson\n"
        "assert 'nothing but a product' in figures.course_map().layout.annotations[-1].text\n"
        "assert panels.PANELS['99'] == ['product'] and panels.product().summary\n"
        "assert exercises.check_exercise('power_of', lambda factor, n: factor**n).correct\n"
        "assert quiz.load_bank('99')[0].id == '99-power'\n"
        "print(type(lesson.exam(seed=1, n=1, lessons=['99'])).__name__)\n"
    )
    (copy / "look.py").write_text(program, encoding="utf-8")
    assert run(copy, "look") == "ExamView\n"
