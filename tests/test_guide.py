"""The teacher's guide: one page with minutes, poll, notes and answers of every lesson."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.course import LESSONS, notebooks
from helpers.panels.lesson_11 import UNKNOWN
from helpers.publish.cells.running import read_cells
from helpers.publish.guide.__main__ import main
from helpers.publish.guide.page import guide_page
from helpers.publish.minutes import contents
from helpers.publish.teacher import notes_of
from helpers.quiz import load_bank, load_predictions

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def page() -> str:
    return guide_page(notebooks())


def plain(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page))


def test_each_lesson_has_its_minutes_its_poll_and_its_notes(page: str) -> None:
    text = plain(page)
    for lesson, path in notebooks().items():
        cells = read_cells(path)
        minutes = contents(lesson, cells)
        assert f"<td>{LESSONS[lesson].name}</td><td>{minutes.in_class}</td><td>{minutes.alone}</td>" in page, lesson
        for note in notes_of(path, cells).values():
            opening = re.split(r"[*`$_\n\[(]", note)[0]
            assert opening in text, (lesson, opening)
    for prediction in load_predictions().values():
        assert prediction.question in text


def test_the_notes_of_a_section_stand_under_one_heading(page: str) -> None:
    for section in re.findall(r"<section>(.*?)</section>", page, re.DOTALL):
        titles = re.findall(r"<h3>(.*?)</h3>", section)
        assert all(first != second for first, second in zip(titles, titles[1:], strict=False)), titles


def test_hidden_networks_are_told(page: str) -> None:
    text = plain(page)
    profiles = [question for lesson in notebooks() for question in load_bank(lesson) if question.type == "profile"]
    assert len(profiles) >= 5
    for question in profiles:
        assert all(answer.text in text for answer in question.answers)
    for number, spec in UNKNOWN.items():
        assert f"<td>{number}</td><td>{spec['activation']}</td><td>{spec['gain']}</td>" in page


def test_the_page_loads_nothing_and_runs_nothing(page: str) -> None:
    assert "<script" not in page and not re.search(r'(?:src|href)="(?!data:)', page)
    assert "Content-Security-Policy" in page and "break-before: page" in page


def test_on_the_site_it_leads_back_to_the_first_page(page: str) -> None:
    assert "<a " not in page
    with_home = guide_page({"00": notebooks()["00"]}, home="index.html")
    assert with_home.count('<a href="index.html">') == 1 and "@media print { .back { display: none; } }" in with_home


def test_the_word_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--to", str(tmp_path / "guide"), "--lesson", "03"]) == 0
    page = (tmp_path / "guide/guide.html").read_text(encoding="utf-8")
    assert "03 Deep sigmoid networks" in page and "04 ReLU" not in page
    assert main(["--lesson", "77"]) == 1
    assert "There is no lesson '77': use one of 00, 01" in capsys.readouterr().err


def test_start_py_knows_the_word() -> None:
    answer = subprocess.run([sys.executable, ROOT / "start.py", "guide", "--help"], capture_output=True, text=True)
    assert answer.returncode == 0 and "teacher's guide" in answer.stdout
