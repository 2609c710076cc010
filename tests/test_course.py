"""Every list of lessons follows the records of `helpers.course`, and the licences are named where readers look."""

from __future__ import annotations

import importlib
import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from helpers import course, panels
from helpers.course import LESSONS, Lesson, notebooks
from helpers.exercises import EXERCISES
from helpers.publish import commands
from helpers.publish.present import build as slides
from helpers.publish.site.frame import Site
from helpers.publish.site.home import index_page
from helpers.quiz import available_lessons

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_notebook_has_a_record_and_every_record_a_notebook() -> None:
    assert sorted(notebooks().values()) == sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert list(notebooks()) == list(LESSONS)


def test_every_bank_belongs_to_a_lesson() -> None:
    banks = sorted(path.stem for path in (ROOT / "data/quiz").glob("[0-9][0-9]_*.json"))
    assert banks == [f"{lesson.number}_{lesson.slug}" for lesson in LESSONS.values()]
    assert list(available_lessons()) == list(LESSONS)


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)
def test_a_notebook_has_the_title_of_its_record(lesson: Lesson) -> None:
    first = json.loads(notebooks()[lesson.number].read_text(encoding="utf-8"))["cells"][0]
    assert first["source"][0].rstrip("\n") == f"# {lesson.name}"


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)
def test_the_panels_of_a_record_stand_in_the_module_of_the_lesson(lesson: Lesson) -> None:
    module = importlib.import_module(f"helpers.panels.lesson_{lesson.number}")
    assert all(getattr(module, name) is getattr(panels, name) for name in lesson.panels)
    source = notebooks()[lesson.number].read_text(encoding="utf-8")
    assert lesson.panels and f"panels.{lesson.panels[0]}(" in source


def test_every_module_of_exercises_is_registered() -> None:
    modules = {path.stem[-2:] for path in (ROOT / "helpers/exercises").glob("lesson_*.py")}
    assert {exercise.lesson for exercise in EXERCISES.values()} == modules <= set(LESSONS)


def test_the_table_of_the_readme_follows_the_records() -> None:
    rows = re.findall(r"^\| \[\d\d .+?\]\(notebooks/.+?\) \| .+ \|$", README, flags=re.MULTILINE)
    wanted = [f"| [{each.name}](notebooks/{each.notebook}) | {each.shows} |" for each in LESSONS.values()]
    assert rows == wanted, "the table's rows must read:\n" + "\n".join(row for row in wanted if row not in rows)


def test_a_copy_or_a_notebook_without_a_record_is_no_lesson(tmp_path: Path) -> None:
    for name in ("03_deep_sigmoid_nets.ipynb", "03_deep_sigmoid_nets-Copy1.ipynb", "20_my_notes.ipynb"):
        (tmp_path / name).write_text("{}")
    assert notebooks(tmp_path) == {"03": tmp_path / "03_deep_sigmoid_nets.ipynb"}


def test_the_readme_is_short_and_leads_to_the_details() -> None:
    text = re.sub(r"```.*?```|\]\([^)]*\)|[|`#]", " ", README, flags=re.DOTALL)
    assert len(text.split()) < 850, "read in three to four minutes, the table of lessons included"
    docs = sorted((ROOT / "docs").glob("*.md"))
    assert docs and all(f"docs/{path.name}" in README for path in docs)
    assert README.index("python start.py  ") < README.index("## The lessons")


def test_every_word_of_start_py_is_explained() -> None:
    text = README + "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    assert [word for word in commands.WORDS if f"start.py {word}" not in text] == []


# Licences


def test_the_licences_are_named_where_readers_look() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "BSD-3-Clause AND CC-BY-4.0"
    assert all((ROOT / name).is_file() and f"({name})" in README for name in project["license-files"])
    assert "BSD 3-Clause" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Attribution 4.0 International" in (ROOT / "LICENSE-CONTENT").read_text(encoding="utf-8")
    assert all(course.AUTHORS in (ROOT / name).read_text(encoding="utf-8") for name in project["license-files"])
    for text in (index_page(Site({"00": "00.html"})), slides.LICENCE):
        assert course.AUTHORS in text and course.CODE_LICENCE in text and course.CONTENT_LICENCE in text


def test_the_citation_names_title_version_and_licences() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["title"] == course.TITLE and citation["version"] == project["version"]
    assert " AND ".join(citation["license"]) == project["license"]
    assert f"## {project['version']} – {citation['date-released']}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


# CONTRIBUTING.md


def test_contributing_says_what_each_module_is_for() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Where things are")[1].split("\n## ")[0]
    modules = {
        path.name for path in (ROOT / "helpers").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    named = set(re.findall(r"`(?:helpers/)?(\w+(?:\.py)?)/?`", table))
    assert sorted(modules - named - {"__init__.py"}) == []


def test_contributing_names_files_that_are_there() -> None:
    """Paths in the text exist; NN, NAME and `helpers/live.*` stand for several files."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = set(re.findall(r"`((?:helpers|tests|tools|data|notebooks)/[\w/.*]+)`", text))
    patterns = {path: path.replace("NN", "0?").replace("slug", "*").replace("NAME", "*") for path in paths}
    assert len(paths) > 20
    assert [path for path, pattern in patterns.items() if not list(ROOT.glob(pattern))] == []
